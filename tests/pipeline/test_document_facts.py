"""The facts that matchers find in a form or in JSON, whatever else it contains."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.pipeline.document_facts import DocumentFacts


def test_prompt_and_instructions_are_the_prompt() -> None:
    facts = DocumentFacts({"prompt": "Names: Ada.", "instructions": "Slowly.", "input": "Hello."})
    assert (facts.prompt, facts.user_text) == ("Names: Ada.\nSlowly.", "Hello.")


def test_members_that_are_no_texts_say_nothing() -> None:
    facts = DocumentFacts({"prompt": 1, "input": ["Hello."]})
    assert (facts.prompt, facts.user_text) == ("", "")
    assert (list(facts.audio), facts.latest) == ([], None)


@pytest.mark.parametrize(
    ("document", "asked"),
    [
        ({}, set()),
        ({"stream": False}, set()),
        ({"stream": True}, {"events"}),
        ({"stream": "true"}, {"events"}),
        ({"stream_format": "sse"}, {"events"}),
        ({"stream_format": "audio"}, set()),
    ],
    ids=str,
)
def test_streams_are_asked_for_in_three_ways(document: dict[str, Any], asked: set[str]) -> None:
    assert DocumentFacts(document).asks_for == asked
