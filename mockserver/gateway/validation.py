"""Whether a document is what its JSON Schema says it is, and if not, where and how it differs.

The files under ``schemas/`` are the contract (JSON Schema 2020-12). ``jsonschema_rs`` answers yes or no
within a microsecond; only a refused document is explained, by ``jsonschema``, which is imported then.

A schema says what is documented. Where the real service is known to be stricter, or more lenient, the keywords that
hold there stand in an object ``real`` beside those that they add to or replace; other validators ignore it.
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
    Schema keyword that refused it, ``expected`` that keyword's value (for an unknown property, the known ones
    that are not there) and ``found`` what the document holds there (for ``required``, the object that lacks the
    property). ``schema`` is the part of the schema that applied, and ``order`` the place of the violated
    parameter among the declared ones. ``sequence`` counts the violations in the order in which the service
    meets them: of an object, what is missing, then what is unknown, then the members as they are declared.
    """

    path: tuple[str | int, ...]
    keyword: str
    expected: Any
    found: Any
    schema: Mapping[str, Any] = field(default_factory=dict)
    order: int = 0
    sequence: int = 0


class Schemas:
    """The schema files of a folder, each named by its path in it without ``.json``.

    ``Schemas(data_folder("schemas")).is_valid("openai/create_speech.request", body)``. One instance serves
    all threads; every schema is read and compiled once, at its first use. Schemas say what is documented;
    with ``real``, what the real service admits.
    """

    def __init__(self, folder: Path, *, real: bool = False) -> None:
        self._folder = folder
        self._real = real
        self._paths = {
            path.relative_to(folder).with_suffix("").as_posix(): path
            for path in sorted(folder.rglob("*.json"))
        }
        self._documents: dict[str, dict[str, Any]] = {}
        self._lock = Lock()
        self._compiled: dict[str, jsonschema_rs.Validator] = {}
        self._explainers: dict[str, Any] = {}
        self._resolved: dict[str, dict[str, Any]] = {}

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
        met = list(explainer.iter_errors(document))
        first_met: dict[tuple[str | int, ...], int] = {}
        for sequence, error in enumerate(met):
            for path, _ in _places(error):
                first_met.setdefault(path, sequence)
        by_path: dict[tuple[str | int, ...], Violation] = {}
        for error in sorted(met, key=relevance, reverse=True):
            for path, found in _places(error):
                order = places.get(str(path[0]), len(places)) if path else 0
                keyword, expected = str(error.validator), _expected(error)
                violation = Violation(path, keyword, expected, found, error.schema, order, first_met[path])
                by_path.setdefault(path, violation)
        return list(by_path.values())

    def properties(self, name: str) -> dict[str, Any]:
        """The schema of each property of ``name``, in the order declared, with references resolved."""
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
        """The properties that ``name`` requires, in the order declared."""
        required: list[str] = self._document(name).get("required", [])
        return required

    def _document(self, name: str) -> dict[str, Any]:
        document = self._documents.get(name)
        if document is None:
            if name not in self._paths:
                raise KeyError(f"no schema {name!r} in {self._folder}")
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
        create: Any = jsonschema.validators.create
        explaining = create(
            jsonschema.Draft202012Validator.META_SCHEMA,
            jsonschema.Draft202012Validator.VALIDATORS | _EXPLAINED,
            type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER,
            applicable_validators=_in_order,
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


def _as_real(schema: Any) -> Any:
    """Return ``schema`` as the real service has it: what stands under ``real`` added, or put in its place."""
    if isinstance(schema, list):
        return [_as_real(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    documented = {key: _as_real(part) for key, part in schema.items() if key != "real"}
    return documented | _as_real(schema["real"]) if "real" in schema else documented


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


def _expected(error: Any) -> Any:
    if error.validator != "additionalProperties":
        return error.validator_value
    return [name for name in error.schema.get("properties", {}) if name not in error.instance]


def _required(
    validator: object, names: Sequence[str], instance: object, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """``required``, but one error for all the missing names: the stock one tells them only in its message."""
    from jsonschema.exceptions import ValidationError

    if isinstance(instance, dict) and any(name not in instance for name in names):
        yield ValidationError("properties are missing")


def _property_names(
    validator: Any, schema: Mapping[str, Any], instance: object, _: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """``propertyNames``, but with the place of the name that is refused."""
    from jsonschema.exceptions import ValidationError

    for name in instance if isinstance(instance, dict) else ():
        for error in validator.descend(name, schema):
            bound = error.validator_value
            yield ValidationError(
                error.message, "propertyNames", [name], validator_value=bound, instance=name
            )


def _pattern(
    validator: object, pattern: str, instance: object, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """``pattern`` as the fast validator reads it, to whom ``$`` is nowhere but at the end."""
    import jsonschema_rs
    from jsonschema.exceptions import ValidationError

    if not jsonschema_rs.is_valid({"pattern": pattern}, instance):
        yield ValidationError("the pattern does not match")


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


_EXPLAINED = {"required": _required, "anyOf": _any_of, "propertyNames": _property_names, "pattern": _pattern}
_FIRST = ("$ref", "type", "required", "additionalProperties")


def _in_order(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the keywords of a schema as the service heeds them: what is missing and unknown comes before members."""
    first = [(keyword, schema[keyword]) for keyword in _FIRST if keyword in schema]
    yield from first
    yield from ((keyword, value) for keyword, value in schema.items() if keyword not in _FIRST)
