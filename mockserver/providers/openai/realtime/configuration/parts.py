"""The parts of a session's configuration, as its other modules read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from mockserver.catalog.records import ModelCard

PCM_RATE = 24_000  # samples a second
_G711_RATE = 8_000


class AudioFormat(Struct, frozen=True):
    """A format of audio: ``type`` is its name in the API, ``rate`` its samples a second."""

    type: Literal["audio/pcm", "audio/pcmu", "audio/pcma"]
    rate: int

    def shown(self) -> dict[str, Any]:
        """Return the format as events have it: only PCM shows its rate."""
        return {"type": self.type, "rate": self.rate} if self.type == "audio/pcm" else {"type": self.type}

    @staticmethod
    def of(members: dict[str, Any]) -> AudioFormat:
        """Return the format of the members of a ``format``, which are valid; PCM if they have no type."""
        kind = members.get("type", "audio/pcm")
        return AudioFormat(kind, PCM_RATE if kind == "audio/pcm" else _G711_RATE)


class TurnDetection(Struct, frozen=True):
    """The ``turn_detection`` of a session. Times are in milliseconds; ``idle_timeout_ms`` of ``None`` is off."""

    kind: Literal["server_vad", "semantic_vad"]
    threshold: float = 0.5
    prefix_padding_ms: int = 300
    silence_duration_ms: int = 200
    idle_timeout_ms: int | None = None
    eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    create_response: bool = True
    interrupt_response: bool = True


class Transcription(Struct, frozen=True):
    """The ``transcription`` of a session's input: ``model`` is the name as asked for, ``card`` its row."""

    model: str
    card: ModelCard
    language: str | None = None
    languages: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    prompt: str | None = None
    delay: Literal["minimal", "low", "medium", "high", "xhigh"] | None = None
