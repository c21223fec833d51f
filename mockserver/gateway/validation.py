"""Whether a document is what its JSON Schema says it is, and if not, where and how it differs.

The files under ``schemas/`` are the contract (JSON Schema 2020-12). ``jsonschema_rs`` answers yes or no
within a microsecond; only a refused document is explained, by ``jsonschema``, which is imported then.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import jsonschema_rs
    from jsonschema.exceptions import ValidationError

# Gives the files an address to refer to each other from; nothing is ever fetched.
_BASE = "https://mockserver.invalid/schemas/"


class SchemaError(Exception):
    """A schema file that cannot be used: not JSON, not JSON Schema, or referring to what is not there."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One way in which a document differs from its schema.

    ``path`` leads to the place, down to the name of a missing or unknown property; ``keyword`` is the JSON
    Schema keyword that refused it, ``expected`` that keyword's value and ``found`` what the document holds
    there (for ``required``, the object that lacks the property). ``schema`` is the part of the schema that
    applied, and ``order`` the place of the violated parameter among the declared ones.
    """

    path: tuple[str | int, ...]
    keyword: str
    expected: Any
    found: Any
    schema: Mapping[str, Any] = field(default_factory=dict)
    order: int = 0


class Schemas:
    """The schema files of a folder, each named by its path in it without ``.json``.

    ``Schemas(data_folder("schemas")).is_valid("openai/create_speech.request", body)``. One instance serves
    all threads; every schema is read and compiled once, at its first use.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._paths = {
            path.relative_to(folder).with_suffix("").as_posix(): path
            for path in sorted(folder.rglob("*.json"))
        }
        self._documents: dict[str, dict[str, Any]] = {}
        self._lock = Lock()
        self._compiled: dict[str, jsonschema_rs.Validator] = {}
        self._explainers: dict[str, Any] = {}
        self._properties: dict[str, dict[str, Any]] = {}

    def is_valid(self, name: str, document: object) -> bool:
        """Whether ``document`` (JSON values only) satisfies the schema ``name``.

        Raises ``KeyError`` when there is no such schema, ``SchemaError`` when its file is broken.
        """
        return self._validator(name).is_valid(document)

    def violations(self, name: str, document: object) -> list[Violation]:
        """Everything that keeps ``document`` from satisfying the schema ``name``; empty when nothing does.

        The most relevant comes first, by ``jsonschema.exceptions.relevance``. One violation is told per
        place; of an ``anyOf``, only the branch that the value's JSON type points to.
        """
        if self.is_valid(name, document):
            return []
        from jsonschema.exceptions import relevance

        explainer = self._explainers.get(name) or self._explainers.setdefault(name, self._explainer(name))
        places = {name: place for place, name in enumerate(self._document(name).get("properties", {}))}
        by_path: dict[tuple[str | int, ...], Violation] = {}
        for error in sorted(explainer.iter_errors(document), key=relevance, reverse=True):
            for path, found in _places(error):
                order = places.get(str(path[0]), len(places)) if path else 0
                violation = Violation(
                    path, str(error.validator), error.validator_value, found, error.schema, order
                )
                by_path.setdefault(path, violation)
        return list(by_path.values())

    def properties(self, name: str) -> dict[str, Any]:
        """The schema of each property of ``name``, in the order declared, with references resolved."""
        if name not in self._properties:
            self._validator(name)  # raises for a broken file, by its name
            import jsonschema_rs

            declared = self._document(name)
            resolved = jsonschema_rs.dereference(declared, base_uri=_address(name), retriever=self._retrieve)
            self._properties[name] = {
                key: resolved["properties"][key] for key in declared.get("properties", {})
            }
        return self._properties[name]

    def required(self, name: str) -> list[str]:
        """The properties that ``name`` requires, in the order declared."""
        required: list[str] = self._document(name).get("required", [])
        return required

    def _document(self, name: str) -> dict[str, Any]:
        document = self._documents.get(name)
        if document is None:
            if name not in self._paths:
                raise KeyError(f"no schema {name!r} in {self._folder}")
            document = self._documents[name] = _read(self._paths[name])
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

    def _explainer(self, name: str) -> Any:
        import jsonschema
        from referencing import Registry
        from referencing.jsonschema import DRAFT202012

        # "$schema" would make jsonschema go on with the stock validator inside a referenced file.
        plain = {
            name: {keyword: value for keyword, value in document.items() if keyword != "$schema"}
            for name, document in ((each, self._document(each)) for each in self._paths)
        }
        registry: Registry[Any] = Registry().with_resources(
            (_address(name), DRAFT202012.create_resource(document)) for name, document in plain.items()
        )
        validators: Any = jsonschema.validators
        explaining = validators.extend(
            jsonschema.Draft202012Validator, {"required": _required, "anyOf": _any_of}
        )
        return explaining({"$ref": _address(name)}, registry=registry.crawl())


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except ValueError as error:
        raise SchemaError(f"{path}: {error}") from error
    if not isinstance(document, dict):
        raise SchemaError(f"{path}: a schema is a JSON object")
    return document


def _address(name: str) -> str:
    return f"{_BASE}{name}.json"


def _places(error: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Where the error is and what was found there: one place per missing or unknown property."""
    path = tuple(error.absolute_path)
    if error.validator == "required":
        missing = (name for name in error.validator_value if name not in error.instance)
        yield from (((*path, name), error.instance) for name in missing)
    elif error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        yield from (((*path, name), value) for name, value in error.instance.items() if name not in known)
    else:
        yield path, error.instance


def _required(
    validator: object, names: Sequence[str], instance: object, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """``required``, but one error for all the missing names: the stock one tells them only in its message."""
    from jsonschema.exceptions import ValidationError

    if isinstance(instance, dict) and any(name not in instance for name in names):
        yield ValidationError("properties are missing")


def _any_of(
    validator: Any, branches: Sequence[Mapping[str, Any]], instance: object, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """``anyOf``, but with the errors of the branch that was meant: the one for the instance's JSON type."""
    from jsonschema.exceptions import ValidationError

    meant: list[list[ValidationError]] = []
    types: list[str] = []
    for index, branch in enumerate(branches):
        errors = list(validator.descend(instance, branch, schema_path=index))
        if not errors:
            return
        refused = [error for error in errors if error.validator == "type" and not error.path]
        for error in refused:
            expected = error.validator_value
            types.extend([expected] if isinstance(expected, str) else expected)
        if not refused:
            meant.append(errors)
    if meant:
        yield from min(meant, key=len)
    else:
        expected = list(dict.fromkeys(types))
        yield ValidationError("no branch is of this type", validator="type", validator_value=expected)
