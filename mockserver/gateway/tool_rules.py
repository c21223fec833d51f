"""What the API refuses of tools, functions and the schemas that come with them, beyond the request schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mockserver.gateway.errors import ApiError

Body = Mapping[str, Any]

_QUOTED = 500  # characters of an explanation that may quote the schema


def check_tools(body: Body) -> None:
    """Raises ``ApiError`` for choices of tools that are not there, and for malformed schemas."""
    _check_tool_choice(body)
    _check_function_call(body)
    for param, name, schema in _parameters(body):
        if reason := _flaw(schema):
            raise ApiError("chat_invalid_parameters_schema", param=param, function=name, reason=reason)
    response_format = body.get("response_format") or {}
    if response_format.get("type") == "json_schema":
        wanted = response_format["json_schema"]
        if reason := _flaw(wanted.get("schema")):
            raise ApiError("chat_invalid_response_schema", wanted=wanted["name"], reason=reason)


def _check_tool_choice(body: Body) -> None:
    for param in ("tool_choice", "parallel_tool_calls"):
        if body.get(param) is not None and not body.get("tools"):
            raise ApiError("chat_needs_tools", param=param, needed="tools")
    choice = body.get("tool_choice")
    if not isinstance(choice, dict):
        return
    known = [(tool["type"], tool[tool["type"]]["name"]) for tool in body["tools"]]
    chosen = choice["allowed_tools"]["tools"] if choice["type"] == "allowed_tools" else [choice]
    for tool in chosen:
        kind = tool.get("type", "function")
        name = (tool.get(kind) or {}).get("name")
        if (kind, name) not in known:
            raise ApiError("chat_tool_not_found", tool=name)


def _check_function_call(body: Body) -> None:
    call = body.get("function_call")
    if call is None:
        return
    if not body.get("functions"):
        raise ApiError("chat_needs_tools", param="function_call", needed="functions")
    if isinstance(call, dict) and not any(each["name"] == call["name"] for each in body["functions"]):
        raise ApiError("chat_function_not_found", function=call["name"])


def _parameters(body: Body) -> Iterator[tuple[str, str, object]]:
    """The schema of each function's arguments, with its place and the name of the function."""
    for number, tool in enumerate(body.get("tools") or ()):
        if tool["type"] == "function":
            function = tool["function"]
            yield f"tools[{number}].function.parameters", function["name"], function.get("parameters")
    for number, function in enumerate(body.get("functions") or ()):
        yield f"functions[{number}].parameters", function["name"], function.get("parameters")


def _flaw(schema: Any) -> str:
    """Why ``schema`` is not the JSON Schema of an object; empty if it is, or if there is none."""
    import jsonschema_rs

    if not schema:
        return ""
    if schema.get("type") != "object":
        return f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{schema.get('type')}\"'."
    try:
        return "" if jsonschema_rs.meta.is_valid(schema) else _explained(schema)
    except jsonschema_rs.ReferencingError:  # a dialect that nobody knows
        return _flaw({name: value for name, value in schema.items() if name != "$schema"})


def _explained(schema: Body) -> str:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    try:
        flaw: Any = best_match(Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(schema))
    except RecursionError:
        return "it is nested too deeply."
    message = flaw.message if flaw else "it is not valid in its dialect"
    return f"{message if len(message) <= _QUOTED else message[:_QUOTED] + '…'}."
