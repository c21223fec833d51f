"""The Redis server as the store uses it: commands and scripts with time limits, and clear errors."""

from __future__ import annotations

import math
import os
import threading
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from redis.backoff import NoBackoff
from redis.connection import Connection, parse_url
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import NoScriptError, OutOfMemoryError, RedisError, ResponseError
from redis.exceptions import TimeoutError as TimedOut
from redis.retry import Retry

from mockserver.state.disk import StateFailed, StoreUnreachable
from mockserver.state.redis.outage import Outage
from mockserver.state.redis.scripts import LATE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mockserver.state.redis.address import Address
    from mockserver.state.redis.scripts import Script

Argument = str | bytes | int

_MARGIN = 0.1  # seconds; a script gives up so long before its caller does
_MAX_IDLE = 32  # connections that wait for the next command


class RedisServer:
    """The connections of this process to a Redis server. Thread-safe.

    Every method raises ``StoreUnreachable`` if the server cannot be reached, ``StateFailed`` if it refuses the command.
    While it is unreachable, most calls fail at once, so that requests need not wait for it one after another.
    """

    def __init__(self, address: Address) -> None:
        """Take an ``address``, which is not connected to yet. Raises ``ValueError`` for unknown options."""
        self.address = address
        options = parse_url(address.url)
        self._class: type[Connection] = options.pop("connection_class", Connection)
        self._options = options | {
            "socket_timeout": address.timeout,
            "socket_connect_timeout": address.timeout,
            "retry": Retry(NoBackoff(), 0),
            "protocol": 2,
            "client_name": "mockserver",
        }
        self._idle: deque[Connection] = deque(maxlen=_MAX_IDLE)
        self._process = os.getpid()
        self._outage = Outage()
        self._ahead: float | None = None  # seconds that the clock of Redis is ahead of the monotonic one here
        self._closed = threading.Event()
        try:
            self._class(**self._options)
        except TypeError as error:
            raise ValueError(str(error).rpartition("() ")[2]) from error

    def key(self, *parts: str) -> str:
        """Return the key with these parts, after the prefix."""
        return ":".join((self.address.prefix, *parts))

    def call(self, *command: Argument, seconds: float | None = None) -> Any:
        """Return the answer to a command that changes nothing: it is sent again if the connection was lost.

        ``seconds`` replaces the time limit of the address.
        """
        self._outage.check()
        try:
            try:
                answer = self._send(command, seconds)
            except Disconnected:
                answer = self._send(command, seconds)
        except RedisError as error:
            self.fail(error)
        self._outage.end()
        return answer

    def run(
        self, script: Script, keys: Sequence[str], *arguments: Argument, seconds: float | None = None
    ) -> Any:
        """Return the answer of a script, which changes nothing once this method has raised an exception.

        It is sent once, with the time until which it may begin. Only if Redis fails between a change and its answer,
        the change remains.
        """
        self._outage.check()
        try:
            try:
                answer = self._run(script, keys, arguments, seconds)
            except ResponseError as error:
                if str(error) != LATE:
                    raise
                self._ahead = None  # one of the clocks was set: compare them, and try again
                answer = self._run(script, keys, arguments, seconds)
        except RedisError as error:
            self.fail(error)
        self._outage.end()
        return answer

    def wait(self, *command: Argument, seconds: float) -> Any:
        """Return the answer to a command that blocks for up to ``seconds``; ``None`` if the server cannot be reached.

        In this case, it returns after ``seconds``, too, or when the server is closed.
        """
        began = time.monotonic()
        try:
            return self.call(*command, seconds=seconds + self.address.timeout)
        except StateFailed:
            self._closed.wait(max(0.0, seconds - (time.monotonic() - began)))
            return None

    def close(self) -> None:
        """Close the connections."""
        self._closed.set()
        while self._idle:
            self._idle.pop().disconnect()

    def connect(self) -> Connection:
        """Return a new connection. Raises ``RedisError``."""
        connection = self._class(**self._options)
        connection.connect()
        return connection

    def fail(self, error: RedisError) -> NoReturn:
        """Raise the ``StateFailed`` for an error of the package ``redis``."""
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        message = f"The store {self.address.shown} cannot be used: {reason}"
        if isinstance(error, Disconnected | TimedOut):
            unreachable = StoreUnreachable(message, reason)
            self._outage.begin(unreachable)
            raise unreachable from error
        raise StateFailed(message, reason, no_room=isinstance(error, OutOfMemoryError)) from error

    def _run(
        self, script: Script, keys: Sequence[str], arguments: Sequence[Argument], seconds: float | None
    ) -> Any:
        limit = seconds or self.address.timeout
        end = str(math.floor((time.monotonic() + self._clock_ahead() + limit - _MARGIN) * 1000))
        rest = (len(keys), *keys, end, *arguments)
        try:
            return self._send(("EVALSHA", script.sha, *rest), seconds)
        except NoScriptError:  # Redis was restarted, or has never seen it
            return self._send(("EVAL", script.source, *rest), seconds)

    def _clock_ahead(self) -> float:
        if self._ahead is None:
            before = time.monotonic()
            whole, microseconds = self._send(("TIME",), None)
            self._ahead = int(whole) + int(microseconds) / 1e6 - before
        return self._ahead

    def _send(self, command: Sequence[Argument], seconds: float | None) -> Any:
        connection = self._connection()
        try:
            connection.send_packed_command(connection.pack_command(*command), check_health=False)
            if seconds is not None and not connection.can_read(seconds):
                raise TimedOut(f"no answer within {seconds:g} seconds")
            answer = connection.read_response()
        except ResponseError:
            self._idle.append(connection)
            raise
        except BaseException:
            connection.disconnect()
            raise
        self._idle.append(connection)
        return answer

    def _connection(self) -> Connection:
        """Return an idle connection that is still open, else a new one. A forked process has connections of its own."""
        if self._process != os.getpid():
            self._process, self._idle = os.getpid(), deque(maxlen=_MAX_IDLE)
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return self.connect()
            with suppress(RedisError, OSError):
                if not connection.can_read():
                    return connection
            connection.disconnect()
