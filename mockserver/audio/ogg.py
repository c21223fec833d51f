"""Filters Ogg files for FFmpeg: only the audio streams remain, without their comments.

FFmpeg compares each comment with all previous ones, so that 100,000 short comments take minutes. Here the length of the
vendor name, the first field of the comments, is set to more than any file has, so that FFmpeg reads no comment. Pages
are recognised by their checksums, as in FFmpeg, and only complete pages are passed on.
Source: RFC 3533 (pages), RFC 7845 (Opus), the Ogg mappings of Vorbis, FLAC and Speex.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mockserver.audio.content import Content

_MARK = b"OggS"
_HEADER = 27  # bytes of a page before its table of segments
_MAX_PAGE = _HEADER + 255 + 255 * 255  # bytes
_WINDOW = 1 << 18  # bytes read at a time
_MAX_DAMAGED = 1_000  # pages; the file ends after more
_MAX_STREAMS = 1_000  # consecutive or multiplexed streams; further streams are left out
_CONTINUED = 1  # flag of a page that begins with the rest of a packet
_ENDLESS = b"\xff" * 4  # a length that exceeds every packet
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class _Kind(NamedTuple):
    """A codec's comments: the first bytes of their packet; without any, it is the packet after the header."""

    comments: tuple[bytes, ...]
    length_at: int  # bytes of the packet before its first length


_SPEEX = _Kind((), 0)
_KINDS = {  # by the first bytes of a stream
    b"OpusHead": _Kind((b"OpusTags",), 8),
    b"\x01vorbis": _Kind((b"\x03vorbis",), 7),
    b"\x7fFLAC": _Kind((b"\x04", b"\x84"), 4),  # a metadata block; frames begin with other bytes
    b"Speex   ": _SPEEX,
}


class OggSound:
    """A reader of the filtered bytes of an Ogg file, from ``start``."""

    def __init__(self, content: Content, start: int) -> None:
        self._pages = _without_comments(_pages(content, start))
        self._left = b""

    def read(self, count: int) -> bytes:
        """Return the next bytes, at most ``count``; empty at the end."""
        if not self._left:
            self._left = next(self._pages, b"")
        piece, self._left = self._left[:count], self._left[count:]
        return piece


def _pages(content: Content, start: int) -> Iterator[bytes]:
    """Yield the complete pages. Damaged pages, and bytes between pages, are skipped."""
    window, at, is_all, skipped = b"", 0, False, 0
    while True:
        if len(window) - at < _MAX_PAGE and not is_all:
            more = content.part(start, _WINDOW)
            window, at, start, is_all = window[at:] + more, 0, start + len(more), not more
        at = window.find(_MARK, at)
        if at < 0:
            if is_all:
                return
            at = max(0, len(window) - len(_MARK) + 1)
            continue
        page = _page_at(window, at)
        if page:
            yield page
            at += len(page)
            continue
        skipped += 1
        if skipped > _MAX_DAMAGED:
            return
        at += 1


def _page_at(window: bytes, at: int) -> bytes:
    """Return the page that begins at ``at``; empty if it is not complete."""
    body = at + _HEADER + window[at + 26] if at + _HEADER <= len(window) else len(window)
    page = window[at : body + sum(window[at + _HEADER : body])]
    return page if len(page) >= _HEADER and _with_checksum(page) == page else b""


def _with_checksum(page: bytes) -> bytes:
    """Return a page with its checksum: zlib's CRC with reversed bits, initial value 0, not inverted."""
    bare = page[:22] + bytes(4) + page[26:]
    mirrored = zlib.crc32(bare.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    checksum = int(f"{mirrored:032b}"[::-1], 2)
    return page[:22] + checksum.to_bytes(4, "little") + page[26:]


def _without_comments(pages: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the pages of the audio streams, changed so that their comments cannot be read."""
    kinds: dict[bytes, _Kind | None] = {}  # by the number of the stream
    speex_headers: set[bytes] = set()  # streams with a Speex header as their last packet
    for page in pages:
        stream, changed = page[14:18], page
        if stream not in kinds and len(kinds) == _MAX_STREAMS:
            continue
        for place in _packets(page):
            head = page[place : place + 8]
            found = next((kind for magic, kind in _KINDS.items() if head.startswith(magic)), None)
            if found is not None or stream not in kinds:
                kinds[stream] = found
            kind = kinds[stream]
            if kind is None:
                continue
            is_comment = head.startswith(kind.comments) or stream in speex_headers
            speex_headers.discard(stream)
            if found is _SPEEX:
                speex_headers.add(stream)
            if is_comment:
                length_at = place + kind.length_at
                changed = changed[:length_at] + _ENDLESS + changed[length_at + 4 :]
        if kinds.get(stream) is not None:
            yield page if changed == page else _with_checksum(changed[: len(page)])


def _packets(page: bytes) -> Iterator[int]:
    """Yield the positions on a page at which packets begin."""
    lengths = page[_HEADER : _HEADER + page[26]]
    place, begins = _HEADER + page[26], not page[5] & _CONTINUED
    for length in lengths:
        if begins:
            yield place
        place, begins = place + length, length < 255
