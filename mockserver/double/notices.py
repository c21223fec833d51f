"""What is logged once, however often it happens."""

from __future__ import annotations

import threading

_MOST = 1_000  # texts that are remembered; what is new after that is not logged any more


class Notices:
    """The texts that were logged already. Thread-safe."""

    def __init__(self) -> None:
        self._known: set[int] = set()  # by their hashes: a text may be long
        self._lock = threading.Lock()

    def is_new(self, text: str) -> bool:
        """Tell whether a text is new, and remember it."""
        with self._lock:
            if hash(text) in self._known or len(self._known) >= _MOST:
                return False
            self._known.add(hash(text))
            return True
