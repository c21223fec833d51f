"""The HTTP server: binds, answers each request by WSGI, and stops."""

from __future__ import annotations

import contextlib
import logging
import socket
import sys
import threading
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from cheroot import wsgi
from cheroot.server import HTTPRequest
from werkzeug.http import HTTP_STATUS_CODES

from mockserver.catalog.reading import CatalogError
from mockserver.errors import ApiError, ErrorTable, Refusal
from mockserver.transport.connection import SHUTDOWN, SOCKET
from mockserver.transport.http_server.bodies import Body, body_of
from mockserver.transport.http_server.descriptors import room_for_connections
from mockserver.transport.http_server.heads import HeadLimits
from mockserver.transport.http_server.reception import Reception
from mockserver.transport.http_server.workers import Workers
from mockserver.version import __version__

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from mockserver.settings.model import Settings
    from mockserver.transport.http_server.connections import Connection

log = logging.getLogger(__name__)

_BACKLOG = 1024
_MAX_COPIED = 1 << 16  # bytes of a chunk that is copied to be sent together with its frame
_SPARE_CONNECTIONS = 8  # connections beyond those that threads answer
_NO_MEMORY = "The server could not answer. Try again later."


class _Request(HTTPRequest):  # type: ignore[misc]
    """A request with a parsed head, and its response."""

    rfile: Body

    def __init__(self, server: HttpServer, connection: Connection) -> None:
        super().__init__(server, connection)
        head = self.head = connection.head
        assert head is not None
        self.method = head.method.encode()
        self.response_protocol = head.protocol
        self.close_connection = not head.keeps_alive
        self.rfile = body_of(connection)

    def write(self, chunk: bytes) -> None:
        """Send a piece of the body. A large piece is not copied."""
        if not self.chunked_write or not chunk:
            self.conn.write(chunk)
        elif len(chunk) <= _MAX_COPIED:
            self.conn.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        else:
            self.conn.write(b"%x\r\n" % len(chunk))
            self.conn.write(chunk)
            self.conn.write(b"\r\n")

    def respond(self) -> None:
        """Let the app answer, and send the response."""
        _Gateway(self).respond()
        self.ensure_headers_sent()
        if self.chunked_write:
            self.conn.write(b"0\r\n\r\n")


class _Gateway(wsgi.Gateway_10):  # type: ignore[misc]
    """The WSGI gateway, which calls the app."""

    def get_environ(self) -> dict[str, Any]:
        """Return the WSGI environ of the request."""
        request, connection, head = self.req, self.req.conn, self.req.head
        environ = {
            "REQUEST_METHOD": head.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": head.path,
            "QUERY_STRING": head.query,
            "REMOTE_ADDR": connection.remote_addr,
            "REMOTE_PORT": str(connection.remote_port),
            "SERVER_NAME": request.server.server_name,
            "SERVER_PORT": str(request.server.bind_addr[1]),
            "SERVER_PROTOCOL": head.protocol,
            "SERVER_SOFTWARE": request.server.software,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": request.rfile,
            "wsgi.input_terminated": True,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            SOCKET: connection.socket,
            SHUTDOWN: request.server.end,
        }
        for name, value in head.fields.items():
            key = name.upper().replace("-", "_")
            environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
        return environ

    def start_response(self, *arguments: Any) -> Any:
        """Take the app's status and headers. The connection is closed after a body with many unread bytes."""
        self.req.close_connection |= not self.req.rfile.leave()
        return super().start_response(*arguments)


class HttpServer(wsgi.Server):  # type: ignore[misc]
    """The HTTP server: ``prepare()`` binds and listens, ``serve()`` answers until ``stop()``."""

    version = f"audio-mockserver/{__version__}"
    ready = False  # to answer requests

    def __init__(self, settings: Settings, app: WSGIApplication, closing: threading.Event) -> None:
        super().__init__(
            (settings.host, settings.port),
            app,
            server_name="audio-mockserver",
            request_queue_size=_BACKLOG,
            timeout=settings.socket_timeout,
        )
        self._settings = settings
        self._room = room_for_connections(settings.max_connections)
        reserved = settings.reserved_threads
        max_threads = max(min(settings.max_threads, self._room - _SPARE_CONNECTIONS - reserved), 1)
        self.requests = Workers(self._answer, max_threads, reserved)
        self._errors = ErrorTable()
        self._closing = closing
        self._stopping = threading.Lock()

    def prepare(self) -> None:
        """Bind and listen. Raises ``OSError``."""
        super().prepare()
        self._connections.close()  # cheroot's own, which are empty
        self.socket.settimeout(0)
        self._reception = Reception(
            self.socket,
            self.requests,
            self._refuse,
            limits=HeadLimits(self._settings.max_head_bytes, self._settings.max_head_fields),
            timeout=self.timeout,
            room=self._room,
        )

    def serve(self) -> None:
        """Answer requests until ``stop()``."""
        self._reception.run()

    def stop(self) -> None:
        """Stop, and finish the requests in flight within ``shutdown_seconds``. Later calls wait for the first."""
        self._closing.set()  # ends all waits
        with self._stopping:
            if self.ready:
                self.ready = False
                self._reception.stop()
                self.requests.stop(self._settings.shutdown_seconds)

    def end(self) -> None:
        """Stop in the background."""
        threading.Thread(target=self.stop, name="stop").start()

    @property
    def can_add_keepalive_connection(self) -> bool:
        """Return whether connections are kept after a response. Called by cheroot."""
        return bool(self.ready)

    def _answer(self, connection: Connection) -> None:
        """Answer the request of a connection, then keep, part or close the connection. Raises nothing."""
        request = None
        try:
            request = _Request(self, connection)
            request.respond()
            if not request.close_connection:
                self._reception.keep(connection)
            elif request.rfile.ended:
                connection.close()
            else:
                self._reception.part(connection)
        except Exception as error:  # noqa: BLE001 - no request may end a thread
            try:
                self._give_up(connection, request, error)
            except Exception:  # if it stayed open, it would be counted forever
                connection.close()
                log.exception("A failed request could not be refused.")
        finally:
            if request is not None:
                request.rfile.done()

    def _give_up(self, connection: Connection, request: _Request | None, error: Exception) -> None:
        """End a connection after the app failed to answer its request."""
        peer = f"{connection.remote_addr}:{connection.remote_port}"
        if isinstance(error, OSError):
            log.info("The connection from %s failed: %s", peer, error)
        elif isinstance(error, MemoryError):
            log.error("There was not enough memory for a request from %s.", peer)
        else:
            log.error("A request from %s failed.", peer, exc_info=error)
        if isinstance(error, OSError) or (request is not None and request.sent_headers):
            connection.close()
        else:
            self._refuse(connection, ApiError("overloaded", reason=_NO_MEMORY))
            self._reception.part(connection)

    def _refuse(self, connection: Connection, error: ApiError) -> None:
        """Write an error in the API's form to a connection, which the caller then ends."""
        refusal = self._refusal(error)
        reason = error.values.get("reason", error.name)
        log.info("%s:%s: %d %s", connection.remote_addr, connection.remote_port, refusal.status, reason)
        head = (
            f"HTTP/1.1 {refusal.status} {HTTP_STATUS_CODES[refusal.status]}\r\n"
            f"Content-Type: {refusal.content_type}\r\nContent-Length: {len(refusal.body)}\r\n"
            f"Connection: close\r\nDate: {formatdate(usegmt=True)}\r\nServer: {self.server_name}\r\n\r\n"
        )
        with contextlib.suppress(OSError):
            connection.socket.settimeout(0)
            connection.socket.send(head.encode() + refusal.body)

    def _refusal(self, error: ApiError) -> Refusal:
        """Return the response to an error; an empty 503 if the error table cannot be read."""
        try:
            return self._errors.refusal(error)
        except CatalogError as unreadable:
            log.error("%s", unreadable)
            return Refusal(503, b"", "application/json", ())

    @staticmethod
    def bind_socket(socket_: socket.socket, bind_addr: tuple[str, int]) -> socket.socket:
        """Bind a socket, and close it if that fails."""
        try:
            socket_.bind(bind_addr)
        except OSError:
            socket_.close()
            raise
        return socket_

    @property
    def url(self) -> str:
        """Return the URL of the server, without a trailing slash."""
        host, port = self.bind_addr[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class PortInUse(OSError):
    """The address of the server is in use by another program."""


def listen(settings: Settings, app: WSGIApplication, closing: threading.Event | None = None) -> HttpServer:
    """Return a listening server, which sets ``closing`` as soon as it begins to stop.

    Raises ``PortInUse`` or ``OSError`` naming the address and the remedy.
    """
    server = HttpServer(settings, app, closing or threading.Event())
    try:
        server.prepare()
    except OSError as error:
        address = f"{settings.host}:{settings.port}"
        is_local = _is_local(settings.host)
        if is_local and _answers(settings.host, settings.port):
            raise PortInUse(
                f"{address} is in use by another program. "
                "Choose another port with --port, or --port 0 for a free one."
            ) from error
        reason = error if is_local else f"this machine has no address {settings.host!r}, but has 127.0.0.1"
        raise OSError(f"cannot listen on {address}: {reason}. Check --host and --port.") from error
    return server


def _is_local(host: str) -> bool:
    """Return whether this machine has the address ``host``."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.bind(address)
    except OSError:
        return False
    return True


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False
