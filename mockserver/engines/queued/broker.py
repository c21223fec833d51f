"""The broker of the queue: Dramatiq, with the time limits of the store."""

from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING, Any

from dramatiq.brokers.redis import RedisBroker
from redis import ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as TimedOut
from redis.retry import Retry

from mockserver.engines.queued.jobs import QUEUE, namespace_of

if TYPE_CHECKING:
    from mockserver.state.redis.server import RedisServer

_DEAD_MS = 5_000  # without a sign of life, after which another worker gets the jobs of a worker
_ALWAYS = 1_000_000  # of a million: each look for a job also looks for workers that died
_PAUSE = 0.5  # seconds between two attempts to reach Redis


class _Client(Redis):
    """A client whose time limits are lost connections: Dramatiq continues after these only."""

    def execute_command(self, *command: Any, **options: Any) -> Any:
        try:
            return super().execute_command(*command, **options)  # type: ignore[no-untyped-call]
        except TimedOut as error:
            raise Disconnected(str(error)) from error


class QueueBroker(RedisBroker):
    """The queue in Redis. Without middleware: it only gives the jobs of dead workers to others."""

    def __init__(self, server: RedisServer) -> None:
        pool = ConnectionPool.from_url(
            server.address.url,
            socket_timeout=server.address.timeout,
            socket_connect_timeout=server.address.timeout,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            client_name="mockserver-queue",
        )
        super().__init__(  # type: ignore[no-untyped-call]
            client=_Client(connection_pool=pool),
            middleware=[],
            namespace=namespace_of(server),
            heartbeat_timeout=_DEAD_MS,
            maintenance_chance=_ALWAYS,
        )
        self._closed = threading.Event()
        self.declare_queue(QUEUE)

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Any:
        """Return the consumer of a queue. Dramatiq calls this again after an error; it waits until Redis is back."""
        while not self._closed.is_set():
            try:
                self.client.ping()
                break
            except RedisError:
                self._closed.wait(_PAUSE)
        if queue_name == QUEUE:
            self.forget()
        return super().consume(queue_name, prefetch, timeout)

    def forget(self) -> None:
        """Let others have the jobs that this process has taken, also those of answers that were lost on the way.

        Redis gives them to others when the old identity of this process has shown no life for some seconds.
        """
        self.broker_id = str(uuid.uuid4())

    def stop_waiting(self) -> None:
        """Wait for Redis no more."""
        self._closed.set()

    def close(self) -> None:
        """Close the connections."""
        self.stop_waiting()
        self.client.close()
