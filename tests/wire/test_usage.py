"""Token counts, compared with recorded answers."""

from __future__ import annotations

import pytest

from mockserver.wire import usage


@pytest.mark.parametrize(
    ("seconds", "audio_tokens"),
    [(1.704, 17), (3.2659, 32), (3.7, 37), (4.32, 43), (4.488, 44), (6.4625, 64), (6.96, 69), (1.75, 17)],
)
def test_ten_tokens_are_heard_a_second(seconds: float, audio_tokens: int) -> None:
    assert usage.input_audio_tokens(seconds) == audio_tokens


@pytest.mark.parametrize(("seconds", "billed"), [(1.704, 2), (3.6, 4), (3.7, 4), (8.47, 9), (7.0, 7)])
def test_started_seconds_are_billed(seconds: float, billed: int) -> None:
    assert usage.duration(seconds) == {"type": "duration", "seconds": billed}


def test_a_known_speaker_adds_its_reference() -> None:
    known = usage.transcription(
        seconds=6.4625, text="Hello.", known_speakers=[("agent", 1.75)], diarized=True
    )
    assert known["input_token_details"] == {"text_tokens": 10, "audio_tokens": 81}


def test_a_prompt_is_read_as_text() -> None:
    prompted = usage.transcription(seconds=1.0, text="Hi.", prompt="Names: Ann, Bob")
    assert prompted["input_token_details"] == {"text_tokens": 5, "audio_tokens": 10}
