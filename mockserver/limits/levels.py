"""Levels that the control API sets for buckets, including buckets of accounts that are not known yet.

A level is replicated and has a number; the counters of an account have, for each bucket, the number of the latest level
that it has taken, so that it takes each level once, whatever process its requests come to.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from mockserver.replicas import Replicated, replicated
from mockserver.state.bucket import NEVER, Bucket, age_of, time_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mockserver.state.bucket import Key, Limit
    from mockserver.state.protocols import Counters, Value

_MAX_LEVELS = 65_536  # the oldest is dropped
_MAX_EXEMPT = 65_536  # accounts for which a level does not count; then it is dropped
_KIND = "levels"  # of counters: the number of the level that a bucket has taken, by limit group and kind

_Place = tuple[str | None, str, str]  # an account (``None``: all), a limit group, a kind


class Level(Struct):
    """A level of a bucket: ``remaining`` requests or tokens at the time ``at`` (microseconds).

    A level of all accounts does not count for those in ``exempt``.
    """

    number: int
    remaining: int
    at: int = NEVER
    exempt: set[str] = set()

    def bucket(self, limit: Limit) -> Bucket:
        """Return a bucket at this level; a full bucket if ``remaining`` exceeds the limit."""
        debt = max(0, limit.amount - self.remaining) * limit.window
        # A drained bucket lacks one millisecond more, because a shorter wait counts as 0.
        return Bucket(debt + (1000 * limit.amount if self.at == NEVER else 0), self.at)


class Levels(Replicated):
    """The levels of a server. Thread-safe."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._lock = threading.Lock()
        self._levels: dict[_Place, Level] = {}
        self._last = 0

    def __bool__(self) -> bool:
        """Return whether there may be levels to take."""
        return bool(self._levels)

    @replicated
    def set(self, account_id: str | None, group: str, kind: str, remaining: int, at: int) -> None:
        """Set the level of a bucket of one account; without an account, of all present and future accounts."""
        with self._lock:
            self._set((account_id, group, kind), remaining, at)

    def take(self, key: Key, put: Callable[[Level], None]) -> None:
        """Call ``put`` with the level that the bucket must take, if there is one that it has not taken."""
        level = self._level(key)
        if level is None or self._taken(key) >= level.number:
            return

        def change(value: Value) -> None:
            if value.get(_name(key), 0) < level.number:
                put(level)
                value[_name(key)] = level.number

        self._counters.change(_KIND, key[0], change)

    @replicated
    def forget(self, account_id: str | None) -> None:
        """Remove the levels of an account, or all."""
        with self._lock:
            self._forget(account_id)

    def snapshot(self, account_id: str | None, now: int) -> list[dict[str, Any]]:
        """Return the levels of an account, or all, that were not taken, as rows for ``restore``."""
        with self._lock:
            levels = dict(self._levels)
        if account_id is not None:
            places = {place[1:] for place in levels if place[0] in (None, account_id)}
            keys = [(account_id, *place) for place in sorted(places)]
            return [_row(None, key, level, now) for key in keys if (level := self._waiting(key)) is not None]
        taken = self._counters.all(_KIND)
        rows = []
        for (account, group, kind), level in levels.items():
            had = {id_ for id_, value in taken.items() if value.get(f"{group} {kind}", 0) >= level.number}
            if account is None:
                exempt = sorted(level.exempt | had)
                rows.append(_row(None, (account, group, kind), level, now) | {"had": exempt})
            elif account not in had:
                rows.append(_row(account, (account, group, kind), level, now))
        return rows

    @replicated
    def restore(self, rows: list[dict[str, Any]], account_id: str | None, now: int) -> None:
        """Replace the levels of an account, or all, with those of a ``snapshot``."""
        with self._lock:
            self._forget(account_id)
            for row in rows:
                account = account_id or row["account"]
                level = self._set(
                    (account, row["group"], row["kind"]), row["remaining"], time_of(row["age"], now)
                )
                level.exempt = set(row["had"]) if account is None else set()

    def replica_state(self) -> dict[str, Any]:
        """Return all levels."""
        with self._lock:
            rows = [
                [*place, level.number, level.remaining, level.at, sorted(level.exempt)]
                for place, level in self._levels.items()
            ]
            return {"levels": rows, "last": self._last}

    def set_replica_state(self, state: Mapping[str, Any]) -> None:
        """Replace all levels."""
        with self._lock:
            self._levels = {
                (account, group, kind): Level(number, remaining, at, set(exempt))
                for account, group, kind, number, remaining, at, exempt in state["levels"]
            }
            self._last = state["last"]

    def _set(self, place: _Place, remaining: int, at: int) -> Level:
        self._last += 1
        self._levels.pop(place, None)
        level = self._levels[place] = Level(self._last, remaining, at)
        if len(self._levels) > _MAX_LEVELS:
            del self._levels[next(iter(self._levels))]
        return level

    def _forget(self, account_id: str | None) -> None:
        if account_id is None:
            self._levels = {}
            return
        for place in [place for place in self._levels if place[0] == account_id]:
            del self._levels[place]
        for place in [place for place in self._levels if place[0] is None]:
            exempt = self._levels[place].exempt
            exempt.add(account_id)
            if len(exempt) > _MAX_EXEMPT:
                del self._levels[place]

    def _level(self, key: Key) -> Level | None:
        """Return the latest level of a bucket."""
        return max(self._levels_of(key), key=lambda level: level.number, default=None)

    def _levels_of(self, key: Key) -> Iterator[Level]:
        for place in (key, (None, *key[1:])):
            level = self._levels.get(place)
            if level is not None and key[0] not in level.exempt:
                yield level

    def _waiting(self, key: Key) -> Level | None:
        """Return the latest level of a bucket, unless the bucket has taken it."""
        level = self._level(key)
        return level if level is not None and self._taken(key) < level.number else None

    def _taken(self, key: Key) -> int:
        """Return the number of the latest level that a bucket has taken."""
        number: int = self._counters.get(_KIND, key[0]).get(_name(key), 0)
        return number


def _name(key: Key) -> str:
    """Return the name of a bucket among those of its account."""
    return f"{key[1]} {key[2]}"


def _row(account_id: str | None, place: _Place, level: Level, now: int) -> dict[str, Any]:
    age = age_of(level.at, now)
    return {
        "account": account_id,
        "group": place[1],
        "kind": place[2],
        "remaining": level.remaining,
        "age": age,
    }
