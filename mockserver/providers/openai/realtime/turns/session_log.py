"""The journal's record of a session: its events, with audio and deltas folded, and its turns."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from mockserver import json_styles, strict_json
from mockserver.journal import redacted
from mockserver.journal.record import Realtime
from mockserver.pipeline.recording import Recording
from mockserver.providers.openai.realtime.turns.folded_events import Formats, Run, is_folded, seconds_of
from mockserver.providers.openai.realtime.turns.log import TurnLog
from mockserver.providers.openai.realtime.turns.session_audio import SessionAudio

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mockserver.accounts.redaction import Secrets
    from mockserver.journal.record import Record
    from mockserver.providers.openai.realtime.sounds import Sound
    from mockserver.providers.openai.realtime.turns.turn import Turn

_ENDPOINT = "realtime"  # the name by which sessions are verified
_MAX_BYTES = 1 << 18  # of the rows of events of a session, as JSON
_MAX_ROWS = 2_000
_MAX_TYPES = 200  # different types of events, of which a client can make up any number


class SessionLog:
    """What happens in a session, for the journal. The session's thread writes it, any thread reads it.

    ``session`` is the id of the session, ``recording`` the progress of the entry. ``begin`` says how to find out the
    time and the formats of audio.
    """

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._lock = threading.Lock()
        self._rows: deque[bytes] = deque()
        self._bytes = 0
        self._dropped = 0
        self._runs: dict[tuple[str, ...], Run] = {}
        self._types: dict[str, None] = {}
        self.session = ""
        self._kind = ""
        self._heard = self._spoken = 0.0  # seconds
        self._usage: dict[str, Any] = {}  # of all turns that have ended
        self._cost: float | None = None
        self._closed: dict[str, Any] | None = None
        self._now_ms: Callable[[], float] = lambda: 0.0
        self._formats: Callable[[], Formats] | None = None
        self._turns = TurnLog(secrets)
        self._audio = SessionAudio(secrets)
        self.recording = Recording(fill=self._fill)

    def begin(
        self, session: str, kind: str, now_ms: Callable[[], float], formats: Callable[[], Formats]
    ) -> None:
        """Note the id and the kind of the session, and how to find out times and formats."""
        with self._lock:
            self.session, self._kind = session, kind
            self._turns.is_conversation = kind == "realtime"
            self._now_ms, self._formats = now_ms, formats

    def received(self, event: Mapping[str, Any]) -> None:
        """Note an event of the client, as it was parsed."""
        with self._lock:
            self._note("in", event, self._now_ms())

    def made(self, event: Mapping[str, Any]) -> None:
        """Note what an event of the server means for its turn."""
        with self._lock:
            formats = self._formats() if self._formats else None
            self._turns.made(event, self._now_ms(), seconds_of(event, formats))

    def sent(self, event: Mapping[str, Any]) -> None:
        """Note an event that leaves the server."""
        with self._lock:
            self._note("out", event, self._now_ms())

    def turn_began(self, turn: Turn) -> None:
        """Note a turn."""
        with self._lock:
            self._turns.began(turn, self._now_ms())

    def turn_ended(self, turn: Turn) -> None:
        """Note the usage and the cost of a turn, and what the user said if that is known by now."""
        with self._lock:
            record = self._turns.settled(turn, self._now_ms())
            self._usage = _added(self._usage, turn.call.outcome.usage or {})
            cost = turn.call.outcome.cost_usd
            if cost is not None:
                self._cost = cost + (self._cost or 0.0)
            said = turn.said if turn.said is not None and self._audio.say(turn.said) else None
        if said is not None and self.recording.keep_audio is not None:
            self.recording.keep_audio([said])
        turn.said = None
        self.recording.write()
        if record is not None:
            self.recording.trace_turn(self.session, record, time.perf_counter() - turn.began)

    def heard(self, item_id: str, text: str) -> None:
        """Note what the user said in an item."""
        with self._lock:
            self._turns.heard(item_id, text)
        self.recording.write()

    def spoke(self, item_id: str, sound: Sound, end_ms: float) -> None:
        """Note the audio of an item of the user, which ends at ``end_ms``, if the journal keeps audio."""
        keep_audio = self.recording.keep_audio
        if keep_audio is None:
            return
        with self._lock:
            file = self._audio.hear(item_id, sound, end_ms - sound.samples * 1000 / sound.rate)
        if file is not None:
            keep_audio([file])

    def closed(self, code: int, reason: str) -> None:
        """Note that the server closes the connection."""
        with self._lock:
            self._closed = {"code": code, "reason": reason}
            self._note("out", {"type": "close", **self._closed}, self._now_ms())

    def end(self, *, by_client: bool) -> None:
        """Finish the entry: the session has ended. A client that ends it in the middle of a turn has hung up."""
        with self._lock:
            was_in_turn = self._turns.end(self._now_ms())
        self.recording.end(by_client and was_in_turn)

    def _note(self, direction: str, event: Mapping[str, Any], now: float) -> None:
        """Add a row for an event, or fold it into the row of its run."""
        kind = event.get("type")
        kind = kind if isinstance(kind, str) else ""
        if len(self._types) < _MAX_TYPES:
            self._types.setdefault(kind[: redacted.MAX_CHARACTERS])
        if not is_folded(event):
            self._end_runs()
            shown = redacted.document(event, {}, self._secrets)
            self._add(json_styles.compact({"at_ms": round(now, 3), "direction": direction} | shown))
            return
        key = (direction, kind, str(event.get("item_id", "")))
        run = self._runs.get(key)
        if run is None:
            run = self._runs[key] = Run(direction, kind, event.get("item_id"), now)
        seconds = seconds_of(event, self._formats() if self._formats else None)
        run.add(event, now, seconds)
        if direction == "in":
            self._heard += seconds
        else:
            self._spoken += seconds

    def _open_rows(self) -> list[bytes]:
        """Return the rows of the runs that may go on."""
        return [json_styles.compact(run.row(self._secrets)) for run in self._runs.values()]

    def _end_runs(self) -> None:
        for row in self._open_rows():
            self._add(row)
        self._runs.clear()

    def _add(self, written: bytes) -> None:
        self._rows.append(written)
        self._bytes += len(written)
        while len(self._rows) > _MAX_ROWS or (self._bytes > _MAX_BYTES and len(self._rows) > 1):
            self._bytes -= len(self._rows.popleft())
            self._dropped += 1

    def _fill(self, record: Record, *, events: bool) -> None:
        """Write what has happened so far into a record, with the ``events`` or without."""
        with self._lock:
            rows = [*self._rows, *self._open_rows()] if events else []
            turns = self._turns.records()
            record.audio, record.said_audio = [*self._audio.heard], [*self._audio.said]
            record.realtime = Realtime(
                session=self.session,
                kind=self._kind,
                events=[],
                events_dropped=self._dropped,
                event_types=list(self._types),
                turns=turns,
                turns_dropped=self._turns.dropped,
                audio_in=round(self._heard, 3),
                audio_out=round(self._spoken, 3),
                close=self._closed,
            )
            record.usage, record.cost_usd = self._usage or None, self._cost
        if _ENDPOINT not in record.endpoint_names:  # a call is begun at another endpoint
            record.endpoint_names = [*record.endpoint_names, _ENDPOINT]
        record.realtime.events = [strict_json.parse(row) for row in rows]


def _added(usage: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sums of the numbers of two usages. Their types differ, so the sum has none."""
    sums = dict(usage)
    for name, value in more.items():
        if isinstance(value, dict):
            sums[name] = _added(sums.get(name, {}), value)
        elif isinstance(value, int | float):
            sums[name] = sums.get(name, 0) + value
    return sums
