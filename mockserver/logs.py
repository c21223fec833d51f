"""The log of a program in which servers run: one for all of them; and what each logs once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_MAX_NOTICES = 1_000  # texts that are remembered; what is new after that is not logged any more


class LogLevels:
    """Lets through what the most talkative of the running servers wants to be logged.

    ``warning`` and ``error`` leave out what is below; ``debug`` and ``info`` leave it to the program, whose
    logging it is: the logger is then as the program has it.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._lock = threading.Lock()
        self._wanted: list[int] = []
        self._least = logging.NOTSET
        self._usual = self._set = logger.level

    @contextmanager
    def of_server(self, log_level: str) -> Iterator[None]:
        """While a server of this ``log_level`` is made, or runs."""
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
        least = min(self._wanted, default=logging.NOTSET)
        if least == self._least:
            return
        if self._logger.level != self._set:  # by the program, meanwhile
            self._usual = self._logger.level
        self._logger.setLevel(self._usual)
        if least > self._logger.getEffectiveLevel():
            self._logger.setLevel(least)
        self._least, self._set = least, self._logger.level


class Notices:
    """Remembers which texts were logged. Thread-safe."""

    def __init__(self) -> None:
        self._known: set[int] = set()  # by their hashes: a text may be long
        self._lock = threading.Lock()

    def is_new(self, text: str) -> bool:
        """Return whether a text is new, and remember it."""
        with self._lock:
            if hash(text) in self._known or len(self._known) >= _MAX_NOTICES:
                return False
            self._known.add(hash(text))
            return True


LOG_LEVELS = LogLevels(logging.getLogger("mockserver"))
