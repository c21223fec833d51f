"""Bounds the memory of large answers that clients are still reading."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from mockserver.errors import ApiError
from mockserver.transport.bodies import LARGE, BodyMemory

if TYPE_CHECKING:
    from collections.abc import Callable

_FULL = "Too many large answers are being read. Read them faster, or try again later."


class AnswerMemory:
    """The bytes that whole answers above 1 MiB, each made for one request, may take together."""

    def __init__(self, capacity: int) -> None:
        self._memory = BodyMemory(capacity)

    def hold(self, response: object, size: int) -> Callable[[], object]:
        """Count the ``size`` bytes of a whole body until the returned function is called or ``response`` is gone.

        Raises ``ApiError`` (``overloaded``) where there is no memory left: the body is there already, so that it
        cannot wait for some.
        """
        if size <= LARGE:
            return lambda: None
        size = min(size, self._memory.capacity)
        if not self._memory.take(size, 0.0):
            raise ApiError("overloaded", reason=_FULL)
        release = weakref.finalize(response, self._memory.give_back, size)
        release.atexit = False
        return release
