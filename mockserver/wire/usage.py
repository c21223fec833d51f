"""What an answer is charged with, in the shapes and by the rules of the API.

The rules were fitted to recorded answers; ``docs/fidelity.md`` says how well each is supported.
"""

from __future__ import annotations

import math

from mockserver.wire import tokens

AUDIO_TOKENS_PER_SECOND_HEARD = 10
AUDIO_TOKENS_PER_SECOND_SPOKEN = 20
_TRANSCRIPT_EXTRA = 2
_SPEECH_EXTRA = 22
_DIARIZED_EXTRA = 101
_DIARIZED_PER_SEGMENT = 33
_PER_KNOWN_SPEAKER = 13


def audio_tokens_heard(seconds: float) -> int:
    """Input tokens of a clip of this duration: ten a second, rounded down."""
    return math.floor(AUDIO_TOKENS_PER_SECOND_HEARD * round(seconds, 4))


def duration(seconds: float) -> dict[str, object]:
    """Usage of models that are billed by the second: started seconds count."""
    return {"type": "duration", "seconds": math.ceil(round(seconds, 4))}


def transcription(
    *,
    seconds: float,
    text: str,
    prompt: str = "",
    reference_seconds: tuple[float, ...] = (),
    diarized_segments: int | None = None,
    vocabulary: tokens.Vocabulary = tokens.DEFAULT,
) -> dict[str, object]:
    """Usage of models that are billed by the token.

    ``reference_seconds`` are the durations of known-speaker references; ``diarized_segments`` is how many
    segments a diarizing model found, ``None`` for the others.
    """
    heard = audio_tokens_heard(seconds) + sum(audio_tokens_heard(each) for each in reference_seconds)
    read = (tokens.count(prompt, vocabulary) if prompt else 0) + _PER_KNOWN_SPEAKER * len(reference_seconds)
    written = tokens.count(text, vocabulary) + _TRANSCRIPT_EXTRA
    if diarized_segments is not None:
        written = tokens.count(text, vocabulary) + _DIARIZED_EXTRA + _DIARIZED_PER_SEGMENT * diarized_segments
    return {
        "type": "tokens",
        "total_tokens": heard + read + written,
        "input_tokens": heard + read,
        "input_token_details": {"text_tokens": read, "audio_tokens": heard},
        "output_tokens": written,
    }


def speech(text: str, seconds: float, vocabulary: tokens.Vocabulary = tokens.DEFAULT) -> dict[str, object]:
    """Usage of spoken text, as ``speech.audio.done`` reports it."""
    read = tokens.count(text, vocabulary)
    spoken = math.floor(AUDIO_TOKENS_PER_SECOND_SPOKEN * seconds) + _SPEECH_EXTRA
    return {"input_tokens": read, "output_tokens": spoken, "total_tokens": read + spoken}
