"""How many text tokens the messages, tools and replies of a chat take.

Models read and write more than the text: roles, the declarations of tools, the calls as JSON. Those forms are not
documented; they were found by counting recorded answers (``docs/fidelity.md`` says how many each of them fits).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mockserver.wire import tokens

if TYPE_CHECKING:
    from mockserver.catalog.records import TokenRules
    from mockserver.engines.dialogue import ToolCall

_MESSAGE = 4  # the role and the marks around a message
_OPENING = 3  # of these, those before the text: a reply's belong to the prompt
_AUDIO_PART = 4
_CALL = 7  # of one call, beside name and arguments
_SEVERAL_CALLS = 1  # beside their JSON
_RESULT = 3
_OF_SEVERAL = 2  # each result of calls that were made together
_TOGETHER = "multi_tool_use.parallel"  # what calls that are made together are a call of
_STRICT_FORMAT, _LOOSE_FORMAT = 3, 4
_MAX_DEPTH = 50  # levels of a schema


class PromptTokens:
    """Adds up the text tokens of a prompt: one call for each message, then for what stands beside them."""

    def __init__(self, rules: TokenRules) -> None:
        self._rules = rules
        self._vocabulary = rules.vocabulary
        self._callers: dict[str, str] = {}
        self._made_together: dict[str, bool] = {}
        self.total = rules.prompt

    def message(self, texts: Sequence[str], *, name: str = "", audio_parts: int = 0) -> None:
        """Add a message. Its text parts are read as one text."""
        self.total += _MESSAGE + self._count("".join(texts)) + _AUDIO_PART * audio_parts
        if name:
            self.total += 1 + self._count(name)

    def calls(self, calls: Mapping[str, ToolCall]) -> None:
        """Add the calls of an earlier reply, by their ids."""
        made = tuple(calls.values())
        self.total += _OPENING + calls_tokens(made, self._vocabulary)
        for call_id, call in calls.items():
            self._callers[call_id] = call.name
            self._made_together[call_id] = len(made) > 1
        if len(made) > 1:
            self.total += self._count(_TOGETHER) + _RESULT  # the results are one message

    def result(self, call_id: str, texts: Sequence[str]) -> None:
        """Add what the call of that id returned."""
        self.total += self._count("".join(texts))
        if self._made_together.get(call_id):
            self.total += _OF_SEVERAL
        else:
            self.total += _RESULT + self._count(self._callers.get(call_id, ""))

    def tools(self, functions: Sequence[Mapping[str, Any]], choice: object, *, beside_system: bool) -> None:
        """Add the declarations of tools, and what the choice of tools puts before the reply."""
        if not functions:
            return
        rules = self._rules
        self.total += rules.tools_beside_system if beside_system else rules.tools
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


@dataclass(frozen=True, slots=True)
class ReplyTokens:
    """What replies to a request take: ``tools``, whether it declares any, and its ``choice`` of them.

    ``in_schema``: whether a JSON Schema says what a reply looks like.
    """

    rules: TokenRules
    tools: bool = False
    choice: object = None
    in_schema: bool = False

    @property
    def vocabulary(self) -> tokens.Vocabulary:
        """Return the vocabulary in which replies are written."""
        return self.rules.vocabulary

    @property
    def beside_text(self) -> int:
        """Return what a text takes beside its own tokens."""
        if self.tools and self.choice != "none":
            return self.rules.reply_beside_tools
        return self.rules.reply_in_schema if self.in_schema else self.rules.reply

    def of_text(self, text: str) -> int:
        """Return what a written text takes."""
        return tokens.count(text, self.vocabulary) + self.beside_text

    def of_transcript(self, text: str) -> int:
        """Return what the text of a spoken reply takes, beside the audio."""
        return transcript_tokens(tokens.count(text, self.vocabulary))

    def of_calls(self, calls: Sequence[ToolCall]) -> int:
        """Return what calls take. The beginning of a call that was demanded by name belongs to the prompt."""
        if len(calls) == 1 and _named(self.choice):
            return tokens.count(calls[0].arguments, self.vocabulary) + self.rules.reply
        return calls_tokens(calls, self.vocabulary) + self.rules.reply


def transcript_tokens(written: int) -> int:
    """Return what a transcript of ``written`` tokens takes: 4 more, and 2 for about every 5.6 of them.

    The model writes and speaks in turns, and each turn seems to take two tokens.
    """
    return written + 4 + 2 * ((10 * written + 28) // 56) if written else 0


def calls_tokens(calls: Sequence[ToolCall], vocabulary: tokens.Vocabulary) -> int:
    """Return what the model writes to make the calls: several are made by a call that lists them."""
    if len(calls) == 1:
        return sum(tokens.count(text, vocabulary) for text in (calls[0].name, calls[0].arguments)) + _CALL
    uses = ", ".join(
        f'{{"recipient_name": "functions.{call.name}", "parameters": {call.arguments}}}' for call in calls
    )
    return tokens.count(f'{{"tool_uses": [{uses}]}}', vocabulary) + _SEVERAL_CALLS


def declarations(functions: Sequence[Mapping[str, Any]]) -> str:
    """Return the functions as models read them: types of TypeScript, descriptions as comments."""
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
    """Return the description, else the title, as a comment."""
    if not isinstance(schema, dict):
        return []
    text = schema.get("description") or schema.get("title")
    return [f"// {line}" for line in text.splitlines()] if isinstance(text, str) else []


_TYPES = {"integer": "number", "number": "number", "string": "string", "boolean": "boolean", "null": "null"}


def _type(schema: object, depth: int) -> str:
    """Return the type of TypeScript that a JSON Schema describes; ``any`` where TypeScript has none.

    ``depth`` is how many more levels are looked into.
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
    """Return the type of TypeScript of what is of one ``kind``, and otherwise as ``schema`` says."""
    if depth <= 0:
        return "any"
    if kind == "array":
        return f"{_type(schema.get('items'), depth - 1)}[]"
    if kind == "object":
        return _object(schema, depth) if schema.get("properties") else "object"
    return _TYPES.get(kind, "any") if isinstance(kind, str) else "any"


def _strings(values: Sequence[object]) -> dict[str, None]:
    """Return the strings in ``values``, each once, in their order."""
    return dict.fromkeys(value for value in values if isinstance(value, str))


def _named(choice: object) -> str:
    """Return the tool that the choice demands by name, or nothing."""
    if not isinstance(choice, dict) or choice.get("type") == "allowed_tools":
        return ""
    named = choice.get("function") or choice.get("custom") or choice
    name = named.get("name") if isinstance(named, dict) else None
    return name if isinstance(name, str) else ""
