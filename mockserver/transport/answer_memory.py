"""Limits the memory of large responses that clients are still reading."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from mockserver.errors import ApiError
from mockserver.transport.bodies import LARGE, BodyMemory

if TYPE_CHECKING:
    from collections.abc import Callable

_FULL = "Too many large answers are being read. Read them faster, or try again later."


class AnswerMemory:
    """The memory for response bodies above 1 MiB that are created for one request, in bytes together."""

    def __init__(self, capacity: int) -> None:
        self._memory = BodyMemory(capacity)

    def hold(self, response: object, size: int) -> Callable[[], object]:
        """Reserve ``size`` bytes for the body of ``response``, until the returned function is called or it is freed.

        Raises ``ApiError`` (``overloaded``) if no memory is left. There is no wait: the body exists already.
        """
        if size <= LARGE:
            return lambda: None
        size = min(size, self._memory.capacity)
        if not self._memory.take(size, 0.0):
            raise ApiError("overloaded", reason=_FULL)
        release = weakref.finalize(response, self._memory.give_back, size)
        release.atexit = False
        return release
