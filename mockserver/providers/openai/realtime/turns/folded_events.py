"""Runs of events that the journal folds into one row: appended audio, and deltas."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

import pybase64

from mockserver.journal import redacted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.accounts.redaction import Secrets
    from mockserver.providers.openai.realtime.configuration.parts import AudioFormat

_APPEND = "input_audio_buffer.append"
_SPOKEN = ("response.output_audio.delta", "response.audio.delta")
_BYTES_A_SAMPLE = {"audio/pcm": 2, "audio/pcmu": 1, "audio/pcma": 1}


class Formats(NamedTuple):
    """The formats of a session's audio at the moment."""

    heard: AudioFormat
    spoken: AudioFormat


def is_folded(event: Mapping[str, Any]) -> bool:
    """Return whether an event is one of a run: it has audio or the piece of a text."""
    kind = event.get("type")
    return isinstance(kind, str) and (kind == _APPEND or kind.endswith(".delta"))


def seconds_of(event: Mapping[str, Any], formats: Formats | None) -> float:
    """Return the seconds of the audio that an event has."""
    kind = event.get("type")
    if formats is None or (kind != _APPEND and kind not in _SPOKEN):
        return 0.0
    form = formats.heard if kind == _APPEND else formats.spoken
    content = _content(event)
    size = len(content) * 3 // 4 - content[-2:].count("=")
    return size / _BYTES_A_SAMPLE[form.type] / form.rate


def _content(event: Mapping[str, Any]) -> str:
    content = event.get("audio" if event.get("type") == _APPEND else "delta")
    return content if isinstance(content, str) else ""


def _decoded(content: str) -> bytes:
    try:
        return pybase64.b64decode(content, validate=True)
    except ValueError:  # which is refused
        return b""


class Run:
    """Events of one type and item, one after another but for those of other runs. Times are in milliseconds."""

    def __init__(self, direction: str, kind: str, item: object, now: float) -> None:
        self._direction = direction
        self._kind = kind
        self._item = item if isinstance(item, str) else None
        self._began = self._ended = now
        self._count = 0
        self._seconds = 0.0
        self._texts: list[str] = []
        self._characters = 0
        self._hash = hashlib.sha256() if kind == _APPEND or kind in _SPOKEN else None

    def add(self, event: Mapping[str, Any], now: float, seconds: float) -> None:
        """Add an event with so many seconds of audio."""
        self._ended = now
        self._count += 1
        self._seconds += seconds
        content = _content(event)
        if self._hash is not None:
            self._hash.update(_decoded(content))
            return
        if self._characters < redacted.MAX_CHARACTERS:
            self._texts.append(content[: redacted.MAX_CHARACTERS])
        self._characters += len(content)

    def row(self, secrets: Secrets) -> dict[str, Any]:
        """Return the row of the run."""
        row: dict[str, Any] = {
            "at_ms": round(self._began, 3),
            "direction": self._direction,
            "type": redacted.text(self._kind, secrets),
            "until_ms": round(self._ended, 3),
            "count": self._count,
        }
        if self._item is not None:
            row["item_id"] = redacted.text(self._item, secrets)
        if self._hash is None:
            return row | {"delta": redacted.text("".join(self._texts), secrets)}
        return row | {"seconds": round(self._seconds, 3), "sha256": self._hash.hexdigest()}
