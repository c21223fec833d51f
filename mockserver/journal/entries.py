"""Journal entries: records as JSON, their progress, the facts that conditions read from them, and their patterns."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from mockserver import json_styles
from mockserver.catalog.paths import VERSION, with_version
from mockserver.journal.record import RealtimeTurn, Record, as_json
from mockserver.matching.patterns import Pattern

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from mockserver.audio.decode import ClipFacts
    from mockserver.journal.audio_records import AudioFile
    from mockserver.journal.pieces import Pieces

_decoder = msgspec.json.Decoder(Record)
OVERHEAD = 350  # bytes of memory of an entry in addition to its record as JSON


class Progress(msgspec.Struct):
    """The part of a response that was sent so far. ``events`` and ``pieces`` are ``None`` unless it is a stream.

    ``kept`` are the pieces that are recorded themselves.
    """

    sent: int = 0
    pieces: int | None = None
    events: int | None = None
    first_byte_ms: float | None = None
    kept: Pieces | None = None

    def apply_to(self, record: Record, *, events: bool = True) -> None:
        """Write the progress of the response into the record; of a session with its ``events`` or without."""
        record.stream_events, record.stream_pieces = self.events, self.pieces
        record.bytes_sent = self.sent
        if self.kept is not None:
            record.pieces, record.pieces_dropped = self.kept.shown(), self.kept.dropped
        record.timing.first_byte_ms = self.first_byte_ms


def decoded(data: bytes) -> Record:
    """Return the record of JSON that ``encoded`` has made."""
    return _decoder.decode(data)


def encoded(record: Record) -> bytes:
    """Return the record as JSON."""
    try:
        return bytes(memoryview(msgspec.json.encode(record)))  # a copy: msgspec's buffer is 50 % larger
    except UnicodeEncodeError:  # an unpaired surrogate, in a header or path
        if isinstance(record.response, msgspec.Raw):
            record.response = msgspec.json.decode(record.response)
        return json_styles.compact(as_json(record))


class KeptClip(NamedTuple):
    """An audio file of an entry, as conditions read it (``matching.facts.KnownClip``)."""

    audio: AudioFile

    @property
    def name(self) -> str:
        """Return the file name."""
        return self.audio.file

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of the file, in hex."""
        return self.audio.sha256

    @property
    def facts(self) -> ClipFacts:
        """Return container, codec, duration and the like. Raises ``UndecodableAudio`` if they were never determined."""
        from mockserver.audio.decode import ClipFacts, UndecodableAudio

        if self.audio.container is None:
            raise UndecodableAudio("it was not decoded for this request")
        return ClipFacts(*(getattr(self.audio, name) for name in ClipFacts.__struct_fields__))


class EntryFacts:
    """The facts of an entry, as conditions read them (``matching.facts.Outcome``)."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.model = record.model or ""
        self.headers: Mapping[str, str] = record.headers
        self.document: Mapping[str, Any] = record.request
        self.prompt = record.prompt or ""
        self.user_text = record.user_text or ""
        self.heard = record.heard
        self.method = record.method
        self.status = record.status
        self.error = record.error
        self.answered_by = record.answered_by
        self.stub = record.stub
        self.fault_names: Sequence[str] = record.fault.names if record.fault else ()
        self.hung_up = record.hung_up
        self.in_flight = record.in_flight
        self.languages: Sequence[str] = ()
        self.turn: int | None = None
        reply = record.reply or {}
        self.said: str | None = reply.get("text")
        calls = reply.get("tool_calls")
        # Very many are replaced by their number.
        self.tools = [str(call.get("name")) for call in calls] if isinstance(calls, list) else []
        self.interrupted = False
        self.event_types: Sequence[str] = record.realtime.event_types if record.realtime else ()
        for turn in record.realtime.turns if record.realtime else ():
            self.fault_names = [*self.fault_names, *(turn.fault.names if turn.fault else ())]

    @property
    def endpoint_names(self) -> frozenset[str]:
        """Return all names of its endpoint."""
        return frozenset(self.record.endpoint_names)

    @property
    def path(self) -> str:
        """Return the path of the request, with ``/v1`` if it is one of OpenAI's API."""
        is_versioned = any(name.startswith(f"{VERSION}/") for name in self.record.endpoint_names)
        return with_version(self.record.path) if is_versioned else self.record.path

    @property
    def account_names(self) -> frozenset[str]:
        """Return all names of its account."""
        return frozenset(self.record.account_names)

    @cached_property
    def clips(self) -> Sequence[KeptClip]:
        """Return its audio files, in order."""
        return [KeptClip(audio) for audio in self.record.audio]

    @cached_property
    def turns(self) -> Sequence[TurnFacts]:
        """Return the facts of each turn of a session: of its responses, or of what a transcription session heard."""
        session = self.record.realtime
        if session is None:
            return ()
        kind = "transcription" if session.kind == "transcription" else "response"
        return [TurnFacts(self.record, turn) for turn in session.turns if turn.kind == kind]


class TurnFacts(EntryFacts):
    """The facts of a turn of a session, and those of the entry that all turns share."""

    def __init__(self, record: Record, turn: RealtimeTurn) -> None:
        super().__init__(record)
        self.turn = turn.turn
        self.prompt = turn.prompt or ""
        self.user_text = turn.user_text or ""
        self.heard = turn.heard
        self.said = turn.said
        self.tools = [str(call["name"]) for call in turn.tools]
        self.interrupted = turn.interrupted
        self.error = turn.error
        self.answered_by = turn.answered_by
        self.stub = turn.stub
        faults = (record.fault, turn.fault)
        self.fault_names = [name for fault in faults if fault is not None for name in fault.names]


class JournalPattern(Pattern):
    """A compiled ``when`` of the journal (``schemas/mock/journal_when.json``).

    If it has conditions on turns, they must hold for a turn of a Realtime session. ``endpoints`` are the known names.
    Raises ``PatternError`` for an invalid condition.
    """

    def __init__(self, when: Mapping[str, Any], endpoints: Collection[str] = ()) -> None:
        super().__init__(when, endpoints, "entry")

    def count(self, facts: EntryFacts) -> int:
        """Return how often an entry matches: 0 or 1, or the number of turns that match."""
        return sum(map(self.matches, self._subjects(facts)))

    def nearest(self, facts: EntryFacts) -> tuple[list[str], int | None]:
        """Return the differences of an entry, or of its turn with the fewest, and the number of that turn."""
        compared = [(self.differences(each), each.turn) for each in self._subjects(facts)]
        return min(compared, key=lambda each: len(each[0]))

    def _subjects(self, facts: EntryFacts) -> Sequence[EntryFacts]:
        return facts.turns or [facts] if self.reads_turns else [facts]
