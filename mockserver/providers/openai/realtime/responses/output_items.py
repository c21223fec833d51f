"""The items of a response while they are made, with the events of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pybase64
from msgspec import Struct

from mockserver.providers.openai.realtime.conversation.items import FunctionCall, Message, Part, Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.providers.openai.realtime.conversation.conversation import Conversation
    from mockserver.providers.openai.realtime.identifiers import RealtimeIds
    from mockserver.providers.openai.realtime.outlet import Outlet

Members = dict[str, Any]


class Channel(Struct, frozen=True):
    """Where the events of a response go. ``conversation`` is ``None`` for a response that is not added to one.

    ``play`` gets the id of an item and audio; if it returns false, the audio is sent in an event.
    """

    response_id: str
    outlet: Outlet
    ids: RealtimeIds
    conversation: Conversation | None
    play: Callable[[str, bytes], bool]

    def added(self, index: int, item: Message | FunctionCall) -> None:
        """Add an item, and send that it was added."""
        shown = item.shown()
        self.outlet.send(
            "response.output_item.added", response_id=self.response_id, output_index=index, item=shown
        )
        if self.conversation is not None:
            previous = self.conversation.append(item)
            self.outlet.send("conversation.item.added", previous_item_id=previous, item=shown)

    def done(self, index: int, item: Message | FunctionCall) -> None:
        """Send that an item is done."""
        shown = item.shown()
        if self.conversation is not None:
            previous = self.conversation.previous_when_done(item)
            self.outlet.send("conversation.item.done", previous_item_id=previous, item=shown)
        self.outlet.send(
            "response.output_item.done", response_id=self.response_id, output_index=index, item=shown
        )

    def delta(self, kind: str, delta: str, **place: Any) -> None:
        """Send a piece of text."""
        padding = self.ids.obfuscation(delta)
        self.outlet.send(kind, response_id=self.response_id, **place, delta=delta, obfuscation=padding)


class MessageOutput:
    """A message that is written or spoken. ``deltas`` is the number of its pieces of text."""

    def __init__(self, channel: Channel, index: int, *, spoken: bool, phase: str | None) -> None:
        self.item = Message(channel.ids.item(), "assistant", [], "in_progress", phase)
        self.part = Part("output_audio", transcript="") if spoken else Part("output_text")
        self.deltas = 0
        self._channel = channel
        self._index = index
        self._text: list[str] = []
        self._place: Members = {"item_id": self.item.id, "output_index": index, "content_index": 0}

    def open(self) -> None:
        """Send that the message begins."""
        self._channel.added(self._index, self.item)
        self._send("response.content_part.added", part=self._shown_part(""))

    def write(self, piece: str) -> None:
        """Send a piece of the text or the transcript."""
        self.deltas += 1
        self._text.append(piece)
        kind = (
            "response.output_audio_transcript.delta" if self.part.is_spoken else "response.output_text.delta"
        )
        self._channel.delta(kind, piece, **self._place)

    def speak(self, audio: bytes) -> None:
        """Send a piece of the audio."""
        if not self._channel.play(self.item.id, audio):
            self._send("response.output_audio.delta", delta=pybase64.b64encode(audio).decode())

    def close(self, status: Status) -> None:
        """Send that the message is done; its text is what was sent of it."""
        text = "".join(self._text)
        if self.part.is_spoken:
            self.part.transcript = text
            self._send("response.output_audio.done")
            self._send("response.output_audio_transcript.done", transcript=text)
        else:
            self.part.text = text
            self._send("response.output_text.done", text=text)
        self._send("response.content_part.done", part=self._shown_part(text))
        self.item.content = [self.part]
        self.item.status = status
        self._channel.done(self._index, self.item)

    def _send(self, kind: str, **members: Any) -> None:
        self._channel.outlet.send(kind, response_id=self._channel.response_id, **self._place, **members)

    def _shown_part(self, text: str) -> Members:
        return (
            {"type": "audio", "transcript": text} if self.part.is_spoken else {"type": "text", "text": text}
        )


class CallOutput:
    """A call of a function. ``deltas`` is the number of the pieces of its arguments."""

    def __init__(self, channel: Channel, index: int, name: str) -> None:
        self.item = FunctionCall(channel.ids.item(), name, channel.ids.call(), status="in_progress")
        self.deltas = 0
        self._channel = channel
        self._index = index
        self._place: Members = {
            "item_id": self.item.id,
            "output_index": index,
            "call_id": self.item.call_id,
        }
        self._pieces: list[str] = []

    def open(self) -> None:
        """Send that the call begins."""
        self._channel.added(self._index, self.item)

    def write(self, piece: str) -> None:
        """Send a piece of the arguments."""
        self.deltas += 1
        self._pieces.append(piece)
        self._channel.delta("response.function_call_arguments.delta", piece, **self._place)

    def close(self, status: Status) -> None:
        """Send that the call is done; its arguments are what was sent of them."""
        arguments = "".join(self._pieces)
        self.item.arguments, self.item.status = arguments, status
        named = {"name": self.item.name, "arguments": arguments}
        self._channel.outlet.send(
            "response.function_call_arguments.done",
            response_id=self._channel.response_id,
            **self._place,
            **named,
        )
        self._channel.done(self._index, self.item)
