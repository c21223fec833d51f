"""The tokens that requests are charged before they are answered."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.limits.estimate import (
    chat_images,
    chat_tokens,
    completion_tokens,
    embedding_inputs,
    embedding_tokens,
    moderation_tokens,
    speech_tokens,
    transcription_tokens,
)


@pytest.mark.parametrize(("letters", "tokens"), [(13, 4), (29, 8), (39, 10), (64, 16)])
def test_speech_is_charged_as_in_published_answers(letters: int, tokens: int) -> None:
    assert speech_tokens({"input": "x" * letters}) == tokens


@pytest.mark.parametrize(
    ("messages", "tokens"),
    [
        ([], 0),
        ([{"role": "user", "content": "x"}], 2),
        ([{"role": "user", "content": "xx"}], 3),
        ([{"role": "system", "content": "x" * 5}, {"role": "user", "content": "y" * 9}], 7),
        ([{"role": "user", "content": [{"type": "text", "text": "x" * 5}]}], 3),
        ([{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "UklGRg"}}]}], 2),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]}], 767),
        ([{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}], 767),
        ([{"role": "assistant", "content": None, "tool_calls": [{"id": "call"}]}], 0),
        ([{"role": "assistant", "audio": {"id": "audio_1"}}], 0),
        ([{"role": "assistant", "content": None, "refusal": "No."}], 0),
    ],
)
def test_chats_are_charged_by_the_letters_of_their_messages(messages: list[Any], tokens: int) -> None:
    assert chat_tokens({"messages": messages, "max_completion_tokens": 5000}) == tokens


@pytest.mark.parametrize(("form", "tokens"), [({}, 1), ({"prompt": "x" * 9}, 3), ({"prompt": ""}, 1)])
def test_transcriptions_are_charged_by_their_prompt(form: dict[str, str], tokens: int) -> None:
    assert transcription_tokens(form) == tokens


@pytest.mark.parametrize(
    "broken", [{}, {"input": 3, "messages": 3, "prompt": 3}, {"messages": [3, {"content": 3}]}]
)
def test_what_will_be_refused_as_invalid_costs_next_to_nothing(broken: dict[str, Any]) -> None:
    assert speech_tokens(broken) == 0
    assert transcription_tokens(broken) == 1
    assert chat_tokens(broken) in (0, 2)


@pytest.mark.parametrize(
    ("messages", "images"),
    [
        ([], 0),
        ([{"role": "user", "content": "Hi"}], 0),
        ([{"content": [{"type": "image_url"}, {"type": "text"}]}, {"content": [{"type": "image_url"}]}], 2),
        ([{"content": [{"type": "file"}]}], 0),
        ([None, {"content": [None]}, {"content": {}}], 0),
        ("none", 0),
    ],
)
def test_images_are_counted_in_whatever_was_sent(messages: object, images: int) -> None:
    assert chat_images({"messages": messages}) == images


@pytest.mark.parametrize(
    ("given", "embedding", "completion", "inputs"),
    [
        ("x" * 34, 8, 9, 1),
        ("x" * 94_967, 23_741, 23_742, 1),
        ("abc", 0, 1, 1),
        ("天" * 4, 3, 3, 1),
        (["abc", "abc"], 1, 2, 2),
        ([1, 2, 3], 3, 3, 1),
        ([[1, 2], [3]], 3, 3, 2),
        ([], 0, 0, 1),
        (None, 0, 0, 1),
        ({"a": 1}, 0, 0, 1),
        ([None, {}], 2, 2, 1),
    ],
)
def test_texts_are_charged_by_their_bytes_and_tokens(
    given: Any, embedding: int, completion: int, inputs: int
) -> None:
    assert embedding_tokens({"input": given}) == embedding
    assert completion_tokens({"prompt": given}) == completion
    assert embedding_inputs({"input": given}) == inputs


@pytest.mark.parametrize(
    ("given", "tokens"),
    [
        ("x" * 5, 2),
        (["x" * 5, "y" * 4], 3),
        ([{"type": "text", "text": "x" * 5}, {"type": "image_url"}], 2),
        (None, 0),
        ([1, None], 0),
    ],
)
def test_moderations_are_charged_by_their_texts(given: Any, tokens: int) -> None:
    assert moderation_tokens({"input": given}) == tokens
