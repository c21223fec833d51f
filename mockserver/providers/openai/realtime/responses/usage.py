"""The usage of responses: the tokens of what is read, what of it was cached, and the tokens of what is made.

The rules were fitted to recorded sessions (``docs/fidelity.md``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from mockserver.wire.usage import OUTPUT_TOKENS_PER_SECOND

_CACHED = 64  # cached tokens are a multiple of these

_WRITTEN = 2  # tokens of a text, in addition to one for each delta
_CALLED = 10  # tokens of a call, in addition to one for each delta
_FEW_SPOKEN = 6  # the same for a transcript of at most three deltas
_SPOKEN = 8  # of a longer one, which takes two more for about every eight deltas
_OF_SPEECH = 2  # audio tokens, in addition to those of the time


class Tokens(Struct, frozen=True):
    """Numbers of tokens."""

    text: int = 0
    audio: int = 0
    image: int = 0

    @property
    def total(self) -> int:
        """Return the sum."""
        return self.text + self.audio + self.image

    def __add__(self, other: Tokens) -> Tokens:
        """Return the sums."""
        return Tokens(self.text + other.text, self.audio + other.audio, self.image + other.image)


class Segment(Struct, frozen=True):
    """A part of what the model reads: the instructions with the tools, or an item. ``key`` identifies it."""

    key: str
    tokens: Tokens


def total(segments: Iterable[Segment]) -> Tokens:
    """Return the tokens of all segments."""
    return sum((segment.tokens for segment in segments), Tokens())


def cached(segments: Sequence[Segment], before: Sequence[Segment]) -> Tokens:
    """Return the tokens that a response finds in the cache: of the segments that it has in common with the one before.

    Text, audio and images are cached separately, in blocks.
    """
    common = Tokens()
    for segment, known in zip(segments, before, strict=False):
        if segment != known:
            break
        common += segment.tokens
    return Tokens(*(count // _CACHED * _CACHED for count in (common.text, common.audio, common.image)))


def written(deltas: int) -> int:
    """Return the tokens of a text."""
    return deltas + _WRITTEN if deltas else 0


def transcribed(deltas: int) -> int:
    """Return the text tokens of a transcript."""
    if not deltas:
        return 0
    return deltas + (_FEW_SPOKEN if deltas <= 3 else _SPOKEN + 2 * round(deltas / 8))


def called(deltas: int) -> int:
    """Return the tokens of a function call."""
    return deltas + _CALLED


def spoken(ms: float) -> int:
    """Return the audio tokens of speech."""
    return math.ceil(round(ms * OUTPUT_TOKENS_PER_SECOND / 1000, 3)) + _OF_SPEECH if ms else 0


def speakable_ms(audio_tokens: float) -> float:
    """Return the milliseconds of speech that some audio tokens allow."""
    return max(0.0, (audio_tokens - _OF_SPEECH) * 1000 / OUTPUT_TOKENS_PER_SECOND)


def usage(read: Tokens, from_cache: Tokens, made: Tokens, reasoned: int = 0) -> dict[str, Any]:
    """Return the ``usage`` of a response. ``reasoned`` tokens are part of the text."""
    output: dict[str, int] = {"text_tokens": made.text, "audio_tokens": made.audio}
    if reasoned:
        output["reasoning_tokens"] = reasoned
    return {
        "total_tokens": read.total + made.total,
        "input_tokens": read.total,
        "output_tokens": made.total,
        "input_token_details": {
            **_details(read),
            "cached_tokens": from_cache.total,
            "cached_tokens_details": _details(from_cache),
        },
        "output_token_details": output,
    }


def _details(tokens: Tokens) -> dict[str, int]:
    return {"text_tokens": tokens.text, "audio_tokens": tokens.audio, "image_tokens": tokens.image}
