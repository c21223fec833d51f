"""Reads a chat request: the conversation, the options of the reply, and the tokens of the prompt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from mockserver.audio.uploads import AudioPlace
from mockserver.engines.dialogue import Conversation, Tool, ToolCall, Turn
from mockserver.errors import ApiError
from mockserver.providers.openai.chat.rules import text_of_part, wants_audio, without_ignored
from mockserver.providers.openai.dialogue.hearing import Hearing
from mockserver.providers.openai.dialogue.tool_choice import chosen
from mockserver.wire import chat_tokens
from mockserver.wire.image_tokens import image_size, image_tokens
from mockserver.wording import listing

if TYPE_CHECKING:
    from mockserver.catalog.records import ChatRules
    from mockserver.pipeline.call import Call
    from mockserver.providers.openai.contexts import ChatContext

AUDIO_KIND = "audio"  # kind of the store's values: spoken replies by id

Body = Mapping[str, Any]


class ChatRequest(msgspec.Struct, frozen=True):
    """A chat request, typed and with defaults.

    ``max_tokens`` limits the text and audio tokens of the reply together. ``transcribed_by`` names the sources of the
    transcripts, each once: ``whisper/embedded``, ``fixture/hello``. With ``complete_choices`` (strictness
    ``schema``), choices have all members of the documented schema; real ones lack ``logprobs`` or ``finish_reason``
    in places.
    """

    body: Body
    conversation: Conversation
    transcribed_by: tuple[str, ...]
    spoken: bool
    choices: int
    stop: tuple[str, ...]
    max_tokens: int | None
    prompt_text_tokens: int
    prompt_audio_tokens: int
    reply_tokens: chat_tokens.ReplyTokens
    complete_choices: bool
    rules: ChatRules

    @property
    def calls_functions(self) -> bool:
        """Return whether the reply has the older ``function_call`` in place of ``tool_calls``."""
        return bool(self.body.get("functions")) and not self.body.get("tools")

    @property
    def has_logprobs(self) -> bool:
        """Return whether choices have the member ``logprobs``, which may be null."""
        return self.complete_choices or self.rules.null_logprobs or self.logprobs is not None

    @property
    def has_floats(self) -> bool:
        """Return whether the completion has numbers with fractions: log probabilities, or scores of a moderation."""
        return bool(self.body.get("logprobs") or self.body.get("moderation"))

    @property
    def logprobs(self) -> int | None:
        """Return the number of alternatives for each token; ``None`` for no log probabilities at all."""
        return int(self.body.get("top_logprobs") or 0) if self.body.get("logprobs") else None


def chat_request(context: ChatContext, call: Call) -> ChatRequest:
    """Return the request of a call, and transcribe its audio. Raises ``ApiError``."""
    assert call.model is not None
    assert call.model.chat is not None
    body = call.document
    reader = _Reader(context, call)
    turns = tuple(reader.turns())
    stop = body.get("stop") or ()
    prompt_text_tokens = reader.text_tokens()
    request = ChatRequest(
        body=body,
        conversation=_conversation(body, turns, reader.tool_choice),
        transcribed_by=reader.transcribed_by,
        spoken=wants_audio(body) and body.get("audio") is not None,
        choices=int(body.get("n") or 1),
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        max_tokens=_max_tokens(call),
        prompt_text_tokens=prompt_text_tokens,
        prompt_audio_tokens=reader.audio_tokens,
        reply_tokens=reader.reply_tokens(),
        complete_choices=call.settings.strictness == "schema",
        rules=call.model.chat,
    )
    _check_window(call, prompt_text_tokens + reader.audio_tokens, reader.tool_tokens)
    return request


def _max_tokens(call: Call) -> int | None:
    """Return the limit of the request, else that of the model."""
    requested = _requested_tokens(call)
    if requested is not None:
        return requested
    return call.model.max_output_tokens if call.model else None


def _requested_tokens(call: Call) -> int | None:
    """Return the request's limit of the reply, if it has one. In JSON ``5.0`` is an integer, too."""
    for name in ("max_completion_tokens", "max_tokens"):
        if (given := call.document.get(name)) is not None:
            return max(int(given), 0)
    return None


def _check_window(call: Call, prompt_tokens: int, tool_tokens: int) -> None:
    """Raise ``ApiError`` if the prompt and the requested reply exceed the model's context window."""
    window, requested = call.model.context_window if call.model else None, _requested_tokens(call)
    total = prompt_tokens + (requested or 0)
    if not call.strict or window is None or total <= window:
        return
    sizes = {"messages": prompt_tokens - tool_tokens, "functions": tool_tokens, "completion": requested}
    parts = [name for name, size in sizes.items() if size]
    *counted, last = [f"{sizes[name]} in the {name}" for name in parts]
    found = f"{'your messages resulted in' if requested is None else 'you requested'} {total} tokens"
    if counted:
        found += f" ({', '.join(counted)}, {'and ' if len(counted) > 1 else ''}{last})"
    raise ApiError("chat_context_overflow", window=window, found=found, parts=listing(parts, "or"))


class _Reader:
    """Reads the messages, and counts their tokens."""

    def __init__(self, context: ChatContext, call: Call) -> None:
        self._context = context
        self._call = call
        self._messages = without_ignored(call.document.get("messages") or [])
        assert call.model is not None
        self.rules = call.model.tokens
        self._functions = _functions(call.document)
        self.tool_choice = _tool_choice(call.document)
        self._hearing = Hearing(call)
        self._spoken_tokens = self.tool_tokens = 0
        self._prompt = chat_tokens.PromptTokens(self.rules)

    @property
    def transcribed_by(self) -> tuple[str, ...]:
        """Return the sources of the transcripts, each once."""
        return self._hearing.sources

    @property
    def audio_tokens(self) -> int:
        """Return the audio tokens of the messages that were read, with those of earlier spoken replies."""
        return self._hearing.audio_tokens + self._spoken_tokens

    def text_tokens(self) -> int:
        """Return the text tokens of the messages that were read, of the tools and of the response format."""
        body = self._call.document
        if self._functions:
            beside_system = any(message["role"] in ("system", "developer") for message in self._messages)
            before = self._prompt.total
            self._prompt.tools(self._functions, self.tool_choice, beside_system=beside_system)
            self.tool_tokens = self._prompt.total - before
        if _has_schema(body):
            self._prompt.response_format(body["response_format"]["json_schema"])
        return self._prompt.total

    def reply_tokens(self) -> chat_tokens.ReplyTokens:
        """Return the counter for the tokens of a reply."""
        in_schema = _has_schema(self._call.document)
        return chat_tokens.ReplyTokens(
            self.rules, bool(self._functions), self.tool_choice, in_schema=in_schema
        )

    def turns(self) -> Iterator[Turn]:
        """Yield the turns. The last user message is transcribed; all messages are if another model is to reply."""
        transcribe_all = bool(self._call.settings.reply_from)
        users = [number for number, message in enumerate(self._messages) if message["role"] == "user"]
        for number, message in enumerate(self._messages):
            yield self._turn(number, message, transcribe_all or number in users[-1:])

    def _turn(self, number: int, message: Body, transcribe: bool) -> Turn:
        content = message.get("content")
        parts = content if isinstance(content, list) else [{"type": "text", "text": content or ""}]
        if message.get("refusal"):
            parts = [*parts, {"type": "refusal", "refusal": message["refusal"]}]
        texts = [text_of_part(part) for part in parts]
        text = " ".join(texts).strip()
        heard = [
            self._hearing.text(part["input_audio"], AudioPlace(number, place), transcribe=transcribe)
            for place, part in enumerate(parts)
            if part["type"] == "input_audio"
        ]
        if message.get("audio"):
            if audio_id := message["audio"].get("id"):
                text = self._earlier_reply(audio_id, f"messages[{number}].audio.id") or text
            texts = [text]
        calls = dict(_calls(message))
        answers = message.get("tool_call_id") or ""
        self._count(message, parts, texts, calls)
        return Turn(message["role"], text, " ".join(heard) if heard else None, calls, answers)

    def _count(self, message: Body, parts: list[Body], texts: list[str], calls: dict[str, ToolCall]) -> None:
        """Add the tokens of a message: of its ``texts``, its calls, and the audio and images in its ``parts``."""
        if message["role"] in ("tool", "function"):
            self._prompt.result(message.get("tool_call_id") or "", texts)
            return
        if calls:
            self._prompt.calls(calls)
        if any(texts) or not calls:
            audio_parts = [part for part in parts if part["type"] == "input_audio"]
            self._prompt.message(texts, name=message.get("name") or "", audio_parts=len(audio_parts))
        for part in parts:
            if part["type"] == "image_url":
                self._prompt.total += self._image_tokens(part.get("image_url"))

    def _image_tokens(self, image: object) -> int:
        """Return the tokens of an image; 0 for one that would have to be fetched."""
        given: Body = image if isinstance(image, dict) else {}
        url = given.get("url")
        found = self._context.url_sources.local(url) if isinstance(url, str) else None
        size = image_size(found.content.read()) if found else None
        return image_tokens(*size, given.get("detail") or "auto", self.rules.image) if size else 0

    def _earlier_reply(self, audio_id: str, place: str) -> str:
        """Return the transcript of the spoken reply ``audio_id``, and count its tokens. Raises ``ApiError``."""
        known = self._context.store.get(AUDIO_KIND, self._call.account.id, audio_id)
        if known is None or known["expires_at"] <= self._context.clock.now():
            if not self._call.strict:
                return ""
            raise ApiError(
                "chat_expired_audio_id" if known else "chat_unknown_audio_id", param=place, id=audio_id
            )
        self._spoken_tokens += known["audio_tokens"]
        return str(known["transcript"])


def _calls(message: Body) -> Iterator[tuple[str, ToolCall]]:
    """Yield the calls of an earlier message with their ids; the older ``function_call`` has an empty id."""
    for call in message.get("tool_calls") or ():
        if call["type"] == "custom":
            yield call["id"], ToolCall(call["custom"]["name"], call["custom"]["input"], custom=True)
        else:
            yield call["id"], ToolCall(call["function"]["name"], call["function"]["arguments"])
    if message.get("function_call"):
        yield "", ToolCall(message["function_call"]["name"], message["function_call"]["arguments"])


def _functions(body: Body) -> list[Body]:
    """Return the functions and custom tools that the request declares, as one list."""
    tools = [tool[tool["type"]] for tool in body.get("tools") or ()]
    return tools or list(body.get("functions") or ())


def _has_schema(body: Body) -> bool:
    return (body.get("response_format") or {}).get("type") == "json_schema"


def _tool_choice(body: Body) -> object:
    return body.get("tool_choice") or body.get("function_call") or "auto"


def _conversation(body: Body, turns: tuple[Turn, ...], tool_choice: object) -> Conversation:
    tools = tuple(_tools(body))
    allowed, required = chosen(tools, tool_choice, _name)
    response_format = body.get("response_format") or {}
    json_schema: dict[str, Any] | None = None
    if response_format.get("type") == "json_object":
        json_schema = {}
    elif response_format.get("type") == "json_schema":
        json_schema = response_format["json_schema"].get("schema") or {}
    parallel = body.get("parallel_tool_calls") is not False and not body.get("functions")
    return Conversation(turns, allowed, required, parallel, json_schema)


def _tools(body: Body) -> Iterator[Tool]:
    for tool in body.get("tools") or ():
        if tool["type"] == "custom":
            yield Tool(tool["custom"]["name"], {}, custom=True)
        else:
            yield Tool(tool["function"]["name"], tool["function"].get("parameters") or {"type": "object"})
    for function in body.get("functions") or ():
        yield Tool(function["name"], function.get("parameters") or {"type": "object"})


def _name(choice: Body) -> str:
    named = choice.get("function") or choice.get("custom") or choice
    return str(named.get("name")) if isinstance(named, dict) else ""
