"""The input schemas of tools, and the schemas that agents can read, made of the control API's OpenAPI document."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from mockserver.control.openapi import describe
from mockserver.control.operations import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_COMPONENTS = "#/components/schemas/"
# Some models accept no tools whose schemas have these at the root. The control API validates in any case.
_REFUSED_AT_THE_ROOT = ("oneOf", "anyOf", "allOf", "not", "if", "then", "else")
# Bounds, which say little to a model that chooses values, and whose violations the control API explains.
_BOUNDS = {
    *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "uniqueItems"),
    *("minimum", "maximum", "pattern", "propertyNames"),
}


class Operation(NamedTuple):
    """An operation of the control API: method, path, summary, and what it takes.

    ``path_names`` and ``query_names`` are the names of its parameters; ``body`` is the schema of its body, if any.
    """

    method: str
    path: str
    summary: str
    parameters: Mapping[str, Mapping[str, Any]]
    path_names: tuple[str, ...]
    query_names: tuple[str, ...]
    body: str


@cache
def operations() -> dict[str, Operation]:
    """Return the operations by their ids in the OpenAPI document."""
    return {
        described["operationId"]: _operation(method.upper(), path, described)
        for path, methods in _document()["paths"].items()
        for method, described in methods.items()
    }


def input_schema(operation: Operation, referred: Mapping[str, str]) -> dict[str, Any]:
    """Return the schema of a tool that calls an operation: its parameters and the members of its body, without bounds.

    Of the members in ``referred`` only the type is described, and the name of a tool that describes them.
    """
    component: dict[str, Any] = {"type": "object", "additionalProperties": False}
    if operation.body:
        component = dict(_components()[operation.body])
    for keyword in _REFUSED_AT_THE_ROOT:
        component.pop(keyword, None)
    members = {**operation.parameters, **component.get("properties", {})}
    members |= {name: reference(name, tool) for name, tool in referred.items()}
    component["properties"] = members
    if operation.path_names:
        component["required"] = [*operation.path_names, *component.get("required", ())]
    return _Bundle(operation.body, _BOUNDS).of(component)


def reference(name: str, tool: str) -> dict[str, Any]:
    """Return the schema of the argument ``name`` that is an object like that of another ``tool``."""
    return {"type": "object", "description": f"Has the members of `{name}` of the tool {tool}."}


def schema_names() -> list[str]:
    """Return the names of the schemas of the control API, such as ``stub``."""
    return list(_components())


def bundled(name: str) -> dict[str, Any]:
    """Return the schema ``name`` of the control API with all that it refers to, in ``$defs``."""
    return _Bundle(name).of(_components()[name])


class _Bundle:
    """The parts that a schema refers to, collected as ``$defs``, without the keywords ``dropped``.

    A part is named by the last segment of its place, and by its schema, too, unless that is the ``root``.
    """

    def __init__(self, root: str, dropped: Collection[str] = ()) -> None:
        self._root = root
        self._dropped = dropped
        self._definitions: dict[str, Any] = {}

    def of(self, component: Mapping[str, Any]) -> dict[str, Any]:
        """Return a component with the definitions that it needs."""
        own = {name: value for name, value in component.items() if name != "$defs"}
        bundle: dict[str, Any] = self._copied(own)
        return bundle | {"$defs": dict(sorted(self._definitions.items()))} if self._definitions else bundle

    def _copied(self, schema: Any, *, is_named: bool = False) -> Any:
        """Return a part with its references changed. ``is_named`` is true for objects whose keys are no keywords."""
        if isinstance(schema, list):
            return [self._copied(each) for each in schema]
        if not isinstance(schema, dict):
            return schema
        copied = {
            name: self._copied(each, is_named=name == "properties" and not is_named)
            for name, each in schema.items()
            if is_named or name not in self._dropped
        }
        place = copied.get("$ref")
        if isinstance(place, str) and not is_named:
            del copied["$ref"]
            return self._referred(place.removeprefix(_COMPONENTS)) | copied
        return copied

    def _referred(self, place: str) -> dict[str, Any]:
        """Return a reference to a place such as ``when/$defs/names``, which becomes a definition; copy members."""
        component, _, part = place.partition("/")
        last = part.rpartition("/")[2]
        if part.startswith("properties/"):
            member: dict[str, Any] = self._copied(_components()[component]["properties"][last])
            return member
        name = f"{component}_{last}" if last and component != self._root else last or component
        if name not in self._definitions:
            self._definitions[name] = {}  # it may refer to itself
            target = _components()[component]
            for segment in part.split("/") if part else ():
                target = target[segment]
            described = {key: value for key, value in target.items() if key != "$defs"}
            self._definitions[name] = self._copied(described)
        return {"$ref": f"#/$defs/{name}"}


def _operation(method: str, path: str, described: Mapping[str, Any]) -> Operation:
    parameters = described["parameters"]
    content = described.get("requestBody", {}).get("content", {}).get("application/json", {})
    return Operation(
        method,
        path,
        described["summary"],
        {each["name"]: each["schema"] | _description(each) for each in parameters},
        tuple(each["name"] for each in parameters if each["in"] == "path"),
        tuple(each["name"] for each in parameters if each["in"] == "query"),
        content.get("schema", {}).get("$ref", "").removeprefix(_COMPONENTS),
    )


def _description(parameter: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": parameter["description"]} if "description" in parameter else {}


@cache
def _document() -> dict[str, Any]:
    return describe(OPERATIONS)


def _components() -> dict[str, Any]:
    components: dict[str, Any] = _document()["components"]["schemas"]
    return components
