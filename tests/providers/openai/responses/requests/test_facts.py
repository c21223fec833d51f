"""The facts of requests for responses that conditions read."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.providers.openai.responses.requests.facts import ResponseDocument

AUDIO = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("Hi.", "Hi."),
        ([{"role": "user", "content": "A"}, {"role": "assistant", "content": "B"}], "A"),
        ([{"role": "user", "content": [{"type": "input_text", "text": "A"}, AUDIO]}], "A"),
        ([{"role": "user", "content": "A"}, {"type": "function_call_output", "output": "B"}], "A"),
        ([], ""),
        (None, ""),
        ([7, "x", {"role": 7}], ""),
    ],
)
def test_the_text_is_that_of_the_last_message_of_the_user(given: Any, text: str) -> None:
    assert ResponseDocument({"input": given}).user_text == text


@pytest.mark.parametrize(
    ("given", "has"),
    [
        ("Hi.", True),
        ([{"role": "user", "content": [AUDIO]}], True),
        ([{"type": "function_call_output", "output": "B"}], False),
        ("", False),
        (None, False),
    ],
)
def test_a_message_without_text_is_one_of_the_user(given: Any, has: bool) -> None:
    assert ResponseDocument({"input": given}).has_user_text is has


def test_instructions_are_the_prompt() -> None:
    messages = [{"role": "system", "content": "B"}, {"role": "developer", "content": "C"}]
    assert ResponseDocument({"instructions": "A", "input": messages}).prompt == "A\nB\nC"


def test_audio_has_its_place() -> None:
    document = ResponseDocument(
        {"input": [{"role": "user", "content": "A"}, {"role": "user", "content": [AUDIO]}]}
    )
    ((place, audio),) = document.audio
    assert (str(place), audio["format"], document.latest) == ("input[1].content[0].input_audio", "wav", 1)
