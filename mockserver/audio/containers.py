"""Tells what container a file is from its first bytes, without decoding it."""

from __future__ import annotations

import re

_ID3_HEAD = 10  # bytes
_PADDING = 4096  # bytes of zeros behind a tag, at most
_TOP_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide")  # that MP4 and QuickTime files begin with
_VIDEO_TRACK = re.compile(rb"hdlr.{8}vide", re.DOTALL)  # a track's handler box


def container_of(data: bytes) -> str | None:
    """Return the container of a file, or ``None`` for what has no mark of a known one.

    It is ``wav``, ``flac``, ``ogg``, ``webm``, ``mp4``, ``mp4-video`` (with a video track; a cover is none), ``mp3``,
    ``aac`` or ``mpeg``.
    """
    if data.startswith(b"ID3") and len(data) >= _ID3_HEAD:
        start = _ID3_HEAD + _synchsafe(data[6:10])
        return _frames(data[start : start + _PADDING].lstrip(b"\0")) or "mp3"
    if data[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64"):
        return "wav" if data[8:12] == b"WAVE" else None
    if data[4:8] in _TOP_BOXES:
        return "mp4-video" if _VIDEO_TRACK.search(data) else "mp4"
    marks = {b"fLaC": "flac", b"OggS": "ogg", b"\x1aE\xdf\xa3": "webm", b"\0\0\1\xba": "mpeg"}
    return marks.get(data[:4]) or _frames(data)


def _frames(data: bytes) -> str | None:
    """Return what a file without a container begins with: an MPEG audio frame, one of ADTS, or FLAC behind a tag."""
    if data[:4] == b"fLaC":
        return "flac"
    if len(data) < 2 or data[0] != 0xFF or data[1] & 0xE0 != 0xE0:
        return None
    layer = data[1] & 0x06
    return "mp3" if layer else "aac" if data[1] & 0xF0 == 0xF0 else None


def _synchsafe(size: bytes) -> int:
    """Return a number of which each byte holds seven bits."""
    return sum((byte & 0x7F) << 7 * place for place, byte in enumerate(reversed(size)))
