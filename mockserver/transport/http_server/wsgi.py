"""Calls the WSGI application (PEP 3333) for one request, and sends its response (RFC 9112)."""

from __future__ import annotations

import sys
import time
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mockserver.transport.connection import SHUTDOWN, SOCKET
from mockserver.transport.http_server.bodies import body_of
from mockserver.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import OptExcInfo
    from _typeshed.wsgi import WSGIApplication

    from mockserver.transport.http_server.connections import Connection

SERVER = "audio-mockserver"  # the header Server

_SOFTWARE = f"{SERVER}/{__version__} Server"

_MAX_JOINED = 1 << 16  # bytes; a larger piece of a body is sent on its own, without a copy
_WITHOUT_BODY = ("1", "204", "205", "304")  # how the status of a response begins that has no body
_LAST_CHUNK = b"0\r\n\r\n"


class Host:
    """What all requests of a server share: its part of the WSGI environ, and whether connections are kept.

    ``timeout`` is the seconds for which an idle connection is kept.
    """

    def __init__(self, port: int, timeout: float, end: Callable[[], None]) -> None:
        """``end`` stops the server, in the background."""
        self.timeout = timeout
        self.keeps_connections = True
        self.environ = {
            "SCRIPT_NAME": "",
            "SERVER_NAME": SERVER,
            "SERVER_PORT": str(port),
            "SERVER_SOFTWARE": _SOFTWARE,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input_terminated": True,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            SHUTDOWN: end,
        }


class WsgiCall:
    """One call of the application: a request whose head has been read, and its response."""

    def __init__(self, connection: Connection, host: Host) -> None:
        assert connection.head is not None
        self.body = body_of(connection)
        self.head_sent = False
        self.closes_connection = not connection.head.keeps_alive
        self._connection = connection
        self._head = connection.head
        self._host = host
        self._status = ""
        self._fields: list[tuple[str, str]] = []
        self._is_chunked = False

    def respond(self, app: WSGIApplication) -> None:
        """Have the application answer, and send the response. Raises ``OSError``, and what the application raises."""
        pieces = app(self._environ(), self._start_response)
        try:
            for piece in pieces:
                if piece:
                    self._write(piece)
        finally:
            if not self.head_sent:  # also of a body that fails before its first piece
                self._write(b"")
            close = getattr(pieces, "close", None)
            if close is not None:
                close()
        if self._is_chunked:
            self._connection.write(_LAST_CHUNK)

    def _environ(self) -> dict[str, Any]:
        head, connection = self._head, self._connection
        return {
            **self._host.environ,
            "REQUEST_METHOD": head.method,
            "PATH_INFO": head.path,
            "QUERY_STRING": head.query,
            "REMOTE_ADDR": connection.remote_addr,
            "REMOTE_PORT": str(connection.remote_port),
            "SERVER_PROTOCOL": head.protocol,
            "wsgi.input": self.body,
            SOCKET: connection.socket,
            **{_environ_key(name): value for name, value in head.fields.items()},
        }

    def _start_response(
        self, status: str, fields: list[tuple[str, str]], exc_info: OptExcInfo | None = None, /
    ) -> Callable[[bytes], object]:
        """Take status and headers; they are sent with the first piece of the body."""
        if exc_info is not None and self.head_sent:
            raise exc_info[1] or RuntimeError("The head of the response was sent already.")
        self.closes_connection |= not self.body.leave()
        self._status, self._fields = status, fields
        return self._write

    def _write(self, piece: bytes) -> None:
        """Send a piece of the body, the first one together with the head."""
        before = b"" if self.head_sent else self._response_head()
        self.head_sent = True
        after = b""
        if self._is_chunked and piece:
            before, after = b"%b%x\r\n" % (before, len(piece)), b"\r\n"
        if len(piece) <= _MAX_JOINED:
            self._connection.write(before + piece + after)
            return
        for each in filter(None, (before, piece, after)):
            self._connection.write(each)

    def _response_head(self) -> bytes:
        """Return status line and headers; decide how the end of the body is told, and whether the connection stays."""
        names = {name.lower() for name, _ in self._fields}
        is_http_11 = self._head.protocol == "HTTP/1.1"
        added: list[tuple[str, str]] = []
        if "content-length" not in names and not self._status.startswith(_WITHOUT_BODY):
            self._is_chunked = is_http_11 and self._head.method != "HEAD"
            if self._is_chunked:
                added.append(("Transfer-Encoding", "chunked"))
            else:
                self.closes_connection = True
        self.closes_connection |= self._status.startswith("413") or not self._host.keeps_connections
        if "connection" not in names:
            added += self._connection_fields(is_http_11=is_http_11)
        if "date" not in names:
            added.append(("Date", _http_date(int(time.time()))))
        if "server" not in names:
            added.append(("Server", SERVER))
        lines = "".join([f"{name}: {value}\r\n" for name, value in (*self._fields, *added)])
        return f"HTTP/1.1 {self._status}\r\n{lines}\r\n".encode("latin-1")

    def _connection_fields(self, *, is_http_11: bool) -> list[tuple[str, str]]:
        if is_http_11:
            return [("Connection", "close")] if self.closes_connection else []
        if self.closes_connection:
            return []
        return [("Connection", "Keep-Alive"), ("Keep-Alive", f"timeout={self._host.timeout}")]


@lru_cache(maxsize=512)
def _environ_key(name: str) -> str:
    """Return the key in a WSGI environ of a header, whose name is in lower case."""
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


@lru_cache(maxsize=1)
def _http_date(second: int) -> str:
    return formatdate(second, usegmt=True)
