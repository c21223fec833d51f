"""Calculates the ``usage`` of responses by the API's rules.

The rules were fitted to recorded answers; ``docs/fidelity.md`` lists the evidence for each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from mockserver.wire import tokens

INPUT_TOKENS_PER_SECOND = 10
OUTPUT_TOKENS_PER_SECOND = 20
_TRANSCRIPT_EXTRA = 2
_SPEECH_EXTRA = 22
_DIARIZED_EXTRA = 51
_DIARIZED_PER_SECOND = 23
_READ_PER_KNOWN_SPEAKER = 9  # tokens, in addition to the name
_WRITTEN_PER_KNOWN_SPEAKER = 13


def input_audio_tokens(seconds: float) -> int:
    """Return the input tokens of a clip of this duration: ten per second, rounded down."""
    return math.floor(INPUT_TOKENS_PER_SECOND * round(seconds, 4))


def duration(seconds: float) -> dict[str, object]:
    """Return the usage of models that are billed by the second, rounded up."""
    return {"type": "duration", "seconds": math.ceil(round(seconds, 4))}


def transcription(
    *,
    seconds: float,
    text: str,
    prompt: str = "",
    known_speakers: Sequence[tuple[str, float]] = (),
    diarized: bool = False,
    vocabulary: tokens.Vocabulary = tokens.DEFAULT,
) -> dict[str, object]:
    """Return the usage of models that are billed by the token.

    ``known_speakers`` are the names of known speakers with the durations of their samples in seconds; ``diarized`` is
    true for a model that distinguishes speakers.
    """
    audio = sum(input_audio_tokens(each) for each in (seconds, *(each for _, each in known_speakers)))
    read = tokens.count(prompt, vocabulary)
    read += sum(tokens.count(name, vocabulary) + _READ_PER_KNOWN_SPEAKER for name, _ in known_speakers)
    written = tokens.count(text, vocabulary) + _TRANSCRIPT_EXTRA
    if diarized:
        written += _DIARIZED_EXTRA - _TRANSCRIPT_EXTRA + round(_DIARIZED_PER_SECOND * seconds)
        written += _WRITTEN_PER_KNOWN_SPEAKER * len(known_speakers)
    return {
        "type": "tokens",
        "total_tokens": audio + read + written,
        "input_tokens": audio + read,
        "input_token_details": {"text_tokens": read, "audio_tokens": audio},
        "output_tokens": written,
    }


def speech(text: str, seconds: float, vocabulary: tokens.Vocabulary = tokens.DEFAULT) -> dict[str, object]:
    """Return the usage of a speech, in the form of ``speech.audio.done``."""
    read = tokens.count(text, vocabulary)
    spoken = math.floor(OUTPUT_TOKENS_PER_SECOND * seconds) + _SPEECH_EXTRA
    return {"input_tokens": read, "output_tokens": spoken, "total_tokens": read + spoken}
