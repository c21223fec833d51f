"""The bound of what the model reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from mockserver.catalog.tables import Catalog
from mockserver.errors import ApiError
from mockserver.providers.openai.realtime.conversation.items import (
    FunctionCall,
    FunctionCallOutput,
    Item,
    Message,
    Part,
)
from mockserver.providers.openai.realtime.responses.context_window import ContextWindow
from mockserver.providers.openai.realtime.responses.usage import Segment, Tokens

LIMIT = 1000


def window() -> ContextWindow:
    model = Catalog().model("gpt-realtime")
    assert model is not None
    assert model.realtime is not None
    return ContextWindow(replace(model, realtime=replace(model.realtime, max_input_tokens=LIMIT)))


def message(name: str, tokens: int) -> Message:
    return Message(name, "user", [Part("input_text", "x" * tokens)])


def count(items: Sequence[Item]) -> list[Segment]:
    """Return 100 tokens for the instructions, and one for each letter."""
    sizes = [len(item.content[0].text) if isinstance(item, Message) else 10 for item in items]
    return [Segment("", Tokens(100)), *(Segment("", Tokens(size)) for size in sizes)]


def names(items: Sequence[Item]) -> str:
    return "".join(item.id for item in items)


def test_the_oldest_items_are_left_out_until_the_rest_fits() -> None:
    items = [message("a", 500), message("b", 500), message("c", 400)]
    assert names(window().fit(items, count, "auto")) == "bc"
    assert names(window().fit(items[1:], count, "auto")) == "bc"


def test_what_was_left_out_stays_out() -> None:
    tested = window()
    items = [message("a", 500), message("b", 500), message("c", 400)]
    tested.fit(items, count, "auto")
    assert names(tested.fit(items[:2], count, "auto")) == "b"


def test_a_ratio_makes_room_for_later_items() -> None:
    ratio: Any = {"type": "retention_ratio", "retention_ratio": 0.5}
    items = [message(name, 200) for name in "abcde"]
    assert names(window().fit(items[:4], count, ratio)) == "abcd"
    assert names(window().fit(items, count, ratio)) == "de"


def test_a_limit_can_be_lower_than_that_of_the_model() -> None:
    limits = {"post_instructions": 300}
    ratio: Any = {"type": "retention_ratio", "retention_ratio": 1.0, "token_limits": limits}
    assert names(window().fit([message(name, 200) for name in "abc"], count, ratio)) == "c"


def test_results_are_left_out_with_their_call() -> None:
    items: list[Item] = [
        FunctionCall("a", "f", "call_1"),
        FunctionCallOutput("b", "call_1", "yes"),
        message("c", 890),
        message("d", 1),
    ]
    assert names(window().fit(items, count, "auto")) == "cd"


def test_the_last_item_stays() -> None:
    assert names(window().fit([message("a", 10), message("b", 5000)], count, "auto")) == "b"


def test_without_truncation_too_much_is_refused() -> None:
    assert names(window().fit([message("a", 900)], count, "disabled")) == "a"
    with pytest.raises(ApiError) as refused:
        window().fit([message("a", 901)], count, "disabled")
    assert (refused.value.name, refused.value.values) == (
        "realtime_context_too_long",
        {"limit": LIMIT, "tokens": 1001},
    )
