"""What it means to reply: the ``Responder`` protocol, and the responder that answers without any model.

It always says the same to the same conversation: it repeats what it heard or read in a fixed sentence, calls
a tool when the request demands one or plainly speaks of one, and tells what a tool answered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from mockserver.engines.answered_by import AnsweredBy

ANSWERED_BY = AnsweredBy("responder")

GREETING = "Hello! How can I help you today?"


@dataclass(frozen=True, slots=True)
class Turn:
    """A message of the conversation. ``text`` is written, ``heard`` is the transcript of its audio.

    ``calls`` are the tools it called, by the ids of the calls; ``answers`` is the id of the call that it is
    the result of.
    """

    role: str
    text: str = ""
    heard: str | None = None
    calls: Mapping[str, ToolCall] = field(default_factory=dict)
    answers: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    """What the model may call: a function with the JSON Schema of its arguments, or a custom tool."""

    name: str
    parameters: dict[str, Any]
    custom: bool = False


@dataclass(frozen=True, slots=True)
class Conversation:
    """What a reply is asked for. ``demanded`` are the tools of which one must be called; ``tools`` may be.

    ``json_schema`` is the schema the reply's text must satisfy; an empty one stands for any JSON object.
    """

    turns: tuple[Turn, ...]
    tools: tuple[Tool, ...] = ()
    demanded: tuple[Tool, ...] = ()
    parallel_tool_calls: bool = True
    json_schema: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a function; ``arguments`` is JSON, for a custom tool free text."""

    name: str
    arguments: str
    custom: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model says, or the tools it calls. ``answered_by`` as in ``x-mock-answered-by``.

    ``finish_reason`` is empty where it follows from the rest.
    """

    answered_by: AnsweredBy
    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str = ""


class Responder(Protocol):
    """Something that replies to a conversation."""

    def reply(self, conversation: Conversation) -> Reply | None:
        """Return the reply, or ``None`` when this responder has none. Raises ``ReplyFailed``."""
        ...


class ReplyFailed(Exception):
    """No reply could be had; the message says why."""


class NoValueFits(ReplyFailed):
    """No value was found for the schema of the function ``tool``, or of the reply's text where that is empty."""

    def __init__(self, tool: str, reason: str) -> None:
        super().__init__(f"no value fits the schema: {reason}.")
        self.tool = tool


class FixedResponder:
    """The responder that answers everything, deterministically."""

    def reply(self, conversation: Conversation) -> Reply:
        """See the module."""
        called = _called(conversation)
        if called:
            hint, parallel = _last_words(conversation), len(called) > 1
            return Reply(ANSWERED_BY, tool_calls=tuple(_call(tool, hint, parallel) for tool in called))
        if conversation.json_schema is not None:
            return Reply(ANSWERED_BY, _json_text(conversation.json_schema, _last_words(conversation)))
        return Reply(ANSWERED_BY, _sentence(conversation))


def _called(conversation: Conversation) -> tuple[Tool, ...]:
    """Return the tools to call: one that is demanded, else those that the last message names; none after a result."""
    last = conversation.turns[-1] if conversation.turns else Turn("user")
    if conversation.demanded:
        return (_next_demanded(conversation),)
    if last.role != "user":
        return ()
    spoken_of = [tool for tool in conversation.tools if _speaks_of(last, tool)]
    return tuple(spoken_of if conversation.parallel_tool_calls else spoken_of[:1])


def _next_demanded(conversation: Conversation) -> Tool:
    """Return a demanded tool that was not called since the user spoke, or the last one if all were.

    One that the user speaks of comes first. A loop that must call a tool at every step so comes to each of them, and
    ends where calling a certain one ends it.
    """
    question, called = _since_the_user_spoke(conversation.turns)
    left = [tool for tool in conversation.demanded if tool.name not in called]
    spoken_of = [tool for tool in left if _speaks_of(question, tool)]
    return next(iter((*spoken_of, *left)), conversation.demanded[-1])


def _since_the_user_spoke(turns: tuple[Turn, ...]) -> tuple[Turn, set[str]]:
    """Return the user's last message, and the names of the tools that were called after it.

    A user's message that follows a call in writing is the call's result: some clients write both as text.
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


def _speaks_of(turn: Turn, tool: Tool) -> bool:
    """Return whether the message has a word of the tool's name in it (``weather`` for ``get_weather``)."""
    words = set(re.findall(r"\w+", f"{turn.text} {turn.heard or ''}".lower()))
    return bool(words & _telling_words(tool.name))


_EMPTY_WORDS = frozenset(
    {"get", "set", "do", "run", "call", "make", "the", "a", "for", "of", "to", "in", "my", "by"}
)


def _telling_words(name: str) -> set[str]:
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name).replace("_", " ").replace("-", " ")
    return {word for word in spaced.lower().split() if word not in _EMPTY_WORDS}


def arguments_text(arguments: object, *, parallel: bool) -> str:
    """Return the arguments of a call as JSON: with spaces if other calls accompany it, as the API writes them."""
    return json.dumps(arguments, ensure_ascii=False, separators=(", ", ": ") if parallel else (",", ":"))


def _call(tool: Tool, hint: str, parallel: bool) -> ToolCall:
    if tool.custom:
        return ToolCall(tool.name, hint, custom=True)
    return ToolCall(tool.name, arguments_text(_sample(tool.parameters, hint, tool.name), parallel=parallel))


def _json_text(schema: dict[str, Any], hint: str) -> str:
    return json.dumps(_sample(schema, hint), ensure_ascii=False, separators=(",", ":"))


def _sample(schema: dict[str, Any], hint: str, tool: str = "") -> Any:
    """Return a value of ``schema``, that of ``tool`` if it is named. Raises ``NoValueFits``.

    What is no schema at all, which strictness ``real`` refuses, asks for nothing.
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
        if turn.role == "user" and (turn.text or turn.heard):
            return turn.heard or turn.text
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
    if turn.heard and turn.text:
        return f"You wrote: {_ended(turn.text)} And I heard you say: {_ended(turn.heard)}"
    if turn.heard:
        return f"I heard you say: {_ended(turn.heard)}"
    if turn.heard is not None:
        return "I heard nothing but silence."
    return f"You wrote: {_ended(turn.text)}" if turn.text else GREETING


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
