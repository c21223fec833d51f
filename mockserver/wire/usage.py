"""What an answer is charged with, in the shapes and by the rules of the API.

The rules were fitted to recorded answers; ``docs/fidelity.md`` says how well each is supported.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from mockserver.wire import tokens

AUDIO_TOKENS_PER_SECOND_HEARD = 10
AUDIO_TOKENS_PER_SECOND_SPOKEN = 20
_TRANSCRIPT_EXTRA = 2
_SPEECH_EXTRA = 22
_DIARIZED_EXTRA = 51
_DIARIZED_PER_SECOND = 23
_READ_PER_KNOWN_SPEAKER = 9  # beside the name
_WRITTEN_PER_KNOWN_SPEAKER = 13


def audio_tokens_heard(seconds: float) -> int:
    """Return the input tokens of a clip of this duration: ten a second, rounded down."""
    return math.floor(AUDIO_TOKENS_PER_SECOND_HEARD * round(seconds, 4))


def duration(seconds: float) -> dict[str, object]:
    """Return the usage of models that are billed by the second: started seconds count."""
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

    ``known_speakers`` are the names of known speakers with the durations of their references; ``diarized`` says whether
    the model told speakers apart.
    """
    heard = sum(audio_tokens_heard(each) for each in (seconds, *(each for _, each in known_speakers)))
    read = tokens.count(prompt, vocabulary)
    read += sum(tokens.count(name, vocabulary) + _READ_PER_KNOWN_SPEAKER for name, _ in known_speakers)
    written = tokens.count(text, vocabulary) + _TRANSCRIPT_EXTRA
    if diarized:
        written += _DIARIZED_EXTRA - _TRANSCRIPT_EXTRA + round(_DIARIZED_PER_SECOND * seconds)
        written += _WRITTEN_PER_KNOWN_SPEAKER * len(known_speakers)
    return {
        "type": "tokens",
        "total_tokens": heard + read + written,
        "input_tokens": heard + read,
        "input_token_details": {"text_tokens": read, "audio_tokens": heard},
        "output_tokens": written,
    }


def speech(text: str, seconds: float, vocabulary: tokens.Vocabulary = tokens.DEFAULT) -> dict[str, object]:
    """Return the usage of spoken text, as ``speech.audio.done`` reports it."""
    read = tokens.count(text, vocabulary)
    spoken = math.floor(AUDIO_TOKENS_PER_SECOND_SPOKEN * seconds) + _SPEECH_EXTRA
    return {"input_tokens": read, "output_tokens": spoken, "total_tokens": read + spoken}
