"""What a WebSocket remembers of its responses: the latest of each lane can be continued, even if it is not stored."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

from msgspec import Struct

from mockserver.providers.openai.response_work.records import Value, previous_id_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mockserver.pipeline.call import Call
    from mockserver.pipeline.request_facts import LiveFacts


_MAX_BYTES = 1 << 26  # of all values, as JSON; the same as of the stored responses of an account


class ConnectionMemory:
    """The latest response of each lane of a connection, and the responses that it continues.

    The oldest are forgotten if all of them have more than ``max_bytes`` as JSON.
    """

    def __init__(self, max_bytes: int = _MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._values: dict[str, Value] = {}  # the oldest first
        self._sizes: dict[str, int] = {}
        self._latest: dict[str | None, str] = {}

    def find(self, response_id: str) -> Value | None:
        """Return the value of a response that is the latest of a lane, or that such a one continues."""
        return self._values.get(response_id)

    def is_latest(self, response_id: str) -> bool:
        """Return whether a response is the latest of a lane, which a request can continue."""
        return response_id in self._latest.values()

    def keep(self, lane: str | None, value: Value) -> None:
        """Remember a response as the latest of its lane."""
        response_id, size = value["response"]["id"], len(json.dumps(value))
        with self._lock:
            self._values = self._values | {response_id: value}
            self._sizes[response_id] = size
            self._latest = self._latest | {lane: response_id}
            self._drop_others()
            self._drop_oldest()

    def forget(self, response_id: str) -> None:
        """Forget a response, because a request that continued it was refused."""
        with self._lock:
            self._latest = {lane: each for lane, each in self._latest.items() if each != response_id}
            self._drop_others()

    def _drop_others(self) -> None:
        """Drop the responses that no latest one continues. The caller holds the lock."""
        continued: set[str] = set()
        for latest in self._latest.values():
            response_id: str | None = latest
            while response_id is not None and response_id not in continued and response_id in self._values:
                continued.add(response_id)
                response_id = previous_id_of(self._values[response_id]["response"])
        self._keep_only([each for each in self._values if each in continued])

    def _drop_oldest(self) -> None:
        """Drop the oldest responses until the others have few enough bytes. The caller holds the lock."""
        kept, total = list(self._values), sum(self._sizes.values())
        while total > self._max_bytes:
            total -= self._sizes[kept.pop(0)]
        self._keep_only(kept)

    def _keep_only(self, kept: Sequence[str]) -> None:
        self._values = {each: self._values[each] for each in kept}
        self._sizes = {each: self._sizes[each] for each in kept}
        self._latest = {lane: each for lane, each in self._latest.items() if each in self._values}


class Turn(Struct, frozen=True):
    """A ``response.create``: what its connection remembers, its lane, and whether it ``generates`` output."""

    memory: ConnectionMemory
    lane: str | None = None
    generates: bool = True

    def keep(self, value: Value) -> None:
        """Remember the response as the latest of the lane."""
        self.memory.keep(self.lane, value)


def turn_of(call: Call | LiveFacts) -> Turn | None:
    """Return the turn that a call is, or that facts are of; ``None`` unless it came over a WebSocket."""
    session = call.request.session
    return session.memory if session is not None and isinstance(session.memory, Turn) else None
