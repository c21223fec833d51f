"""What a fault strikes: a request before it is handled, and the reply to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mockserver.wire import sse

if TYPE_CHECKING:
    import threading

    from mockserver.scripting.faults.fault import Fault
    from mockserver.transport.connection import Connection

_PASSING = 1  # events that pass unharmed where a fault says none


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request that has come and is not handled yet.

    ``release`` gives its place among those that are worked at to another; ``refusal`` returns the error that a
    fault of the kind ``error`` names. Waits end when the server closes (``closing``) and when the client leaves.
    """

    fault: Fault
    connection: Connection
    closing: threading.Event
    release: Callable[[], object]
    refusal: Callable[[], Exception]

    def wait(self, seconds: float | None) -> None:
        """Let real seconds pass (``None``: all there are), while another request may be worked at."""
        self.release()
        self.connection.wait(seconds, self.closing)


@dataclass(frozen=True, slots=True)
class Breakable:
    """A reply that is to be broken: its body in ``pieces``, and ``whole`` unless it is a stream.

    ``media_type`` is its content type without parameters. ``announce`` writes another length into its headers.
    One that ``is_chunked`` is sent by the server in chunks, the last of which says that it is the last.
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

    @property
    def is_events(self) -> bool:
        """Return whether the body is a stream of server-sent events."""
        return self.media_type == "text/event-stream"

    @property
    def events(self) -> Iterator[bytes]:
        """Return the body, an event at a time."""
        return sse.events(self.pieces)

    @property
    def number(self) -> int:
        """Return the number of the event that is broken, from 0."""
        return _PASSING if self.fault.after is None else self.fault.after

    def wait(self, seconds: float) -> bool:
        """Let real seconds pass. Return whether the server goes on."""
        return self.connection.wait(seconds, self.closing)
