"""Verifies requests: counts matching journal entries, and lists near misses."""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct

from mockserver.journal.entries import EntryFacts, JournalPattern
from mockserver.matching.allowance import sharing
from mockserver.matching.comparisons import PatternError
from mockserver.wording import cut

if TYPE_CHECKING:
    from mockserver.journal.audio_records import AudioFile
    from mockserver.journal.journal import Journal
    from mockserver.journal.record import RealtimeTurn, Record

_NEAR_MISSES = 3
_SHOWN = 100  # characters of a transcript or text


class NearMiss(NamedTuple):
    """An entry that did not match: its id, a summary in one line, and the differences."""

    id: str
    summary: str
    differences: list[str]


class Verdict(Struct, frozen=True):
    """The result of a verification: the ids of matching entries, and near misses if it failed.

    ``headline`` says in one line what was wanted and how many matched. ``count`` is the number of matching entries, or
    of turns in them.
    """

    ok: bool
    headline: str
    entries: list[str]
    near_misses: list[NearMiss]
    count: int

    @property
    def message(self) -> str:
        """Return the headline and the near misses as text."""
        lines = [self.headline]
        for miss in self.near_misses:
            lines += [f"  near miss: {miss.summary}", *(f"    {each}" for each in miss.differences)]
        return "\n".join(lines)


def verify(
    journal: Journal,
    account_id: str | None,
    when: Mapping[str, Any],
    *,
    exactly: int | None = None,
    at_least: int | None = None,
    at_most: int | None = None,
) -> Verdict:
    """Verify the number of an account's entries, or of turns, that match ``when``; without bounds, at least one must.

    Raises ``PatternError`` for an invalid ``when``, or contradictory bounds.
    """
    bounds = _Bounds.of(exactly, at_least, at_most)
    pattern = JournalPattern(when, journal.endpoints)
    matching: list[EntryFacts] = []
    others: list[EntryFacts] = []
    count = 0
    entries = [EntryFacts(record) for record in journal.records(account_id, events=False)]
    with sharing(journal.limits, len(entries)) as scripts:
        for facts in entries:
            found = pattern.count(facts)
            count += found
            (matching if found else others).append(facts)
        near_misses = _nearest(pattern, others) if count < bounds.least else []
    fits = bounds.least <= count and (bounds.most is None or count <= bounds.most)
    ok = fits and not scripts.left_conditions_open
    headline = f"Wanted {bounds.wording} with {json.dumps(when, ensure_ascii=False)}, got {count}."
    if not ok:
        headline += _caveats(journal, pattern, entries)
    if scripts.left_conditions_open:
        headline += (
            " There may be more: searching all entries exceeds the settings path_steps or script_seconds."
        )
    return Verdict(ok, headline, [facts.record.id for facts in matching], near_misses, count)


def _caveats(journal: Journal, pattern: JournalPattern, entries: list[EntryFacts]) -> str:
    """Return why entries or turns may be missing, as sentences."""
    said = ""
    if not entries:
        said += " No request arrived." if journal.is_kept else " The journal is off: journal_entries is 0."
    if journal.dropped:
        said += f" The journal is full and has dropped {journal.dropped} older entries."
    sessions = [facts.record.realtime for facts in entries if facts.record.realtime is not None]
    gone = sum(session.turns_dropped for session in sessions) if pattern.reads_turns else 0
    if gone:
        said += f" Long sessions have dropped {gone} older turns."
    return said


def wait(
    journal: Journal,
    account_id: str | None,
    when: Mapping[str, Any],
    *,
    at_least: int = 1,
    timeout: float,
    given_up: Callable[[], bool] = lambda: False,
) -> Verdict:
    """Return the result of ``verify`` once enough entries match or ``timeout`` real seconds have passed.

    ``given_up`` is called regularly; when it returns ``True``, the wait ends.
    """
    journal.wait(account_id, JournalPattern(when, journal.endpoints), at_least, timeout, given_up)
    return verify(journal, account_id, when, at_least=at_least)


def report(entries: Iterable[Record]) -> str:
    """Return exchanges as text: a line for each, and one for each of its audio files, or turns."""
    return "\n".join(
        line
        for entry in entries
        for line in (
            summary(entry),
            *map(_audio_line, entry.audio),
            *map(_turn_line, entry.realtime.turns if entry.realtime else ()),
        )
    )


def summary(entry: Record) -> str:
    """Return an exchange as one line: the request, the response, and what answered."""
    time = datetime.fromtimestamp(entry.time, UTC).strftime("%H:%M:%S.%f")[:-3]
    asked = [time, entry.method, entry.path, entry.model, *_quoted(entry.user_text)]
    answered = [
        str(entry.status or "no answer"),
        entry.error,
        entry.answered_by and f"by {entry.answered_by}",
        f"stub {entry.stub}" if entry.stub and entry.stub not in (entry.answered_by or "") else None,
        f"fault {entry.fault.names[0]}" if entry.fault else None,
        "in flight" if entry.in_flight else None,
        "the client disconnected" if entry.hung_up else None,
    ]
    return " ".join(filter(None, asked)) + " → " + ", ".join(filter(None, answered))


def _audio_line(audio: AudioFile) -> str:
    facts = [audio.file, f"{audio.size} bytes", f"sha256 {audio.sha256[:12]}…"]
    if audio.container is not None:
        facts.append(
            f"{audio.container} {audio.codec} {audio.duration:.3f} s {audio.sample_rate} Hz "
            f"{audio.channels} ch"
        )
    heard = "".join(f" heard {text}" for text in _quoted(audio.heard))
    return f"    {audio.place}: {', '.join(facts)}{heard}"


def _turn_line(turn: RealtimeTurn) -> str:
    parts = [
        *(f"heard {text}" for text in _quoted(turn.heard)),
        *(f"read {text}" for text in _quoted(turn.user_text)),
        *(f"said {text}" for text in _quoted(turn.said)),
        *(f"called {call['name']}" for call in turn.tools),
        *([f"by {turn.answered_by}"] if turn.answered_by else ()),
        "interrupted" if turn.interrupted else turn.status,
        *([turn.error] if turn.error else ()),
    ]
    return f"    {turn.kind} {turn.turn} at {turn.began_ms / 1000:.3f} s: {', '.join(parts)}"


def _quoted(text: str | None) -> list[str]:
    if not text:
        return []
    return [json.dumps(cut(text, _SHOWN), ensure_ascii=False)]


class _Bounds(NamedTuple):
    """The wanted number of requests, in numbers and in words."""

    least: int
    most: int | None
    wording: str

    @classmethod
    def of(cls, exactly: int | None, at_least: int | None, at_most: int | None) -> _Bounds:
        if exactly is not None:
            if at_least is not None or at_most is not None:
                raise PatternError("exactly: cannot be combined with at_least or at_most.")
            return cls(exactly, exactly, f"exactly {_requests(exactly)}")
        if at_least is None and at_most is None:
            at_least = 1
        if at_least is not None and at_most is not None and at_least > at_most:
            raise PatternError("at_least: must not be more than at_most.")
        least = None if at_least is None else f"at least {_requests(at_least)}"
        most = None if at_most is None else f"at most {_requests(at_most)}"
        return cls(at_least or 0, at_most, " and ".join(filter(None, (least, most))))


def _requests(number: int) -> str:
    return f"{number} request{'' if number == 1 else 's'}"


def _nearest(pattern: JournalPattern, others: list[EntryFacts]) -> list[NearMiss]:
    """Return the near misses: those of the right endpoint first, then by number of differences, then the latest."""
    differing = [(*pattern.nearest(facts), facts.record) for facts in reversed(others)]

    def distance(miss: tuple[list[str], int | None, Record]) -> tuple[bool, int]:
        return any(each.startswith("endpoint:") for each in miss[0]), len(miss[0])

    nearest = heapq.nsmallest(_NEAR_MISSES, differing, key=distance)
    return [
        NearMiss(record.id, summary(record) + (f", turn {turn}" if turn is not None else ""), differences)
        for differences, turn, record in nearest
    ]
