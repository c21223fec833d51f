"""Accepts connections and reads the heads of requests, all in one thread, so that slow clients take none."""

from __future__ import annotations

import errno
import logging
import selectors
import socket
import sys
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, cast

from msgspec import Struct

from mockserver.errors import ApiError
from mockserver.transport.http_server.connections import Connection
from mockserver.transport.http_server.workers import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mockserver.transport.http_server.heads import HeadLimits
    from mockserver.transport.http_server.turns import Turn
    from mockserver.transport.http_server.workers import Workers

log = logging.getLogger(__name__)

_LOOK = (
    0.05 if sys.platform == "win32" else 0.1
)  # seconds; on Windows, select() misses sockets that are added meanwhile
_AT_ONCE = 64  # connections accepted per event
_CONTROL = "/_mock"
_HEALTH = ("/_mock/health", "/health", "/ready")
_HEALTH_METHODS = ("GET", "HEAD")
_CONTROL_BODY = 1 << 16  # bytes; the reception waits for bodies of control calls up to this size
_FAREWELL_SECONDS = 2.0  # of silence, after which a client that was refused while sending is dropped
_FAREWELL_BYTES = 1 << 28  # received at most from a client that was refused while sending
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_NO_ROOM_SECONDS = 0.1  # until the next accept if no connection can be closed
_TURN_SECONDS = 0.002  # that another process has to accept a connection
_YOUNG_SECONDS = 0.5  # that a new connection may be silent before it can be closed
_YOUNG_SHARE = 8  # there is a crowd if more than 1 in 8 connections is new
_REMINDER_SECONDS = 60.0  # between two warnings that there is no room


class _Farewell(Struct):
    """The time and bytes left for a client that was refused while it sent, so that it can read the refusal."""

    silent_until: float
    until: float
    bytes_left: int = _FAREWELL_BYTES


class Reception:
    """The connections that no thread answers: those that wait for a request, and those that are being closed.

    Clients have ``timeout`` seconds to send the head of a request, whose size has ``limits``. ``room`` is the maximum
    number of connections. The thread that waits for them may answer a request itself for ``max_answering`` seconds.
    ``refuse`` writes an ``ApiError`` to a connection. If other processes accept connections of the same listeners,
    ``turn`` says when they should.
    """

    def __init__(
        self,
        listeners: Sequence[socket.socket],
        workers: Workers,
        answer: Callable[[Connection], None],
        refuse: Callable[[Connection, ApiError], None],
        *,
        limits: HeadLimits,
        timeout: float,
        room: int,
        max_answering: float,
        turn: Turn | None = None,
    ) -> None:
        self._listeners = listeners
        self._turn = turn
        self._max_answering = max_answering
        self._at_once = _AT_ONCE if turn is None else 1
        self._has_yielded = False  # other processes had the time to accept what waits
        self._workers = workers
        self._answer = answer
        self._refuse = refuse
        self._limits = limits
        self._timeout = timeout
        self._room = room
        self._selector = selectors.DefaultSelector()
        self._lock = threading.Lock()  # for the selector and the next two dicts
        self._waiting: dict[
            Connection, float
        ] = {}  # deadlines of connections that wait for a request; the earliest first
        self._parting: dict[Connection, _Farewell] = {}
        self._open: set[Connection] = set()  # all connections
        self._accepting = False
        self._accepting_from = 0.0
        self._reminded = -_REMINDER_SECONDS
        self._baton = threading.Lock()  # for the next two
        self._leader: object = None  # the thread that waits for connections has it; ``None`` if there is none
        self._answering: object = None  # what that thread answers at present
        self._has_looked = False  # the leader has looked once
        self._led = threading.Condition(self._baton)  # notified when no thread leads any more
        self._watches = threading.Event()  # the thread of ``run()`` looks whether the leader answers for long
        self._ending = False

    def run(self) -> None:
        """Serve until ``stop()``.

        One thread, the leader, waits for connections, and answers requests itself that are probably short: threads
        that all compute take the interpreter's lock from each other at every system call. If a request takes longer,
        another thread becomes the leader.
        """
        self._change_leader(None)
        while not self._ending:
            answering = self._answering
            if answering is None:
                self._watches.clear()
                if self._answering is None:
                    self._watches.wait(_LOOK)
                continue
            time.sleep(self._max_answering)
            if self._answering is answering:
                self._change_leader(answering)

    def _change_leader(self, answering: object) -> None:
        """Have another thread lead if the leader still answers the same request."""
        with self._baton:
            if self._ending or self._answering is not answering:
                return
            before, self._leader = self._leader, object()
            try:
                self._workers.lead(partial(self._lead, self._leader))
            except (RuntimeError, MemoryError) as error:  # the leader continues when it has answered
                log.warning("Cannot start another thread (%s). Connections wait for a request.", error)
                self._leader = before
            else:
                self._answering = None

    def _lead(self, leader: object) -> None:
        """Wait for connections until another thread leads, or the server ends.

        The first requests are given to threads: they may take as long as that of the leader before, and it takes time
        to change the leader while many threads compute.
        """
        self._has_looked = False
        while self._leader is leader and not self._ending:
            try:
                self._look(leader)
            except Exception:  # no request may end the server
                log.exception("An error in the reception. The server continues.")
                time.sleep(_LOOK)
        with self._baton:
            if self._leader is leader:
                self._leader = None
                self._led.notify_all()

    def _answer_as_leader(self, connection: Connection) -> None:
        """Answer a request, if the threads may answer another one; else queue it."""
        with self._baton:
            begins = not self._ending and self._workers.begin(connection)
            if begins:
                answering = self._answering = object()
        if not begins:
            self._workers.put(connection, Kind.ORDINARY)
            return
        if not self._watches.is_set():
            self._watches.set()
        try:
            self._answer(connection)
        finally:
            with self._baton:
                leads = self._answering is answering
                if leads:
                    self._answering = None
                self._workers.done(leads=leads)

    def stop(self) -> None:
        """Stop ``run()``, and close all connections that no thread answers."""
        self._ending = True
        self._watches.set()
        with self._baton:
            if self._answering is not None:  # when it has answered, that thread leads no longer
                self._leader = self._answering = None
            while self._leader is not None:
                self._led.wait()
        with self._lock:
            for listener in self._listeners:
                listener.close()
            self._selector.close()
            connections = [*self._waiting, *self._parting]
            self._waiting.clear()
            self._parting.clear()
        for connection in connections:
            connection.close()

    def keep(self, connection: Connection) -> None:
        """Take a connection back after its request was answered, to wait for the next one."""
        connection.head = None
        connection.was_served = True
        self._examine(connection)

    def part(self, connection: Connection) -> None:
        """Take a connection with a client that was refused while it sent, until it has read that (RFC 9112, 9.6)."""
        connection.socket.settimeout(0)
        connection.received.clear()
        connection.shut()
        now = time.monotonic()
        with self._lock:
            if not self._ending:
                self._parting[connection] = _Farewell(now + _FAREWELL_SECONDS, now + self._timeout)
                self._selector.register(connection.socket, selectors.EVENT_READ, connection)
                return
        connection.close()

    def _look(self, leader: object) -> None:
        """Handle the next events."""
        if not self._accepting and time.monotonic() >= self._accepting_from:
            self._accepting = True
            with self._lock:
                for listener in self._listeners:
                    self._selector.register(listener, selectors.EVENT_READ)
        pause = max(self._accepting_from - time.monotonic(), 0.0)
        events = self._selector.select(_LOOK if self._accepting else min(pause, _LOOK))
        if not any(key.data is None for key, _ in events):
            self._has_yielded = False
        for key, _ in events:
            if self._leader is not leader:
                return
            connection: Connection | None = key.data
            if connection is None:
                self._accept(cast("socket.socket", key.fileobj))
            elif connection in self._parting:
                self._listen_on(connection, self._parting[connection])
            elif connection in self._waiting:
                self._receive(connection)
        if self._leader is leader:
            self._has_looked = True
            self._expire(time.monotonic())

    def _accept(self, listener: socket.socket) -> None:
        if self._turn is not None and self._turn.is_others and not self._has_yielded:
            self._has_yielded = True
            self._pause(_TURN_SECONDS)
            return
        self._has_yielded = False
        for accepted in range(self._at_once):
            full = len(self._open) >= self._room
            if full and (accepted or not self._make_room()):  # only the first is known to wait
                return
            try:
                connected, address = listener.accept()
            except OSError as error:
                if error.errno in _NO_ROOM:
                    self._make_room()
                return  # the client has left
            peer = address[:2] if address else ("", 0)  # a Unix socket: another process of this server
            connection = Connection(connected, peer, self._limits, self._has_closed)
            self._open.add(connection)
            self._note_open()
            self._wait(connection)

    def _make_room(self) -> bool:
        """Close a connection and return ``True``, or accept none for a while and return ``False``.

        Candidates wait for a request or, refused now, for a thread. During a crowd of new connections, which may turn
        out silent, no connection that was served before is closed.
        """
        self._remind()
        with self._lock:
            new = [each for each in self._waiting if not each.was_served]
        is_crowd = len(new) > max(self._room // _YOUNG_SHARE, 1)
        closed = self._silent(new) or (None if is_crowd else self._served())
        if closed is not None:
            self._forget(closed)
        elif not is_crowd:
            closed = self._workers.oldest_waiting()
            if closed is not None:
                self._refuse(
                    closed, ApiError("overloaded", reason="The server has no room for more connections.")
                )
        if closed is not None:
            closed.close()
            return True
        self._pause(_NO_ROOM_SECONDS)
        return False

    def _pause(self, seconds: float) -> None:
        """Accept no connections for a while."""
        self._accepting = False
        self._accepting_from = time.monotonic() + seconds
        with self._lock:
            for listener in self._listeners:
                self._selector.unregister(listener)

    def _has_closed(self, connection: Connection) -> None:
        self._open.discard(connection)
        self._note_open()

    def _note_open(self) -> None:
        if self._turn is not None:
            self._turn.note(len(self._open))

    def _silent(self, new: Sequence[Connection]) -> Connection | None:
        """Return a connection to close of those without an answered request, except for very new ones.

        Of those that have sent nothing it is the newest, so that connections from before a crowd stay.
        """
        arrived = time.monotonic() + self._timeout - _YOUNG_SECONDS
        with self._lock:
            aged = [each for each in new if self._waiting.get(each, arrived) < arrived]
            idle = next((each for each in reversed(aged) if each.is_idle), None)
            return idle or next(iter(self._parting), None) or next(iter(aged), None)

    def _served(self) -> Connection | None:
        """Return the connection that has waited longest for its next request."""
        with self._lock:
            served = [each for each in self._waiting if each.was_served]
        return next((each for each in served if each.is_idle), None) or next(iter(served), None)

    def _remind(self) -> None:
        now = time.monotonic()
        if now - self._reminded >= _REMINDER_SECONDS:
            self._reminded = now
            log.warning(
                "%d connections are open, and there is no room for more. Idle ones are closed. "
                "Raise the limit of open files (ulimit -n), or use fewer connections.",
                len(self._open),
            )

    def _receive(self, connection: Connection) -> None:
        """Receive the next bytes of a request."""
        begins = connection.is_idle and not connection.unread
        try:
            more = connection.take_in()
        except ApiError as error:
            self._forget(connection)
            self._turn_away(connection, error)
            return
        except OSError:
            more = False
        if not more:
            self._forget(connection)
            connection.close()
            return
        if begins and not connection.is_idle:  # a handshake of TLS has no bytes of a request
            with self._lock:
                del self._waiting[connection]
                self._waiting[connection] = time.monotonic() + self._timeout
        self._examine(connection, watched=True)

    def _examine(self, connection: Connection, *, watched: bool = False) -> None:
        """Have a complete request answered; else wait for the rest. The leader may have ``watched`` the connection."""
        try:
            ready = (connection.head is not None or connection.find_head()) and _is_ready(connection)
        except ApiError as error:
            if watched:
                self._forget(connection)
            self._turn_away(connection, error)
            return
        if not ready:
            if not watched:
                self._wait(connection)
            return
        if watched:
            self._forget(connection)
        connection.seconds_left = self._timeout
        connection.socket.settimeout(self._timeout)
        kind = _kind(connection)
        if watched and self._has_looked and connection.is_quick and kind is Kind.ORDINARY:
            self._answer_as_leader(connection)
        else:
            self._workers.put(connection, kind)

    def _wait(self, connection: Connection) -> None:
        """Watch a connection for its next bytes."""
        connection.socket.settimeout(0)
        with self._lock:
            if not self._ending:
                self._waiting[connection] = time.monotonic() + self._timeout
                self._selector.register(connection.socket, selectors.EVENT_READ, connection)
                return
        connection.close()

    def _forget(self, connection: Connection) -> None:
        """Stop watching a connection."""
        with self._lock:
            self._waiting.pop(connection, None)
            self._parting.pop(connection, None)
            self._selector.unregister(connection.socket)

    def _turn_away(self, connection: Connection, error: ApiError) -> None:
        self._refuse(connection, error)
        self.part(connection)

    def _listen_on(self, connection: Connection, farewell: _Farewell) -> None:
        """Receive and drop the bytes that a client still sends after its refusal."""
        try:
            more = connection.take_in()
        except OSError:
            more = False
        farewell.bytes_left -= len(connection.received)
        farewell.silent_until = time.monotonic() + _FAREWELL_SECONDS
        connection.received.clear()
        if not more or farewell.bytes_left < 0:
            self._forget(connection)
            connection.close()

    def _expire(self, now: float) -> None:
        """Close connections that have timed out. If a request has begun, it is answered 408 first."""
        while self._waiting:
            with self._lock:
                connection, until = next(iter(self._waiting.items()))
            if until > now:
                break
            self._forget(connection)
            if connection.is_idle:
                connection.close()
            else:
                self._turn_away(connection, ApiError("request_timeout"))
        with self._lock:
            over = [each for each, till in self._parting.items() if now > min(till.silent_until, till.until)]
        for connection in over:
            self._forget(connection)
            connection.close()


def _is_ready(connection: Connection) -> bool:
    """Return whether a request can be given to a thread. Small bodies of control calls are awaited first."""
    head = connection.head
    assert head is not None
    if head.length is None or head.expects_continue or not 0 < head.length <= _CONTROL_BODY:
        return True
    return not _is_control(head.path) or len(connection.received) >= head.length


def _kind(connection: Connection) -> Kind:
    """Return the kind of a request. One with an incomplete body counts as ordinary."""
    head = connection.head
    assert head is not None
    if head.length is None or len(connection.received) < head.length:
        return Kind.ORDINARY
    if head.path in _HEALTH and head.method in _HEALTH_METHODS:
        return Kind.HEALTH
    return Kind.CONTROL if _is_control(head.path) else Kind.ORDINARY


def _is_control(path: str) -> bool:
    return path == _CONTROL or path.startswith(f"{_CONTROL}/")
