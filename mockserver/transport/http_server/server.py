"""The HTTP server: binds, answers each request by WSGI, and stops."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, NamedTuple

from mockserver.catalog.reading import CatalogError
from mockserver.errors import ApiError, ErrorTable, Refusal
from mockserver.state.shared import MEMORY
from mockserver.transport.http_server.descriptors import room_for_connections
from mockserver.transport.http_server.heads import HeadLimits
from mockserver.transport.http_server.listener import open_listener
from mockserver.transport.http_server.passing import pass_on
from mockserver.transport.http_server.reception import Reception
from mockserver.transport.http_server.web_socket_threads import WebSocketThreads
from mockserver.transport.http_server.workers import Workers
from mockserver.transport.http_server.wsgi import SERVER, Host, WsgiCall
from mockserver.transport.reasons import REASONS
from mockserver.transport.upgrades import Upgrade

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from _typeshed.wsgi import WSGIApplication

    from mockserver.settings.model import Settings
    from mockserver.transport.http_server.certificates import Certificate
    from mockserver.transport.http_server.connections import Connection
    from mockserver.transport.http_server.passing import Passing
    from mockserver.transport.http_server.turns import Turn

log = logging.getLogger(__name__)

_SPARE_CONNECTIONS = 8  # connections beyond those that threads answer
_MAX_ANSWERING = 0.002  # seconds that the thread which waits for connections may answer a request itself
# The same with a store in SQLite or Redis: it is waited for, by one more thread, too, which would only take the
# interpreter from the others. A process needs a third less processor time for a chat.
_MAX_ANSWERING_OVER_STORE = 0.02
_QUICK = 0.02  # seconds; even if some requests are answered at the same time
_NO_WORKER = "The worker that has all calls does not answer. Try again later."
_NO_MEMORY = "The server could not answer. Try again later."


class Address(NamedTuple):
    """An address that is open, and the certificate of a server that speaks TLS."""

    listener: socket.socket
    certificate: Certificate | None = None

    def close(self) -> None:
        """Close the socket, and remove the files that were made."""
        self.listener.close()
        if self.certificate is not None:
            self.certificate.close()


class Family(NamedTuple):
    """The other processes of a server: when they accept, and the requests that one process answers for all."""

    turn: Turn
    passing: Passing


class HttpServer:
    """The HTTP server: accepts connections and answers their requests while ``serve()`` runs, until ``stop()``."""

    def __init__(
        self,
        address: Address,
        settings: Settings,
        app: WSGIApplication,
        closing: threading.Event,
        family: Family | None = None,
    ) -> None:
        """Start the threads that answer. ``closing`` is set as soon as the server begins to stop.

        ``family`` is what it knows of other processes that serve the same address. Raises ``RuntimeError`` if no thread
        can be started.
        """
        listener, certificate = address
        self._app = app
        self._settings = settings
        self._errors = ErrorTable()
        self._closing = closing
        self._stopping = threading.Lock()
        self._is_stopped = False
        self._address: tuple[str, int] = listener.getsockname()[:2]
        self._certificate = certificate
        self._scheme = "http" if certificate is None else "https"
        if certificate is not None:
            from mockserver.transport.http_server.tls import TlsListener

            listener = TlsListener(listener, certificate.context)
        room = room_for_connections(settings.max_connections)
        reserved = settings.reserved_threads
        max_threads = max(min(settings.max_threads, room - _SPARE_CONNECTIONS - reserved), 1)
        self._passing = None if family is None else family.passing
        private = None if self._passing is None else self._passing.listener
        self._web_sockets = WebSocketThreads(settings.max_web_sockets, settings.max_body_memory)
        self._workers = Workers(self._answer, max_threads, reserved)
        self._host = Host(
            self._scheme, self._address[1], settings.socket_timeout, self.end, self._workers.last
        )
        self._reception = Reception(
            [listener] if private is None else [listener, private],
            self._workers,
            self._answer,
            self._refuse,
            limits=HeadLimits(settings.max_head_bytes, settings.max_head_fields),
            timeout=settings.socket_timeout,
            room=room,
            max_answering=_max_answering(settings),
            turn=None if family is None else family.turn,
        )
        self._workers.start()

    def serve(self) -> None:
        """Answer requests until ``stop()``."""
        self._reception.run()

    def stop(self) -> None:
        """Stop, and finish the requests in flight within ``shutdown_seconds``. Later calls wait for the first."""
        self._closing.set()  # ends all waits
        self._host.keeps_connections = False
        with self._stopping:
            if not self._is_stopped:
                self._is_stopped = True
                ends_at = time.monotonic() + self._settings.shutdown_seconds
                self._reception.stop()
                self._web_sockets.leave()
                self._workers.stop(self._settings.shutdown_seconds)
                self._web_sockets.stop(max(ends_at - time.monotonic(), 0))
                if self._certificate is not None:
                    self._certificate.close()

    def end(self) -> None:
        """Stop in the background."""
        threading.Thread(target=self.stop, name="stop").start()

    def _answer(self, connection: Connection) -> None:
        """Answer the request of a connection, then keep, part or close the connection. Raises nothing."""
        began = time.monotonic()
        is_kept = self._respond(connection)
        connection.is_quick = time.monotonic() - began < _QUICK
        if is_kept:
            self._reception.keep(connection)

    def _respond(self, connection: Connection) -> bool:
        """Answer a request. Return whether the connection is kept; else it is parted or closed, or a WebSocket."""
        if self._passing is not None and self._passing.is_due(connection.head):
            self._pass_on(connection, self._passing.path)
            return False
        call, upgrade = None, self._upgrade(connection)
        try:
            call = WsgiCall(connection, self._host, upgrade)
            call.respond(self._app)
            if upgrade is not None and call.switches:
                self._web_sockets.start(connection, upgrade)
                return False
            if not call.closes_connection:
                return True
            if call.body.ended:
                connection.close()
            else:
                self._reception.part(connection)
        except Exception as error:  # noqa: BLE001 - no request may end a thread
            try:
                self._give_up(connection, error, head_sent=call is not None and call.head_sent)
            except Exception:  # if it stayed open, it would be counted forever
                connection.close()
                log.exception("A failed request could not be refused.")
        finally:
            if call is not None:
                call.body.done()
            if upgrade is not None:
                self._web_sockets.give_up(upgrade)
        return False

    def _pass_on(self, connection: Connection, path: str) -> None:
        """Have another process answer a request."""
        try:
            pass_on(connection, path)
        except (OSError, RuntimeError) as error:
            log.warning("A request cannot be passed on to another worker: %s", error)
            self._refuse(connection, ApiError("overloaded", reason=_NO_WORKER))
            self._reception.part(connection)

    def _upgrade(self, connection: Connection) -> Upgrade | None:
        """Return the request for a WebSocket, if the request is one."""
        head = connection.head
        if head is None or head.fields.get("upgrade", "").lower() != "websocket":
            return None
        return Upgrade(head.fields, self._settings.max_body_bytes, self._web_sockets.take_place)

    def _give_up(self, connection: Connection, error: Exception, *, head_sent: bool) -> None:
        """End a connection after the app failed to answer its request."""
        peer = f"{connection.remote_addr}:{connection.remote_port}"
        if isinstance(error, OSError):
            log.info("The connection from %s failed: %s", peer, error)
        elif isinstance(error, MemoryError):
            log.error("There was not enough memory for a request from %s.", peer)
        else:
            log.error("A request from %s failed.", peer, exc_info=error)
        if isinstance(error, OSError) or head_sent:
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
            f"HTTP/1.1 {refusal.status} {REASONS[refusal.status]}\r\n"
            f"Content-Type: {refusal.content_type}\r\nContent-Length: {len(refusal.body)}\r\n"
            f"Connection: close\r\nDate: {formatdate(usegmt=True)}\r\nServer: {SERVER}\r\n\r\n"
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

    @property
    def url(self) -> str:
        """Return the URL of the server, without a trailing slash."""
        host, port = self._address
        return f"{self._scheme}://[{host}]:{port}" if ":" in host else f"{self._scheme}://{host}:{port}"

    @property
    def ca_file(self) -> Path | None:
        """Return the file (PEM) by which clients verify the server; ``None`` if it speaks plain HTTP."""
        return None if self._certificate is None else self._certificate.ca_file


def _max_answering(settings: Settings) -> float:
    scheme, _, _ = settings.store.partition(":")
    return _MAX_ANSWERING if scheme == MEMORY else _MAX_ANSWERING_OVER_STORE


def listen(settings: Settings, app: WSGIApplication, closing: threading.Event | None = None) -> HttpServer:
    """Return a listening server, which sets ``closing`` as soon as it begins to stop. Raises as ``open_address``."""
    address = open_address(settings)
    try:
        return HttpServer(address, settings, app, closing or threading.Event())
    except BaseException:
        address.close()
        raise


def open_address(settings: Settings) -> Address:
    """Open the address of the settings. Raises ``PortInUse`` or ``OSError`` naming address or file and the remedy."""
    certificate = _certificate(settings)
    try:
        return Address(open_listener(settings.host, settings.port), certificate)
    except BaseException:
        if certificate is not None:
            certificate.close()
        raise


def _certificate(settings: Settings) -> Certificate | None:
    """Return the certificate of a server with these settings; ``None`` without TLS. Raises ``OSError``."""
    if not settings.speaks_tls:
        return None
    from mockserver.transport.http_server.certificates import make_certificate, read_certificate

    if settings.tls_cert or settings.tls_key:
        return read_certificate(settings.tls_cert, settings.tls_key)
    return make_certificate(settings.host)
