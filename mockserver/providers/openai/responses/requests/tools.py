"""The tools of a request: as the model may call them, and as the response shows them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from mockserver.engines.dialogue import Tool
from mockserver.providers.openai.dialogue.tool_choice import Tools, chosen
from mockserver.providers.openai.responses.forms import built_in_tools

Member = dict[str, Any]

_MAX_DEPTH = 100  # levels of a schema that are made strict
_REDACTED = "<redacted>"  # in place of the values of headers for an MCP server
_NO_PARAMETERS: Mapping[str, Any] = {"type": "object", "properties": {}}


class OfferedTools(msgspec.Struct, frozen=True):
    """The tools of a request.

    ``callable`` may be called, of the ``demanded`` ones, one must be. ``declared`` are the functions and custom tools
    as the model reads them, ``namespaces`` those of functions by name.
    """

    callable: Tools
    demanded: Tools
    declared: tuple[Mapping[str, Any], ...]
    namespaces: Mapping[str, str]


def offered(tools: Iterable[Mapping[str, Any]], choice: object) -> OfferedTools:
    """Return the tools that a request declares, as its ``tool_choice`` restricts them."""
    declared, namespaces, built_in = list[Mapping[str, Any]](), dict[str, str](), list[Tool]()
    for namespace, tool in _flat(tools):
        if tool["type"] in ("function", "custom"):
            declared.append(shown(tool))
            if namespace:
                namespaces[tool["name"]] = namespace
        elif tool["type"] in built_in_tools() and built_in_tools()[tool["type"]].item:
            built_in.append(Tool(_name(tool), {}, built_in=str(tool["type"])))
    callables = [_tool(tool) for tool in declared]
    known = (*callables, *built_in)  # the built-in ones last, so that a demanded call is one of a function
    # A choice may name another version of a tool, such as web_search_preview.
    by_item = {built_in_tools()[tool.built_in].item: tool.name for tool in built_in}

    def chosen_name(named: Mapping[str, Any]) -> str:
        version = built_in_tools().get(str(named.get("type")))
        return (
            by_item.get(version.item, _name(named))
            if version and "server_label" not in named
            else _name(named)
        )

    allowed, demanded = chosen(known, choice or "auto", chosen_name)
    return OfferedTools(allowed, demanded, tuple(declared), namespaces)


def shown(tool: Mapping[str, Any]) -> Member:
    """Return a tool as responses show it: with defaults, and the schema of a function made strict."""
    kind = tool["type"]
    if kind == "function":
        members = _function(tool)
    elif kind == "custom":
        members = {"description": None, "format": {"type": "text"}} | dict(tool)
    elif kind == "namespace":
        members = dict(tool) | {"tools": [shown(each) for each in tool.get("tools") or ()]}
    else:
        members = _built_in(tool)
    return {"type": kind} | {name: members[name] for name in sorted(members) if name != "type"}


def made_strict(schema: Any, depth: int = _MAX_DEPTH) -> Any:
    """Return a JSON Schema whose objects require all their properties and have no others."""
    if not isinstance(schema, dict) or depth == 0:
        return schema
    strict = {name: _strict_member(name, value, depth - 1) for name, value in schema.items()}
    if schema.get("type") == "object" or "properties" in schema:
        properties = schema.get("properties")
        strict["additionalProperties"] = False
        strict["required"] = list(properties) if isinstance(properties, dict) else []
    return strict


def _strict_member(name: str, value: Any, depth: int) -> Any:
    if name in ("properties", "$defs", "definitions") and isinstance(value, dict):
        return {key: made_strict(each, depth) for key, each in value.items()}
    if name in ("anyOf", "oneOf", "allOf") and isinstance(value, list):
        return [made_strict(each, depth) for each in value]
    return made_strict(value, depth) if name == "items" else value


def _flat(tools: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the tools with the name of their namespace, empty for those without one."""
    for tool in tools:
        if tool.get("type") == "namespace":
            for member in tool.get("tools") or ():
                yield str(tool.get("name", "")), member
        else:
            yield "", tool


def _name(tool: Mapping[str, Any]) -> str:
    """Return the name of a tool, or of the tool that a choice refers to: a built-in one is named by its type."""
    if tool.get("type") == "mcp":
        return str(tool.get("server_label", ""))
    return str(tool.get("name") if tool.get("type") in ("function", "custom") else tool.get("type"))


def _tool(tool: Mapping[str, Any]) -> Tool:
    if tool["type"] == "custom":
        return Tool(tool["name"], {}, custom=True)
    return Tool(tool["name"], tool["parameters"])


def _function(tool: Mapping[str, Any]) -> Member:
    parameters = tool.get("parameters") or dict(_NO_PARAMETERS)
    strict = tool.get("strict")
    if strict is None:
        parameters = made_strict(parameters)
    defaults = {"description": None, "output_schema": None}
    return defaults | dict(tool) | {"parameters": parameters, "strict": strict is not False}


def _built_in(tool: Mapping[str, Any]) -> Member:
    known = built_in_tools().get(tool["type"])
    defaults = known.echo if known else {}
    members = defaults | dict(tool)
    for name, value in defaults.items():
        if isinstance(value, dict) and isinstance(members[name], dict) and value is not members[name]:
            missing = dict.fromkeys(value) | {"type": value["type"]} if "type" in value else value
            members[name] = missing | members[name]
    if isinstance(members.get("headers"), dict):
        members["headers"] = dict.fromkeys(members["headers"], _REDACTED)
    members.pop("authorization", None)
    return members
