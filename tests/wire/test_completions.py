"""The bytes of completions."""

from __future__ import annotations

from mockserver.wire import completions

HEAD = completions.Head("cmpl-1", 1_800_000_000, "davinci-002")


def test_a_chunk_names_the_model_last() -> None:
    choice = completions.choice("a", 0, None, "stop")
    members = '"id":"cmpl-1","object":"text_completion","created":1800000000,"choices":['
    written = '{"text":"a","index":0,"logprobs":null,"finish_reason":"stop"}'
    assert HEAD.chunk([choice]).decode() == f'data: {{{members}{written}],"model":"davinci-002"}}\n\n'
    assert HEAD.chunk([], has_usage=True).endswith(b'"model":"davinci-002","usage":null}\n\n')


def test_a_completion_names_it_before_the_choices() -> None:
    completion = HEAD.completion([], completions.usage(2, 3))
    assert list(completion) == ["id", "object", "created", "model", "choices", "usage"]
    assert completion["usage"] == {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5}


def test_offsets_are_those_of_characters() -> None:
    tokens = ["ä".encode(), b" \xf0\x9f", b"\x91\xa9", b"b"]
    found = completions.logprobs(tokens, 2, "cl100k_base", 10)
    assert found["text_offset"] == [10, 11, 12, 13]
    assert found["tokens"] == ["ä", r" \xf0\x9f", r"\x91\xa9", "b"]
    assert [len(each) for each in found["top_logprobs"]] == [2] * 4
    assert completions.logprobs(tokens, 0, "cl100k_base", 0)["top_logprobs"] is None
