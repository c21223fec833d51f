"""Buckets in Redis: one call for all the buckets of a request.

The script computes with decimal digits, because the integers of a bucket exceed those that Lua's numbers hold exactly.
It decides by comparisons only; divisions, for the wait of a refused request, are done here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.state import bucket
from mockserver.state.bucket import Bucket, Draw, Limit
from mockserver.state.redis.scripts import script

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mockserver.state.bucket import Key
    from mockserver.state.redis.server import Argument, RedisServer

_TAKE = script("integers", "buckets", "buckets_take")
_REPLACE = script("integers", "buckets", "buckets_replace")
_ALL = script("buckets_all")
_BETWEEN = "\0"  # limit group and kind, in a field


class RedisBuckets:
    """The buckets of a store in Redis (``protocols.Buckets``), a hash for each account."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._accounts = [server.key("buckets")]
        self._prefix = server.key("bucket", "")

    def take_all(self, draws: Sequence[Draw], now: int) -> tuple[Draw | None, list[Bucket]]:
        """Take all the draws or none.

        Return the draw that must wait longest, or ``None`` if none must wait, and the resulting buckets.
        """
        if not draws:
            return None, []
        taken, buckets = self._take(draws, now)
        if taken:
            return None, buckets
        waits = [
            bucket.wait(held, draw.limit, draw.amount, now) for draw, held in zip(draws, buckets, strict=True)
        ]
        return draws[waits.index(max(waits))], buckets

    def charge(self, draw: Draw, now: int) -> None:
        """Take a draw even if it exceeds the limit. A negative amount is given back."""
        self._take([draw], now, always=True)

    def put(self, key: Key, held: Bucket, limit: Limit) -> None:
        """Replace a bucket."""
        self._replace("none", "", [(key, held, limit)])

    def get(self, key: Key) -> Bucket:
        """Return the bucket of ``key``; a full bucket if none is stored."""
        value = self._server.call("HGET", f"{self._prefix}{key[0]}", _field(key))
        return _parsed(value)[0] if value else Bucket()

    def clear(self, account: str | None = None) -> None:
        """Remove all buckets, or those of one account, so that they are full again."""
        self.replace(account, ())

    def replace(self, account: str | None, buckets: Iterable[tuple[Key, Bucket, Limit]]) -> None:
        """Replace the buckets of an account, or all, by these."""
        self._replace("all" if account is None else "account", account or "", buckets)

    def items(self) -> Iterator[tuple[Key, Bucket, Limit]]:
        """Yield the stored buckets."""
        rows = self._server.run(_ALL, self._accounts, self._prefix)
        for account, field, value in zip(rows[::3], rows[1::3], rows[2::3], strict=True):
            group, kind = field.decode().split(_BETWEEN)
            yield (account.decode(), group, kind), *_parsed(value)

    def _take(self, draws: Sequence[Draw], now: int, *, always: bool = False) -> tuple[bool, list[Bucket]]:
        """Take all the draws or none; return whether they were taken, and the resulting buckets."""
        arguments: list[Argument] = [
            self._prefix,
            draws[0].key[0],
            now,
            bucket.SKEW,
            int(always),
            self._server.address.idle,
        ]
        for draw in draws:
            amount, window = draw.limit
            most = (
                amount * window + 1000 * amount
            )  # with the draw; below it, the wait is less than a millisecond
            arguments += (_field(draw.key), amount, window, most, draw.amount * window)
        taken, *numbers = self._server.run(_TAKE, self._accounts, *arguments)
        return bool(taken), [
            Bucket(int(debt), int(at)) for debt, at in zip(numbers[::2], numbers[1::2], strict=True)
        ]

    def _replace(self, removed: str, account: str, buckets: Iterable[tuple[Key, Bucket, Limit]]) -> None:
        arguments: list[Argument] = [self._prefix, self._server.address.idle, removed, account]
        for key, held, limit in buckets:
            arguments += (
                key[0],
                _field(key),
                f"{held.debt} {held.at} {limit.amount} {limit.window}",
            )
        self._server.run(_REPLACE, self._accounts, *arguments)


def _field(key: Key) -> str:
    return f"{key[1]}{_BETWEEN}{key[2]}"


def _parsed(value: bytes) -> tuple[Bucket, Limit]:
    debt, at, amount, window = map(int, value.split())
    return Bucket(debt, at), Limit(amount, window)
