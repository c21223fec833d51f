"""The calls that are live: WebRTC connections, and telephone calls that were accepted."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.providers.openai.realtime_work.media_loop import MediaLoop
    from mockserver.transport.upgrades import Serve


class LiveCall(Protocol):
    """A call, as others than its own session use it."""

    @property
    def id(self) -> str:
        """Return its id, ``rtc_…``."""
        ...

    @property
    def account_id(self) -> str:
        """Return the id of the account that it belongs to."""
        ...

    def join(self) -> tuple[Serve, Callable[[], None]]:
        """Let a second connection take part in the session from now on, until one of the two ends.

        Return what uses it once its handshake is answered, and what to call if its client is lost before.
        """
        ...

    def hang_up(self) -> None:
        """End the call."""
        ...


class LiveCalls:
    """The live calls of a server, and the loop that carries their media. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[str, LiveCall] = {}
        self._loop: MediaLoop | None = None
        self._is_closed = False

    @property
    def loop(self) -> MediaLoop:
        """Return the loop that carries the media. It is imported with the first call, because asyncio is large."""
        from mockserver.providers.openai.realtime_work.media_loop import MediaLoop

        with self._lock:
            if self._loop is None:
                self._loop = MediaLoop()
                if self._is_closed:
                    self._loop.close()
            return self._loop

    def __len__(self) -> int:
        with self._lock:
            return len(self._calls)

    def add(self, call: LiveCall) -> None:
        """Add a call."""
        with self._lock:
            self._calls[call.id] = call

    def remove(self, call: LiveCall) -> None:
        """Remove a call, which has ended."""
        with self._lock:
            self._calls.pop(call.id, None)

    def find(self, account_id: str, call_id: str) -> LiveCall | None:
        """Return a call of an account; ``None`` if it has none with this id."""
        with self._lock:
            call = self._calls.get(call_id)
        return call if call is not None and call.account_id == account_id else None

    def of_account(self, account_id: str | None) -> list[LiveCall]:
        """Return the calls of an account, or of all accounts, oldest first."""
        with self._lock:
            return [call for call in self._calls.values() if account_id in (None, call.account_id)]

    def close(self) -> None:
        """Hang up all calls, and end the loop."""
        for call in self.of_account(None):
            call.hang_up()
        with self._lock:
            self._is_closed = True
            loop = self._loop
        if loop is not None:
            loop.close()
