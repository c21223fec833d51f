"""What carries the messages of a session: a WebSocket, or the data channel of a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Transport(Protocol):
    """The connection of a session. One thread reads ``messages``; any thread may do the rest."""

    def messages(self, tick: Callable[[], object]) -> Iterator[str | bytes]:
        """Yield the messages until the connection ends. Call ``tick`` whenever the client is silent for long."""
        ...

    def send(self, message: str) -> None:
        """Send a text. Raises ``OSError`` if the client has left, or does not read."""
        ...

    def close(self, code: int, reason: str = "") -> None:
        """End the connection after what was sent so far."""
        ...

    def abort(self) -> None:
        """End the connection at once."""
        ...
