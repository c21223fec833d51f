"""Calls the WSGI application (PEP 3333) for one request, and sends its response (RFC 9112)."""

from __future__ import annotations

import sys
import time
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mockserver.transport.connection import HEADERS, LASTING, SHUTDOWN, SOCKET, UPGRADE
from mockserver.transport.http_server.bodies import body_of
from mockserver.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import OptExcInfo
    from _typeshed.wsgi import WSGIApplication

    from mockserver.transport.http_server.connections import Connection
    from mockserver.transport.http_server.heads import Head
    from mockserver.transport.upgrades import Upgrade

SERVER = "audio-mockserver"  # the header Server

_SOFTWARE = f"{SERVER}/{__version__} Server"

# Of the real service; over TLS, browsers would use TLS for everything on the same host, such as localhost, for a year.
_STRICT = "strict-transport-security"

_MAX_CACHED = 64  # environs of heads
_MAX_JOINED = 1 << 16  # bytes; a larger piece of a body is sent on its own, without a copy
_WITHOUT_BODY = ("1", "204", "205", "304")  # how the status of a response begins that has no body
_LAST_CHUNK = b"0\r\n\r\n"


class Host:
    """A server as its requests see it: its part of the WSGI environ, and whether connections are kept.

    ``scheme`` is ``http`` or ``https``; ``timeout`` is the seconds for which an idle connection is kept.
    """

    def __init__(
        self,
        scheme: str,
        port: int,
        timeout: float,
        end: Callable[[], None],
        last: Callable[[], Callable[[], None] | None],
    ) -> None:
        """``end`` stops the server, in the background; ``last`` allows an answer without an end (``Workers.last``)."""
        self.timeout = timeout
        self.speaks_tls = scheme == "https"
        self.keeps_connections = True
        self.environ = {
            "SCRIPT_NAME": "",
            "SERVER_NAME": SERVER,
            "SERVER_PORT": str(port),
            "SERVER_SOFTWARE": _SOFTWARE,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": scheme,
            "wsgi.input_terminated": True,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            SHUTDOWN: end,
            LASTING: last,
        }


class WsgiCall:
    """One call of the application: a request whose head has been read, and its response."""

    def __init__(self, connection: Connection, host: Host, upgrade: Upgrade | None = None) -> None:
        """``upgrade`` is what the client asks for beside an answer, if it does."""
        assert connection.head is not None
        self.body = body_of(connection)
        self.head_sent = False
        self.closes_connection = not connection.head.keeps_alive
        self._connection = connection
        self._head = connection.head
        self._host = host
        self._upgrade = upgrade
        self._status = ""
        self._fields: list[tuple[str, str]] = []
        self._is_chunked = False
        self._left: int | None = None  # bytes of a body with a Content-Length

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
        if self._left:
            raise ConnectionError("the body is shorter than its Content-Length")

    @property
    def switches(self) -> bool:
        """Return whether the application has accepted a WebSocket, which the connection carries from now on."""
        return self._upgrade is not None and self._upgrade.is_accepted and self._status.startswith("101")

    def _environ(self) -> dict[str, Any]:
        connection = self._connection
        upgrade = {} if self._upgrade is None else {UPGRADE: self._upgrade}
        return {
            **upgrade,
            **self._host.environ,
            **_environ_of(self._head),
            "REMOTE_ADDR": connection.remote_addr,
            "REMOTE_PORT": str(connection.remote_port),
            "wsgi.input": self.body,
            SOCKET: connection.socket,
        }

    def _start_response(
        self, status: str, fields: list[tuple[str, str]], exc_info: OptExcInfo | None = None, /
    ) -> Callable[[bytes], object]:
        """Take status and headers; they are sent with the first piece of the body."""
        if exc_info is not None and self.head_sent:
            raise exc_info[1] or RuntimeError("The head of the response was sent already.")
        self.closes_connection |= not self.body.leave()
        if self._host.speaks_tls:
            fields = [field for field in fields if field[0].lower() != _STRICT]
        self._status, self._fields = status, fields
        return self._write

    def _write(self, piece: bytes) -> None:
        """Send a piece of the body, the first one together with the head."""
        is_too_long = False
        if self._head.method == "HEAD":
            piece = b""
        before, after = b"" if self.head_sent else self._response_head(), b""
        self.head_sent = True
        if self._left is not None:
            is_too_long = len(piece) > self._left
            piece = piece[: self._left]
            self._left -= len(piece)
        if self._is_chunked and piece:
            before, after = b"%b%x\r\n" % (before, len(piece)), b"\r\n"
        if len(piece) <= _MAX_JOINED:
            self._connection.write(before + piece + after)
        else:
            for each in filter(None, (before, piece, after)):
                self._connection.write(each)
        if is_too_long:
            raise ValueError("The body is longer than its Content-Length.")

    def _response_head(self) -> bytes:
        """Return status line and headers. Decide on chunked transfer coding, and whether the connection is kept."""
        fields = {name.lower(): value for name, value in self._fields}
        is_http_11 = self._head.protocol == "HTTP/1.1"
        added: list[tuple[str, str]] = []
        if "content-length" not in fields and not self._status.startswith(_WITHOUT_BODY):
            self._is_chunked = is_http_11 and self._head.method != "HEAD"
            if self._is_chunked:
                added.append(("Transfer-Encoding", "chunked"))
            else:
                self.closes_connection = True
        elif self._head.method != "HEAD" and "content-length" in fields:
            self._left = int(fields["content-length"])
        self.closes_connection |= self._status.startswith("413") or not self._host.keeps_connections
        if "connection" not in fields:
            added += self._connection_fields(is_http_11=is_http_11)
        if "date" not in fields:
            added.append(("Date", _http_date(int(time.time()))))
        if "server" not in fields:
            added.append(("Server", SERVER))
        lines = "".join([f"{name}: {value}\r\n" for name, value in (*self._fields, *added)])
        return f"HTTP/1.1 {self._status}\r\n{lines}\r\n".encode("latin-1")

    def _connection_fields(self, *, is_http_11: bool) -> list[tuple[str, str]]:
        if is_http_11:
            return [("Connection", "close")] if self.closes_connection else []
        if self.closes_connection:
            return []
        return [("Connection", "Keep-Alive"), ("Keep-Alive", f"timeout={self._host.timeout}")]


@lru_cache(maxsize=_MAX_CACHED)
def _environ_of(head: Head) -> dict[str, Any]:
    """Return what the WSGI environ contains of a head, which requests share."""
    environ = {
        "REQUEST_METHOD": head.method,
        "PATH_INFO": head.path,
        "QUERY_STRING": head.query,
        "SERVER_PROTOCOL": head.protocol,
        HEADERS: head.fields,
    }
    for name, value in head.fields.items():
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
    return environ


@lru_cache(maxsize=1)
def _http_date(second: int) -> str:
    return formatdate(second, usegmt=True)
