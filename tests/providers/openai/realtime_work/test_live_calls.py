"""The live calls of a server: the loop of their media."""

from __future__ import annotations

import pytest

from mockserver.providers.openai.realtime_work.live_calls import LiveCalls


async def nothing() -> None:
    return


def test_all_calls_share_a_loop_which_ends_with_the_server() -> None:
    calls = LiveCalls()
    loop = calls.loop
    assert calls.loop is loop
    loop.run(nothing, 5)
    calls.close()
    with pytest.raises(RuntimeError, match="closing"):
        calls.loop.run(nothing, 5)


def test_after_the_end_of_the_server_no_loop_begins() -> None:
    calls = LiveCalls()
    calls.close()
    with pytest.raises(RuntimeError, match="closing"):
        calls.loop.run(nothing, 5)
