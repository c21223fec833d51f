"""Searches a log for the first or the latest entries that satisfy a condition, without reading all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mockserver.state.protocols import Log, LogEntry

_T = TypeVar("_T")
_AT_ONCE = 500  # entries read from the log


class Range(NamedTuple):
    """The part of a log that is searched: ``after`` a place, ``before`` a place, and the most results.

    With ``after`` these are the first ones, otherwise the latest. Without a ``limit``, the log is read in one step.
    """

    after: int | None = None
    before: int | None = None
    limit: int | None = None


def search(
    log: Log, account_id: str | None, within: Range, select: Callable[[LogEntry], _T | None]
) -> list[_T]:
    """Return what ``select`` returns for the entries of an account, oldest first, but for ``None``."""
    found: list[_T] = []
    for entry in _entries(log, account_id, within):
        selected = select(entry)
        if selected is not None:
            found.append(selected)
            if len(found) == within.limit:
                break
    return found[::-1] if within.after is None else found


def _entries(log: Log, account_id: str | None, within: Range) -> Iterator[LogEntry]:
    """Yield the entries in the order in which they are searched."""
    after, before, limit = within
    most = None if limit is None else _AT_ONCE
    while True:
        if within.after is None:
            entries = log.entries(account_id, before=before, last=most)
            yield from reversed(entries)
        else:
            entries = log.entries(account_id, after=after, before=before, first=most)
            yield from entries
        if most is None or len(entries) < most:
            return
        if within.after is None:
            before = entries[0].place
        else:
            after = entries[-1].place
