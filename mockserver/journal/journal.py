"""The journal: the latest requests and responses of every account, in memory."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from mockserver.journal.entries import Entry, EntryFacts
from mockserver.journal.record import Record, as_json, of_account, records_of
from mockserver.matching.allowance import USUAL, ScriptLimits, sharing
from mockserver.matching.comparisons import PatternError

if TYPE_CHECKING:
    from mockserver.audio.clip import Clip
    from mockserver.audio.content import Content
    from mockserver.clock import Clock

_CHECK_EVERY = 0.1  # seconds between two checks of whether to continue waiting


class Matcher(Protocol):
    """A selection of entries, or of turns in them."""

    def count(self, facts: EntryFacts) -> int:
        """Return how often it selects the entry: once for each turn that it selects."""
        ...


class Journal:
    """The entries of all accounts, limited in number and memory; the oldest are evicted. Thread-safe.

    Keeps at most ``entries`` entries (0: the journal is off) in ``max_bytes`` bytes, and ``keep_audio`` bytes of
    uploaded audio. An ``account_id`` of ``None`` means every account. ``endpoints`` are the names that conditions
    can use; if empty, any name is accepted.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        entries: int,
        max_bytes: int,
        keep_audio: int,
        limits: ScriptLimits = USUAL,
        endpoints: Collection[str] = (),
    ) -> None:
        self.limits = limits  # of the evaluation of conditions
        self.endpoints = endpoints
        self.clock = clock
        self._max_entries = entries
        self._max_bytes = max_bytes
        self._audio = _KeptAudio(keep_audio)
        self._changed = threading.Condition()
        self._entries: deque[Entry] = deque()
        self._version = 0
        self.size = 0
        self.dropped = 0

    @property
    def is_kept(self) -> bool:
        """Return whether the journal is on."""
        return self._max_entries > 0

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: Entry) -> None:
        """Add the entry of an exchange."""
        with self._changed:
            self._entries.append(entry)
            entry.kept = True
            self.size += entry.size
            self._evict()
            self._notify()

    def finish(self, entry: Entry, record: Record) -> None:
        """Replace the record of an entry by the final one, when its stream has ended."""
        with self._changed:
            before = entry.size
            entry.finish(record)
            if entry.kept:
                self.size += entry.size - before
                self._evict()
                self._notify()

    def keep_audio(self, clips: Iterable[Clip]) -> None:
        """Keep the audio of an exchange, if ``keep_audio`` is not 0."""
        if self._audio.max_bytes:
            for clip in clips:
                self._keep_audio(clip.sha256, clip.content)

    def _keep_audio(self, sha256: str, content: Content) -> None:
        """Keep a file. It may be on disk, so it is read without the lock, for which all requests wait."""
        with self._changed:
            is_kept = self._audio.renew(sha256)
        if not is_kept and content.size <= self._audio.max_bytes:
            data = content.read()
            with self._changed:
                self._audio.put(sha256, data)

    def audio(self, sha256: str) -> bytes | None:
        """Return an uploaded file; ``None`` if it was not kept, or was evicted."""
        with self._changed:
            return self._audio.get(sha256)

    def records(
        self, account_id: str | None, matcher: Matcher | None = None, *, events: bool = True
    ) -> list[Record]:
        """Return the records of an account's entries that ``matcher`` selects, oldest first.

        Those of sessions that are open can be without their ``events``, which is faster.
        Raises ``PatternError`` if the evaluation exceeds the limits.
        """
        return self._selected(self._of(account_id), matcher, events=events)

    def records_after(
        self, account_id: str | None, entry_id: str, matcher: Matcher | None = None
    ) -> list[Record] | None:
        """Return what ``records`` does, of entries after ``entry_id``; ``None`` for an unknown id."""
        entries = self._of(account_id)
        start = next((number for number, entry in enumerate(entries, 1) if entry.id == entry_id), None)
        return None if start is None else self._selected(entries[start:], matcher)

    @property
    def latest_id(self) -> str | None:
        """Return the id of the latest entry of all accounts; ``None`` for an empty journal."""
        with self._changed:
            return self._entries[-1].id if self._entries else None

    def record(self, account_id: str | None, entry_id: str) -> Record | None:
        """Return the record of an entry; ``None`` for an unknown id."""
        found = (entry for entry in reversed(self._of(account_id)) if entry.id == entry_id)
        entry = next(found, None)
        return entry.record() if entry else None

    def count(self, account_id: str | None, matcher: Matcher) -> int:
        """Return how many entries or turns of an account ``matcher`` selects.

        Raises ``PatternError`` as ``records`` does.
        """
        found = self.records(account_id, matcher, events=False)
        return sum(matcher.count(EntryFacts(each)) for each in found)

    def wait(
        self,
        account_id: str | None,
        matcher: Matcher,
        at_least: int,
        timeout: float,
        given_up: Callable[[], bool] = lambda: False,
    ) -> None:
        """Wait until ``matcher`` selects ``at_least`` entries or turns, or for ``timeout`` real seconds.

        Returns early when ``given_up``, which is called regularly, returns ``True``, or when the evaluation exceeds the
        limits.
        """
        deadline = time.monotonic() + timeout
        known: dict[Entry, int] = {}
        while not given_up():
            version, entries = self._version, self._of(account_id)
            left = deadline - time.monotonic()
            with sharing(self.limits, len(entries)) as scripts:
                selected = sum(_selects(matcher, entry, known) for entry in entries)
            if selected >= at_least or left <= 0 or scripts.left_conditions_open:
                return
            self._wait_for_change(version, min(left, _CHECK_EVERY))

    def delete(self, account_id: str | None) -> int:
        """Delete an account's entries. Return how many there were."""
        with self._changed:
            gone = [entry for entry in self._entries if account_id in (None, entry.account_id)]
            for entry in gone:
                self._mark_removed(entry)
            self._entries = deque(entry for entry in self._entries if entry.kept)
            if account_id is None:
                self.dropped = 0
                self._audio.clear()
            return len(gone)

    def reset(self, account_id: str | None) -> None:
        """Delete an account's entries."""
        self.delete(account_id)

    def snapshot(self, account_id: str | None) -> dict[str, Any]:
        """Return an account's entries, without audio."""
        return {"entries": [as_json(record) for record in self.records(account_id)]}

    def restore(self, state: Any, account_id: str | None) -> None:
        """Replace an account's entries by those of a ``snapshot``, which may be another account's.

        Entries that were in flight have ended. Raises ``ValueError`` naming the place of an invalid record, and then
        changes nothing.
        """
        records = records_of(state.get("entries") if isinstance(state, dict) else None)
        if account_id is not None:
            records = [of_account(each, account_id) for each in records]
        for record in records:
            record.in_flight = False
        restored = [Entry(record) for record in records]
        with self._changed:
            self.delete(account_id)
            self._entries.extendleft(reversed(restored))
            for entry in restored:
                entry.kept = True
                self.size += entry.size
            self._evict()
            self._notify()

    def _selected(
        self, entries: Sequence[Entry], matcher: Matcher | None, *, events: bool = True
    ) -> list[Record]:
        records = [entry.record(events=events) for entry in entries]
        if matcher is None:
            return records
        with sharing(self.limits, len(records)) as scripts:
            selected = [each for each in records if matcher.count(EntryFacts(each))]
        if scripts.left_conditions_open:
            raise PatternError(
                "when: searching all entries exceeds the settings path_steps or script_seconds. "
                "Simplify the conditions, or raise the settings."
            )
        return selected

    def _of(self, account_id: str | None) -> list[Entry]:
        with self._changed:
            return [entry for entry in self._entries if account_id in (None, entry.account_id)]

    def _evict(self) -> None:
        while len(self._entries) > self._max_entries or self.size > self._max_bytes:
            self._mark_removed(self._entries.popleft())
            self.dropped += 1

    def _mark_removed(self, entry: Entry) -> None:
        entry.kept = False
        self.size -= entry.size

    def _notify(self) -> None:
        self._version += 1
        self._changed.notify_all()

    def _wait_for_change(self, version: int, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._version != version, seconds)


class _KeptAudio:
    """Audio files by SHA-256, at most ``max_bytes`` bytes together; the least recently added are evicted."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._files: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0

    def renew(self, sha256: str) -> bool:
        """Return whether a file is kept. If so, it counts as added now."""
        if sha256 not in self._files:
            return False
        self._files.move_to_end(sha256)
        return True

    def put(self, sha256: str, data: bytes) -> None:
        """Add a file of at most ``max_bytes``, unless it is kept already."""
        if self.renew(sha256):
            return
        self._files[sha256] = data
        self._bytes += len(data)
        while self._bytes > self.max_bytes:
            self._bytes -= len(self._files.popitem(last=False)[1])

    def get(self, sha256: str) -> bytes | None:
        return self._files.get(sha256)

    def clear(self) -> None:
        self._files.clear()
        self._bytes = 0


def _selects(matcher: Matcher, entry: Entry, known: dict[Entry, int]) -> int:
    """Return how often ``matcher`` selects the entry. ``known`` caches the result of entries that are complete."""
    selected = known.get(entry)
    if selected is None:
        is_complete = entry.progress is None
        selected = matcher.count(EntryFacts(entry.record(events=False)))
        if is_complete:
            known[entry] = selected
    return selected
