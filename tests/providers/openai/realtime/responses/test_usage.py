"""The rules of usage, against recorded sessions."""

from __future__ import annotations

import pytest

from mockserver.providers.openai.realtime.responses import usage
from mockserver.providers.openai.realtime.responses.usage import Segment, Tokens


@pytest.mark.parametrize(("deltas", "tokens"), [(3, 9), (8, 18), (7, 17)])
def test_recorded_transcripts(deltas: int, tokens: int) -> None:
    assert usage.transcribed(deltas) == tokens


@pytest.mark.parametrize(("deltas", "tokens"), [(11, 13), (7, 9)])
def test_recorded_texts(deltas: int, tokens: int) -> None:
    assert usage.written(deltas) == tokens


@pytest.mark.parametrize(("deltas", "tokens"), [(12, 22), (13, 23), (14, 24)])
def test_recorded_calls(deltas: int, tokens: int) -> None:
    assert usage.called(deltas) == tokens


@pytest.mark.parametrize("ms", [1.0, 50.0, 333.3, 2000.0])
def test_what_is_speakable_within_a_number_of_tokens_takes_no_more(ms: float) -> None:
    assert usage.speakable_ms(usage.spoken(ms)) >= ms
    assert usage.spoken(usage.speakable_ms(usage.spoken(ms))) == usage.spoken(ms)


def test_nothing_takes_nothing() -> None:
    assert (usage.written(0), usage.transcribed(0), usage.spoken(0.0)) == (0, 0, 0)
    assert usage.speakable_ms(1) == 0.0


def test_text_and_audio_are_cached_apart_as_recorded() -> None:
    """The second and the third turn of a recorded session: of the first reply's audio nothing counts in the third."""
    instructions, first, reply = (
        Segment("i", Tokens(8)),
        Segment("1", Tokens(7, 27)),
        Segment("2", Tokens(21, 42)),
    )
    second = [instructions, first, reply, Segment("3", Tokens(7, 27))]
    before = [instructions, first, reply]
    assert usage.cached(second, before) == Tokens(0, 64)
    third = [instructions, first, Segment("2", Tokens(13)), *second[3:], Segment("4", Tokens(21, 43))]
    assert usage.cached(third, [*second, Segment("4", Tokens(21, 43))]) == Tokens()


def test_the_sums_are_those_of_the_details() -> None:
    counted = usage.usage(Tokens(100, 20, 3), Tokens(64), Tokens(10, 30), 5)
    assert counted["total_tokens"] == counted["input_tokens"] + counted["output_tokens"] == 163
    assert counted["output_token_details"] == {"text_tokens": 10, "audio_tokens": 30, "reasoning_tokens": 5}
    assert counted["input_token_details"]["cached_tokens"] == 64
