"""A client's request for a WebSocket, as the application sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mockserver.transport.bodies import BodyMemory
    from mockserver.transport.web_sockets import Handshake, Stream, WebSocket

Serve = Callable[["WebSocket"], None]  # uses a WebSocket until it ends, in a thread of its own


class Upgrade:
    """A request to continue the connection as a WebSocket.

    The application accepts it, and answers with status 101 and the headers that ``accept`` returned; any other answer
    refuses it.
    """

    def __init__(self, headers: Mapping[str, str], max_bytes: int, take_place: Callable[[], None]) -> None:
        """Take the headers of the request, with names in lower case.

        Messages have at most ``max_bytes``. ``take_place`` raises ``ApiError`` if there are too many WebSockets.
        """
        self._headers = headers
        self._max_bytes = max_bytes
        self._take_place = take_place
        self.has_begun = False  # the client has the answer
        self.lost: Callable[[], None] = lambda: None  # to be called if it cannot begin after it was accepted
        self._accepted: tuple[Handshake, Serve] | None = None

    @property
    def is_accepted(self) -> bool:
        """Return whether the application has accepted it."""
        return self._accepted is not None

    def accept(
        self,
        serve: Serve,
        subprotocol: Callable[[Sequence[str]], str | None],
        lost: Callable[[], None] = lambda: None,
    ) -> tuple[tuple[str, str], ...]:
        """Have ``serve`` use the WebSocket once the answer is sent. Return the headers of the answer.

        ``subprotocol`` chooses one of those that the client offers, if any. ``lost`` is called in place of ``serve`` if
        the client does not get the answer. Raises ``ApiError`` if the request is
        invalid, or there are too many WebSockets.
        """
        from mockserver.transport.web_sockets import Handshake

        handshake = Handshake(self._headers, self._max_bytes, subprotocol)
        self._take_place()
        self._accepted, self.lost = (handshake, serve), lost
        return handshake.headers

    def begin(self, stream: Stream, memory: BodyMemory) -> tuple[WebSocket, Serve]:
        """Return the WebSocket on the connection, whose client has the answer, and what uses it.

        Large messages share ``memory``.
        """
        assert self._accepted is not None
        handshake, serve = self._accepted
        self.has_begun = True
        return handshake.web_socket(stream, memory), serve
