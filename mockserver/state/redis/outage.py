"""Remembers that the store was unreachable a moment ago."""

from __future__ import annotations

import logging
import threading
import time

from mockserver.state.disk import StoreUnreachable

log = logging.getLogger(__name__)

_PAUSE = 0.25  # seconds between two attempts to reach the store


class Outage:
    """Whether the store is unreachable. Then one call tries it from time to time, and all others fail at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failed: StoreUnreachable | None = None
        self._next_try = 0.0

    def check(self) -> None:
        """Raise ``StoreUnreachable`` if the store is unreachable, unless it is time to try it again."""
        if self._failed is None:
            return
        with self._lock:
            failed, now = self._failed, time.monotonic()
            if failed is None:
                return
            if now < self._next_try:
                raise StoreUnreachable(str(failed), failed.reason)
            self._next_try = now + _PAUSE

    def begin(self, failed: StoreUnreachable) -> None:
        """Note that the store could not be reached."""
        with self._lock:
            if self._failed is None:
                log.error("%s. Requests are answered with 503 until it is back.", failed)
            self._failed = failed
            self._next_try = time.monotonic() + _PAUSE

    def end(self) -> None:
        """Note that the store could be reached."""
        if self._failed is None:
            return
        with self._lock:
            if self._failed is not None:
                log.warning("The store can be used again.")
            self._failed = None
