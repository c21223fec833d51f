"""The batch queue: the tokens of the batches of each account and limit group that wait or are processed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mockserver.state.protocols import Counters, Value

_KIND = "batch_queue"  # of counters: the tokens by limit group and batch


class QueueFull(Exception):
    """The queue has no room for a batch; ``limit`` is the maximum number of tokens in it."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


class BatchQueue:
    """The numbers of tokens by account, limit group and batch, which all processes share. Thread-safe."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    def enter(self, account_id: str, group: str, batch_id: str, tokens: int, limit: int | None) -> None:
        """Add a batch; it replaces one with the same id. Raises ``QueueFull`` if the tokens exceed ``limit``."""

        def change(value: Value) -> None:
            batches = value.setdefault(group, {})
            batches[batch_id] = tokens
            if limit is not None and sum(batches.values()) > limit:
                raise QueueFull(limit)

        self._counters.change(_KIND, account_id, change)

    def leave(self, account_id: str, batch_id: str) -> None:
        """Remove a batch, if it is in the queue."""
        if any(batch_id in batches for batches in self._counters.get(_KIND, account_id).values()):
            self._counters.change(_KIND, account_id, partial(_leave, batch_id))

    def used(self, account_id: str, group: str) -> int:
        """Return the number of tokens in the queue."""
        return sum(self._counters.get(_KIND, account_id).get(group, {}).values())

    def groups(self) -> list[tuple[str, str]]:
        """Return the account and limit group of each queue in use."""
        return [
            (account_id, group) for account_id, value in self._counters.all(_KIND).items() for group in value
        ]


def _leave(batch_id: str, value: Value) -> None:
    for group in list(value):
        value[group].pop(batch_id, None)
        if not value[group]:
            del value[group]
