"""Says which processes of a server live: each has a lease, which it extends."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mockserver.state.protocols import Leases

EXTENDED = 3.0  # seconds between two extensions of a lease
_LEASE = 15.0  # seconds


class Presence:
    """The lease of this process, whose ``name`` other processes know it by."""

    def __init__(self, leases: Leases) -> None:
        self.name = f"process-{uuid.uuid4().hex}"
        self._leases = leases
        self.extend()

    def extend(self) -> None:
        """Say that this process lives. Raises ``StateFailed``."""
        self._leases.acquire(self.name, _LEASE)

    def end(self) -> None:
        """Say that this process ends. Raises ``StateFailed``."""
        self._leases.release(self.name)

    def lives(self, name: str) -> bool:
        """Return whether the process with that name lives: one that was killed is noticed after 15 seconds."""
        return name == self.name or self._leases.is_held(name)
