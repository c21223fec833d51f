"""Validates documents against the JSON Schemas under ``schemas/``.

The files are the contract (JSON Schema 2020-12). ``jsonschema_rs`` returns yes or no within a microsecond; only the
violations of an invalid document are explained, by ``violations.py``.

A schema has what is documented. Where the real service is known to be stricter or more lenient, its keywords are in an
object ``real`` beside the keywords that they add to or replace; other validators ignore it.
"""

from __future__ import annotations

import json
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Set
    from pathlib import Path

    import jsonschema_rs

    from mockserver.validation.explanations import Explanation
    from mockserver.validation.violations import Explainer, Violation

# The base address of the files, for references between them; nothing is ever fetched.
_BASE = "https://mockserver.invalid/schemas/"


class SchemaError(Exception):
    """A schema file that cannot be used: it is missing, not JSON, not JSON Schema, or has a broken reference."""


class RequestSchemas(NamedTuple):
    """The schemas that requests must satisfy: the documented ones, and those of the ``real`` service."""

    documented: Schemas
    real: Schemas

    def of(self, strictness: str) -> Schemas:
        """Return the schemas of a strictness."""
        return self.real if strictness == "real" else self.documented


class Schemas:
    """The schema files of a folder, named by their paths in it without ``.json``.

    ``Schemas(data_folder("schemas")).is_valid("openai/create_speech.request", body)``. All threads can share an
    instance; every schema is read and compiled once, at its first use. With ``real``, schemas are those of the real
    service, else the documented ones.
    """

    def __init__(self, folder: Path, *, real: bool = False) -> None:
        self._folder = folder
        self._real = real
        self._paths = {
            path.relative_to(folder).with_suffix("").as_posix(): path
            for path in sorted(folder.rglob("*.json"))
        }
        if not self._paths:
            raise SchemaError(f"{folder}: has no schemas; put them back, or reinstall")
        self._documents: dict[str, dict[str, Any]] = {}
        self._lock = Lock()
        self._compiled: dict[str, jsonschema_rs.Validator] = {}
        self._resolved: dict[str, dict[str, Any]] = {}

    @property
    def names(self) -> Set[str]:
        """Return the names of all schemas."""
        return self._paths.keys()

    def is_valid(self, name: str, document: object) -> bool:
        """Return whether ``document`` (JSON values only) satisfies the schema ``name``.

        Raises ``SchemaError`` if there is no such schema, or its file is broken.
        """
        return self._validator(name).is_valid(document)

    def violations(self, name: str, document: object) -> list[Violation]:
        """Return the violations of the schema ``name`` in ``document``, most relevant first; empty if it is valid.

        Only the first of very many violations are returned: see ``Explainer.violations``.
        """
        if self.is_valid(name, document):
            return []
        return self._explainer.violations(_address(name), document)

    def fault(self, name: str, document: object) -> Explanation | None:
        """Return the explanation of the most relevant violation of the schema ``name``; ``None`` if it is valid."""
        violations = self.violations(name, document)
        if not violations:
            return None
        from mockserver.validation import explanations as explain

        return explain.standard(explain.most_relevant(violations))

    def refused_members(self, name: str, document: object) -> set[str]:
        """Return the names of the members of ``document`` that are invalid or unknown in the schema ``name``."""
        return self._explainer.refused_members(_address(name), document)

    def properties(self, name: str) -> dict[str, Any]:
        """Return the schemas of the properties of ``name`` in declared order, with references resolved."""
        resolved = self.resolved(name).get("properties", {})
        return {key: resolved[key] for key in self._document(name).get("properties", {})}

    def resolved(self, name: str) -> dict[str, Any]:
        """Return the schema ``name`` with references resolved. Its keys are in no particular order."""
        if name not in self._resolved:
            self._validator(name)  # raises for a broken file, by its name
            import jsonschema_rs

            self._resolved[name] = jsonschema_rs.dereference(
                self._document(name), base_uri=_address(name), retriever=self._retrieve
            )
        return self._resolved[name]

    def required(self, name: str) -> list[str]:
        """Return the properties that ``name`` requires, in declared order."""
        required: list[str] = self._document(name).get("required", [])
        return required

    def _document(self, name: str) -> dict[str, Any]:
        document = self._documents.get(name)
        if document is None:
            if name not in self._paths:
                raise SchemaError(f"{name}.json: missing from {self._folder}; put it back, or reinstall")
            document = _read(self._paths[name])
            self._documents[name] = document = _as_real(document) if self._real else document
        return document

    def _retrieve(self, address: str) -> dict[str, Any]:
        return self._document(address.removeprefix(_BASE).removesuffix(".json"))

    def _validator(self, name: str) -> jsonschema_rs.Validator:
        validator = self._compiled.get(name)
        if validator is None:
            with self._lock:
                if name not in self._compiled:
                    self._compiled[name] = self._compile(name)
                validator = self._compiled[name]
        return validator

    def _compile(self, name: str) -> jsonschema_rs.Validator:
        import jsonschema_rs

        document = self._document(name)
        try:
            return jsonschema_rs.Draft202012Validator(
                document, base_uri=_address(name), retriever=self._retrieve
            )
        except (jsonschema_rs.ReferencingError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            raise SchemaError(f"{self._folder / name}.json: {reason}") from error

    def _compile_part(self, address: str) -> jsonschema_rs.Validator:
        import jsonschema_rs

        return jsonschema_rs.Draft202012Validator({"$ref": address}, retriever=self._retrieve)

    @cached_property
    def _explainer(self) -> Explainer:
        from mockserver.validation.violations import Explainer

        documents = {_address(name): self._document(name) for name in self._paths}
        return Explainer(documents, self._compile_part)


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise SchemaError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise SchemaError(f"{path}: {error}") from error
    if not isinstance(document, dict):
        raise SchemaError(f"{path}: a schema must be a JSON object")
    return document


def _as_real(schema: Any) -> Any:
    """Return the schema of the real service: each object ``real`` is merged into the object that contains it."""
    if isinstance(schema, list):
        return [_as_real(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    documented = {key: _as_real(part) for key, part in schema.items() if key != "real"}
    return documented | _as_real(schema["real"]) if "real" in schema else documented


def _address(name: str) -> str:
    return f"{_BASE}{name}.json"
