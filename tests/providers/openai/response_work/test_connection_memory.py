"""What a connection remembers."""

from __future__ import annotations

from typing import Any

from mockserver.providers.openai.response_work.connection_memory import ConnectionMemory


def value(name: str, previous: str | None = None) -> dict[str, Any]:
    return {"response": {"id": name, "previous_response_id": previous, "output": []}, "input": []}


def test_the_latest_of_a_lane_can_be_continued_and_keeps_what_it_continues() -> None:
    memory = ConnectionMemory()
    memory.keep(None, value("one"))
    memory.keep(None, value("two", "one"))
    assert (memory.is_latest("one"), memory.is_latest("two")) == (False, True)
    assert memory.find("one") == value("one")
    memory.keep(None, value("three"))
    assert memory.find("one") is None
    assert memory.find("two") is None


def test_lanes_share_what_they_continue() -> None:
    memory = ConnectionMemory()
    memory.keep("a", value("one"))
    memory.keep("b", value("two", "one"))
    memory.keep("a", value("three"))
    assert memory.find("one") == value("one")
    memory.forget("two")
    assert memory.find("one") is None
    assert memory.is_latest("three")


def test_the_oldest_are_forgotten_beyond_a_bound_of_bytes() -> None:
    memory = ConnectionMemory(max_bytes=1_000)
    memory.keep("other", value("first"))
    previous = None
    for number in range(100):
        memory.keep("a", value(str(number), previous))
        previous = str(number)
    kept = [number for number in range(100) if memory.find(str(number))]
    assert kept == list(range(100 - len(kept), 100))
    assert 3 < len(kept) < 20
    assert memory.is_latest("99")
    assert not memory.is_latest("first")
    assert memory.find("first") is None


def test_a_response_larger_than_the_bound_is_not_remembered() -> None:
    memory = ConnectionMemory(max_bytes=1_000)
    large = value("large")
    large["input"] = [{"text": "x" * 1_000}]
    memory.keep(None, large)
    assert memory.find("large") is None
    assert not memory.is_latest("large")
