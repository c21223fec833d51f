"""The timing of scripted replies: the delay before one, and the pace of its stream."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from mockserver.wire import sse

_EVENT_STREAM = "text/event-stream"


class Pacing:
    """The waits of a reply. ``wait`` waits for real seconds.

    ``jitter`` varies each wait by up to this fraction of it, at random from ``seed``.
    """

    def __init__(self, reply: Mapping[str, Any], seed: str, wait: Callable[[float], object]) -> None:
        self._reply = reply
        self._random = random.Random(seed)  # noqa: S311 - not for secrets
        self._wait_seconds = wait

    def before_work(self) -> None:
        """Wait for the reply's ``delay``."""
        self._wait(self._reply.get("delay", 0.0))

    def paced(self, body: bytes | Iterable[bytes], content_type: str, tokens: int) -> bytes | Iterable[bytes]:
        """Return ``body`` at the reply's pace. For a whole body, wait beforehand as long as its ``tokens`` take."""
        if not self._reply.keys() & {"first_byte", "tokens_per_second"}:
            return body
        if isinstance(body, bytes):
            self._wait(self._reply.get("first_byte", 0.0))
            self._wait(tokens * self._seconds_per_token)
            return body
        return self._stream(body, content_type.startswith(_EVENT_STREAM))

    @property
    def _seconds_per_token(self) -> float:
        rate = self._reply.get("tokens_per_second")
        return 1 / rate if rate else 0.0

    def _stream(self, pieces: Iterable[bytes], events: bool) -> Iterator[bytes]:
        """Yield the stream event by event. Audio is not delayed after its first piece."""
        iterator = iter(pieces)
        try:
            self._wait(self._reply.get("first_byte", 0.0))
            for number, piece in enumerate(sse.events(iterator) if events else iterator):
                if events and number:
                    self._wait(self._seconds_per_token)
                yield piece
        finally:
            close = getattr(iterator, "close", None)
            if close is not None:
                close()

    def _wait(self, seconds: float) -> None:
        if seconds > 0:
            jitter = self._reply.get("jitter", 0.0)
            self._wait_seconds(seconds * (1 + jitter * self._random.uniform(-1, 1)))
