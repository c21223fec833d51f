"""Translates an utterance (voice, speed, language, instructions) into a request to espeak-ng."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from mockserver.catalog.languages import espeak_voices
from mockserver.catalog.reading import read_table
from mockserver.engines.espeak.helper import SpeechRequest
from mockserver.engines.text_language import language_of_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mockserver.engines.speech import Utterance

_CATALOG = Path(__file__).parents[2] / "catalog"

USUAL_RATE = 175  # words per minute; espeak-ng's default, used for speed 1
# Words per minute. espeak-ng's minimum is 80, and above 450 its word events have wrong times.
SLOWEST_RATE, FASTEST_RATE = 87, 438
SLOWEST_SPEED, FASTEST_SPEED = 0.25, 4.0  # API reference, Create speech
# Control characters are commands to espeak-ng, and surrogates cannot be encoded as UTF-8.
UNSPEAKABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class Direction(Struct, frozen=True):
    """The changes that ``instructions`` request: factors of rate, gain and pitch range, and a shift of pitch.

    ``variant`` replaces the voice's timbre, ``base`` its accent; ``language`` is an ISO 639-1 code.
    """

    rate: float = 1.0
    pitch: int = 0
    gain: float = 1.0
    pitch_range: float = 1.0
    variant: str | None = None
    base: str | None = None
    language: str | None = None


class Delivery(Struct, frozen=True):
    """The request to espeak-ng, and the factor ``tempo`` by which its speech is sped up afterwards."""

    request: SpeechRequest
    tempo: float


def deliver(utterance: Utterance) -> Delivery:
    """Return the delivery of ``utterance``; ``tempo`` is the part of the speed that exceeds espeak-ng's range."""
    direction = direction_of(utterance.instructions)
    wanted_speed = utterance.speed * utterance.voice.tempo * direction.rate
    speed = min(max(wanted_speed, SLOWEST_SPEED), FASTEST_SPEED)
    wanted_rate = round(USUAL_RATE * speed)
    rate = min(max(wanted_rate, SLOWEST_RATE), FASTEST_RATE)
    request = SpeechRequest(
        text=UNSPEAKABLE.sub(" ", utterance.text),
        voice=_espeak_voice(utterance, direction),
        rate=rate,
        pitch=min(max(utterance.voice.pitch + direction.pitch, 0), 100),
        pitch_range=min(round(50 * direction.pitch_range), 100),
        volume=min(utterance.voice.gain * direction.gain, 2.0),
    )
    return Delivery(request, tempo=1.0 if rate == wanted_rate else USUAL_RATE * speed / rate)


def language_of(utterance: Utterance) -> str:
    """Return the ISO 639-1 code of the language: the requested one, else the instructed one, else the detected one."""
    hint = utterance.language or direction_of(utterance.instructions).language
    return language_of_text(utterance.text, hint)


@lru_cache(maxsize=256)
def direction_of(instructions: str) -> Direction:
    """Return the changes that ``instructions`` request, by all matching rules of ``catalog/instructions.toml``."""
    direction = Direction()
    for change in _changes(instructions):
        combined = {
            "rate": direction.rate * change.get("rate", 1.0),
            "pitch": direction.pitch + change.get("pitch", 0),
            "gain": direction.gain * change.get("gain", 1.0),
            "pitch_range": direction.pitch_range * change.get("pitch_range", 1.0),
        }
        direction = replace(direction, **{**change, **combined})
    return direction


def _espeak_voice(utterance: Utterance, direction: Direction) -> str:
    language = language_of(utterance)
    own = utterance.voice.base
    base = direction.base or (own if language == "en" else espeak_voices().get(language, own))
    return f"{base}+{direction.variant or utterance.voice.variant}"


def _changes(instructions: str) -> Iterator[dict[str, Any]]:
    """Yield the fields of ``Direction`` that the instructions change, rule by rule."""
    rules = _rules()
    for pattern, change in rules.deliveries:
        if _match(pattern, instructions):
            yield change
    if found := _match(rules.in_language, instructions):
        yield {"language": rules.languages[found["name"].lower()]}
    if found := _match(rules.with_accent, instructions):
        yield {"base": espeak_voices()[rules.languages[found["name"].lower()]]}
    for pattern, change in rules.accents:
        if _match(pattern, instructions):
            yield change


def _match(pattern: re.Pattern[str], instructions: str) -> re.Match[str] | None:
    """Return the first match that is not negated."""
    negation = _rules().negation
    matches = pattern.finditer(instructions)
    return next((found for found in matches if not negation.search(instructions[: found.start()])), None)


class _Rules(Struct, frozen=True):
    """The compiled rules of ``catalog/instructions.toml``. ``languages`` maps names of languages to their codes."""

    negation: re.Pattern[str]
    in_language: re.Pattern[str]
    with_accent: re.Pattern[str]
    deliveries: tuple[tuple[re.Pattern[str], dict[str, Any]], ...]
    accents: tuple[tuple[re.Pattern[str], dict[str, Any]], ...]
    languages: dict[str, str]


@cache
def _rules() -> _Rules:
    table = read_table(_CATALOG / "instructions.toml")
    languages = _languages_by_name()
    any_language = f"(?P<name>{'|'.join(map(re.escape, languages))})"
    return _Rules(
        _pattern(table["negation"]),
        _pattern(table["in_language"].format(any_language)),
        _pattern(table["with_accent"].format(any_language)),
        tuple((_pattern(row.pop("pattern")), row) for row in table["rules"]),
        tuple((_pattern(row.pop("pattern")), row) for row in table["accents"]),
        languages,
    )


def _languages_by_name() -> dict[str, str]:
    table = read_table(_CATALOG / "languages.toml")
    named = {name: code for code, name in table["names"].items()} | table["other_names"]
    return {name: code for name, code in named.items() if code in espeak_voices()}


def _pattern(expression: str) -> re.Pattern[str]:
    return re.compile(expression, re.IGNORECASE)
