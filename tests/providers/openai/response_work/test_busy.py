"""Conversations that a response is being made for."""

from __future__ import annotations

import pytest

from mockserver.errors import ApiError
from mockserver.providers.openai.response_work.busy import BusyConversations


def test_a_conversation_has_one_response_at_a_time() -> None:
    busy = BusyConversations()
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
    busy = BusyConversations()
    with pytest.raises(ZeroDivisionError), busy.held("org/project", "conv_1", "one"):
        _ = 1 / 0
    busy.take("org/project", "conv_1", "two")


def test_a_conversation_that_was_passed_on_stays_taken() -> None:
    busy = BusyConversations()
    with busy.held("org/project", "conv_1", "one"):
        busy.pass_on("org/project", "conv_1", "one", "two")
    with pytest.raises(ApiError):
        busy.take("org/project", "conv_1", "three")
    busy.release("org/project", "conv_1", "two")
    busy.take("org/project", "conv_1", "three")


def test_no_conversation_is_never_busy() -> None:
    busy = BusyConversations()
    for owner in ("one", "two"):
        busy.take("org/project", None, owner)
    busy.release("org/project", None, "one")
