"""What the model reads before a response: the items in its context as turns, with their tokens."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, TypeGuard
from weakref import WeakKeyDictionary

from msgspec import Struct

from mockserver.engines.dialogue import Conversation as Dialogue
from mockserver.engines.dialogue import Tool, ToolCall, Turn
from mockserver.providers.openai.dialogue.tool_choice import chosen
from mockserver.providers.openai.realtime.conversation.items import (
    FunctionCall,
    FunctionCallOutput,
    Item,
    Message,
    Part,
)
from mockserver.providers.openai.realtime.responses.usage import Segment, Tokens
from mockserver.providers.openai.realtime.turns.facts import Said
from mockserver.wire import tokens
from mockserver.wire.chat_tokens import declarations
from mockserver.wire.image_tokens import image_size, image_tokens

if TYPE_CHECKING:
    from mockserver.catalog.records import ModelCard
    from mockserver.providers.openai.realtime.responses.settings import ResponseSettings

# Numbers of tokens, in addition to those of the words (fitted to recorded sessions).
_ITEM = 2
_AUDIO_PART = 5
_SPOKEN_REPLY, _UNHEARD_REPLY = 3, 5  # of a spoken reply that counts with its audio, and without

_AUDIO_PER_SECOND = 20  # of the model's own speech, once the client has cut it
_MS_PER_TOKEN = 100  # of the user's speech
_INSTRUCTIONS = "instructions"  # the key of the first segment
_KNOWN_TEXTS = 256  # whose tokens are remembered


class Made(Struct, frozen=True):
    """The tokens of an item that the model made, with the number of its deltas. ``ms`` is the duration of its audio."""

    tokens: Tokens
    deltas: int
    ms: int = 0


class PromptReader:
    """Reads the context of responses for one model.

    ``heard`` returns what the user said in an item. ``made`` are the tokens of the items of the model, by id.
    """

    def __init__(self, model: ModelCard, heard: Callable[[str], str], *, hear_all: bool) -> None:
        self.made: dict[str, Made] = {}
        self._answered: frozenset[str] = frozenset()
        self._model = model
        self._heard = heard
        self._hear_all = hear_all
        self._images = WeakKeyDictionary[Part, int]()  # with their tokens
        self._count = lru_cache(_KNOWN_TEXTS)(partial(tokens.count, vocabulary=model.tokens.vocabulary))

    def dialogue(self, settings: ResponseSettings, items: Sequence[Item]) -> Dialogue:
        """Return what a responder replies to. Raises what ``heard`` raises."""
        last = _last_of_user(items)
        turns = [Turn("system", settings.instructions)] if settings.instructions else []
        turns += self._turns(items, last)
        tools = tuple(_tools(settings.tools))
        allowed, required = chosen(tools, settings.tool_choice, _name)
        return Dialogue(tuple(turns), allowed, required, settings.parallel_tool_calls)

    def note_answered(self, items: Iterable[Item]) -> None:
        """Note that a response without output has answered the messages of the user in some items."""
        self._answered = frozenset(item.id for item in items if _is_of_user(item))

    def said(self, items: Sequence[Item]) -> Said:
        """Return what the user did since the last response; if nothing, because a tool has answered, what was last."""
        done = _since_last_response(items, self._answered)
        text = " ".join(filter(None, map(_written, done)))
        spoken = [(item.id, part.sound) for item in done for part in item.content if part.sound is not None]
        if not spoken:
            return Said(text)
        rate = spoken[-1][1].rate
        pcm = b"".join(sound.data() for _, sound in spoken if sound.rate == rate)
        names = tuple(dict.fromkeys(name for name, _ in spoken))
        return Said(text, lambda: " ".join(filter(None, map(self._heard, names))), pcm, rate, names)

    def segments(self, settings: ResponseSettings, items: Sequence[Item]) -> list[Segment]:
        """Return the tokens of the instructions with the tools, and those of each item."""
        spoken = [item.id for item in items if isinstance(item, Message) and self._is_spoken_reply(item)]
        first = self._instructions(settings)
        return [first, *(Segment(item.id, self._tokens(item, spoken[-1:])) for item in items)]

    def _instructions(self, settings: ResponseSettings) -> Segment:
        count = self._count(settings.instructions) + _ITEM if settings.instructions else 0
        functions = [tool for tool in settings.tools if tool.get("type") == "function"]
        if functions:
            count += self._model.tokens.tools + self._count(declarations(functions))
        return Segment(_INSTRUCTIONS, Tokens(count))

    def _tokens(self, item: Item, heard_replies: Sequence[str]) -> Tokens:
        """Return the tokens of an item. Of the spoken replies, only the last one counts with its audio."""
        if isinstance(item, FunctionCallOutput):
            return Tokens(self._count(item.output) + _ITEM)
        made = self.made.get(item.id)
        if isinstance(item, FunctionCall):
            count = made.tokens.text if made else self._count(item.name) + self._count(item.arguments)
            return Tokens(count + _ITEM)
        if not isinstance(item, Message):
            return Tokens()
        if self._is_spoken_reply(item):
            return self._reply_tokens(item, made, is_heard=item.id in heard_replies)
        counted = [self._part_tokens(part) for part in item.content]
        return sum(counted, Tokens(_ITEM))

    def _reply_tokens(self, item: Message, made: Made | None, *, is_heard: bool) -> Tokens:
        part = item.content[0]
        text = self._count(part.transcript or "")
        if not is_heard:
            return Tokens(text + _UNHEARD_REPLY)
        ms = part.sound.ms if part.sound else 0
        if made is not None and ms >= made.ms:
            return made.tokens + Tokens(_SPOKEN_REPLY)
        return Tokens(text + _SPOKEN_REPLY, ms * _AUDIO_PER_SECOND // 1000)

    def _part_tokens(self, part: Part) -> Tokens:
        if part.kind == "input_image":
            return Tokens(image=self._image_tokens(part))
        if part.is_spoken:
            ms = part.sound.ms if part.sound else 0
            return Tokens(_AUDIO_PART, ms // _MS_PER_TOKEN)
        return Tokens(self._count(part.text))

    def _image_tokens(self, part: Part) -> int:
        """Return the tokens of a picture, which is decoded only once: it can be large, and each response reads it."""
        if part not in self._images:
            self._images[part] = self._counted_image(part)
        return self._images[part]

    def _counted_image(self, part: Part) -> int:
        try:
            data = base64.b64decode(part.image_url.partition(",")[2])
        except binascii.Error:
            return 0
        size = image_size(data)
        detail = "high" if part.detail == "auto" else part.detail
        return image_tokens(*size, detail, self._model.tokens.image) if size else 0

    def _is_spoken_reply(self, item: Message) -> bool:
        return item.role == "assistant" and bool(item.content) and item.content[0].is_spoken

    def _turns(self, items: Iterable[Item], last: Message | None) -> Iterator[Turn]:
        for item in items:
            if isinstance(item, FunctionCallOutput):
                yield Turn("tool", item.output, answers=item.call_id)
            elif isinstance(item, FunctionCall):
                yield Turn("assistant", calls={item.call_id: ToolCall(item.name, item.arguments)})
            elif isinstance(item, Message):
                yield self._turn(item, is_heard=item is last or self._hear_all)

    def _turn(self, item: Message, *, is_heard: bool) -> Turn:
        if item.role == "assistant":
            return Turn("assistant", " ".join(part.transcript or part.text for part in item.content))
        transcript = None
        if any(part.is_spoken for part in item.content):
            transcript = self._heard(item.id) if is_heard else ""
        return Turn(item.role, _written(item), transcript)


def _written(item: Message) -> str:
    return " ".join(part.text for part in item.content if part.text)


def _last_of_user(items: Sequence[Item]) -> Message | None:
    return next((item for item in reversed(items) if _is_of_user(item)), None)


def _since_last_response(items: Sequence[Item], answered: Collection[str]) -> Sequence[Message]:
    """Return the messages of the user after all of the model's that are not ``answered``; the last one if none is."""
    end = next((len(items) - n for n, item in enumerate(reversed(items)) if _is_of_model(item)), 0)
    last = _last_of_user(items)
    new = [item for item in items[end:] if _is_of_user(item) and item.id not in answered]
    return new or ([last] if last is not None else [])


def _is_of_user(item: Item) -> TypeGuard[Message]:
    return isinstance(item, Message) and item.role == "user"


def _is_of_model(item: Item) -> bool:
    return isinstance(item, FunctionCall) or (isinstance(item, Message) and item.role == "assistant")


def _tools(given: Iterable[Mapping[str, Any]]) -> Iterator[Tool]:
    for tool in given:
        if tool.get("type") == "function":
            yield Tool(tool["name"], tool.get("parameters") or {"type": "object"})


def _name(choice: Mapping[str, Any]) -> str:
    return str(choice.get("name"))
