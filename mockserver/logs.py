"""The log of a program in which servers run: one for all of them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class LogLevels:
    """Lets through what the most talkative of the running servers wants to be logged.

    ``warning`` and ``error`` leave out what is below; ``debug`` and ``info`` leave it to the program, whose
    logging it is. Without a server the logger is as the program has it.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._lock = threading.Lock()
        self._wanted: list[int] = []
        self._usual = logger.level

    @contextmanager
    def of_server(self, log_level: str) -> Iterator[None]:
        """While a server of this ``log_level`` runs."""
        quiet = log_level in ("warning", "error")
        level = logging.getLevelName(log_level.upper()) if quiet else logging.NOTSET
        with self._lock:
            if not self._wanted:
                self._usual = self._logger.level
            self._wanted.append(level)
            self._apply()
        try:
            yield
        finally:
            with self._lock:
                self._wanted.remove(level)
                self._apply()

    def _apply(self) -> None:
        self._logger.setLevel(max(self._usual, min(self._wanted, default=logging.NOTSET)))


LOG_LEVELS = LogLevels(logging.getLogger("mockserver"))
