"""What an answer is charged for, when its usage is known."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Charges:
    """The charges of an answer: made together with its entry in the journal, or at once if that is written."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Callable[[], None]] | None = []

    def add(self, charge: Callable[[], None]) -> None:
        """Make a charge now or with the entry."""
        with self._lock:
            if self._waiting is not None:
                self._waiting.append(charge)
                return
        charge()

    def make(self) -> None:
        """Make the charges that wait, with the entry. Raises ``StateFailed``."""
        with self._lock:
            waiting, self._waiting = self._waiting, None
        for charge in waiting or ():
            charge()
