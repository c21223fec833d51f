"""The loop of media: a thread that starts with its first use, and ends."""

from __future__ import annotations

import asyncio
import threading

import pytest

from mockserver.providers.openai.realtime_work.media_loop import MediaLoop


async def name_of_thread() -> str:
    return threading.current_thread().name


def test_a_loop_that_was_not_used_has_no_thread() -> None:
    before = threading.active_count()
    loop = MediaLoop()
    loop.call(lambda: None)
    assert threading.active_count() == before
    loop.close()


def test_coroutines_run_in_a_thread_of_their_own() -> None:
    loop = MediaLoop()
    assert loop.run(name_of_thread, 5) == "realtime-media"
    called = threading.Event()
    loop.call(called.set)
    assert called.wait(5)
    loop.close()
    with pytest.raises(RuntimeError):
        loop.run(name_of_thread, 5)
    loop.call(called.clear)
    loop.begin(name_of_thread)
    assert called.is_set()


def test_what_takes_too_long_is_given_up() -> None:
    loop = MediaLoop()
    with pytest.raises(TimeoutError):
        loop.run(lambda: asyncio.sleep(60), 0.01)
    loop.close()


def test_the_end_waits_for_what_was_begun() -> None:
    loop = MediaLoop()
    done: list[int] = []

    async def work() -> None:
        await asyncio.sleep(0.05)
        done.append(1)

    loop.run(name_of_thread, 5)
    loop.begin(work)
    loop.close()
    assert done == [1]
