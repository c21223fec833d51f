"""Conversations in the store: their items are in pages, which nobody sees."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mockserver.providers.openai.response_work.records import (
    CONVERSATION,
    PAGE,
    add_items,
    find_conversation,
    remove_conversation,
    remove_item,
)
from mockserver.state.memory.documents import MemoryDocuments

CONV = "conv_1"


@pytest.fixture
def store() -> MemoryDocuments:
    made = MemoryDocuments()
    made.put(CONVERSATION, "ann", CONV, {"conversation": {"id": CONV}, "items": []})
    return made


def items(first: int, end: int) -> list[dict[str, Any]]:
    return [{"id": f"msg_{number}", "type": "message"} for number in range(first, end)]


def found(store: MemoryDocuments) -> list[dict[str, Any]]:
    value = find_conversation(store, "ann", CONV)
    assert value is not None
    read: list[dict[str, Any]] = value["items"]
    return read


def test_items_of_all_pages_come_in_their_order(store: MemoryDocuments) -> None:
    for first in range(0, 1000, 20):
        assert add_items(store, "ann", CONV, items(first, first + 20))
    assert found(store) == items(0, 1000)
    assert len(store.values(PAGE, "ann")) > 10
    assert max(len(page["items"]) for page in store.values(PAGE, "ann")) < 100


def test_items_that_are_there_stay_where_they_are(store: MemoryDocuments) -> None:
    for first in range(0, 300, 50):
        add_items(store, "ann", CONV, items(first, first + 60))
    assert found(store) == items(0, 310)


def test_a_removed_item_is_gone_from_its_page(store: MemoryDocuments) -> None:
    for first in range(0, 300, 50):
        add_items(store, "ann", CONV, items(first, first + 50))
    for number in (0, 150, 299):
        remove_item(store, "ann", CONV, f"msg_{number}")
    assert [each["id"] for each in found(store)] == [
        f"msg_{number}" for number in range(300) if number not in (0, 150, 299)
    ]
    add_items(store, "ann", CONV, items(300, 301))
    assert found(store)[-1]["id"] == "msg_300"


def test_a_removed_conversation_leaves_no_pages(store: MemoryDocuments) -> None:
    for first in range(0, 300, 50):
        add_items(store, "ann", CONV, items(first, first + 50))
    assert remove_conversation(store, "ann", CONV)
    assert store.snapshot(None) == []
    assert not remove_conversation(store, "ann", CONV)
    assert not add_items(store, "ann", CONV, items(0, 1))
    assert find_conversation(store, "ann", CONV) is None


def test_a_conversation_of_an_earlier_version_is_continued(store: MemoryDocuments) -> None:
    store.put(CONVERSATION, "ann", CONV, {"conversation": {"id": CONV}, "items": items(0, 500)})
    add_items(store, "ann", CONV, items(500, 520))
    assert found(store) == items(0, 520)
    assert [len(page["items"]) for page in store.values(PAGE, "ann")] == [20]


def test_items_that_are_added_at_the_same_time_are_all_there(store: MemoryDocuments) -> None:
    with ThreadPoolExecutor(8) as threads:
        added = threads.map(
            lambda first: add_items(store, "ann", CONV, items(first, first + 5)), range(0, 1000, 5)
        )
        assert all(added)
    assert sorted(each["id"] for each in found(store)) == sorted(each["id"] for each in items(0, 1000))


def test_a_page_that_is_missing_takes_no_other_items_with_it(store: MemoryDocuments) -> None:
    for first in range(0, 300, 70):
        add_items(store, "ann", CONV, items(first, first + 70))
    store.remove(PAGE, "ann", f"{CONV}/1")
    assert found(store) == [*items(0, 70), *items(140, 350)]
