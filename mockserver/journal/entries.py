"""Journal entries: exchanges as they are kept, as JSON, and as matchers see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from mockserver import json_styles
from mockserver.catalog.paths import without_version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mockserver.audio.decode import ClipFacts

Record = dict[str, Any]

# The members of a record that matchers need and people do not.
_UNSHOWN = ("account_id", "account_names", "endpoint_names")
_MEMBERS = frozenset(
    (
        *("id", "time", *_UNSHOWN, "account", "organization", "project", "endpoint", "operation"),
        *("method", "path", "query", "headers", "model", "request", "audio", "heard", "user_text", "prompt"),
        *(
            "status",
            "error",
            "answered_by",
            "stub",
            "fault",
            "reply",
            "usage",
            "cost_usd",
            "limits",
            "timing",
        ),
        *("stream_events", "stream_pieces", "bytes_sent", "in_flight", "hung_up"),
    )
)
_SOUND = ("container", "codec", "duration", "channels", "sample_rate", "pcm_sha256")
_AUDIO_MEMBERS = frozenset(("place", "file", "size", "sha256", *_SOUND, "heard"))
_TYPES: Mapping[str, type] = {
    **dict.fromkeys(("query", "headers", "request", "limits", "timing"), dict),
    **dict.fromkeys(("account_names", "endpoint_names", "audio"), list),
    "id": str,
}
_OVERHEAD = 240  # bytes of memory that an entry takes beside its record


@dataclass(slots=True)
class Progress:
    """How much of an answer was handed out so far. Of a whole one ``events`` and ``pieces`` are ``None``."""

    sent: int = 0
    pieces: int | None = None
    events: int | None = None
    first_byte_ms: float | None = None

    def members(self) -> Record:
        """The members of a record that tell it."""
        return {"stream_events": self.events, "stream_pieces": self.pieces, "bytes_sent": self.sent}


class Entry:
    """An exchange in the journal: its record as JSON, and how far it is while it is still in flight.

    ``kept`` is whether the journal has it (still).
    """

    __slots__ = ("_json", "account_id", "id", "kept", "progress")

    def __init__(self, record: Record, progress: Progress | None = None) -> None:
        self.id: str = record["id"]
        self.account_id: str | None = record["account_id"]
        self.progress = progress
        self.kept = False
        self._json = _encoded(record)

    @property
    def size(self) -> int:
        """Bytes of memory."""
        return len(self._json) + _OVERHEAD

    def finish(self, record: Record) -> None:
        """The answer has ended; ``record`` is the final one."""
        self._json = _encoded(record)
        self.progress = None

    def record(self) -> Record:
        """The record, as of now."""
        record: Record = msgspec.json.decode(self._json)
        progress = self.progress
        if progress is not None:
            record |= progress.members()
            record["timing"]["first_byte_ms"] = progress.first_byte_ms
        return record


def _encoded(record: Record) -> bytes:
    try:
        return bytes(memoryview(msgspec.json.encode(record)))  # a copy: msgspec's takes half as much again
    except UnicodeEncodeError:  # half a surrogate pair, in a header or path
        return json_styles.compact(record)


def is_record(value: object) -> bool:
    """Whether a JSON value is the record of an entry."""
    return (
        isinstance(value, dict)
        and value.keys() | {"reply"} == _MEMBERS  # which older snapshots do not have
        and all(isinstance(value[name], kind) for name, kind in _TYPES.items())
        and all(isinstance(each, dict) and each.keys() == _AUDIO_MEMBERS for each in value["audio"])
    )


def shown(record: Record) -> Record:
    """A record as people see it."""
    return {name: value for name, value in record.items() if name not in _UNSHOWN}


class KeptClip(NamedTuple):
    """An audio file of an entry, as matchers see it (``matching.facts.KnownClip``)."""

    audio: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The file name."""
        return str(self.audio["file"])

    @property
    def sha256(self) -> str:
        """The SHA-256 of the file, in hex."""
        return str(self.audio["sha256"])

    @property
    def facts(self) -> ClipFacts:
        """Container, codec, duration and the like. Raises ``UndecodableAudio`` if they never were known."""
        from mockserver.audio.decode import ClipFacts, UndecodableAudio

        if self.audio["container"] is None:
            raise UndecodableAudio("nothing needed to")
        return ClipFacts(*(self.audio[name] for name in ClipFacts.__dataclass_fields__))


class EntryFacts:
    """An entry as matchers see it (``matching.facts.Facts``), and what became of the request."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.model: str = record["model"] or ""
        self.headers: Mapping[str, str] = record["headers"]
        self.document: Mapping[str, Any] = record["request"]
        self.prompt: str = record["prompt"] or ""
        self.user_text: str = record["user_text"] or ""
        self.heard: str | None = record["heard"]
        self.languages: Sequence[str] = ()

    @property
    def endpoint_names(self) -> frozenset[str]:
        """All names its endpoint goes by."""
        return frozenset(self.record["endpoint_names"])

    @property
    def path(self) -> str:
        """The path of the request, without ``/v1``."""
        return without_version(self.record["path"])

    @property
    def method(self) -> str:
        """The HTTP method."""
        return str(self.record["method"])

    @property
    def account_names(self) -> frozenset[str]:
        """All names its account goes by."""
        return frozenset(self.record["account_names"])

    @cached_property
    def clips(self) -> Sequence[KeptClip]:
        """Its audio files, in order."""
        return [KeptClip(audio) for audio in self.record["audio"]]
