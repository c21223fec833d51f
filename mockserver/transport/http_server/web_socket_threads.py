"""The threads of WebSockets: one for each, beside the threads that answer requests."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from mockserver.errors import ApiError
from mockserver.transport.bodies import BodyMemory

if TYPE_CHECKING:
    from mockserver.transport.http_server.connections import Connection
    from mockserver.transport.upgrades import Serve, Upgrade
    from mockserver.transport.web_sockets import WebSocket

log = logging.getLogger(__name__)

_UNDONE_SECONDS = 1.0  # for threads to notice that their connection was aborted
_FAILED = 1011  # the close code of an internal error


class WebSocketThreads:
    """The open WebSockets of a server, at most ``most``, whose large messages share ``memory`` bytes."""

    def __init__(self, most: int, memory: int) -> None:
        self._most = most
        self._memory = BodyMemory(memory)
        self._taken = 0  # places, of those that are open and of those whose handshake was accepted
        self._open: set[WebSocket] = set()
        self._changed = threading.Condition()
        self._is_leaving = False

    def take_place(self) -> None:
        """Take the place of one. Raises ``ApiError`` if there are as many as may be."""
        with self._changed:
            if self._taken >= self._most:
                reason = f"{self._most} WebSockets are open, as many as max_web_sockets allows."
                raise ApiError("overloaded", reason=reason)
            self._taken += 1

    def give_up(self, upgrade: Upgrade) -> None:
        """Give the place back of one that was accepted, if its client did not get the answer."""
        if upgrade.is_accepted and not upgrade.has_begun:
            with self._changed:
                self._taken -= 1
            upgrade.lost()

    def start(self, connection: Connection, upgrade: Upgrade) -> None:
        """Use a connection as a WebSocket from now on. Raises ``RuntimeError`` if no thread can be started."""
        connection.seconds_left = float("inf")
        web_socket, serve = upgrade.begin(connection, self._memory)
        with self._changed:
            self._open.add(web_socket)
            is_leaving = self._is_leaving
        if is_leaving:
            web_socket.leave()
        try:
            threading.Thread(
                target=self._run, args=(connection, web_socket, serve), name="web socket", daemon=True
            ).start()
        except BaseException:
            self._forget(web_socket)
            upgrade.lost()
            raise

    def leave(self) -> None:
        """End all WebSockets because the server ends: idle ones now, others when their answers are sent."""
        with self._changed:
            self._is_leaving = True
            leaving = list(self._open)
        for web_socket in leaving:
            web_socket.leave()

    def stop(self, seconds: float) -> None:
        """Wait up to ``seconds`` until all have ended, then abort the rest."""
        with self._changed:
            if self._changed.wait_for(lambda: not self._open, seconds):
                return
            late = list(self._open)
        log.warning("%d WebSockets have not ended in time. They are aborted.", len(late))
        for web_socket in late:
            web_socket.abort()
        with self._changed:
            self._changed.wait_for(lambda: not self._open, _UNDONE_SECONDS)

    def _run(self, connection: Connection, web_socket: WebSocket, serve: Serve) -> None:
        try:
            serve(web_socket)
        except Exception:  # no connection may end the server
            log.exception("A WebSocket failed.")
            web_socket.close(_FAILED)
        finally:
            connection.close()
            self._forget(web_socket)

    def _forget(self, web_socket: WebSocket) -> None:
        with self._changed:
            self._open.discard(web_socket)
            self._taken -= 1
            self._changed.notify_all()
