"""Stubs are found by exact facts, without trying all of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.matching.patterns import Pattern
from mockserver.scripting.stubs.index import StubIndex
from mockserver.scripting.stubs.stub import Stub
from tests.matching.test_conditions import SHA, KnownFacts


def stub(order: int, priority: int = 0, **when: Any) -> Stub:
    document = {"when": when, "priority": priority, "reply": {"text": ""}}
    return Stub(str(order), document, Pattern(when), None, order, str(order))


def found(index: StubIndex, **facts: Any) -> list[str]:
    return [each.id for each in index.candidates(KnownFacts(**facts))]


def test_only_stubs_with_the_right_fact_are_tried() -> None:
    index = StubIndex(stub(number, user_text={"equals": str(number)}) for number in range(10_000))
    assert found(index, user_text="77") == ["77"]


def test_exact_and_other_stubs_are_tried_in_order() -> None:
    index = StubIndex(
        [stub(1, model="a"), stub(2, file="meeting.wav"), stub(3, model="b"), stub(0, 1, file="meeting.wav")]
    )
    assert found(index) == ["0", "3", "2", "1"]


def test_a_removed_stub_is_not_found() -> None:
    stubs = [stub(1, file="meeting.wav"), stub(2, file="meeting.wav"), stub(3)]
    index = StubIndex(stubs)
    index.remove(stubs[1])
    assert found(index) == ["3", "1"]
    index.remove(stubs[0])
    assert found(index) == ["3"]


conditions = st.sampled_from(
    [
        {},
        {"model": "whisper-1"},
        {"file": "meeting.wav"},
        {"file": "other.wav"},
        {"user_text": {"equals": "a"}},
        {"prompt": {"equals": "Names: Ada."}},
        {"sha256": SHA.upper()},
        {"pcm_sha256": "CD" * 32},
        {"heard": {"equals": "The weather is fine."}},
    ]
)


@given(st.lists(st.tuples(conditions, st.integers(-1, 1))), st.sampled_from(["a", "b"]))
@pytest.mark.parametrize("one_by_one", [True, False])
def test_the_index_finds_what_trying_all_would_find(
    one_by_one: bool, rows: list[tuple[dict[str, Any], int]], text: str
) -> None:
    stubs = [stub(order, priority, **when) for order, (when, priority) in enumerate(rows)]
    index = StubIndex([] if one_by_one else stubs)
    for each in stubs if one_by_one else []:
        index.add(each)
    facts = KnownFacts(user_text=text)
    matching = [each for each in stubs if each.pattern.matches(facts)]
    expected = sorted(matching, key=lambda each: (-each.priority, -each.order))
    assert [each for each in index.candidates(facts) if each.pattern.matches(facts)] == expected
