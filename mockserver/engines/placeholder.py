"""The placeholder: the answer for audio that no engine can transcribe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.engines.answered_by import AnsweredBy
from mockserver.engines.derive import with_words
from mockserver.engines.transcription import Segment, Transcription, UnknownAudio

if TYPE_CHECKING:
    from mockserver.audio.clip import Clip

ANSWERED_BY = AnsweredBy("placeholder")


def placeholder(clip: Clip, duration: float, unknown_audio: str) -> Transcription:
    """Return a text that describes the clip in place of its transcript; ``duration`` is in seconds.

    Raises ``UnknownAudio`` if ``unknown_audio``, the setting, is ``error``.
    """
    if unknown_audio == "error":
        raise UnknownAudio(clip.sha256)
    text = f"[mock transcript of {duration:.1f} seconds of unknown audio, sha256 {clip.sha256[:12]}]"
    segment = with_words(Segment(text, 0.0, round(duration, 3)))
    return Transcription(ANSWERED_BY, duration, ("en",), (segment,))
