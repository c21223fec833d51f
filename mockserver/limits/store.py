"""Where buckets are kept: in memory. Several are checked and charged as one."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from mockserver.limits import bucket
from mockserver.limits.bucket import Bucket, Limit
from mockserver.limits.keys import Key, age_of, time_of

_FRESH = Bucket()
_SWEPT = 2  # entries looked at whenever one is added, so that full ones are forgotten as fast as they come


class Draw(NamedTuple):
    """So much from one bucket."""

    key: Key
    limit: Limit
    amount: int


class BucketStore:
    """The buckets in use. A bucket that is full again is forgotten, which changes no answer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, tuple[Bucket, Limit]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def take_all(self, draws: Sequence[Draw], now: int) -> tuple[Draw | None, list[Bucket]]:
        """Take all the draws or none.

        Returns the draw that has to wait longest, if any has to, and the buckets as they then are.
        """
        with self._lock:
            buckets: list[Bucket] = []
            refused, longest = None, 0
            for draw in draws:
                held = self._bucket(draw.key, now)
                wait = bucket.wait(held, draw.limit, draw.amount, now)
                if wait > longest:
                    refused, longest = draw, wait
                buckets.append(held)
            if refused is None:
                buckets = [
                    bucket.take(held, draw.limit, draw.amount, now)
                    for draw, held in zip(draws, buckets, strict=True)
                ]
            for draw, held in zip(draws, buckets, strict=True):
                self._keep(draw.key, held, draw.limit, now)
            return refused, buckets

    def charge(self, draw: Draw, now: int) -> None:
        """Take a draw, whether there is room or not; a negative amount gives back."""
        with self._lock:
            held = bucket.take(self._bucket(draw.key, now), draw.limit, draw.amount, now)
            self._keep(draw.key, held, draw.limit, now)

    def put(self, key: Key, held: Bucket, limit: Limit) -> None:
        """Replace a bucket."""
        with self._lock:
            self._kept[key] = (held, limit)

    def get(self, key: Key) -> Bucket:
        """Return the bucket of ``key``; a full one where none is kept."""
        with self._lock:
            kept = self._kept.get(key)
            return kept[0] if kept else _FRESH

    def clear(self, account: str | None = None) -> None:
        """Forget every bucket, or those of one account: all are full again."""
        with self._lock:
            for key in [key for key in self._kept if account in (None, key[0])]:
                del self._kept[key]

    def snapshot(self, account_id: str | None, now: int) -> list[dict[str, Any]]:
        """Return the buckets of an account, or all, as rows for ``restore``."""
        return [
            {
                "account": account if account_id is None else None,
                "group": group,
                "kind": kind,
                "debt": held.debt,
                "age": age_of(held.at, now),
                "amount": limit.amount,
                "window": limit.window,
            }
            for (account, group, kind), held, limit in self.items()
            if account_id in (None, account)
        ]

    def restore(self, rows: list[dict[str, Any]], account_id: str | None, now: int) -> None:
        """Put the buckets of a ``snapshot`` in place of those of an account, or of all."""
        self.clear(account_id)
        for row in rows:
            key = (account_id or row["account"], row["group"], row["kind"])
            self.put(key, Bucket(row["debt"], time_of(row["age"], now)), Limit(row["amount"], row["window"]))

    def items(self) -> Iterator[tuple[Key, Bucket, Limit]]:
        """Yield the buckets that are kept."""
        with self._lock:
            kept = list(self._kept.items())
        for key, (held, limit) in kept:
            yield key, held, limit

    def _bucket(self, key: Key, now: int) -> Bucket:
        """Return the bucket as of ``now``, refilled by the limit that held until then."""
        kept = self._kept.get(key)
        return Bucket(bucket.debt_at(*kept, now), now) if kept else _FRESH

    def _keep(self, key: Key, held: Bucket, limit: Limit, now: int) -> None:
        if key not in self._kept:
            self._sweep(now)
        self._kept[key] = (held, limit)

    def _sweep(self, now: int) -> None:
        for _ in range(min(_SWEPT, len(self._kept))):
            key, (held, limit) = self._kept.popitem(last=False)
            if bucket.debt_at(held, limit, now):
                self._kept[key] = (held, limit)
