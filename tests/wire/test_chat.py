"""Chat completions on the wire: chunks, pieces of audio, token counts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.engines.dialogue import ToolCall
from mockserver.ids import Ids
from mockserver.wire import chat, tokens

HEAD = chat.Head("chatcmpl-1", 1_780_693_557, "gpt-audio-1.5", "fp_58b2b3ae96")
OPENING = (
    '{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1780693557,"model":"gpt-audio-1.5",'
    '"service_tier":"default","system_fingerprint":"fp_58b2b3ae96"'
)


def chunks(*, logprobs: bool = False, include_usage: bool = False, obfuscation: bool = False) -> chat.Chunks:
    return chat.Chunks(
        HEAD,
        Ids("seed"),
        logprobs=logprobs,
        complete_choices=False,
        include_usage=include_usage,
        obfuscation=obfuscation,
    )


def event(rest: str) -> bytes:
    return f"data: {OPENING}{rest}}}\n\n".encode()


def test_a_chunk_of_an_audio_model_has_no_logprobs() -> None:
    written = chunks().delta(0, {"content": "Hi"})
    assert written == event(',"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]')


def test_a_chunk_of_a_text_model_has() -> None:
    written = chunks(logprobs=True).delta(1, {}, finish_reason="stop")
    assert written == event(',"choices":[{"index":1,"delta":{},"logprobs":null,"finish_reason":"stop"}]')


def test_the_chunk_of_the_expiry_has_no_finish_reason() -> None:
    written = chunks().expiry(0, 1_780_697_157)
    assert written == event(',"choices":[{"index":0,"delta":{"audio":{"expires_at":1780697157}}}]')


def test_usage_is_null_in_all_chunks_but_its_own() -> None:
    writer = chunks(include_usage=True)
    assert writer.choiceless() == event(',"usage":null')
    assert writer.usage({"total_tokens": 3}) == event(',"choices":[],"usage":{"total_tokens":3}')


@pytest.mark.parametrize("content", ["", "Hi", " world", '"', "\n", "→ü", "😀", "a longer piece of text"])
def test_obfuscation_comes_last_and_makes_chunks_alike_in_length(content: str) -> None:
    data = chunks(include_usage=True, obfuscation=True).delta(0, {"content": content}).decode()[6:-2]
    assert len(data) % 16 == 1
    written = json.loads(data)
    assert list(written)[-2:] == ["usage", "obfuscation"]
    assert len(written["obfuscation"]) < 16
    assert written["choices"][0]["delta"]["content"] == content


@pytest.mark.parametrize(
    ("arguments", "pieces"),
    [
        ('{"password": "mellon"}', ['{"pa', "sswor", 'd": "m', "ello", 'n"}']),
        ('{"password": "radiance"}', ['{"pa', "sswor", 'd": "r', "adia", 'nce"}']),
        ('{"location": "New York City"}', ['{"lo', "catio", 'n": "N', "ew Y", "ork C", 'ity"}']),
        ('{"location": "London"}', ['{"lo', "catio", 'n": "L', "ondo", 'n"}']),
        ("{}", ["{}"]),
        ("", []),
    ],
)
def test_arguments_of_parallel_calls_are_cut_as_recorded(arguments: str, pieces: list[str]) -> None:
    assert list(chat.parallel_pieces(arguments)) == pieces


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_pieces_of_arguments_make_the_arguments(value: object) -> None:
    arguments = json.dumps({"value": value}, ensure_ascii=False)
    assert "".join(chat.parallel_pieces(arguments)) == arguments


def test_parallel_calls_have_their_null_usage_before_the_choice() -> None:
    written = chunks(include_usage=True).delta(0, {}, usage_first=True)
    assert written == event(',"usage":null,"choices":[{"index":0,"delta":{},"finish_reason":null}]')
    assert b"usage" not in chunks().delta(0, {}, usage_first=True)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (None, "default"),
        ("auto", "default"),
        ("default", "default"),
        ("flex", "flex"),
        ("priority", "priority"),
        ("fast", "priority"),
    ],
)
def test_the_service_tier_that_served_is_reported(asked: str | None, expected: str) -> None:
    assert chat.served_tier(asked) == expected


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], []),
        ([2400], [2400]),
        ([19_200], [19_200]),
        ([19_199, 1, 2], [19_200, 2]),
        ([50_000], [19_200, 19_200, 11_600]),
        ([4800] * 9, [19_200, 19_200, 4800]),
    ],
)
def test_sound_is_cut_into_pieces_of_400_milliseconds(sizes: list[int], expected: list[int]) -> None:
    sound = [bytes([number]) * size for number, size in enumerate(sizes)]
    pieces = list(chat.pieces(iter(sound)))
    assert [len(piece) for piece in pieces] == expected
    assert b"".join(pieces) == b"".join(sound)


def test_a_message_has_its_members_in_the_order_of_the_api() -> None:
    audio = {"id": "audio_1"}
    call = chat.tool_call(ToolCall("f", "{}"), "call_1")
    assert list(chat.message("Hi")) == ["role", "content", "refusal", "annotations"]
    assert list(chat.message(None, audio=audio)) == ["role", "content", "refusal", "audio", "annotations"]
    assert list(chat.message(None, tool_calls=[call])) == [
        "role",
        "content",
        "tool_calls",
        "refusal",
        "annotations",
    ]


def test_a_custom_tool_is_called_with_its_input() -> None:
    assert chat.tool_call(ToolCall("shell", "ls", custom=True), "call_1") == {
        "id": "call_1",
        "type": "custom",
        "custom": {"name": "shell", "input": "ls"},
    }


def test_usage_adds_up() -> None:
    usage = chat.usage(prompt_text=11, prompt_audio=17, reply_text=32, reply_audio=93)
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (28, 125, 153)


def test_the_likeliest_token_is_the_one_that_was_chosen() -> None:
    content = chat.logprobs(tokens.split("Hello, world."), 20)["content"]
    assert len(content) == 4
    for position in content:
        alternatives = position["top_logprobs"]
        assert len({each["token"] for each in alternatives}) == 20
        assert max(alternatives, key=lambda each: each["logprob"])["token"] == position["token"]
