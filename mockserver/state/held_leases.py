"""The leases of this process: extended until they are given up. If it dies, they end by themselves."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from mockserver.state.disk import StateFailed

if TYPE_CHECKING:
    from mockserver.state.protocols import Leases

log = logging.getLogger(__name__)

_SECONDS = 5.0  # for which a lease is taken: how long the work of a killed process rests
_BEAT = 1.0  # seconds between two extensions


class HeldLeases:
    """The leases of a process. Thread-safe. One that ``is_alone`` has all of them, without a thread."""

    def __init__(self, leases: Leases, *, is_alone: bool) -> None:
        self._leases = leases
        self.is_alone = is_alone
        self._changed = threading.Condition()
        self._held: set[str] = set()
        self._extends = False  # a thread does
        self._is_closed = False

    def take(self, name: str) -> bool:
        """Take the lease of ``name``, until ``give_up``. Return ``False`` if another process has it.

        Raises ``StateFailed``.
        """
        if self.is_alone:
            return True
        if not self._leases.acquire(name, _SECONDS):
            return False
        with self._changed:
            self._held.add(name)
            if not self._extends and not self._is_closed:
                self._extends = True
                threading.Thread(target=self._extend, name="leases", daemon=True).start()
        return True

    def give_up(self, name: str) -> None:
        """Give up the lease of ``name``. If the store fails, it ends by itself."""
        if self.is_alone:
            return
        with self._changed:
            self._held.discard(name)
        try:
            self._leases.release(name)
        except StateFailed as error:
            log.debug("the lease of %s ends by itself: %s", name, error)

    def is_held(self, name: str) -> bool:
        """Return whether another process or this one has the lease of ``name``. Raises ``StateFailed``."""
        return self._leases.is_held(name)

    def close(self) -> None:
        """Give up all leases, so that other processes continue the work at once."""
        with self._changed:
            self._is_closed = True
            held = list(self._held)
            self._changed.notify_all()
        for name in held:
            self.give_up(name)

    def _extend(self) -> None:
        """Extend the leases until the end of the server, or until there are none."""
        while True:
            with self._changed:
                self._changed.wait(_BEAT)
                if self._is_closed or not self._held:
                    self._extends = False
                    return
                held = list(self._held)
            for name in held:
                self._extend_one(name)

    def _extend_one(self, name: str) -> None:
        try:
            with self._changed:  # not after it was given up
                if name not in self._held or self._leases.acquire(name, _SECONDS):
                    return
                self._held.discard(name)
        except StateFailed as error:
            log.debug("the lease of %s is not extended: %s", name, error)
        else:
            log.warning("Another process has taken over %s: this one was too slow.", name)
