"""The client's events for items: create, delete, truncate, retrieve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from mockserver import json_styles
from mockserver.audio.telephony import decode_g711
from mockserver.errors import ApiError
from mockserver.providers.openai.realtime.base64_audio import decoded
from mockserver.providers.openai.realtime.conversation.items import (
    FunctionCall,
    FunctionCallOutput,
    McpItem,
    Message,
    Part,
)
from mockserver.providers.openai.realtime.sounds import ENCODINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mockserver.providers.openai.realtime.configuration.parts import AudioFormat
    from mockserver.providers.openai.realtime.configuration.session_config import SessionConfig
    from mockserver.providers.openai.realtime.conversation.conversation import Conversation
    from mockserver.providers.openai.realtime.conversation.items import Item, Status
    from mockserver.providers.openai.realtime.hearing.input_transcription import InputTranscription
    from mockserver.providers.openai.realtime.identifiers import RealtimeIds
    from mockserver.providers.openai.realtime.outlet import Outlet
    from mockserver.providers.openai.realtime.sounds import Sound, Sounds

_MOST_BYTES = 1 << 28  # of the items that the client creates, as JSON
_OLD_NAMES = {"output_audio": "audio", "output_text": "text"}  # of the parts of items that are retrieved


class ItemParts(Struct, frozen=True):
    """The parts of a session that the commands for items use."""

    config: SessionConfig
    ids: RealtimeIds
    outlet: Outlet
    conversation: Conversation
    sounds: Sounds
    transcription: InputTranscription


class ItemCommands:
    """Carries out the client's events for items. All raise ``ApiError``.

    ``cut_in_progress`` cuts what the model still says in an item.
    """

    def __init__(self, parts: ItemParts) -> None:
        self._parts = parts
        self._bytes = 0  # of the items that were created and not deleted
        self.cut_in_progress: Callable[[str, int], None] = _refuse_to_cut

    def create(self, event: Mapping[str, Any]) -> None:
        """Add an item where the client wants it."""
        conversation, outlet = self._parts.conversation, self._parts.outlet
        item = self.read(event["item"])
        if isinstance(item, FunctionCallOutput) and not conversation.has_call(item.call_id):
            raise ApiError("realtime_call_unknown", call_id=item.call_id)
        size = _size(item)
        if self._bytes + size > _MOST_BYTES:
            raise ApiError("realtime_session_full", most=_MOST_BYTES, what="items")
        previous = conversation.insert(item, event.get("previous_item_id"))
        self._bytes += size
        self._note_sounds(item)
        for state in ("added", "done"):
            outlet.send(f"conversation.item.{state}", previous_item_id=previous, item=item.shown())

    def delete(self, event: Mapping[str, Any]) -> None:
        """Remove an item."""
        item_id = event["item_id"]
        item = self._parts.conversation.find(item_id)
        if item is None:
            raise ApiError("realtime_item_not_deleted", item_id=item_id)
        self._parts.conversation.remove(item)
        self._bytes -= min(_size(item), self._bytes)
        self._parts.transcription.forget(item_id)
        self._parts.outlet.send("conversation.item.deleted", item_id=item_id)

    def truncate(self, event: Mapping[str, Any]) -> None:
        """Cut what the model said at a time, and drop its words, of which not all were heard."""
        self.cut(event["item_id"], event["content_index"], event["audio_end_ms"])

    def cut(self, item_id: str, index: int, end_ms: int) -> None:
        """Cut what the model said, and send the client an event about it."""
        item = self._parts.conversation.find(item_id)
        if item is None:
            raise ApiError("realtime_item_not_truncated", item_id=item_id)
        if isinstance(item, Message) and item.status == "in_progress":
            self.cut_in_progress(item_id, end_ms)
        else:
            _cut(item, index, end_ms)
        self._parts.outlet.send(
            "conversation.item.truncated", item_id=item_id, content_index=index, audio_end_ms=end_ms
        )

    def retrieve(self, event: Mapping[str, Any]) -> None:
        """Send an item with its audio, in the form of the beta."""
        item = self._parts.conversation.find(event["item_id"])
        if item is None:
            raise ApiError("realtime_item_not_retrieved", item_id=event["item_id"])
        shown = item.shown()
        retrieved = {"id": shown.pop("id"), "object": "realtime.item", **shown}
        if isinstance(item, Message):
            retrieved["content"] = [self._retrieved(item.id, part) for part in item.content]
        self._parts.outlet.send("conversation.item.retrieved", item=retrieved)

    def read(self, members: Mapping[str, Any], place: str = "item") -> Item:
        """Return the item that a client describes at a ``place`` of its event.

        Raises ``ApiError`` for audio that cannot be read.
        """
        item_id = members.get("id") or self._parts.ids.item()
        kind = members["type"]
        status: Status = members.get("status") or "completed"
        if kind == "message":
            content = [
                self._part(f"{place}.content[{number}]", each)
                for number, each in enumerate(members["content"])
            ]
            return Message(item_id, members["role"], content, status)
        if kind == "function_call":
            call_id = members.get("call_id") or self._parts.ids.call()
            return FunctionCall(item_id, members["name"], call_id, members["arguments"], status)
        if kind == "function_call_output":
            return FunctionCallOutput(item_id, members["call_id"], members["output"])
        return McpItem(item_id, {name: value for name, value in members.items() if name not in _NOT_SHOWN})

    def _part(self, place: str, members: Mapping[str, Any]) -> Part:
        """Return a part of the content of a message."""
        sound = None
        if members.get("audio"):
            sound = self._sound(members["audio"], f"{place}.audio")
        return Part(
            members["type"],
            members.get("text") or "",
            members.get("transcript"),
            sound,
            members.get("image_url") or "",
            members.get("detail") or "auto",
        )

    def _sound(self, audio: str, param: str) -> Sound:
        """Return the sound of Base64 in the format of the input."""
        format_ = self._parts.config.input_format
        data = decoded(audio, format_, param)
        return self._parts.sounds.keep_heard(_samples(data, format_), format_.rate, ENCODINGS[format_.type])

    def _note_sounds(self, item: Item) -> None:
        """Have what the user says in an item be understood when it is needed."""
        if isinstance(item, Message) and item.role == "user":
            for part in item.content:
                if part.sound is not None:
                    self._parts.transcription.given(item.id, part.sound)

    def _retrieved(self, item_id: str, part: Part) -> dict[str, Any]:
        """Return a part with its audio."""
        shown = part.shown()
        shown["type"] = _OLD_NAMES.get(part.kind, part.kind)
        if part.kind == "input_audio" and part.transcript is None and self._parts.config.transcription:
            shown["transcript"] = self._parts.transcription.known_text_of(item_id)
        if part.sound is not None:
            shown |= {"audio": part.sound.base64(), "format": part.sound.encoding}
        return shown


def _refuse_to_cut(item_id: str, end_ms: int) -> None:
    raise ApiError("realtime_item_not_spoken")


def _cut(item: Item, index: int, end_ms: int) -> None:
    """Cut a part of what the model said. Raises ``ApiError``."""
    part = item.content[index] if isinstance(item, Message) and index < len(item.content) else None
    if part is None or part.kind != "output_audio":
        raise ApiError("realtime_item_not_spoken")
    ms = part.sound.ms if part.sound else 0
    if end_ms > ms:
        raise ApiError("realtime_audio_shorter", ms=ms, asked=end_ms)
    part.sound = part.sound.cut(end_ms) if part.sound else None
    part.transcript = ""


def _size(item: Item) -> int:
    """Return the bytes of the memory that an item takes, about, without its audio."""
    return len(json_styles.streamed(item.shown()))


_NOT_SHOWN = ("id", "object")  # members of a client's item that its events do not have


def _samples(data: bytes, format_: AudioFormat) -> bytes:
    """Return audio as 16-bit samples."""
    if format_.type == "audio/pcm":
        return data[: len(data) & ~1]
    return decode_g711(data, "mu" if format_.type == "audio/pcmu" else "a")
