"""Serves the app: cheroot, taught to grow with its load, to read large bodies cheaply and to hand out sockets.

``MockServer`` runs a server in this process, for tests::

    with MockServer() as server:
        client = openai.OpenAI(base_url=server.base_url, api_key="sk-mock-me")
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

from cheroot import wsgi
from cheroot.server import HTTPConnection, KnownLengthRFile
from cheroot.workers.threadpool import ThreadPool

from mockserver import __version__
from mockserver.app import create_app, services_of
from mockserver.settings import Settings

if TYPE_CHECKING:
    import flask

log = logging.getLogger(__name__)

SOCKET = "mockserver.socket"  # environ key of the connection's socket

_MIN_THREADS = 8
_GROWTH = 16  # threads started at once when all are busy
_IDLE_SECONDS = 10.0  # of calm before spare threads are let go
_BACKLOG = 1024
_KEPT_CONNECTIONS = 10_000
_PIECE = 1 << 18


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
        if waiting > idle:
            self._last_busy = now
            self.grow(max(_GROWTH, waiting - idle))
        elif idle > self.min + _GROWTH and now - self._last_busy > _IDLE_SECONDS:
            self.shrink(_GROWTH)
        super().put(conn)

    def grow(self, amount: int) -> None:
        """Starts up to ``amount`` threads."""
        with self._growing:
            room = max(self.max - len(self._threads), 0)
            self._threads.extend(self._spawn_worker() for _ in range(min(amount, room)))


class _Body(KnownLengthRFile):  # type: ignore[misc]
    """A request body of known length, received straight into one buffer."""

    def __init__(self, rfile: KnownLengthRFile, connection: HTTPConnection) -> None:
        super().__init__(rfile.rfile, rfile.remaining)
        self._connection = connection

    def read(self, size: int | None = None) -> bytes:
        """At most ``size`` bytes; fewer only where the client stopped."""
        size = self.remaining if size is None or size < 0 else min(size, self.remaining)
        if size < _PIECE:
            data: bytes = super().read(size)
            return data
        buffered = self.rfile.peek() if self.rfile.has_data() else b""
        buffered = self.rfile.read(min(len(buffered), size)) if buffered else b""
        whole = bytearray(size)
        whole[: len(buffered)] = buffered
        received = len(buffered)
        with memoryview(whole) as view:
            while received < size:
                count = self._connection.socket.recv_into(view[received:])
                if count == 0:
                    break
                received += count
        self.remaining -= received
        return bytes(whole) if received == size else bytes(whole[:received])


class _Gateway(wsgi.Gateway_10):  # type: ignore[misc]
    """Puts the connection's socket into the environ."""

    def get_environ(self) -> dict[str, Any]:
        """The WSGI environ of the request."""
        environ: dict[str, Any] = super().get_environ()
        environ[SOCKET] = self.req.conn.socket
        if not self.req.chunked_read:
            environ["wsgi.input"] = self.req.rfile = _Body(self.req.rfile, self.req.conn)
        return environ


class HttpServer(wsgi.Server):  # type: ignore[misc]
    """The HTTP server: ``prepare()`` binds and listens, ``serve()`` answers until ``stop()``."""

    keep_alive_conn_limit = _KEPT_CONNECTIONS
    version = f"audio-mockserver/{__version__}"

    def __init__(self, settings: Settings, app: flask.Flask) -> None:
        super().__init__(
            (settings.host, settings.port),
            app,
            server_name="audio-mockserver",
            request_queue_size=_BACKLOG,
            timeout=settings.socket_timeout,
        )
        self.gateway = _Gateway
        self.requests = _Pool(self, settings.max_threads)

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


def listen(settings: Settings, app: flask.Flask) -> HttpServer:
    """A server that is bound and listens. Raises ``PortInUse`` or ``OSError`` naming address and remedy."""
    server = HttpServer(settings, app)
    try:
        server.prepare()
    except OSError as error:
        address = f"{settings.host}:{settings.port}"
        if _answers(settings.host, settings.port):
            raise PortInUse(
                f"{address} is in use by another program. Choose another port with --port, or --port 0 for a free one."
            ) from error
        raise OSError(f"cannot listen on {address}: {error}. Check --host and --port.") from error
    return server


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


class MockServer:
    """A server in this process, on a free port unless the settings name one. A context manager."""

    def __init__(self, settings: Settings | None = None) -> None:
        settings = settings or Settings(port=0, log_level="warning")
        self.app = create_app(settings)
        self._server = listen(settings, self.app)
        self._thread = threading.Thread(target=self._server.serve, name="mockserver", daemon=True)

    @property
    def url(self) -> str:
        """Where the server listens."""
        return self._server.url

    @property
    def base_url(self) -> str:
        """What an SDK is given as its base URL."""
        return self.url + "/v1"

    def start(self) -> MockServer:
        """Starts to answer."""
        self._thread.start()
        services_of(self.app).start()
        return self

    def stop(self) -> None:
        """Finishes the requests in flight and ends the server."""
        self._server.stop()
        self._thread.join()
        services_of(self.app).close()

    def __enter__(self) -> MockServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
