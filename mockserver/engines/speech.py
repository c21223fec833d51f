"""The ``Speaker`` protocol and its values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, Protocol

from mockserver.audio.encode import SPEECH_SAMPLE_RATE as SPEECH_SAMPLE_RATE

if TYPE_CHECKING:
    from mockserver.catalog.records import Voice


class Utterance(NamedTuple):
    """A text to speak.

    ``speed`` is a factor (0.25 to 4). ``language`` is an ISO 639-1 code; with ``None`` it is detected from the text.
    ``instructions`` describe the delivery in free text ("whisper", "speak slowly", ...), as in the API.
    """

    text: str
    voice: Voice
    speed: float = 1.0
    language: str | None = None
    instructions: str = ""


class SpokenWord(NamedTuple):
    """A word of the utterance with its times: seconds from the start of the delivered speech."""

    text: str
    start: float
    end: float


class SpeechChunk(NamedTuple):
    """A chunk of speech. ``pcm`` is s16le mono at ``SPEECH_SAMPLE_RATE``; ``words`` are those that end with it."""

    pcm: bytes
    words: tuple[SpokenWord, ...] = ()


class SpeechFailed(Exception):
    """The engine could not speak the utterance; the message gives the reason."""


class Speaker(Protocol):
    """An engine that speaks text."""

    def speak(self, utterance: Utterance) -> Iterator[SpeechChunk]:
        """Begin to speak. Return an iterator of the chunks as they are made; closing it ends the synthesis.

        Raises ``SpeechFailed``, also while it is read.
        """
        ...

    def language_of(self, utterance: Utterance) -> str:
        """Return the ISO 639-1 code of the language in which the utterance will be spoken."""
        ...

    def close(self) -> None:
        """End helper processes. The speaker cannot be used afterwards."""
        ...
