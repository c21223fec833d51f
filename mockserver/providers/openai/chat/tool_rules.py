"""Refuses tools, functions and their schemas that the API does not accept, in addition to the request schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mockserver.errors import ApiError
from mockserver.providers.openai.chat.structured_outputs import loose_flaw, strict_flaw

if TYPE_CHECKING:
    from mockserver.catalog.records import ChatRules

Body = Mapping[str, Any]

_QUOTED = 2_000  # characters of a reason, which may quote the schema
_EXPLAINED = 10_000  # values of a malformed schema; the fault of a larger one takes too long to find


def check_tools(rules: ChatRules, body: Body) -> None:
    """Raise ``ApiError`` for the choice of an unknown tool, and for malformed schemas."""
    _check_tool_choice(rules, body)
    _check_function_call(body)
    for param, function in functions_of(body):
        schema = function.get("parameters")
        strict = function.get("strict") is True
        if reason := schema_flaw(schema, strict=strict, of_function=True):
            name = function["name"]
            raise ApiError("chat_invalid_parameters_schema", param=param, function=name, reason=reason)
    response_format = body.get("response_format") or {}
    if response_format.get("type") == "json_schema":
        wanted = response_format["json_schema"]
        strict = wanted.get("strict") is True
        if reason := schema_flaw(wanted.get("schema"), strict=strict, of_function=False):
            raise ApiError("chat_invalid_response_schema", wanted=wanted["name"], reason=reason)


def _check_tool_choice(rules: ChatRules, body: Body) -> None:
    for param in ("tool_choice", "parallel_tool_calls"):
        if param == "parallel_tool_calls" and rules.parallel_tool_calls_alone:
            continue
        if body.get(param) is not None and not body.get("tools"):
            raise ApiError("chat_needs_tools", param=param, needed="tools")
    choice = body.get("tool_choice")
    if not isinstance(choice, dict):
        return
    known = [(tool["type"], tool[tool["type"]]["name"]) for tool in body["tools"]]
    chosen = choice["allowed_tools"]["tools"] if choice["type"] == "allowed_tools" else [choice]
    for tool in chosen:
        kind = tool.get("type", "function")
        named = tool.get(kind)
        name = named.get("name") if isinstance(named, dict) else None
        if (kind, name) in known:
            continue
        if choice["type"] == "function":
            raise ApiError("chat_function_not_found", function=name)
        raise ApiError("chat_tool_not_found", tool=name)


def _check_function_call(body: Body) -> None:
    call = body.get("function_call")
    if call is None:
        return
    if not body.get("functions"):
        raise ApiError("chat_needs_tools", param="function_call", needed="functions")
    if isinstance(call, dict) and not any(each["name"] == call["name"] for each in body["functions"]):
        raise ApiError("chat_function_not_found", function=call["name"])


def functions_of(body: Body) -> Iterator[tuple[str, Body]]:
    """Yield each function that may be called, with the place of the schema of its arguments."""
    for number, tool in enumerate(body.get("tools") or ()):
        if tool["type"] == "function":
            yield f"tools[{number}].function.parameters", tool["function"]
    for number, function in enumerate(body.get("functions") or ()):
        yield f"functions[{number}].parameters", function


def no_value_fits(body: Body, tool: str, reason: str) -> ApiError:
    """Return the refusal of a schema that no value satisfies: that of the function ``tool``, or of the answer."""
    for param, function in functions_of(body):
        if tool and function["name"] == tool:
            return ApiError("chat_invalid_parameters_schema", param=param, function=tool, reason=reason)
    wanted = (body.get("response_format") or {}).get("json_schema") or {}
    return ApiError("chat_invalid_response_schema", wanted=wanted.get("name"), reason=reason)


def schema_flaw(schema: Any, *, strict: bool, of_function: bool) -> str:
    """Return why ``schema`` is refused; empty if it is not, or if there is none."""
    if not schema and not (strict and isinstance(schema, dict)):
        return ""
    try:
        reason = _malformed(schema) or (
            strict_flaw(schema) if strict else loose_flaw(schema, of_function=of_function)
        )
    except RecursionError:
        return "it is nested too deeply."
    return reason if len(reason) <= _QUOTED else f"{reason[:_QUOTED]}…"


def _malformed(schema: Body) -> str:
    """Return why ``schema`` is not a JSON Schema of an object; empty if it is. ``$schema`` is ignored."""
    import jsonschema_rs

    plain = {name: value for name, value in schema.items() if name != "$schema"}
    if schema.get("type", "object") != "object":
        return f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{schema['type']}\"'."
    if jsonschema_rs.meta.is_valid(plain):
        return "" if _refers_to_itself(plain) else "references can only point to the schema itself."
    if _values_in(plain) > _EXPLAINED:
        return "it is not valid in its dialect."
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    flaw: Any = best_match(Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(plain))
    return f"{flaw.message if flaw else 'it is not valid in its dialect'}."


def _refers_to_itself(schema: Body) -> bool:
    """Return whether all references in ``schema`` point into it. Nothing is ever fetched."""
    parts = [part for part in _parts(schema) if isinstance(part, dict)]
    own = {part["$id"] for part in parts if isinstance(part.get("$id"), str)}
    references = (part["$ref"] for part in parts if isinstance(part.get("$ref"), str))
    return all(reference.startswith("#") or reference.partition("#")[0] in own for reference in references)


def _values_in(schema: Body) -> int:
    return sum(1 for _ in _parts(schema))


def _parts(schema: Any) -> Iterator[Any]:
    """Yield ``schema`` and every value in it."""
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        yield part
        if isinstance(part, (dict, list)):
            waiting.extend(part.values() if isinstance(part, dict) else part)
