"""Messages that are logged only once."""

from __future__ import annotations

import threading

_MOST = 1_000  # texts that are remembered; further new ones are not logged


class Notices:
    """Remembers which texts were logged. Thread-safe."""

    def __init__(self) -> None:
        self._known: set[int] = set()  # by their hashes: a text may be long
        self._lock = threading.Lock()

    def is_new(self, text: str) -> bool:
        """Return whether a text is new, and remember it."""
        with self._lock:
            if hash(text) in self._known or len(self._known) >= _MOST:
                return False
            self._known.add(hash(text))
            return True
