"""Levels that the control API sets for buckets, including buckets of accounts that are not known yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mockserver.state.bucket import NEVER, Bucket, Key, age_of, time_of

if TYPE_CHECKING:
    from mockserver.state.bucket import Limit

_MAX_ACCOUNTS = 65_536  # accounts that have taken a level; then the level for all accounts is dropped


class Level(NamedTuple):
    """A level of a bucket: ``remaining`` requests or tokens at the time ``at`` (microseconds)."""

    remaining: int
    at: int = NEVER

    def bucket(self, limit: Limit) -> Bucket:
        """Return a bucket at this level; a full bucket if ``remaining`` exceeds the limit."""
        debt = max(0, limit.amount - self.remaining) * limit.window
        # A drained bucket lacks one millisecond more, because a shorter wait counts as 0.
        return Bucket(debt + (1000 * limit.amount if self.at == NEVER else 0), self.at)


class Levels:
    """Levels that buckets have not taken yet. Not thread-safe: the owner locks."""

    def __init__(self) -> None:
        self._of_one: dict[Key, Level] = {}
        self._of_all: dict[tuple[str, str], Level] = {}
        self._had: dict[tuple[str, str], set[str]] = {}  # accounts that have taken the level of all

    def __bool__(self) -> bool:
        """Return whether there may be levels to take."""
        return bool(self._of_one or self._of_all)

    def set(self, account_id: str | None, group: str, kind: str, level: Level) -> None:
        """Set the level of a bucket of one account; without an account, of all present and future accounts."""
        if account_id is None:
            self._of_all[group, kind], self._had[group, kind] = level, set()
            self._of_one = {key: level for key, level in self._of_one.items() if key[1:] != (group, kind)}
        else:
            self._of_one[account_id, group, kind] = level

    def take(self, key: Key) -> Level | None:
        """Return the level that the bucket must take, and remove it; ``None`` if there is none."""
        level = self._of_one.pop(key, None)
        account_id, kind = key[0], key[1:]
        had = self._had.get(kind)
        if had is None or account_id in had:
            return level
        level = level or self._of_all[kind]
        had.add(account_id)
        if len(had) > _MAX_ACCOUNTS:
            del self._of_all[kind], self._had[kind]
        return level

    def forget(self, account_id: str | None) -> None:
        """Remove the levels of an account, or all."""
        if account_id is None:
            self._of_one, self._of_all, self._had = {}, {}, {}
            return
        self._of_one = {key: level for key, level in self._of_one.items() if key[0] != account_id}
        for had in self._had.values():
            had.add(account_id)

    def snapshot(self, account_id: str | None, now: int) -> list[dict[str, Any]]:
        """Return the levels of an account, or all, as rows for ``restore``."""
        if account_id is not None:
            waiting = {
                kind: level for kind, level in self._of_all.items() if account_id not in self._had[kind]
            }
            waiting |= {key[1:]: level for key, level in self._of_one.items() if key[0] == account_id}
            return [_row(None, *kind, level, now) for kind, level in waiting.items()]
        return [
            *(
                _row(None, *kind, level, now) | {"had": sorted(self._had[kind])}
                for kind, level in self._of_all.items()
            ),
            *(_row(*key, level, now) for key, level in self._of_one.items()),
        ]

    def restore(self, rows: list[dict[str, Any]], account_id: str | None, now: int) -> None:
        """Replace the levels of an account, or all, with those of a ``snapshot``."""
        self.forget(account_id)
        for row in rows:
            account, kind = account_id or row["account"], (row["group"], row["kind"])
            level = Level(row["remaining"], time_of(row["age"], now))
            if account is None:
                self._of_all[kind], self._had[kind] = level, set(row["had"])
            else:
                self._of_one[(account, *kind)] = level


def _row(account_id: str | None, group: str, kind: str, level: Level, now: int) -> dict[str, Any]:
    age = age_of(level.at, now)
    return {"account": account_id, "group": group, "kind": kind, "remaining": level.remaining, "age": age}
