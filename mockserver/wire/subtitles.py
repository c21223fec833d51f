"""Formats subtitles as SubRip and WebVTT. As in the API, SRT ends with two blank lines and VTT with one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mockserver.engines.transcription import Segment


def srt(segments: Iterable[Segment]) -> str:
    """Return the segments as SubRip."""
    cues = (
        f"{number}\n{_clock(segment.start, ',')} --> {_clock(segment.end, ',')}\n{segment.text}\n\n"
        for number, segment in enumerate(segments, 1)
    )
    return "".join(cues) + "\n"


def vtt(segments: Iterable[Segment]) -> str:
    """Return the segments as WebVTT."""
    cues = (
        f"{_clock(segment.start, '.')} --> {_clock(segment.end, '.')}\n{segment.text}\n\n"
        for segment in segments
    )
    return "WEBVTT\n\n" + "".join(cues)


def _clock(seconds: float, mark: str) -> str:
    """Return ``seconds`` as ``HH:MM:SS<mark>mmm``."""
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{rest // 1000:02d}{mark}{rest % 1000:03d}"
