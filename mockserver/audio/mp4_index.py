"""Checks the index of an MP4 file (ISO/IEC 14496-12) for entries that would cost FFmpeg gigabytes or hours.

The index can claim millions of packets in a few bytes, and FFmpeg lists all packets before it reads the first one. It
can also have millions of tags, and FFmpeg compares each tag with all previous ones. Boxes are searched at every level,
because FFmpeg reads some of them in places where the standard does not allow them.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mockserver.audio.content import Content

_MAX_PACKETS = 2_000_000  # packets of all tracks; four hours have about 700,000
_MAX_TAGS = 2_000
_WINDOW = 1 << 20  # bytes of an index that are searched at a time
_OVERLAP = 64  # bytes by which these overlap
_FRAMES_PER_PACKET = 1024  # PCM frames that FFmpeg puts into a packet
_COMPRESSED = b"cmov"
_NAME = re.compile(rb"[ -~\xa9]{4}")  # mp3 and AAC files have other bytes in this place
_TABLES = re.compile(
    rb"(?P<size>.{4})(?P<name>trak|trun|stsz|stz2|stts|stsc|stco|co64|elst|cmov|keys|----|\xa9.{3})",
    re.DOTALL,
)


class UnreasonableIndex(Exception):
    """The file is made to be expensive to read; the message gives the reason."""


def check_index(content: Content, start: int) -> None:
    """Raise ``UnreasonableIndex`` if the file, which begins at ``start``, is too expensive to read.

    Files in other formats pass. Boxes with unknown names are skipped, as FFmpeg does.
    """
    packets = tags = 0
    track = _Track()
    for name, at, size in _tables(content, start):
        count = int.from_bytes(content.part(at + 4, 4), "big")
        if name == _COMPRESSED:
            raise UnreasonableIndex("its index is compressed")
        if name == b"trak":
            packets += track.packets
            track = _Track()
        elif name == b"trun":
            # These flags state which fields of the samples follow.
            lists_samples = content.part(at + 2, 1)[:1] > b"\0"
            packets += min(count, size // 4) if lists_samples else count
        elif name == b"keys":
            tags += min(count, size // 8)
        elif name == b"----" or name[:1] == b"\xa9":
            tags += 1
        else:
            track.add(name, content.part(at + 4, size))
        if packets + track.packets > _MAX_PACKETS:
            raise UnreasonableIndex(f"its index has more than {_MAX_PACKETS} packets")
        if tags > _MAX_TAGS:
            raise UnreasonableIndex(f"it has more than {_MAX_TAGS} tags")


def _tables(content: Content, start: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name, the start of the body and the size of the body of each box with a table, at every level."""
    for begin, end in _indices(content, start):
        for window in range(begin, end, _WINDOW):
            data = content.part(window, min(_WINDOW + _OVERLAP, end - window))
            for found in _TABLES.finditer(data):
                size, at = int.from_bytes(found["size"], "big"), window + found.end()
                if found.start() < _WINDOW and size == 1:  # the size follows in 64 bits
                    yield found["name"], at + 8, end - at - 8
                elif found.start() < _WINDOW and 8 <= size <= end - begin:
                    yield found["name"], at, size - 8


def _indices(content: Content, start: int) -> Iterator[tuple[int, int]]:
    """Yield the start and end of the boxes of an MP4 file that have a possible name and are not media data."""
    at = start
    while at + 8 <= content.size:
        head = content.part(at, 16)
        size = int.from_bytes(head[:4], "big")
        size = int.from_bytes(head[8:], "big") if size == 1 else size or content.size - at
        if size < 8:
            return
        if head[4:8] != b"mdat" and _NAME.fullmatch(head[4:8]):
            yield at, min(at + size, content.size)
        at += size


class _Track:
    """The number of packets of one track, according to its tables."""

    def __init__(self) -> None:
        self._samples = self._chunks = 0
        self._edits = 1
        self._in_runs = 0  # samples in all runs of chunks but the last
        self._run_begins, self._run_has = 1, 0  # the last run: its first chunk, and its samples per chunk
        self._is_pcm = True

    @property
    def packets(self) -> int:
        """Return the maximum number of packets that FFmpeg makes of the track."""
        if not self._is_pcm:
            return self._samples * self._edits
        in_chunks = self._in_runs + max(0, self._chunks + 1 - self._run_begins) * self._run_has
        return (in_chunks // _FRAMES_PER_PACKET + self._chunks) * self._edits

    def add(self, name: bytes, body: bytes) -> None:
        """Add a table; ``body`` starts after version and flags."""
        count = int.from_bytes(body[:4], "big")
        if name in (b"stsz", b"stz2"):
            stated = int.from_bytes(body[4:8], "big")
            self._samples += stated if name == b"stsz" and count else min(stated, 2 * len(body))
        elif name == b"stts":
            self._is_pcm &= count == 1 and body[8:12] == b"\0\0\0\1"
        elif name == b"elst":
            self._edits = max(self._edits, min(count, len(body) // 12))
        elif name in (b"stco", b"co64"):
            self._chunks = max(self._chunks, min(count, len(body) // 4))
        elif name == b"stsc":
            table = body[4 : 4 + 12 * min(count, (len(body) - 4) // 12)]
            for first, samples, _ in struct.iter_unpack(">III", table):
                self._in_runs += max(0, first - self._run_begins) * self._run_has
                self._run_begins, self._run_has = first, samples
