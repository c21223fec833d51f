"""The timing of a scripted answer: waits before it, and the pace at which it comes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from mockserver.wire import sse

_EVENT_STREAM = "text/event-stream"


class Pacing:
    """The waits that a reply asks for. ``wait`` lets real seconds pass.

    ``jitter`` varies each wait by up to this share of it; ``seed`` says how.
    """

    def __init__(self, reply: Mapping[str, Any], seed: str, wait: Callable[[float], object]) -> None:
        self._reply = reply
        self._random = random.Random(seed)  # noqa: S311 - not for secrets
        self._let_pass = wait

    def before_work(self) -> None:
        """Wait for the reply's ``delay``."""
        self._wait(self._reply.get("delay", 0.0))

    def paced(self, body: bytes | Iterable[bytes], content_type: str, tokens: int) -> bytes | Iterable[bytes]:
        """Return ``body`` at the reply's pace; a whole one waits for its ``tokens`` beforehand."""
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
        """Yield the stream, an event at a time; sound is not held up once it has begun."""
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
            self._let_pass(seconds * (1 + jitter * self._random.uniform(-1, 1)))
