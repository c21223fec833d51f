"""Counts the text tokens of the messages, tools and replies of a chat.

Models read and write more than the text: roles, declarations of tools, calls as JSON. These forms are not documented;
they were derived from the counts in recorded answers (``docs/fidelity.md`` lists how many answers each of them fits).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from mockserver.wire import tokens

if TYPE_CHECKING:
    from mockserver.catalog.records import TokenRules
    from mockserver.engines.dialogue import ToolCall

# Numbers of tokens.
_MESSAGE = 4  # the role and the marks around a message
_OPENING = 3  # the part of these before the text; a reply's opening belongs to the prompt
_AUDIO_PART = 4
_CALL = 7  # one call, in addition to name and arguments
_SEVERAL_CALLS = 1  # several calls, in addition to their JSON
_RESULT = 3
_OF_SEVERAL = 2  # each result of parallel calls
_STRICT_FORMAT, _LOOSE_FORMAT = 3, 4

_PARALLEL = "multi_tool_use.parallel"  # the tool whose call contains parallel calls
_MAX_DEPTH = 50  # levels of a schema


class PromptTokens:
    """The sum of the text tokens of a prompt. Call one method for each message, then for tools and format."""

    def __init__(self, rules: TokenRules) -> None:
        self._rules = rules
        self._vocabulary = rules.vocabulary
        self._callers: dict[str, str] = {}
        self._is_parallel: dict[str, bool] = {}
        self.total = rules.prompt

    def message(self, texts: Sequence[str], *, name: str = "", audio_parts: int = 0) -> None:
        """Add a message. Its text parts are counted as one text."""
        self.total += _MESSAGE + self._count("".join(texts)) + _AUDIO_PART * audio_parts
        if name:
            self.total += 1 + self._count(name)

    def calls(self, calls: Mapping[str, ToolCall]) -> None:
        """Add the calls of an earlier reply, by their ids."""
        made = tuple(calls.values())
        self.total += _OPENING + calls_tokens(made, self._vocabulary)
        for call_id, call in calls.items():
            self._callers[call_id] = call.name
            self._is_parallel[call_id] = len(made) > 1
        if len(made) > 1:
            self.total += self._count(_PARALLEL) + _RESULT  # the results are one message

    def result(self, call_id: str, texts: Sequence[str]) -> None:
        """Add the result of the call with this id."""
        self.total += self._count("".join(texts))
        if self._is_parallel.get(call_id):
            self.total += _OF_SEVERAL
        else:
            self.total += _RESULT + self._count(self._callers.get(call_id, ""))

    def tools(
        self,
        functions: Sequence[Mapping[str, Any]],
        choice: object,
        *,
        beside_system: bool,
        most: int | None = None,
    ) -> None:
        """Add the declarations of tools, and the tokens that the choice of tools adds before the reply.

        ``most`` limits the tokens of tools in addition to their declarations.
        """
        if not functions:
            return
        rules = self._rules
        beside = rules.tools_beside_system if beside_system else rules.tools
        self.total += beside if most is None else min(beside, most)
        self.total += self._count(declarations(functions))
        if named := _named(choice):
            self.total += _CALL + self._count(named)
        elif choice == "none":
            self.total += rules.reply_beside_tools - rules.reply

    def response_format(self, schema_format: Mapping[str, Any]) -> None:
        """Add the ``json_schema`` of a response format."""
        schema = dict(schema_format.get("schema") or {})
        strict = bool(schema_format.get("strict"))
        if strict:
            schema.pop("required", None)
        described = f"// {schema_format['description']}\n" if schema_format.get("description") else ""
        written = json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
        form = f"# Response Formats\n\n## {schema_format.get('name', '')}\n\n{described}{written}"
        self.total += self._count(form) + (_STRICT_FORMAT if strict else _LOOSE_FORMAT)

    def _count(self, text: str) -> int:
        return tokens.count(text, self._vocabulary)


class ReplyTokens(msgspec.Struct, frozen=True):
    """A counter of the tokens of replies. ``tools``: the request declares tools; ``choice`` is its choice of them.

    ``in_schema``: replies must satisfy a JSON Schema.
    """

    rules: TokenRules
    tools: bool = False
    choice: object = None
    in_schema: bool = False

    @property
    def vocabulary(self) -> tokens.Vocabulary:
        """Return the vocabulary of replies."""
        return self.rules.vocabulary

    @property
    def beside_text(self) -> int:
        """Return the number of tokens that are added to those of a text."""
        if self.tools and self.choice != "none":
            return self.rules.reply_beside_tools
        return self.rules.reply_in_schema if self.in_schema else self.rules.reply

    def of_text(self, text: str) -> int:
        """Return the number of tokens of a written reply."""
        return tokens.count(text, self.vocabulary) + self.beside_text

    def of_transcript(self, text: str) -> int:
        """Return the number of text tokens of a spoken reply, without its audio tokens."""
        return transcript_tokens(tokens.count(text, self.vocabulary))

    def of_calls(self, calls: Sequence[ToolCall]) -> int:
        """Return the number of tokens of calls. The opening of a call demanded by name belongs to the prompt."""
        if len(calls) == 1 and _named(self.choice):
            return tokens.count(calls[0].arguments, self.vocabulary) + self.rules.reply
        return calls_tokens(calls, self.vocabulary) + self.rules.reply


def transcript_tokens(written: int) -> int:
    """Return the tokens that a transcript of ``written`` tokens takes: 4 more, and 2 for about every 5.6 tokens.

    The model alternates between writing and speaking, and each change seems to take two tokens.
    """
    return written + 4 + 2 * ((10 * written + 28) // 56) if written else 0


def calls_tokens(calls: Sequence[ToolCall], vocabulary: tokens.Vocabulary) -> int:
    """Return the number of tokens of calls. Several calls are written as one call that lists them."""
    if len(calls) == 1:
        return sum(tokens.count(text, vocabulary) for text in (calls[0].name, calls[0].arguments)) + _CALL
    uses = ", ".join(
        f'{{"recipient_name": "functions.{call.name}", "parameters": {call.arguments}}}' for call in calls
    )
    return tokens.count(f'{{"tool_uses": [{uses}]}}', vocabulary) + _SEVERAL_CALLS


def declarations(functions: Sequence[Mapping[str, Any]]) -> str:
    """Return the functions in the form that models read: TypeScript types, with descriptions as comments."""
    lines = ["namespace functions {", ""]
    for function in functions:
        lines += _comment(function)
        lines += [f"type {function.get('name', '')} = ({_argument(function)}) => any;", ""]
    return "\n".join([*lines, "} // namespace functions"])


def _argument(function: Mapping[str, Any]) -> str:
    parameters = function.get("parameters")
    if not isinstance(parameters, dict) or not (parameters.get("properties") or _is_open(parameters)):
        return ""
    return f"_: {_object(parameters, _MAX_DEPTH)}"


def _object(schema: Mapping[str, Any], depth: int) -> str:
    members = list(_members(schema, depth))
    if len(members) == 1 and not members[0].startswith("//") and not _is_open(schema):
        return f"{{ {members[0].removesuffix(',')} }}"
    return "\n".join(["{", *members, "}"])


def _members(schema: Mapping[str, Any], depth: int) -> Iterator[str]:
    properties, required = schema.get("properties"), schema.get("required")
    if not isinstance(properties, dict):
        properties = {}
    optional = properties.keys() - _strings(required) if isinstance(required, list) else ()
    for name, member in properties.items():
        yield from _comment(member)
        yield f"{name}{'?' if name in optional else ''}: {_type(member, depth - 1)},"
    if _is_open(schema):
        yield "[k: string]: any,"


def _is_open(schema: Mapping[str, Any]) -> bool:
    return schema.get("additionalProperties") is True


def _comment(schema: object) -> list[str]:
    """Return the description, else the title, as lines of a comment."""
    if not isinstance(schema, dict):
        return []
    text = schema.get("description") or schema.get("title")
    return [f"// {line}" for line in text.splitlines()] if isinstance(text, str) else []


_TYPES = {"integer": "number", "number": "number", "string": "string", "boolean": "boolean", "null": "null"}


def _type(schema: object, depth: int) -> str:
    """Return the TypeScript type for a JSON Schema; ``any`` if TypeScript has none.

    ``depth`` is the number of further levels to describe.
    """
    if not isinstance(schema, dict) or depth <= 0:
        return "any"
    if isinstance(schema.get("enum"), list):
        return " | ".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    for several in ("anyOf", "oneOf"):
        if isinstance(schema.get(several), list):
            return " | ".join(_type(each, depth - 1) for each in schema[several])
    kind = schema.get("type")
    if isinstance(kind, list):
        return " | ".join(_of_kind(each, schema, depth - 1) for each in _strings(kind))
    return _of_kind(kind, schema, depth)


def _of_kind(kind: object, schema: Mapping[str, Any], depth: int) -> str:
    """Return the TypeScript type for one ``kind`` (type) of the ``schema``."""
    if depth <= 0:
        return "any"
    if kind == "array":
        return f"{_type(schema.get('items'), depth - 1)}[]"
    if kind == "object":
        return _object(schema, depth) if schema.get("properties") else "object"
    return _TYPES.get(kind, "any") if isinstance(kind, str) else "any"


def _strings(values: Sequence[object]) -> dict[str, None]:
    """Return the unique strings in ``values``, in order."""
    return dict.fromkeys(value for value in values if isinstance(value, str))


def _named(choice: object) -> str:
    """Return the name of the tool that the choice demands; empty if it demands none."""
    if not isinstance(choice, dict) or choice.get("type") == "allowed_tools":
        return ""
    named = choice.get("function") or choice.get("custom") or choice
    name = named.get("name") if isinstance(named, dict) else None
    return name if isinstance(name, str) else ""
