"""Leases in Redis."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING

from mockserver.state.redis.scripts import script

if TYPE_CHECKING:
    from mockserver.state.redis.server import RedisServer

_ACQUIRE, _RELEASE = script("lease_acquire"), script("lease_release")


class RedisLeases:
    """The leases of a store in Redis (``protocols.Leases``). They end by the clock of Redis."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._group = uuid.uuid4().hex  # of this process and those that are forked from it

    def acquire(self, name: str, seconds: float) -> bool:
        """Take the lease of ``name``, or extend it, for ``seconds``. Return ``False`` if another process has it."""
        milliseconds = max(1, round(seconds * 1000))
        return bool(self._server.run(_ACQUIRE, [self._key(name)], self._holder(), milliseconds))

    def release(self, name: str) -> None:
        """Give up the lease of ``name``, if this process has it."""
        self._server.run(_RELEASE, [self._key(name)], self._holder())

    def is_held(self, name: str) -> bool:
        """Return whether any process has the lease of ``name``."""
        return bool(self._server.call("EXISTS", self._key(name)))

    def _holder(self) -> str:
        return f"{self._group}-{os.getpid()}"

    def _key(self, name: str) -> str:
        return self._server.key("lease", name)
