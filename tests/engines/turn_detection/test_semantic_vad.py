"""``semantic_vad`` waits until what was said is complete."""

from __future__ import annotations

import pytest

from mockserver.engines.turn_detection.semantic_vad import Eagerness, Said, SemanticVad, completeness
from mockserver.engines.turn_detection.turns import SpeechStarted, SpeechStopped
from tests.engines.turn_detection.streams import SILENCE, SPEECH, turns, windows


def waited(text: str, eagerness: Eagerness) -> int:
    """Return the milliseconds of silence after which a turn with a text ends."""
    vad = SemanticVad(eagerness=eagerness, said=lambda start_ms, now_ms: Said(text))
    stopped = turns(vad, windows((10, SPEECH), (300, SILENCE)))[1]
    assert isinstance(stopped, SpeechStopped)
    return stopped.at_ms - 320


@pytest.mark.parametrize(
    ("eagerness", "complete", "unknown", "unfinished"),
    [
        ("low", 800, 4416, 8000),
        ("medium", 416, 2208, 4000),
        ("auto", 416, 2208, 4000),
        ("high", 224, 1120, 2016),
    ],
)
def test_it_waits_up_to_the_documented_maximum(
    eagerness: Eagerness, complete: int, unknown: int, unfinished: int
) -> None:
    assert waited("That is all.", eagerness) == complete
    assert waited("that is all", eagerness) == unknown
    assert waited("And then I", eagerness) == unknown
    assert waited("and then, um", eagerness) == unfinished


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Is it sunny?", 1.0),
        ('She said "no."', 1.0),
        ("それは本当です。", 1.0),
        ("It costs 5", 0.5),
        ("", 0.0),
        ("I mean...", 0.0),
        ("I mean…", 0.0),
        ("Well, you see,", 0.0),
        ("I asked Mr.", 0.5),
        ("Ich will, dass", 0.0),
        ("je voudrais une", 0.0),
        ("the", 0.0),
    ],
)
def test_how_complete_words_sound(text: str, expected: float) -> None:
    assert completeness(Said(text)) == expected


def test_known_speech_that_has_ended_is_complete() -> None:
    assert completeness(Said("a table for", is_whole=True)) == 1.0


def test_the_words_are_asked_for_once_in_each_pause() -> None:
    asked: list[tuple[int, int]] = []

    def said(start_ms: int, now_ms: int) -> Said:
        asked.append((start_ms, now_ms))
        return Said("I would like to" if len(asked) == 1 else "I would like to book it.")

    vad = SemanticVad(eagerness="high", said=said)
    heard = windows(
        (20, SILENCE), (10, SPEECH), (6, SILENCE), (10, SPEECH), (30, SILENCE), (5, SPEECH), (20, SILENCE)
    )
    found = turns(vad, heard)
    assert found == [SpeechStarted(340), SpeechStopped((20 + 10 + 6 + 10 + 30 + 5 + 7) * 32)]
    assert asked == [(340, (46 + 7) * 32), (340, (81 + 7) * 32)]


def test_eagerness_changes_while_someone_speaks() -> None:
    vad = SemanticVad(eagerness="low", said=lambda start_ms, now_ms: Said("so, um"))
    heard = windows((10, SPEECH), (300, SILENCE))
    for _ in range(60):
        vad.hear(next(heard))
    assert vad.is_speaking
    vad.change(eagerness="high")
    assert turns(vad, heard) == [SpeechStopped((10 + 63) * 32)]


def test_after_a_commit_by_the_client_a_turn_begins_anew() -> None:
    vad = SemanticVad(said=lambda start_ms, now_ms: Said("No."))
    heard = windows((30, SPEECH))
    vad.hear(next(heard))
    vad.cut(200)
    assert turns(vad, heard) == [SpeechStarted(200)]
