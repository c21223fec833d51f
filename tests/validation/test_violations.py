"""The first of very many violations are found, and the reported one is always the same."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.resources import data_folder
from mockserver.validation import explanations as explain
from mockserver.validation import violations
from mockserver.validation.schemas import Schemas
from mockserver.validation.violations import MAX_VIOLATIONS

SCHEMAS = Schemas(data_folder("schemas"), real=True)
CHAT = "openai/create_chat_completion.request"


def chat(**changes: object) -> dict[str, object]:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello."}], **changes}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"messages": [None] * 100_000}, "messages[0]"),
        ({"messages": [{"role": "user", "content": "Hello."}] * 100_000 + [5]}, "messages[100000]"),
        ({"messages": [{"role": "user", "content": [0] * 1000}] * 100}, "messages[0].content[0]"),
        ({"stop": [1] * 100_000}, "stop"),
        ({"tools": [0] * 100_000}, "tools[0]"),
        ({"metadata": {f"name {number}": number for number in range(100_000)}}, "metadata.name 0"),
        ({"metadata": {f"{number:0>65}": "" for number in range(100_000)}}, "metadata"),
        ({"logit_bias": {str(number): "" for number in range(100_000)}}, "logit_bias.0"),
        ({f"unknown {number}": 1 for number in range(100_000)}, "unknown 0"),
    ],
)
def test_of_a_hundred_thousand_faults_few_are_examined(changes: dict[str, object], expected: str) -> None:
    document = chat(**changes)
    found = SCHEMAS.violations(CHAT, document)
    assert explain.standard(explain.most_relevant(found)).param == expected
    assert len(found) < 3 * MAX_VIOLATIONS


def test_the_first_fault_of_every_array_is_reported_however_many_another_has() -> None:
    document = chat(messages=[None] * 10_000, tools=[0] * 10_000, stop=[0, 1], metadata={"a": 1, "b": 2})
    paths = {violation.path for violation in SCHEMAS.violations(CHAT, document)}
    assert {("messages", 0), ("tools", 0), ("stop", 0), ("metadata", "a")} <= paths
    assert ("tools", 1) not in paths


def test_every_refused_member_is_named_and_no_other() -> None:
    unknown = {f"unknown {number}": 1 for number in range(10_000)}
    document = chat(**unknown, messages=[None] * 10_000, temperature="hot", n=1)
    assert SCHEMAS.refused_members(CHAT, document) == {*unknown, "messages", "temperature"}


def test_members_are_met_in_the_order_in_which_they_were_sent() -> None:
    names = [f"name {number}" for number in range(20)]
    document = chat(metadata=dict.fromkeys(names, 5))
    met = sorted(SCHEMAS.violations(CHAT, document), key=lambda violation: violation.sequence)
    assert [violation.path[-1] for violation in met if len(violation.path) > 1] == names


SCALARS = st.sampled_from([None, True, 0, 5.5, "", "user", "text", "function", "x" * 70])
PARTS = st.fixed_dictionaries(
    {}, optional={"type": st.sampled_from(["text", "image_url", 5]), "text": SCALARS, "more": SCALARS}
)
MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "role": st.sampled_from(["user", "assistant", "tool", "nobody"]),
        "content": st.one_of(SCALARS, st.lists(st.one_of(PARTS, SCALARS), max_size=4)),
        "tool_calls": st.lists(st.one_of(PARTS, SCALARS), max_size=3),
    },
)
CHATS = st.fixed_dictionaries(
    {},
    optional={
        "model": SCALARS,
        "messages": st.lists(st.one_of(MESSAGES, SCALARS), max_size=5),
        "tools": st.lists(st.one_of(PARTS, SCALARS), max_size=4),
        "tool_choice": st.one_of(SCALARS, PARTS),
        "stop": st.lists(SCALARS, max_size=6),
        "logit_bias": st.dictionaries(st.text(max_size=3), SCALARS, max_size=4),
        "unheard of": SCALARS,
    },
)


@given(document=CHATS)
def test_the_reported_fault_does_not_depend_on_how_many_are_examined(document: Any) -> None:
    if SCHEMAS.is_valid(CHAT, document):
        return
    with patch.object(violations, "MAX_VIOLATIONS", 10**9):
        every = explain.most_relevant(SCHEMAS.violations(CHAT, document))
    with patch.object(violations, "MAX_VIOLATIONS", 1):
        first = explain.most_relevant(SCHEMAS.violations(CHAT, document))
    assert explain.standard(first) == explain.standard(every)
