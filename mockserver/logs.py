"""The log level of the servers in a process, and messages that are logged once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_MAX_NOTICES = 1_000  # messages that are remembered; further new ones are not logged


class LogLevels:
    """The level of a logger that several servers share: the lowest that a running server asks for.

    ``warning`` and ``error`` raise the level; with ``debug`` and ``info`` the program's own level applies.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._lock = threading.Lock()
        self._wanted: list[int] = []
        self._lowest = logging.NOTSET
        self._usual = self._set = logger.level

    @contextmanager
    def of_server(self, log_level: str) -> Iterator[None]:
        """Apply the ``log_level`` of a server while it is created or running."""
        quiet = log_level in ("warning", "error")
        level = logging.getLevelName(log_level.upper()) if quiet else logging.NOTSET
        with self._lock:
            self._wanted.append(level)
            self._apply()
        try:
            yield
        finally:
            with self._lock:
                self._wanted.remove(level)
                self._apply()

    def _apply(self) -> None:
        lowest = min(self._wanted, default=logging.NOTSET)
        if lowest == self._lowest:
            return
        if self._logger.level != self._set:  # changed by the program meanwhile
            self._usual = self._logger.level
        self._logger.setLevel(self._usual)
        if lowest > self._logger.getEffectiveLevel():
            self._logger.setLevel(lowest)
        self._lowest, self._set = lowest, self._logger.level


class Notices:
    """The set of messages that were logged already. Thread-safe."""

    def __init__(self) -> None:
        self._known: set[int] = set()  # hashes, because messages can be long
        self._lock = threading.Lock()

    def is_new(self, text: str) -> bool:
        """Return whether ``text`` is new, and remember it."""
        with self._lock:
            if hash(text) in self._known or len(self._known) >= _MAX_NOTICES:
                return False
            self._known.add(hash(text))
            return True


LOG_LEVELS = LogLevels(logging.getLogger("mockserver"))
