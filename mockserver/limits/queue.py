"""The batch queue: the tokens of the batches of each account and limit group that wait or are processed."""

from __future__ import annotations

import threading


class QueueFull(Exception):
    """The queue has no room for a batch; ``limit`` is the maximum number of tokens in it."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


class BatchQueue:
    """The numbers of tokens by account, limit group and batch. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tokens: dict[tuple[str, str], dict[str, int]] = {}

    def enter(self, account_id: str, group: str, batch_id: str, tokens: int, limit: int | None) -> None:
        """Add a batch; it replaces one with the same id. Raises ``QueueFull`` if the tokens exceed ``limit``."""
        with self._lock:
            others = {
                each: count
                for each, count in self._tokens.get((account_id, group), {}).items()
                if each != batch_id
            }
            if limit is not None and sum(others.values()) + tokens > limit:
                raise QueueFull(limit)
            self._tokens[account_id, group] = others | {batch_id: tokens}

    def leave(self, account_id: str, batch_id: str) -> None:
        """Remove a batch, if it is in the queue."""
        with self._lock:
            for key in [key for key, batches in self._tokens.items() if key[0] == account_id]:
                self._tokens[key].pop(batch_id, None)
                if not self._tokens[key]:
                    del self._tokens[key]

    def used(self, account_id: str, group: str) -> int:
        """Return the number of tokens in the queue."""
        with self._lock:
            return sum(self._tokens.get((account_id, group), {}).values())

    def groups(self) -> list[tuple[str, str]]:
        """Return the account and limit group of each queue in use."""
        with self._lock:
            return list(self._tokens)
