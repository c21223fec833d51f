"""Conversations that a response is being made for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mockserver.errors import ApiError
from mockserver.providers.openai.response_work import busy as busy_module
from mockserver.providers.openai.response_work.busy import BusyConversations
from mockserver.state.disk import StateFailed
from mockserver.state.held_leases import HeldLeases
from mockserver.state.memory.leases import MemoryLeases
from tests.state.processes import two_processes


def alone() -> HeldLeases:
    return HeldLeases(MemoryLeases(), is_alone=True)


def test_a_conversation_has_one_response_at_a_time() -> None:
    busy = BusyConversations(alone())
    busy.take("org/project", "conv_1", "one")
    busy.take("org/project", "conv_1", "one")
    busy.take("org/project", "conv_2", "two")
    busy.take("org/other", "conv_1", "two")
    with pytest.raises(ApiError, match="conversation_locked"):
        busy.take("org/project", "conv_1", "two")
    busy.release("org/project", "conv_1", "two")
    with pytest.raises(ApiError):
        busy.take("org/project", "conv_1", "two")
    busy.release("org/project", "conv_1", "one")
    busy.take("org/project", "conv_1", "two")


def test_it_is_free_again_after_a_failure() -> None:
    busy = BusyConversations(alone())
    with pytest.raises(ZeroDivisionError), busy.held("org/project", "conv_1", "one"):
        _ = 1 / 0
    busy.take("org/project", "conv_1", "two")


def test_a_conversation_that_was_passed_on_stays_taken() -> None:
    busy = BusyConversations(alone())
    with busy.held("org/project", "conv_1", "one"):
        busy.pass_on("org/project", "conv_1", "one", "two")
    with pytest.raises(ApiError):
        busy.take("org/project", "conv_1", "three")
    busy.release("org/project", "conv_1", "two")
    busy.take("org/project", "conv_1", "three")


def test_no_conversation_is_never_busy() -> None:
    busy = BusyConversations(alone())
    for owner in ("one", "two"):
        busy.take("org/project", None, owner)
    busy.release("org/project", None, "one")


def test_a_conversation_that_another_process_answers_in_is_busy_there_only_for_the_others(
    tmp_path: Path,
) -> None:
    with two_processes(tmp_path) as (one, other):
        here, there = BusyConversations(one), BusyConversations(other)
        here.take("org/project", "conv_1", "one")
        with pytest.raises(ApiError, match="conversation_locked"):
            there.take("org/project", "conv_1", "two")
        here.release("org/project", "conv_1", "one")
        there.take("org/project", "conv_1", "two")


def test_a_response_in_the_store_keeps_its_conversation_busy_in_every_process(tmp_path: Path) -> None:
    with two_processes(tmp_path) as (one, other):
        busy = BusyConversations(other)
        busy.note("org/project", "conv_1", "one")
        with pytest.raises(ApiError, match="conversation_locked"):
            busy.take("org/project", "conv_1", "two")
        busy.release("org/project", "conv_1", "one")
        busy.take("org/project", "conv_1", "two")
        with pytest.raises(ApiError, match="conversation_locked"):
            BusyConversations(one).take("org/project", "conv_1", "three")


def test_a_process_that_does_not_know_yet_that_a_response_has_ended_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(busy_module, "_PATIENCE", 60.0)
    with two_processes(tmp_path) as (one, other), ThreadPoolExecutor(1) as threads:
        here, there = BusyConversations(one), BusyConversations(other)
        here.take("org/project", "conv_1", "one")
        there.note("org/project", "conv_1", "one")
        taken = threads.submit(there.take, "org/project", "conv_1", "two")
        here.release("org/project", "conv_1", "one")
        assert not taken.done()
        there.release("org/project", "conv_1", "one")
        taken.result(60)


def test_a_store_that_fails_does_not_leave_a_conversation_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    leases = HeldLeases(MemoryLeases(), is_alone=False)
    busy = BusyConversations(leases)

    def fail(name: str) -> bool:
        raise StateFailed("the store is away")

    with monkeypatch.context() as away:
        away.setattr(leases, "take", fail)
        with pytest.raises(StateFailed):
            busy.take("org/project", "conv_1", "one")
    busy.take("org/project", "conv_1", "two")
    leases.close()
