"""The ``Responder`` protocol, its values, and ``FixedResponder``, which replies without a model.

``FixedResponder`` always gives the same reply to the same conversation: it repeats the user's audio or text in a fixed
sentence, calls a tool when the request demands or mentions one, and repeats the result of a tool.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Protocol

from msgspec import Struct

from mockserver.engines.answered_by import AnsweredBy

ANSWERED_BY = AnsweredBy("responder")

GREETING = "Hello! How can I help you today?"


class Turn(Struct, frozen=True):
    """A message of the conversation. ``text`` is its written text, ``transcript`` the transcript of its audio.

    ``calls`` are its tool calls by id. ``answers`` is the id of the call whose result it is.
    """

    role: str
    text: str = ""
    transcript: str | None = None
    calls: Mapping[str, ToolCall] = {}
    answers: str = ""


class Tool(Struct, frozen=True):
    """A tool that the model may call: a function with the JSON Schema of its arguments, or a custom tool.

    ``built_in`` is the type of a tool that the API runs or defines, such as ``web_search``.
    """

    name: str
    parameters: dict[str, Any]
    custom: bool = False
    built_in: str = ""


class Conversation(Struct, frozen=True):
    """A conversation to reply to. ``tools`` may be called; of the ``demanded`` ones, one must be called.

    ``json_schema`` is the schema that the reply's text must satisfy; an empty schema allows any JSON object.
    """

    turns: tuple[Turn, ...]
    tools: tuple[Tool, ...] = ()
    demanded: tuple[Tool, ...] = ()
    parallel_tool_calls: bool = True
    json_schema: dict[str, Any] | None = None


class ToolCall(Struct, frozen=True):
    """A call of a tool. ``arguments`` is JSON, free text for a custom tool, or the user's words for a built-in one."""

    name: str
    arguments: str
    custom: bool = False
    built_in: str = ""


class Reply(Struct, frozen=True):
    """The reply of a model: text or tool calls. ``answered_by`` is sent as ``x-mock-answered-by``.

    ``finish_reason`` is empty if it follows from the other fields.
    """

    answered_by: AnsweredBy
    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str = ""


class Responder(Protocol):
    """An engine that replies to conversations."""

    def reply(self, conversation: Conversation) -> Reply | None:
        """Return the reply, or ``None`` if this responder has none. Raises ``ReplyFailed``."""
        ...


class ReplyFailed(Exception):
    """No reply could be made; the message gives the reason."""


class NoValueFits(ReplyFailed):
    """No value was found for the schema of the function ``tool``, or, if ``tool`` is empty, of the reply's text."""

    def __init__(self, tool: str, reason: str) -> None:
        super().__init__(f"no value fits the schema: {reason}.")
        self.tool = tool


class FixedResponder:
    """A responder that replies to every conversation, deterministically."""

    def reply(self, conversation: Conversation) -> Reply:
        """Return the tool calls, the JSON or the sentence that the module's docstring describes."""
        called = _called(conversation)
        if called:
            hint, parallel = _last_words(conversation), len(called) > 1
            return Reply(ANSWERED_BY, tool_calls=tuple(_call(tool, hint, parallel) for tool in called))
        if conversation.json_schema is not None:
            return Reply(ANSWERED_BY, _json_text(conversation.json_schema, _last_words(conversation)))
        return Reply(ANSWERED_BY, _sentence(conversation))


def _called(conversation: Conversation) -> tuple[Tool, ...]:
    """Return the tools to call: a demanded one, else those that the user's last message mentions.

    After the result of a tool there are none.
    """
    last = conversation.turns[-1] if conversation.turns else Turn("user")
    if conversation.demanded:
        return (_next_demanded(conversation),)
    if last.role != "user":
        return ()
    mentioned = [tool for tool in conversation.tools if _mentions(last, tool)]
    return tuple(mentioned if conversation.parallel_tool_calls else mentioned[:1])


def _next_demanded(conversation: Conversation) -> Tool:
    """Return a demanded tool that was not called since the user's last message, or the last tool if all were.

    Tools that the user mentions are called first. An agent loop that must call a tool at every step therefore calls
    each of them, and ends if one of them ends it.
    """
    question, called = _since_last_user_message(conversation.turns)
    left = [tool for tool in conversation.demanded if tool.name not in called]
    mentioned = [tool for tool in left if _mentions(question, tool)]
    return next(iter((*mentioned, *left)), conversation.demanded[-1])


def _since_last_user_message(turns: tuple[Turn, ...]) -> tuple[Turn, set[str]]:
    """Return the user's last message and the names of the tools that were called after it.

    A user's message that follows a call written as text is the result of that call: some clients write both as text.
    """
    called: set[str] = set()
    for turn, before in zip(reversed(turns), (*reversed(turns[:-1]), Turn("user")), strict=False):
        if turn.role == "user" and not _written_calls(before):
            return turn, called
        called |= {call.name for call in turn.calls.values()} | _written_calls(turn)
    return Turn("user"), called


_WRITTEN_CALL = re.compile(r"""["']name["']\s*:\s*["']([\w-]+)["']""")


def _written_calls(turn: Turn) -> set[str]:
    """Return the names of the tools that an assistant called in its text, as in ``{"name": "get_weather"}``."""
    return set(_WRITTEN_CALL.findall(turn.text)) if turn.role == "assistant" else set()


def _mentions(turn: Turn, tool: Tool) -> bool:
    """Return whether the message contains a word of the tool's name (``weather`` of ``get_weather``)."""
    words = set(re.findall(r"\w+", f"{turn.text} {turn.transcript or ''}".lower()))
    return bool(words & _significant_words(tool.name))


_STOP_WORDS = frozenset(
    {"get", "set", "do", "run", "call", "make", "the", "a", "for", "of", "to", "in", "my", "by"}
)


def _significant_words(name: str) -> set[str]:
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name).replace("_", " ").replace("-", " ")
    return {word for word in spaced.lower().split() if word not in _STOP_WORDS}


def arguments_text(arguments: object, *, parallel: bool) -> str:
    """Return the arguments of a call as JSON; with spaces if it is one of several calls, as in the real API."""
    return json.dumps(arguments, ensure_ascii=False, separators=(", ", ": ") if parallel else (",", ":"))


def _call(tool: Tool, hint: str, parallel: bool) -> ToolCall:
    if tool.custom or tool.built_in:
        return ToolCall(tool.name, hint, tool.custom, tool.built_in)
    return ToolCall(tool.name, arguments_text(_sample(tool.parameters, hint, tool.name), parallel=parallel))


def _json_text(schema: dict[str, Any], hint: str) -> str:
    return json.dumps(_sample(schema, hint), ensure_ascii=False, separators=(",", ":"))


def _sample(schema: dict[str, Any], hint: str, tool: str = "") -> Any:
    """Return a value that is valid against ``schema``. Raises ``NoValueFits``, with ``tool``.

    For an empty or malformed schema (strictness ``real`` refuses the latter) return an object with the hint.
    """
    from mockserver.engines.samples.json_values import MalformedSchema, NoSample, sample

    if not schema:
        return {"reply": hint}
    try:
        return sample(schema, hint)
    except MalformedSchema:
        return {"reply": hint}
    except NoSample as error:
        raise NoValueFits(tool, str(error)) from error


def _last_words(conversation: Conversation) -> str:
    for turn in reversed(conversation.turns):
        if turn.role == "user" and (turn.text or turn.transcript):
            return turn.transcript or turn.text
    return ""


def _sentence(conversation: Conversation) -> str:
    last = conversation.turns[-1] if conversation.turns else Turn("user")
    if last.role in ("tool", "function"):
        return f"The tool answered: {last.text}" if last.text else "The tool answered nothing."
    for turn in reversed(conversation.turns):
        if turn.role == "user":
            return _repeat(turn)
    return GREETING


def _repeat(turn: Turn) -> str:
    if turn.transcript and turn.text:
        return f"You wrote: {_ended(turn.text)} And I heard you say: {_ended(turn.transcript)}"
    if turn.transcript:
        return f"I heard you say: {_ended(turn.transcript)}"
    if turn.transcript is not None:
        return "I heard nothing but silence."
    return f"You wrote: {_ended(turn.text)}" if turn.text else GREETING


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
