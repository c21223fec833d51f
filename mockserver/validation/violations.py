"""Finds the violations of a JSON Schema in a document with ``jsonschema``, in bounded time and memory.

A body of megabytes can have a million violations, of which one is reported. So the fast validator skips the valid
members of an array or object, and only the first invalid members are examined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from itertools import islice
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    import jsonschema_rs
    from jsonschema.exceptions import ValidationError

MAX_VIOLATIONS = 100
"""Invalid members of arrays and objects that are examined; after that, only the first of each array or object."""

_room_left: ContextVar[list[int]] = ContextVar("room_left")  # one item: what is left of MAX_VIOLATIONS


class Violation(Struct, frozen=True):
    """One violation of a schema in a document.

    ``path`` leads to the place, including the name of a missing or unknown property. ``keyword`` is the violated JSON
    Schema keyword, ``expected`` its value (for an unknown property, the known ones that are absent), and ``found`` the
    value in the document (for ``required``, the object without the property). ``schema`` is the part of the schema
    that applies, and ``order`` the index of the parameter among the declared ones. ``sequence`` counts the violations
    in the order in which the service finds them: in an object, missing members, then unknown ones, then the others
    in declared order.
    """

    path: tuple[str | int, ...]
    keyword: str
    expected: Any
    found: Any
    schema: Mapping[str, Any] = {}
    order: int = 0
    sequence: int = 0


class Explainer:
    """Finds violations of schemas that refer to each other.

    ``documents`` are the schemas by their addresses. ``compiled`` returns a fast validator for the schema at an
    address, which may point into a document: ``https://…/speech.json#/properties/voice``. All threads can share an
    instance.
    """

    def __init__(
        self, documents: Mapping[str, dict[str, Any]], compiled: Callable[[str], jsonschema_rs.Validator]
    ) -> None:
        # With "$schema" jsonschema would use its stock validator inside a referenced file.
        plain = {
            address: {keyword: value for keyword, value in document.items() if keyword != "$schema"}
            for address, document in documents.items()
        }
        self._documents = plain
        self._compiled = compiled
        self._addresses = {id(part): address for address, part in _parts(plain)}
        self._fast: dict[int, jsonschema_rs.Validator] = {}
        self._explaining = self._validator_class()
        self._registry = self._registry_of(plain)

    def violations(self, address: str, document: object) -> list[Violation]:
        """Return the violations of the schema at ``address`` in ``document``, of very many only the first ones.

        They are sorted by ``jsonschema.exceptions.relevance``, most relevant first. One violation is reported for each
        place; for an ``anyOf``, only that of the branch for the value's JSON type.
        """
        from jsonschema.exceptions import relevance

        declared = self._documents[address].get("properties", {})
        places = {name: place for place, name in enumerate(declared)}
        met = list(self._errors(address, document))
        first_met: dict[tuple[str | int, ...], int] = {}
        for sequence, error in enumerate(met):
            for path, _ in islice(_places(error), MAX_VIOLATIONS):
                first_met.setdefault(path, sequence)
        by_path: dict[tuple[str | int, ...], Violation] = {}
        for error in sorted(met, key=relevance, reverse=True):
            keyword, expected = str(error.validator), _expected(error)
            for path, found in islice(_places(error), MAX_VIOLATIONS):
                order = places.get(str(path[0]), len(places)) if path else 0
                violation = Violation(path, keyword, expected, found, error.schema, order, first_met[path])
                by_path.setdefault(path, violation)
        return list(by_path.values())

    def refused_members(self, address: str, document: object) -> set[str]:
        """Return the names of the members of ``document`` that are invalid or unknown in the schema at ``address``."""
        found = (path for error in self._errors(address, document) for path, _ in _places(error))
        return {str(path[0]) for path in found if path}

    def _errors(self, address: str, document: object) -> Iterator[Any]:
        before = _room_left.set([MAX_VIOLATIONS])
        try:
            explainer = self._explaining({"$ref": address}, registry=self._registry)
            yield from explainer.iter_errors(document)
        finally:
            _room_left.reset(before)

    def _validator_class(self) -> Any:
        import jsonschema

        stock = jsonschema.Draft202012Validator
        create: Any = jsonschema.validators.create
        return create(
            stock.META_SCHEMA,
            stock.VALIDATORS
            | {keyword: _checked_fast(keyword) for keyword in _CHECKED_FAST}
            | {"required": _required, "anyOf": _any_of, "propertyNames": self._property_names}
            | {"items": self._items, "additionalProperties": self._additional_properties},
            type_checker=stock.TYPE_CHECKER,
            applicable_validators=_in_order,
        )

    def _registry_of(self, documents: Mapping[str, dict[str, Any]]) -> Any:
        from referencing import Registry
        from referencing.jsonschema import DRAFT202012

        registry: Registry[Any] = Registry().with_resources(
            (address, DRAFT202012.create_resource(document)) for address, document in documents.items()
        )
        return registry.crawl()

    def _items(
        self, validator: Any, items: Any, instance: object, _: Mapping[str, Any]
    ) -> Iterator[ValidationError]:
        """Validate ``items``, but yield the errors of the first invalid items only."""
        for index in self._invalid(items, enumerate(instance if isinstance(instance, list) else ())):
            yield from validator.descend(instance[index], items, path=index)  # type: ignore[index]

    def _additional_properties(
        self, validator: Any, allowed: Any, instance: object, schema: Mapping[str, Any]
    ) -> Iterator[ValidationError]:
        """Validate ``additionalProperties``: yield one error for all unknown names, or those of the first members."""
        from jsonschema.exceptions import ValidationError

        known = schema.get("properties", {})
        others = instance.items() if isinstance(instance, dict) else ()
        unknown = ((name, value) for name, value in others if name not in known)
        if allowed is False:
            if next(unknown, None) is not None:
                yield ValidationError("there are unknown properties")
        elif allowed is not True:
            for name in self._invalid(allowed, unknown):
                yield from validator.descend(instance[name], allowed, path=name)  # type: ignore[index]

    def _property_names(
        self, validator: Any, schema: Any, instance: object, _: Mapping[str, Any]
    ) -> Iterator[ValidationError]:
        """Validate ``propertyNames``, but yield errors with the place of the name, and for the first names only."""
        from jsonschema.exceptions import ValidationError

        names = instance if isinstance(instance, dict) else ()
        for name in self._invalid(schema, ((name, name) for name in names)):
            for error in validator.descend(name, schema):
                bound = error.validator_value
                yield ValidationError(
                    error.message, "propertyNames", [name], validator_value=bound, instance=name
                )

    def _invalid(self, schema: Any, members: Iterable[tuple[Any, object]]) -> Iterator[Any]:
        """Yield the keys of invalid ``members`` of ``schema`` (a part of a document), the first while there is room.

        The first of each array or object is always yielded, however many others had invalid members before.
        """
        fast = self._fast.get(id(schema))
        if fast is None:
            fast = self._fast[id(schema)] = self._compiled(self._addresses[id(schema)])
        room = _room_left.get()
        for key, member in members:
            if not fast.is_valid(member):
                yield key
                room[0] -= 1
                if room[0] <= 0:
                    return


def _parts(documents: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield every part of every document with its address."""
    waiting = [(f"{address}#", document) for address, document in documents.items()]
    while waiting:
        address, part = waiting.pop()
        inner = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
        if isinstance(part, dict):
            yield address, part
        waiting.extend((f"{address}/{_escaped(str(step))}", each) for step, each in inner)


def _escaped(step: str) -> str:
    """Return a step of a JSON Pointer, escaped for a URI fragment (RFC 6901, section 6)."""
    from urllib.parse import quote

    return quote(step.replace("~", "~0").replace("/", "~1"))


def _places(error: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yield the places of an error with the values there: one place for each missing or unknown property."""
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


def _checked_fast(keyword: str) -> Callable[..., Iterator[ValidationError]]:
    """Return a check of ``keyword`` by the fast validator. The stock check puts the whole value into its message.

    Also, for the fast validator ``$`` in a pattern matches only at the very end.
    """

    def check(
        validator: object, value: object, instance: object, schema: Mapping[str, Any]
    ) -> Iterator[ValidationError]:
        import jsonschema_rs
        from jsonschema.exceptions import ValidationError

        if not jsonschema_rs.is_valid({keyword: value}, instance):
            yield ValidationError(keyword)

    return check


def _required(
    validator: object, names: Sequence[str], instance: object, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """Validate ``required``, but yield one error for all missing names, which the stock check has in messages only."""
    from jsonschema.exceptions import ValidationError

    if isinstance(instance, dict) and any(name not in instance for name in names):
        yield ValidationError("properties are missing")


def _any_of(
    validator: Any, branches: Sequence[Mapping[str, Any]], instance: object, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """Validate ``anyOf``, but yield the errors of the branch for the instance's JSON type."""
    from jsonschema.exceptions import ValidationError

    of_type: list[list[ValidationError]] = []
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
            of_type.append(errors)
    if of_type:
        yield from min(of_type, key=len)
    else:
        expected = list(dict.fromkeys(types))
        yield ValidationError("no branch is of this type", validator="type", validator_value=expected)


_CHECKED_FAST = (
    *("type", "enum", "const", "pattern", "minLength", "maxLength", "contains", "uniqueItems"),
    *("minItems", "maxItems", "minProperties", "maxProperties"),
)
_FIRST = ("$ref", "type", "required", "additionalProperties")


def _in_order(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the keywords of a schema in the service's order: missing and unknown members first, then the others."""
    first = [(keyword, schema[keyword]) for keyword in _FIRST if keyword in schema]
    yield from first
    yield from ((keyword, value) for keyword, value in schema.items() if keyword not in _FIRST)
