from typing import Any

import pytest

from mockserver.catalog.records import Voice
from mockserver.engines.espeak.delivery import deliver, direction_of, language_of
from mockserver.engines.espeak.driver import init_engine
from mockserver.engines.espeak.helper import SpeechRequest
from mockserver.engines.speech import Utterance

VOICE = Voice("sage", "gmw/en-us", "f5", pitch=60, gain=0.7)


def request(text: str = "Hello there", **options: Any) -> SpeechRequest:
    return deliver(Utterance(text, VOICE, **options)).request


def test_an_ordinary_utterance_is_spoken_as_the_voice_is() -> None:
    assert request() == SpeechRequest(
        "Hello there", "gmw/en-us+f5", 175, pitch=60, pitch_range=50, volume=0.7
    )


@pytest.mark.parametrize(("speed", "rate"), [(0.5, 88), (0.75, 131), (2.0, 350), (2.5, 438)])
def test_a_moderate_speed_is_the_rate_of_the_engine(speed: float, rate: int) -> None:
    delivery = deliver(Utterance("Hello", VOICE, speed=speed))

    assert (delivery.request.rate, delivery.tempo) == (rate, 1.0)


@pytest.mark.parametrize("speed", [0.25, 0.4, 3.0, 4.0])
def test_an_extreme_speed_is_left_to_the_tempo_where_the_engine_ends(speed: float) -> None:
    delivery = deliver(Utterance("Hello", VOICE, speed=speed))

    assert 80 < delivery.request.rate < 450
    assert 0.5 <= delivery.tempo != 1.0
    assert delivery.request.rate * delivery.tempo == pytest.approx(175 * speed)


@pytest.mark.parametrize("character", ["\x00", "\x01", "\x7f", "\ud83d"])
def test_what_cannot_be_spoken_becomes_a_space(character: str) -> None:
    assert request(f"a{character}b").text == "a b"


@pytest.mark.parametrize(
    ("options", "language", "voice"),
    [
        ({"text": "Guten Tag, wie geht es Ihnen?"}, "de", "gmw/de+f5"),
        ({"text": "Hello", "language": "fr"}, "fr", "roa/fr+f5"),
        ({"text": "Hello", "instructions": "Read this in Italian."}, "it", "roa/it+f5"),
        ({"text": "Hello", "instructions": "Read this in Italian.", "language": "es"}, "es", "roa/es+f5"),
        ({"text": "Hello", "language": "bo"}, "bo", "gmw/en-us+f5"),
        ({"text": "Hello", "instructions": "a French accent"}, "en", "roa/fr+f5"),
    ],
)
def test_the_language_chooses_the_voice_of_the_engine(
    options: dict[str, Any], language: str, voice: str
) -> None:
    assert language_of(Utterance(voice=VOICE, **options)) == language
    assert request(**options).voice == voice


def test_instructions_add_up() -> None:
    direction = direction_of("Please WHISPER, slowly, with a British accent.")

    assert (direction.variant, direction.rate, direction.base) == ("whisper", 0.75, "gmw/en")


@pytest.mark.parametrize("instructions", ["Don't whisper.", "do not speak too slowly", "Never shout", ""])
def test_what_is_not_asked_for_changes_nothing(instructions: str) -> None:
    assert direction_of(instructions) == direction_of("Say it.")


@pytest.mark.parametrize(
    "accent", ["British", "posh", "Scottish", "Jamaican", "New York", "American", "Italian"]
)
def test_every_accent_exists_in_the_installed_espeak(accent: str) -> None:
    existing = {voice.id for voice in init_engine().getProperty("voices")}

    assert direction_of(f"with a {accent} accent").base in existing


def test_what_is_asked_for_stays_within_the_reach_of_the_engine() -> None:
    asked = request(instructions="shout, loud, angry, dramatic, cheerful, a high pitched voice", speed=4.0)

    assert asked.pitch == 100
    assert asked.pitch_range == 100
    assert asked.volume <= 2.0
