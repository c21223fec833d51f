"""The items of a conversation: what was said, written, shown and called, and the form of each in events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from mockserver.providers.openai.realtime.sounds import Sound

Status = Literal["in_progress", "completed", "incomplete"]


class Part(Struct, eq=False, weakref=True):
    """A part of the content of a message.

    ``kind`` is its type: ``input_text``, ``input_audio``, ``input_image``, ``output_text`` or ``output_audio``. The
    ``transcript`` of an ``input_audio`` is what the client gave, or ``None``; what the user said is known to the
    transcription. ``sound`` is ``None`` for other parts, and for spoken ones whose audio the client did not give.
    """

    kind: str
    text: str = ""
    transcript: str | None = None
    sound: Sound | None = None
    image_url: str = ""
    detail: str = "auto"

    @property
    def is_spoken(self) -> bool:
        """Return whether the part is audio."""
        return self.kind in ("input_audio", "output_audio")

    def shown(self) -> dict[str, Any]:
        """Return the part as events show it: without its audio."""
        if self.is_spoken:
            return {"type": self.kind, "transcript": self.transcript}
        if self.kind == "input_image":
            return {"type": self.kind, "image_url": self.image_url, "detail": self.detail}
        return {"type": self.kind, "text": self.text}


class Message(Struct, eq=False):
    """A message of the user, the assistant or the system.

    ``phase`` is that of newer models, which the items of others do not have.
    """

    id: str
    role: Literal["user", "assistant", "system"]
    content: list[Part]
    status: Status = "completed"
    phase: str | None = None

    def shown(self) -> dict[str, Any]:
        """Return the item as events show it."""
        shown: dict[str, Any] = {
            "id": self.id,
            "type": "message",
            "status": self.status,
            "role": self.role,
            "content": [part.shown() for part in self.content],
        }
        return shown if self.phase is None else shown | {"phase": self.phase}


class FunctionCall(Struct, eq=False):
    """A call of a function by the model. ``arguments`` are JSON."""

    id: str
    name: str
    call_id: str
    arguments: str = ""
    status: Status = "completed"

    def shown(self) -> dict[str, Any]:
        """Return the item as events show it."""
        return {
            "id": self.id,
            "type": "function_call",
            "status": self.status,
            "name": self.name,
            "call_id": self.call_id,
            "arguments": self.arguments,
        }


class FunctionCallOutput(Struct, eq=False):
    """The result of a function call."""

    id: str
    call_id: str
    output: str

    def shown(self) -> dict[str, Any]:
        """Return the item as events show it."""
        return {
            "id": self.id,
            "type": "function_call_output",
            "call_id": self.call_id,
            "output": self.output,
        }


class McpItem(Struct, eq=False):
    """An item of the tools of MCP servers, which clients may add. ``members`` are all but the id."""

    id: str
    members: dict[str, Any]

    def shown(self) -> dict[str, Any]:
        """Return the item as events show it."""
        return {"id": self.id, "type": self.members["type"], **self.members}


Item = Message | FunctionCall | FunctionCallOutput | McpItem
