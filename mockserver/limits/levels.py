"""Levels that the control API gives to buckets, those of accounts included that nobody has seen yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mockserver.limits.bucket import Bucket

if TYPE_CHECKING:
    from mockserver.limits.bucket import Limit
    from mockserver.limits.store import Key

_NEVER = 1 << 62  # a bucket as of then refills nothing; having refused a request, it is kept as of that time
_MOST_ACCOUNTS = 65_536


class Level(NamedTuple):
    """``remaining`` requests or tokens at the time ``at`` (microseconds)."""

    remaining: int
    at: int = _NEVER

    def bucket(self, limit: Limit) -> Bucket:
        """A bucket at this level; a full one where more is to remain than the limit."""
        debt = max(0, limit.amount - self.remaining) * limit.window
        # A drained bucket lacks a millisecond more: less would not be waited for.
        return Bucket(debt + (1000 * limit.amount if self.at == _NEVER else 0), self.at)


class Levels:
    """Levels that buckets have yet to take. Not thread-safe: its owner locks."""

    def __init__(self) -> None:
        self._of_one: dict[Key, Level] = {}
        self._of_all: dict[tuple[str, str], Level] = {}
        self._had: dict[tuple[str, str], set[str]] = {}  # accounts that have taken the level of all

    def __bool__(self) -> bool:
        """Whether there may be levels to take."""
        return bool(self._of_one or self._of_all)

    def set(self, account_id: str | None, group: str, kind: str, level: Level) -> None:
        """Gives a level to a bucket of one account; without an account, of every one, now or to come."""
        if account_id is None:
            self._of_all[group, kind], self._had[group, kind] = level, set()
            self._of_one = {key: level for key, level in self._of_one.items() if key[1:] != (group, kind)}
        else:
            self._of_one[account_id, group, kind] = level

    def take(self, key: Key) -> Level | None:
        """The level that the bucket is to have from now on, told once."""
        level = self._of_one.pop(key, None)
        account_id, kind = key[0], key[1:]
        had = self._had.get(kind)
        if had is None or account_id in had:
            return level
        level = level or self._of_all[kind]
        had.add(account_id)
        if len(had) > _MOST_ACCOUNTS:
            del self._of_all[kind], self._had[kind]
        return level

    def forget(self, account_id: str | None) -> None:
        """Leaves the buckets of an account, or all, as they are."""
        if account_id is None:
            self._of_one, self._of_all, self._had = {}, {}, {}
            return
        self._of_one = {key: level for key, level in self._of_one.items() if key[0] != account_id}
        for had in self._had.values():
            had.add(account_id)
