"""Processes that accept from the same socket take turns."""

from __future__ import annotations

import os
import sys

import pytest

from mockserver.transport.http_server.turns import Turn, Turns


def test_the_next_connection_is_for_the_process_with_the_fewest() -> None:
    turns = Turns(3)
    one, two, three = (Turn(turns, number) for number in range(3))
    assert not any(turn.is_others for turn in (one, two, three))
    one.note(1)
    two.note(1)
    assert [turn.is_others for turn in (one, two, three)] == [True, True, False]
    three.note(2)
    assert [turn.is_others for turn in (one, two, three)] == [False, False, True]


def test_nobody_waits_for_a_process_that_has_ended_or_not_begun() -> None:
    turns = Turns(2)
    one = Turn(turns, 0)
    one.note(5)
    assert not one.is_others
    two = Turn(turns, 1)
    assert one.is_others
    two.note(5)
    assert not one.is_others
    two.note(0)
    turns.end(1)
    assert not one.is_others


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_the_numbers_are_shared_with_processes_that_are_forked() -> None:
    turns = Turns(2)
    one = Turn(turns, 0)
    pid = os.fork()
    if not pid:
        Turn(turns, 1).note(7)
        os._exit(0)
    os.waitpid(pid, 0)
    one.note(8)
    assert one.is_others
