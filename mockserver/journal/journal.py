"""The journal: what came and what was answered, the latest exchanges of every account, in memory."""

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

_LOOK_UP = 0.1  # seconds after which who waits looks whether it should still


class Matcher(Protocol):
    """What picks entries."""

    def matches(self, facts: EntryFacts) -> bool:
        """Return whether it picks the entry."""
        ...


class Journal:
    """Keeps the entries of all accounts, bounded in number and memory; the oldest make room. Thread-safe.

    At most ``entries`` entries (0: nothing is written) in ``room_bytes`` bytes, and ``keep_audio`` bytes of
    uploaded audio. An ``account_id`` of ``None`` means every account. ``endpoints`` are the names that conditions
    can use; without any, all are taken.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        entries: int,
        room_bytes: int,
        keep_audio: int,
        limits: ScriptLimits = USUAL,
        endpoints: Collection[str] = (),
    ) -> None:
        self.limits = limits  # of what it is asked for
        self.endpoints = endpoints
        self.clock = clock
        self._most_entries = entries
        self._room_bytes = room_bytes
        self._audio = _KeptAudio(keep_audio)
        self._changed = threading.Condition()
        self._entries: deque[Entry] = deque()
        self._version = 0
        self.size = 0
        self.dropped = 0

    @property
    def is_kept(self) -> bool:
        """Return whether anything is written at all."""
        return self._most_entries > 0

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: Entry) -> None:
        """Keep the entry of an exchange."""
        with self._changed:
            self._entries.append(entry)
            entry.kept = True
            self.size += entry.size
            self._make_room()
            self._tell()

    def finish(self, entry: Entry, record: Record) -> None:
        """Take the final ``record`` of an entry whose stream is over."""
        with self._changed:
            before = entry.size
            entry.finish(record)
            if entry.kept:
                self.size += entry.size - before
                self._make_room()
                self._tell()

    def keep_audio(self, clips: Iterable[Clip]) -> None:
        """Keep the audio of an exchange, where that is wanted."""
        if self._audio.room_bytes:
            with self._changed:
                for clip in clips:
                    self._audio.put(clip.content)

    def audio(self, sha256: str) -> bytes | None:
        """Return an uploaded file; ``None`` if it was not kept."""
        with self._changed:
            return self._audio.get(sha256)

    def records(self, account_id: str | None, matcher: Matcher | None = None) -> list[Record]:
        """Return the records of an account's entries that ``matcher`` picks, oldest first.

        Raises ``PatternError`` where to find out takes more than is allowed.
        """
        return self._picked(self._of(account_id), matcher)

    def records_after(
        self, account_id: str | None, entry_id: str, matcher: Matcher | None = None
    ) -> list[Record] | None:
        """Return what ``records`` does, of entries after ``entry_id``; ``None`` where there is no such entry."""
        entries = self._of(account_id)
        place = next((place for place, entry in enumerate(entries, 1) if entry.id == entry_id), None)
        return None if place is None else self._picked(entries[place:], matcher)

    @property
    def latest_id(self) -> str | None:
        """Return the id of the latest entry of all accounts; ``None`` without any."""
        with self._changed:
            return self._entries[-1].id if self._entries else None

    def record(self, account_id: str | None, entry_id: str) -> Record | None:
        """Return the record of an entry, or ``None``."""
        found = (entry for entry in reversed(self._of(account_id)) if entry.id == entry_id)
        entry = next(found, None)
        return entry.record() if entry else None

    def count(self, account_id: str | None, matcher: Matcher) -> int:
        """Return how many entries of an account ``matcher`` picks. Raises ``PatternError`` as ``records`` does."""
        return len(self.records(account_id, matcher))

    def wait(
        self,
        account_id: str | None,
        matcher: Matcher,
        at_least: int,
        timeout: float,
        given_up: Callable[[], bool] = lambda: False,
    ) -> None:
        """Wait until ``matcher`` picks ``at_least`` entries, or for ``timeout`` real seconds.

        Also when ``given_up``, which is asked now and then, says that nobody waits any more, or to find out takes more
        than is allowed.
        """
        deadline = time.monotonic() + timeout
        judged: dict[Entry, bool] = {}
        while not given_up():
            version, entries = self._version, self._of(account_id)
            left = deadline - time.monotonic()
            with sharing(self.limits, len(entries)) as scripts:
                picked = sum(_picks(matcher, entry, judged) for entry in entries)
            if picked >= at_least or left <= 0 or scripts.left_conditions_open:
                return
            self._wait_for_change(version, min(left, _LOOK_UP))

    def delete(self, account_id: str | None) -> int:
        """Forget an account's entries. Return how many there were."""
        with self._changed:
            gone = [entry for entry in self._entries if account_id in (None, entry.account_id)]
            for entry in gone:
                self._leave(entry)
            self._entries = deque(entry for entry in self._entries if entry.kept)
            if account_id is None:
                self.dropped = 0
                self._audio.clear()
            return len(gone)

    def reset(self, account_id: str | None) -> None:
        """Forget an account's entries."""
        self.delete(account_id)

    def snapshot(self, account_id: str | None) -> dict[str, Any]:
        """Return an account's entries, without audio."""
        return {"entries": [as_json(record) for record in self.records(account_id)]}

    def restore(self, state: Any, account_id: str | None) -> None:
        """Put the entries of a ``snapshot`` in place of an account's; those of one may become another's.

        What was in flight then has ended. Raises ``ValueError`` naming the place of what is no record of an entry,
        and changes nothing then.
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
            self._make_room()
            self._tell()

    def _picked(self, entries: Sequence[Entry], matcher: Matcher | None) -> list[Record]:
        records = [entry.record() for entry in entries]
        if matcher is None:
            return records
        with sharing(self.limits, len(records)) as scripts:
            picked = [each for each in records if matcher.matches(EntryFacts(each))]
        if scripts.left_conditions_open:
            raise PatternError(
                "when: to look at all entries takes more than path_steps and script_seconds allow. "
                "Ask for less, or raise them."
            )
        return picked

    def _of(self, account_id: str | None) -> list[Entry]:
        with self._changed:
            return [entry for entry in self._entries if account_id in (None, entry.account_id)]

    def _make_room(self) -> None:
        while len(self._entries) > self._most_entries or self.size > self._room_bytes:
            self._leave(self._entries.popleft())
            self.dropped += 1

    def _leave(self, entry: Entry) -> None:
        entry.kept = False
        self.size -= entry.size

    def _tell(self) -> None:
        self._version += 1
        self._changed.notify_all()

    def _wait_for_change(self, version: int, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._version != version, seconds)


class _KeptAudio:
    """Audio files by SHA-256, the latest of at most ``room_bytes`` bytes together."""

    def __init__(self, room_bytes: int) -> None:
        self.room_bytes = room_bytes
        self._files: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0

    def put(self, content: Content) -> None:
        if content.sha256 in self._files:
            self._files.move_to_end(content.sha256)
        elif content.size <= self.room_bytes:
            self._files[content.sha256] = content.read()
            self._bytes += content.size
            while self._bytes > self.room_bytes:
                self._bytes -= len(self._files.popitem(last=False)[1])

    def get(self, sha256: str) -> bytes | None:
        return self._files.get(sha256)

    def clear(self) -> None:
        self._files.clear()
        self._bytes = 0


def _picks(matcher: Matcher, entry: Entry, judged: dict[Entry, bool]) -> bool:
    """Return whether ``matcher`` picks the entry. Those that change no more are ``judged`` once."""
    picked = judged.get(entry)
    if picked is None:
        changes = entry.progress is not None
        picked = matcher.matches(EntryFacts(entry.record()))
        if not changes:
            judged[entry] = picked
    return picked
