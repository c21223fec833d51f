"""The adapter for WebSockets: accepts the handshake; the pipeline answers each message as a request of its own."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mockserver.errors import ApiError
from mockserver.pipeline.request import Request, RequestHeaders, Session
from mockserver.pipeline.responses import crashed
from mockserver.transport.connection import Connection
from mockserver.wire import sse

if TYPE_CHECKING:
    from mockserver.accounts.accounts import Account
    from mockserver.pipeline.responses import Reply
    from mockserver.transport.bodies import UploadSlot
    from mockserver.transport.upgrades import Serve
    from mockserver.transport.web_sockets import WebSocket

_CREDENTIALS = (
    "openai-insecure-api-key.",
    "openai-organization.",
    "openai-project.",
)  # no protocols to choose
_REALTIME = "realtime"  # the subprotocol of the Realtime API
_OF_THE_HANDSHAKE = ("connection", "upgrade")  # headers that messages do not have


class WebSocketAdapter:
    """A request for a WebSocket that is authenticated, and the answers to its messages.

    ``identifier`` is the id of the handshake's exchange, ``answer`` answers a message as the pipeline does.
    JSON has at most ``max_json_values`` values and names. ``slot`` returns the slot of a request that waits.
    """

    def __init__(
        self,
        handshake: Request,
        account: Account,
        identifier: str,
        answer: Callable[[Request], Reply],
        max_json_values: int,
        slot: Callable[[], UploadSlot],
    ) -> None:
        self._handshake = handshake
        self._account = account
        self.identifier = identifier
        self._answer = answer
        self.max_json_values = max_json_values
        self.slot = slot

    def accept(self, serve: Serve, lost: Callable[[], None] = lambda: None) -> tuple[tuple[str, str], ...]:
        """Have ``serve`` use the WebSocket. Return the headers of the answer, whose status is 101.

        ``lost`` is called in place of ``serve`` if the client has left before it got the answer.

        Raises ``ApiError`` if the server has no WebSockets, or no room, or the handshake is invalid.
        """
        upgrade = self._handshake.connection.upgrade
        if upgrade is None:
            raise ApiError("websockets_not_offered")
        return upgrade.accept(serve, subprotocol, lost)

    def answer(self, web_socket: WebSocket, body: bytes, memory: Any, *, is_scriptable: bool = True) -> Reply:
        """Return the reply to a message that is a JSON ``body``. ``memory`` is what the endpoint keeps for it.

        Stubs answer it only if it ``is_scriptable``.
        Raises ``ConnectionError`` and ``TimeoutError`` if the client has left or a fault has ended the connection.
        """
        handshake = self._handshake
        kept = {name: each for name, each in handshake.headers.items() if name not in _OF_THE_HANDSHAKE}
        request = replace(
            handshake,
            method="POST",
            headers=RequestHeaders(kept | {"content-type": "application/json"}),
            body=io.BytesIO(body),
            length=len(body),
            connection=_MessageConnection(web_socket, handshake.connection),
            protocol="WebSocket",
            session=Session(self.identifier, self._account, memory, is_scriptable),
        )
        return self._answer(request)

    def failed(self, error: Exception) -> ApiError:
        """Log an unexpected exception, and return the refusal of the message."""
        return crashed(error, self._handshake)


class _MessageConnection(Connection):
    """The connection of a message: faults and waits end the whole WebSocket."""

    def __init__(self, web_socket: WebSocket, carrier: Connection) -> None:
        super().__init__()
        self._web_socket = web_socket
        self._carrier = carrier

    @property
    def is_reachable(self) -> bool:
        return True

    @property
    def has_hung_up(self) -> bool:
        return self._web_socket.is_closed

    def send(self, data: bytes) -> None:
        """Send nothing: bytes between the frames would be an error of the server."""

    def shut(self) -> None:
        self._carrier.shut()

    def reset(self) -> None:
        self._web_socket.stop_receiving()  # a thread that waits for the socket would delay the reset
        self._carrier.reset()


def data_of(reply: Reply) -> Iterator[bytes]:
    """Yield the data of each event of a reply that is a stream of events."""
    for event in sse.events([reply.body] if isinstance(reply.body, bytes) else reply.body):
        lines = [
            line.removeprefix(b"data:").lstrip(b" ") for line in event.splitlines() if line[:5] == b"data:"
        ]
        if lines:
            yield b"\n".join(lines)


def subprotocol(offered: Sequence[str]) -> str | None:
    """Return the subprotocol to choose: ``realtime``, else the first in which no browser sends credentials."""
    if _REALTIME in offered:
        return _REALTIME
    return next((each for each in offered if not each.startswith(_CREDENTIALS)), None)
