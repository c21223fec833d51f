"""What faults act on: a request before it is handled, and the reply to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from mockserver.wire import sse

if TYPE_CHECKING:
    import threading

    from mockserver.errors import ApiError
    from mockserver.scripting.faults.fault import Fault
    from mockserver.transport.connection import Connection

Failure = Callable[[bytes, int, str, str], Iterable[bytes]]

_PASSING = 1  # events left intact, unless the fault sets ``after``


class Arrival(Struct, frozen=True):
    """A request that has arrived and is not handled yet.

    ``release`` frees the slot of the request for another one; ``refusal`` returns the error of a fault of kind
    ``error``. Waits end when the server closes (``closing``) or the client disconnects.
    """

    fault: Fault
    connection: Connection
    closing: threading.Event
    release: Callable[[], object]
    refusal: Callable[[], ApiError]

    def wait(self, seconds: float | None) -> None:
        """Wait for real seconds (``None``: until the client leaves), and let another request be handled meanwhile."""
        self.release()
        self.connection.wait(seconds, self.closing)


class Breakable(Struct, frozen=True):
    """A reply to break: its body in ``pieces``, and ``whole`` unless it is a stream.

    ``media_type`` is its content type without parameters. ``announce`` sets the content length in its headers.
    With ``is_chunked`` the server sends it in chunks (chunked transfer coding), and a last, empty one. ``failure``
    returns the events that report an error in the middle of a stream.
    """

    fault: Fault
    connection: Connection
    closing: threading.Event
    whole: bytes | None
    pieces: Iterator[bytes]
    media_type: str
    is_json: bool
    is_chunked: bool
    announce: Callable[[int], object]
    failure: Failure = sse.failure

    @property
    def is_events(self) -> bool:
        """Return whether the body is a stream of server-sent events."""
        return self.media_type == "text/event-stream"

    @property
    def events(self) -> Iterator[bytes]:
        """Return an iterator over the events of the body."""
        return sse.events(self.pieces)

    @property
    def number(self) -> int:
        """Return the number of the event to break, from 0."""
        return _PASSING if self.fault.after is None else self.fault.after

    def wait(self, seconds: float) -> bool:
        """Wait for real seconds. Return whether the server is still running."""
        return self.connection.wait(seconds, self.closing)
