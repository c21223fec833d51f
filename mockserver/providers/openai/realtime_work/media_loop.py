"""The asyncio loop, in a thread of its own, that carries the media of calls."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")

_CLOSE_SECONDS = 5.0


class MediaLoop:
    """A loop that starts with its first use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def run(self, work: Callable[[], Coroutine[Any, Any, Result]], seconds: float) -> Result:
        """Return the result of a coroutine, which ``work`` makes. Raises its exception, or ``TimeoutError``."""
        loop = self._running()
        return asyncio.run_coroutine_threadsafe(_within(work, seconds), loop).result()

    def begin(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        """Begin a coroutine, from any thread. Nothing happens if the loop is closed."""
        self.call(lambda: asyncio.ensure_future(work()))

    def call(self, do: Callable[[], object]) -> None:
        """Have the thread of the loop do something. Nothing happens if the loop is closed."""
        with self._lock:
            if self._loop is not None and not self._is_closed:
                self._loop.call_soon_threadsafe(do)

    def close(self) -> None:
        """End the loop and its thread, after what was begun so far."""
        with self._lock:
            self._is_closed = True
            loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        loop.call_soon_threadsafe(lambda: asyncio.ensure_future(_end(loop)))
        thread.join(2 * _CLOSE_SECONDS)

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._is_closed:
                raise RuntimeError("the server is closing")
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=_serve, args=(self._loop,), name="realtime-media", daemon=True
                )
                self._thread.start()
            return self._loop


async def _within(work: Callable[[], Coroutine[Any, Any, Result]], seconds: float) -> Result:
    async with asyncio.timeout(seconds):
        return await work()


async def _end(loop: asyncio.AbstractEventLoop) -> None:
    """Stop the loop when its tasks are done, or have been cancelled."""
    tasks = asyncio.all_tasks(loop) - {asyncio.current_task(loop)}
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=_CLOSE_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
    loop.stop()


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()
