"""Leases in memory: this process is the only one, and has all of them."""

from __future__ import annotations


class MemoryLeases:
    """The names for which this process has a lease (``protocols.Leases``)."""

    def __init__(self) -> None:
        self._held: set[str] = set()

    def acquire(self, name: str, seconds: float) -> bool:
        """Take the lease of ``name``. Return ``True``."""
        self._held.add(name)
        return True

    def release(self, name: str) -> None:
        """Give up the lease of ``name``."""
        self._held.discard(name)

    def is_held(self, name: str) -> bool:
        """Return whether this process has the lease of ``name``."""
        return name in self._held
