"""Serves the app: cheroot, taught to grow with its load, read large bodies cheaply and hand out sockets."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Literal

from cheroot import wsgi
from cheroot.makefile import StreamReader, StreamWriter
from cheroot.server import HTTPConnection, HTTPRequest
from cheroot.workers.threadpool import ThreadPool

from mockserver.double.control_shutdown import SHUTDOWN
from mockserver.gateway.body import ClientGone, drain
from mockserver.version import __version__

if TYPE_CHECKING:
    import flask

    from mockserver.settings import Settings

log = logging.getLogger(__name__)

SOCKET = "mockserver.socket"  # environ key of the connection's socket

_MIN_THREADS = 8
_GROWTH = 16  # threads started at once when all are busy
_SPARE = 2  # idle threads wanted beyond need: one that has just taken a connection still looks idle
_IDLE_SECONDS = 10.0  # of calm before spare threads are let go
_BACKLOG = 1024
_KEPT_CONNECTIONS = 10_000
_PIECE = 1 << 18
_LEAST_RATE = 1 << 16  # bytes per second
_UNREAD_AT_MOST = 1 << 20  # bytes that are read and thrown away to keep a connection
_LINE_AT_MOST = 1 << 12  # bytes, within a chunked body
_HEADERS_AT_MOST = 1 << 16  # bytes, with the request line


class _Pool(ThreadPool):  # type: ignore[misc]
    """Starts threads when all are busy, without waiting for them, and lets them go after a calm."""

    def __init__(self, server: wsgi.Server, maximum: int) -> None:
        super().__init__(server, min=min(_MIN_THREADS, maximum), max=maximum)
        self._growing = threading.Lock()
        self._last_busy = 0.0

    def put(self, conn: HTTPConnection) -> None:
        """Hands a connection with a request to a thread."""
        waiting, idle = self.qsize + 1, self.idle
        now = time.monotonic()
        if waiting + _SPARE > idle:
            self._last_busy = now
            self.grow(max(_GROWTH, waiting + _SPARE - idle))
        elif idle > self.min + _GROWTH and now - self._last_busy > _IDLE_SECONDS:
            self.shrink(_GROWTH)
        super().put(conn)

    def grow(self, amount: int) -> None:
        """Starts up to ``amount`` threads."""
        with self._growing:
            room = max(self.max - len(self._threads), 0)
            self._threads.extend(self._spawn_worker() for _ in range(min(amount, room)))


class _PacedSocket(socket.SocketIO):
    """What a client sends. One that stalls, or sends at less than ``_LEAST_RATE``, uses up our ``patience``.

    That is in seconds, and only those count in which the server waits for the client.
    """

    patience = 0.0

    def readinto(self, buffer: Any) -> int | None:
        """Receives into ``buffer``. Raises ``TimeoutError``."""
        began = time.monotonic()
        count = super().readinto(buffer)
        self.patience += (count or 0) / _LEAST_RATE - (time.monotonic() - began)
        if self.patience < 0:
            raise TimeoutError("timed out")
        return count


class _PacedReader(StreamReader):  # type: ignore[misc]
    """A buffered reader of a ``_PacedSocket``."""

    def __init__(self, connected: socket.socket, mode: Literal["rb"], buffer_size: int) -> None:
        super(StreamReader, self).__init__(_PacedSocket(connected, mode), buffer_size)
        self.bytes_read = 0


class _Request(HTTPRequest):  # type: ignore[misc]
    """A request. A target that begins with two slashes is a path, not the address of another server.

    Of several content types none is lost.
    """

    rfile: Any
    path: bytes

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.inheaders = _Headers()

    def read_request_line(self) -> bool:
        """Reads the first line; whether it can be answered."""
        reader = self.rfile = _FirstLine(self.rfile)
        try:
            understood: bool = super().read_request_line()
        finally:
            self.rfile = reader.whole
        if understood:
            self.path = reader.surplus + self.path
        return understood


class _Headers(dict[bytes, bytes]):
    """Headers as they are read. Content types are joined, as cheroot does with other headers that are repeated."""

    def __setitem__(self, name: bytes, value: bytes) -> None:
        """Add a header; of most names the last one stays."""
        if name == b"Content-Type" and name in self:
            value = self[name] + b", " + value
        super().__setitem__(name, value)


class _FirstLine:
    """A reader whose lines have a single slash where a target begins; ``surplus`` are the others."""

    def __init__(self, whole: Any) -> None:
        self.whole = whole
        self.surplus = b""

    def readline(self, *size: int) -> bytes:
        """Return the next line."""
        line: bytes = self.whole.readline(*size)
        method, space, target = line.partition(b" ")
        self.surplus = target[1 : len(target) - len(target.lstrip(b"/"))]
        return method + space + target[len(self.surplus) :]


class _Connection(HTTPConnection):  # type: ignore[misc]
    """A connection whose every request is read with the same patience, the server's timeout."""

    RequestHandlerClass = _Request

    def __init__(self, server: wsgi.Server, connected: socket.socket, _makefile: object) -> None:
        super().__init__(server, connected, _paced_file)

    def communicate(self) -> bool:
        """Answers one request; whether the connection is kept."""
        self.rfile.raw.patience = self.server.timeout
        kept: bool = super().communicate()
        return kept

    def close(self) -> None:
        """Ends it, and gives up what the client did not take. Python would try to send that once more, and complain."""
        super().close()
        with contextlib.suppress(OSError):
            self.wfile.close()


def _paced_file(connected: socket.socket, mode: Any, buffer_size: int) -> StreamReader | StreamWriter:
    kind = _PacedReader if mode == "rb" else StreamWriter
    return kind(connected, mode, buffer_size)


class _Body(ABC):
    """A request body as the app reads it (``wsgi.input``). One that broke off is not waited for again."""

    def __init__(self, connection: HTTPConnection) -> None:
        self._connection = connection
        self._rfile = connection.rfile
        self.ended = False
        self._broken = False

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes; none at the end.

        Raises ``ClientGone`` when the client breaks off or breaks the rules, and ``OSError``.
        """
        if self.ended or self._broken or size == 0:
            return b""
        self._broken = True  # until this has gone well
        data = self._read(size)
        self._broken = False
        return data

    def finish(self) -> None:
        """Reads what the app has left, if that is little and comes."""
        drain(self, _UNREAD_AT_MOST)

    @abstractmethod
    def _read(self, size: int) -> bytes:
        """At most ``size`` bytes, all that are left if it is negative; sets ``ended`` with the last."""


class _KnownBody(_Body):
    """A body with a ``Content-Length``; large pieces of it are received straight into one buffer."""

    def __init__(self, connection: HTTPConnection, length: int) -> None:
        super().__init__(connection)
        self._remaining = max(length, 0)
        self.ended = self._remaining == 0

    def _read(self, size: int) -> bytes:
        size = self._remaining if size < 0 else min(size, self._remaining)
        data: bytes = self._rfile.read(size) if size < _PIECE else self._receive(size)
        if len(data) < size:
            raise ClientGone(f"{self._remaining - len(data)} bytes of the body did not come")
        self._remaining -= size
        self.ended = self._remaining == 0
        return data

    def _receive(self, size: int) -> bytes:
        buffered = self._rfile.peek() if self._rfile.has_data() else b""
        buffered = self._rfile.read(min(len(buffered), size)) if buffered else b""
        whole = bytearray(size)
        whole[: len(buffered)] = buffered
        received = len(buffered)
        with memoryview(whole) as view:
            while received < size:
                count = self._rfile.raw.readinto(view[received:])
                if not count:
                    break
                received += count
        return bytes(whole) if received == size else bytes(whole[:received])


class _ChunkedBody(_Body):
    """A body in chunks (RFC 9112, 7.1), whose sizes the client may have made up."""

    def __init__(self, connection: HTTPConnection) -> None:
        super().__init__(connection)
        self._left = 0  # of the current chunk

    def _read(self, size: int) -> bytes:
        if self._left == 0 and not self._begin_chunk():
            return b""
        size = self._left if size < 0 else min(size, self._left)
        data: bytes = self._rfile.read(min(size, _PIECE))
        self._left -= len(data)
        if not data or (self._left == 0 and self._line() != b""):
            raise ClientGone("a chunk is shorter or longer than it says")
        return data

    def _begin_chunk(self) -> bool:
        """Whether there is another chunk; after the last one reads the trailers."""
        digits = self._line().partition(b";")[0].strip()
        if not digits or digits.strip(b"0123456789abcdefABCDEF"):
            raise ClientGone(f"{digits!r} is not the size of a chunk")
        self._left = int(digits, 16)
        if self._left == 0:
            while self._line():
                pass
            self.ended = True
        return not self.ended

    def _line(self) -> bytes:
        line: bytes = self._rfile.readline(_LINE_AT_MOST)
        if not line.endswith(b"\r\n"):
            raise ClientGone("a line of the chunked body breaks off or is too long")
        return line[:-2]


class _Gateway(wsgi.Gateway_10):  # type: ignore[misc]
    """Gives the app the connection's socket and a body of ours to read."""

    def get_environ(self) -> dict[str, Any]:
        """The WSGI environ of the request."""
        request = self.req
        body = (
            _ChunkedBody(request.conn)
            if request.chunked_read
            else _KnownBody(request.conn, request.rfile.remaining)
        )
        request.rfile = body
        environ: dict[str, Any] = super().get_environ()
        environ[SOCKET] = request.conn.socket
        environ[SHUTDOWN] = request.server.end
        return environ

    def start_response(self, *arguments: Any) -> Any:
        """Takes the app's status and headers. A connection with an unread body takes no further request."""
        body = self.req.rfile
        body.finish()
        self.req.close_connection |= not body.ended
        return super().start_response(*arguments)


class HttpServer(wsgi.Server):  # type: ignore[misc]
    """The HTTP server: ``prepare()`` binds and listens, ``serve()`` answers until ``stop()``."""

    keep_alive_conn_limit = _KEPT_CONNECTIONS
    expiration_interval = 0.1  # seconds; also the longest that stop() waits for an idle server
    max_request_header_size = _HEADERS_AT_MOST
    version = f"audio-mockserver/{__version__}"

    def __init__(self, settings: Settings, app: flask.Flask, closing: threading.Event) -> None:
        super().__init__(
            (settings.host, settings.port),
            app,
            server_name="audio-mockserver",
            request_queue_size=_BACKLOG,
            timeout=settings.socket_timeout,
        )
        self.gateway = _Gateway
        self.ConnectionClass = _Connection
        self.requests = _Pool(self, settings.max_threads)
        self._closing = closing
        self._stopping = threading.Lock()

    def stop(self) -> None:
        """Finishes the requests in flight and ends; returns when that is done, whoever began it."""
        self._closing.set()  # those that wait for something need wait no longer
        with self._stopping:
            super().stop()

    def end(self) -> None:
        """Stops in the background."""
        threading.Thread(target=self.stop, name="stop").start()

    @staticmethod
    def bind_socket(socket_: socket.socket, bind_addr: tuple[str, int]) -> socket.socket:
        """Binds a socket, and closes it where that fails."""
        try:
            socket_.bind(bind_addr)
        except OSError:
            socket_.close()
            raise
        return socket_

    def process_conn(self, conn: HTTPConnection) -> None:
        """Hands a connection to a thread; a new one only once the client has something to say."""
        if conn.last_used is None:
            self._connections.put(conn)
        else:
            super().process_conn(conn)

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        """What cheroot has to say goes to the log."""
        log.log(level, "%s", msg, exc_info=traceback)

    @property
    def url(self) -> str:
        """Where the server listens, without a trailing slash."""
        host, port = self.bind_addr[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class PortInUse(OSError):
    """Another program listens where the server should."""


def listen(settings: Settings, app: flask.Flask, closing: threading.Event | None = None) -> HttpServer:
    """A server that is bound and listens; ``closing`` is set as soon as it is to stop.

    Raises ``PortInUse`` or ``OSError`` naming address and remedy.
    """
    server = HttpServer(settings, app, closing or threading.Event())
    try:
        server.prepare()
    except OSError as error:
        address = f"{settings.host}:{settings.port}"
        own = _is_own(settings.host)
        if own and _answers(settings.host, settings.port):
            raise PortInUse(
                f"{address} is in use by another program. "
                "Choose another port with --port, or --port 0 for a free one."
            ) from error
        why = error if own else f"this machine has no address {settings.host!r}; 127.0.0.1 is one of its own"
        raise OSError(f"cannot listen on {address}: {why}. Check --host and --port.") from error
    return server


def _is_own(host: str) -> bool:
    """Return whether a server can have the address ``host`` here, on whichever port."""
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
