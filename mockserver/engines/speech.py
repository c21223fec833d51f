"""What it means to speak: the ``Speaker`` protocol and the values it deals in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mockserver.audio.encode import SPEECH_SAMPLE_RATE as SPEECH_SAMPLE_RATE

if TYPE_CHECKING:
    from mockserver.catalog.records import Voice


@dataclass(frozen=True, slots=True)
class Utterance:
    """One text to speak.

    ``speed`` is a factor (0.25 to 4). ``language`` is an ISO 639-1 code; ``None`` tells it from the text.
    ``instructions`` is the API's free-text direction of the delivery ("whisper", "speak slowly", ...).
    """

    text: str
    voice: Voice
    speed: float = 1.0
    language: str | None = None
    instructions: str = ""


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word of the utterance and when it sounds: seconds from the start, in the speech as delivered."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class SpeechChunk:
    """Some speech: ``pcm`` is s16le mono at ``SPEECH_SAMPLE_RATE``; ``words`` are those completed by it."""

    pcm: bytes
    words: tuple[SpokenWord, ...] = ()


class SpeechFailed(Exception):
    """The engine could not speak the utterance; the message says why."""


class Speaker(Protocol):
    """Something that can turn text into speech."""

    def speak(self, utterance: Utterance) -> Iterator[SpeechChunk]:
        """Return the speech, chunk by chunk as it is made. Closing the iterator ends the synthesis.

        Raises ``SpeechFailed`` (also midway).
        """
        ...

    def language_of(self, utterance: Utterance) -> str:
        """Return the ISO 639-1 code of the language the utterance will be spoken in."""
        ...

    def close(self) -> None:
        """End helper processes. The speaker cannot be used afterwards."""
        ...
