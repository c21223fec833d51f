"""A streamed body, whose pieces are counted and noted while they are sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mockserver.journal.entries import Progress
    from mockserver.journal.pieces import Pieces

_ENDS_OF_EVENTS = (b"\n\n", b"\n\r\n")


class Watching(Protocol):
    """The exchange of a stream."""

    def first_piece(self) -> None:
        """Note the time of the stream's first piece."""
        ...

    def broke_off(self) -> None:
        """Note that the stream failed."""
        ...

    def ended(self, *, hung_up: bool) -> None:
        """Note the end of the stream."""
        ...


class WatchedBody(Iterator[bytes]):
    """A streamed body that reports its progress to an exchange. Closing it closes the body."""

    def __init__(self, body: Iterable[bytes], exchange: Watching, progress: Progress, kept: Pieces) -> None:
        self._body = body
        self._pieces = iter(body)
        self._exchange = exchange
        self._progress = progress
        self._kept = kept
        self._tail = b""  # the last two bytes sent, which may begin the end of an event

    def __next__(self) -> bytes:
        try:
            piece = next(self._pieces)
        except StopIteration:
            self._exchange.ended(hung_up=False)
            raise
        except BaseException:
            self._exchange.broke_off()
            raise
        progress = self._progress
        if not progress.pieces:
            self._exchange.first_piece()
        progress.pieces = (progress.pieces or 0) + 1
        progress.sent += len(piece)
        self._kept.note(piece)
        if progress.events is not None:
            progress.events += self._ends_of_events(piece)
        return piece

    def close(self) -> None:
        """Close the body. If it was not sent to its end, the client has left."""
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._exchange.ended(hung_up=True)

    def _ends_of_events(self, piece: bytes) -> int:
        """Return how many events end in ``piece``. An event ends with an empty line, which two pieces may share."""
        seen = self._tail + piece
        self._tail = b"" if seen.endswith(_ENDS_OF_EVENTS) else seen[-2:]
        return seen.count(b"\n\n") + seen.count(b"\n\r\n")
