"""The log of changes in Redis: a stream, whose entries have their numbers as ids.

The first number is a time, so that a log that begins anew, because Redis has lost its data, has higher numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.state.redis.scripts import script

if TYPE_CHECKING:
    from mockserver.state.redis.server import RedisServer

_APPEND, _AFTER, _COMPACT = script("changes_append"), script("changes_after"), script("changes_compact")


class RedisChanges:
    """The changes of a store in Redis (``replicas.Changes``)."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._about = server.key("changes")
        self._stream = server.key("changes", "stream")
        self._keys = (self._about, self._stream)

    def append(self, change: bytes) -> int:
        """Append a change, and return its number."""
        return int(self._server.run(_APPEND, self._keys, change))

    def latest(self) -> int:
        """Return the number of the latest change; 0 if there is none."""
        return int(self._server.call("HGET", self._about, "latest") or 0)

    def after(self, number: int) -> list[tuple[int, bytes]] | None:
        """Return the changes after ``number`` with their numbers; ``None`` if some of them were dropped.

        If Redis was restarted without its data, all were.
        """
        found = self._server.run(_AFTER, self._keys, number)
        if found is None:
            return None
        return [(int(name.partition(b"-")[0]), fields[1]) for name, fields in found]

    def snapshot(self) -> tuple[int, bytes] | None:
        """Return the latest snapshot, and the number of the last change that it includes; ``None`` without one."""
        number, data = self._server.call("HMGET", self._about, "included", "snapshot")
        return None if number is None else (int(number), data)

    def compact(self, number: int, snapshot: bytes) -> None:
        """Replace the changes up to ``number`` by a snapshot."""
        self._server.run(_COMPACT, self._keys, number, snapshot)

    def wait(self, number: int, seconds: float) -> None:
        """Wait until there is a change after ``number``, or for ``seconds``."""
        milliseconds = max(1, round(seconds * 1000))
        self._server.wait(
            "XREAD",
            "COUNT",
            1,
            "BLOCK",
            milliseconds,
            "STREAMS",
            self._stream,
            f"{number}-0",
            seconds=seconds,
        )
