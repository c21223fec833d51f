"""The order of the items of a conversation."""

from __future__ import annotations

import pytest

from mockserver.errors import ApiError
from mockserver.providers.openai.realtime.conversation.conversation import Conversation
from mockserver.providers.openai.realtime.conversation.items import FunctionCall, Item, Message, Part


def message(identifier: str) -> Item:
    return Message(identifier, "user", [Part("input_text", identifier)])


@pytest.fixture
def conversation() -> Conversation:
    """Return a conversation of two messages, ``a`` and ``b``."""
    conversation = Conversation("conv_1")
    assert conversation.append(message("a")) is None
    assert conversation.append(message("b")) == "a"
    return conversation


@pytest.mark.parametrize(
    ("after", "previous", "order"),
    [(None, "b", "abx"), ("", "b", "abx"), ("root", None, "xab"), ("a", "a", "axb"), ("b", "b", "abx")],
)
def test_an_item_is_inserted_after_another(
    conversation: Conversation, after: str | None, previous: str | None, order: str
) -> None:
    added = message("x")
    assert conversation.insert(added, after) == previous
    assert "".join(item.id for item in conversation) == order
    assert conversation.previous_of(added) == previous


def test_nothing_is_inserted_after_an_unknown_item(conversation: Conversation) -> None:
    with pytest.raises(ApiError) as refused:
        conversation.insert(message("x"), "nope")
    assert refused.value.name == "realtime_previous_item_unknown"
    assert len(conversation) == 2


def test_the_later_of_two_items_with_an_id_is_found_and_removed(conversation: Conversation) -> None:
    again = message("a")
    assert conversation.append(again) == "a"
    assert conversation.find("a") is again
    conversation.remove(again)
    assert [item.id for item in conversation] == ["a", "b"]
    assert conversation.previous_of(again) is None


def test_the_second_item_of_the_model_is_done_as_if_it_were_the_first(conversation: Conversation) -> None:
    first, second = conversation
    third = message("c")
    conversation.append(third)
    assert [conversation.previous_when_done(item) for item in (first, second, third)] == [None, None, "b"]


def test_calls_are_known_by_their_id(conversation: Conversation) -> None:
    conversation.append(FunctionCall("f", "get_weather", "call_1"))
    assert conversation.has_call("call_1")
    assert not conversation.has_call("call_2")
