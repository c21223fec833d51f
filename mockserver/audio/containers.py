"""Detects the container of a file from its first bytes, without decoding it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mockserver.audio.content import Content

_HEAD = 16  # bytes that identify the container
_ID3_HEAD = 10  # bytes
_HAS_FOOTER = 0x10  # flag of an ID3 tag
_MAX_TAGS = 100  # tags before a file
_PADDING = 4096  # bytes; maximum number of zeros after a tag
_TOP_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide")  # first boxes of MP4 and QuickTime files
_VIDEO_TRACK = re.compile(rb"hdlr.{8}vide", re.DOTALL)
_HANDLER = 16  # bytes that ``_VIDEO_TRACK`` matches
_WINDOW = 1 << 20  # bytes that are searched at a time


def container_of(content: Content) -> str | None:
    """Return the container of a file, or ``None`` if its first bytes match no known container.

    It is ``wav``, ``flac``, ``ogg``, ``webm``, ``mp4``, ``mp4-video`` (with a video track, which a cover is not),
    ``mp3``, ``aac`` or ``mpeg``.
    """
    start = end_of_tags(content)
    if start:
        return _frames(content.part(start, _PADDING).lstrip(b"\0")) or "mp3"
    data = content.part(0, _HEAD)
    if data[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64"):
        return "wav" if data[8:12] == b"WAVE" else None
    if data[4:8] in _TOP_BOXES:
        return "mp4-video" if _has_video(content) else "mp4"
    marks = {b"fLaC": "flac", b"OggS": "ogg", b"\x1aE\xdf\xa3": "webm", b"\0\0\1\xba": "mpeg"}
    return marks.get(data[:4]) or _frames(data)


def end_of_tags(content: Content) -> int:
    """Return the position after the ID3 tags (version 2) at the start of a file; 0 if there are none."""
    at = 0
    for _ in range(_MAX_TAGS):
        head = content.part(at, _ID3_HEAD)
        if head[:3] != b"ID3" or len(head) < _ID3_HEAD:
            return min(at, content.size)
        footer = _ID3_HEAD if head[5] & _HAS_FOOTER else 0
        at += _ID3_HEAD + _synchsafe(head[6:10]) + footer
    return content.size


def _has_video(content: Content) -> bool:
    """Return whether the handler box of a track is of type video."""
    starts = range(0, content.size, _WINDOW)
    return any(_VIDEO_TRACK.search(content.part(start, _WINDOW + _HANDLER)) for start in starts)


def _frames(data: bytes) -> str | None:
    """Return the format of a file without a container (MPEG audio, ADTS) or of FLAC after a tag; else ``None``."""
    if data[:4] == b"fLaC":
        return "flac"
    if len(data) < 2 or data[0] != 0xFF or data[1] & 0xE0 != 0xE0:
        return None
    layer = data[1] & 0x06
    return "mp3" if layer else "aac" if data[1] & 0xF0 == 0xF0 else None


def _synchsafe(size: bytes) -> int:
    """Return a number that is stored with seven bits per byte."""
    return sum((byte & 0x7F) << 7 * place for place, byte in enumerate(reversed(size)))
