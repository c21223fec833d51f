"""The journal: the latest requests and responses of every account."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Protocol

from mockserver.journal.entries import EntryFacts, encoded
from mockserver.journal.in_flight import InFlight
from mockserver.journal.listener import Listener, cursor_of
from mockserver.journal.record import Record, as_json, of_account, records_of
from mockserver.journal.search import Range, search
from mockserver.journal.selection import Selection
from mockserver.matching.allowance import USUAL, ScriptLimits, sharing
from mockserver.matching.comparisons import PatternError
from mockserver.state.disk import StateFailed
from mockserver.state.presence import EXTENDED

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from mockserver.audio.content import Content
    from mockserver.clock import Clock
    from mockserver.journal.entries import Progress
    from mockserver.journal.kept_audio import KeptAudio
    from mockserver.matching.allowance import Scripts
    from mockserver.state.presence import Presence
    from mockserver.state.protocols import Log, LogEntry

log = logging.getLogger(__name__)

WHOLE = Range()
_CHECK_EVERY = 0.1  # seconds between two checks of whether to continue waiting


class FileToKeep(Protocol):
    """An audio file that can be kept: its SHA-256 in hex, and its bytes if they are known."""

    @property
    def sha256(self) -> str | None:
        """Return the SHA-256."""
        ...

    @property
    def content(self) -> Content | None:
        """Return the bytes."""
        ...


class Matcher(Protocol):
    """A selection of entries, or of turns in them."""

    def count(self, facts: EntryFacts) -> int:
        """Return how often it selects the entry: once for each turn that it selects."""
        ...


class Journal:
    """The entries of all accounts in a log, which other processes may share. Thread-safe.

    Entries are JSON. Those that are in flight are as ``InFlight`` says. With ``is_kept`` false, the journal is off.

    What is changed with an entry within a block ``with together()`` is changed in one step, if the store can do so.
    An ``account_id`` of ``None`` means every account. ``limits`` are those of the evaluation of conditions;
    ``endpoints`` are the names that conditions can use; if empty, any name is accepted.
    """

    def __init__(
        self,
        clock: Clock,
        log: Log,
        audio: KeptAudio | None,
        presence: Presence,
        *,
        is_kept: bool = True,
        is_shared: bool = False,
        together: Callable[[], AbstractContextManager[Any]] = nullcontext,
        limits: ScriptLimits = USUAL,
        endpoints: Collection[str] = (),
    ) -> None:
        self.limits = limits
        self.endpoints = endpoints
        self.clock = clock
        self.is_kept = is_kept
        self.together = together
        self._log = log
        self._audio = audio
        self._presence = presence
        self._in_flight = InFlight(log, presence, is_shared=is_shared)

    def __len__(self) -> int:
        return self._log.state().entries

    @property
    def size(self) -> int:
        """Return the memory of the entries in bytes."""
        return self._log.state().bytes

    @property
    def dropped(self) -> int:
        """Return how many entries were dropped for others since the journal was emptied."""
        return self._log.state().dropped

    def add(self, record: Record) -> None:
        """Add the entry of an exchange. Raises ``StateFailed``."""
        self._log.append(record.id, record.account_id, encoded(record))

    def begin(self, record: Record, progress: Progress) -> int:
        """Add the entry of an exchange that is in flight. Return its place, for ``finish``. Raises ``StateFailed``."""
        return self._in_flight.begin(record, progress)

    def write_progress(self, place: int) -> None:
        """Write the progress of an entry that is in flight, without the events of a session, for other processes."""
        self._in_flight.write_progress(place)

    def finish(self, place: int, record: Record) -> None:
        """Replace the record of an entry by the final one: its response has ended."""
        self._in_flight.finish(place, record)

    def tend(self, closing: threading.Event) -> None:
        """Report to other processes that this one lives, until ``closing`` is set. For a thread of its own."""
        while not closing.wait(EXTENDED):
            try:
                self._presence.extend()
                self._in_flight.write_late()
            except StateFailed as error:
                log.debug("the journal cannot be written: %s", error)

    def close(self) -> None:
        """Tell other processes that this one ends, and its exchanges with it."""
        with contextlib.suppress(StateFailed):  # then they notice it themselves
            self._presence.end()

    @property
    def keeps_audio(self) -> bool:
        """Return whether it keeps audio, as the setting says."""
        return self._audio is not None

    def keep_audio(self, files: Iterable[FileToKeep]) -> None:
        """Keep the audio of an exchange, if the setting says so. Raises ``StateFailed``."""
        if self._audio is not None:
            for file in files:
                if file.content is not None and file.sha256 is not None:
                    self._audio.keep(file.sha256, file.content)

    def audio(self, sha256: str) -> bytes | None:
        """Return an audio file; ``None`` if it was not kept, or was dropped."""
        return self._audio.get(sha256) if self._audio is not None else None

    def has_audio(self, sha256: str | None) -> bool:
        """Return whether an audio file is kept; ``None``: one without a hash, which is not."""
        return sha256 is not None and self.audio(sha256) is not None

    def records(
        self,
        account_id: str | None,
        matcher: Matcher | None = None,
        *,
        within: Range = WHOLE,
        events: bool = True,
    ) -> list[Record]:
        """Return the records of an account's entries that ``matcher`` selects, oldest first; those ``within`` a range.

        Those of sessions that are open can be without their ``events``, which is faster.
        Raises ``PatternError`` if the evaluation exceeds the limits.
        """
        with sharing(self.limits, len(self)) as scripts:
            found = search(self._log, account_id, within, self._selecting(matcher, events=events))
            _check_limits(scripts)
        return found

    def place(self, account_id: str | None, entry_id: str) -> int | None:
        """Return the place of an entry, for a ``Range``; ``None`` for an unknown id."""
        entry = self._log.find(account_id, entry_id)
        return entry.place if entry else None

    @property
    def cursor(self) -> str:
        """Return the cursor with which ``listen`` reports what happens from now on."""
        return cursor_of(self._log.state())

    def listen(
        self,
        account_id: str | None,
        matcher: Matcher | None,
        show: Callable[[Record], bytes],
        *,
        cursor: str = "",
        events: bool = True,
    ) -> Listener:
        """Return what reports the entries of an account that ``matcher`` selects. Raises ``BadCursor``.

        ``show`` returns the JSON of an entry, ``events``: see ``records``.
        """
        select = self._selecting(matcher, events=events)
        return Listener(
            self._log, account_id, lambda entry: select(self._in_flight.read_again(entry)), show, cursor
        )

    @property
    def latest_id(self) -> str | None:
        """Return the id of the latest entry of all accounts; ``None`` for an empty journal."""
        entries = self._log.entries(None, last=1)
        return entries[0].id if entries else None

    def record(self, account_id: str | None, entry_id: str) -> Record | None:
        """Return the record of an entry; ``None`` for an unknown id."""
        entry = self._log.find(account_id, entry_id)
        return self.record_of(entry) if entry else None

    def record_of(self, entry: LogEntry, *, events: bool = True) -> Record:
        """Return the current record of an entry of the log."""
        return self._in_flight.record_of(entry, events=events)

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
        selection = Selection(self._log, account_id, lambda entry: self._count(entry, matcher))
        while not given_up():
            left = deadline - time.monotonic()
            with sharing(self.limits, len(self)) as scripts:
                selected = selection.count()
            if selected >= at_least or left <= 0 or scripts.left_conditions_open:
                return
            self._log.wait(selection.version, min(left, _CHECK_EVERY))

    def delete(self, account_id: str | None) -> int:
        """Delete an account's entries. Return how many there were."""
        if account_id is None and self._audio is not None:
            self._audio.clear()
        return self._log.delete(account_id)

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
        if account_id is None and self._audio is not None:
            self._audio.clear()
        self._log.restore([(each.id, each.account_id, encoded(each)) for each in records], account_id)

    def _selecting(self, matcher: Matcher | None, *, events: bool) -> Callable[[LogEntry], Record | None]:
        """Return a function that returns the record of an entry, or ``None`` if ``matcher`` does not select it."""

        def select(entry: LogEntry) -> Record | None:
            record = self.record_of(entry, events=events)
            return record if matcher is None or matcher.count(EntryFacts(record)) else None

        return select

    def _count(self, entry: LogEntry, matcher: Matcher) -> int:
        return matcher.count(EntryFacts(self.record_of(entry, events=False)))


def _check_limits(scripts: Scripts) -> None:
    """Raise ``PatternError`` if the evaluation of a condition was ended by the limits."""
    if scripts.left_conditions_open:
        raise PatternError(
            "when: searching all entries exceeds the settings path_steps or script_seconds. "
            "Simplify the conditions, or raise the settings."
        )
