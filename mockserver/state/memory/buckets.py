"""Stores buckets in memory. Several buckets are checked and charged atomically."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence

from mockserver.state import bucket
from mockserver.state.bucket import Bucket, Draw, Key, Limit

_FRESH = Bucket()
_SWEPT = 2  # entries examined whenever one is added, so that full buckets are removed as fast as new ones are added


class MemoryBuckets:
    """The buckets in use. Full buckets are removed, which changes no answer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, tuple[Bucket, Limit]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def take_all(self, draws: Sequence[Draw], now: int) -> tuple[Draw | None, list[Bucket]]:
        """Take all the draws or none.

        Return the draw that must wait longest, or ``None`` if none must wait, and the resulting buckets.
        """
        with self._lock:
            refused, buckets = bucket.take_all(draws, [self._held(draw) for draw in draws], now)
            for draw, held in zip(draws, buckets, strict=True):
                self._keep(draw.key, held, draw.limit, now)
            return refused, buckets

    def charge(self, draw: Draw, now: int) -> None:
        """Take a draw even if it exceeds the limit. A negative amount is given back."""
        with self._lock:
            held = bucket.refilled(*self._held(draw), now)
            self._keep(draw.key, bucket.take(held, draw.limit, draw.amount, now), draw.limit, now)

    def put(self, key: Key, held: Bucket, limit: Limit) -> None:
        """Replace a bucket."""
        with self._lock:
            self._kept[key] = (held, limit)

    def get(self, key: Key) -> Bucket:
        """Return the bucket of ``key``; a full bucket if none is stored."""
        with self._lock:
            kept = self._kept.get(key)
            return kept[0] if kept else _FRESH

    def clear(self, account: str | None = None) -> None:
        """Remove all buckets, or those of one account, so that they are full again."""
        with self._lock:
            for key in [key for key in self._kept if account in (None, key[0])]:
                del self._kept[key]

    def replace(self, account: str | None, buckets: Iterable[tuple[Key, Bucket, Limit]]) -> None:
        """Replace the buckets of an account, or all, by these."""
        self.clear(account)
        for key, held, limit in buckets:
            self.put(key, held, limit)

    def items(self) -> Iterator[tuple[Key, Bucket, Limit]]:
        """Yield the stored buckets."""
        with self._lock:
            kept = list(self._kept.items())
        for key, (held, limit) in kept:
            yield key, held, limit

    def _held(self, draw: Draw) -> tuple[Bucket, Limit]:
        """Return the bucket of a draw, with the limit that has applied until now."""
        return self._kept.get(draw.key) or (_FRESH, draw.limit)

    def _keep(self, key: Key, held: Bucket, limit: Limit, now: int) -> None:
        if key not in self._kept:
            self._sweep(now)
        self._kept[key] = (held, limit)

    def _sweep(self, now: int) -> None:
        for _ in range(min(_SWEPT, len(self._kept))):
            key, (held, limit) = self._kept.popitem(last=False)
            if bucket.debt_at(held, limit, now):
                self._kept[key] = (held, limit)
