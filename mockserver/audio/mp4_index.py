"""Looks at the index of an MP4 file (ISO/IEC 14496-12) for what FFmpeg would need gigabytes or hours for.

The index can claim millions of packets in a few bytes, and FFmpeg makes a list of them before it reads the first;
or have millions of tags, each of which it compares with all before. Boxes are looked for wherever they are nested,
because FFmpeg reads some of them in places where the standard does not allow them.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mockserver.audio.content import Content

_MAX_PACKETS = 2_000_000  # in the index of an MP4 file, of all tracks; four hours have some 700,000
_MAX_TAGS = 2_000
_WINDOW = 1 << 20  # bytes of an index that are looked through at a time
_OVERLAP = 64  # bytes of it that are looked at twice
_FRAMES_OF_A_PACKET = 1024  # of PCM, as FFmpeg cuts it
_COMPRESSED = b"cmov"
_NAME = re.compile(rb"[ -~\xa9]{4}")  # an mp3 file or AAC has other bytes in this place
_TABLES = re.compile(
    rb"(?P<size>.{4})(?P<name>trak|trun|stsz|stz2|stts|stsc|stco|co64|elst|cmov|keys|----|\xa9.{3})",
    re.DOTALL,
)


class UnreasonableIndex(Exception):
    """A file is built to be costly to read; the message says how."""


def check_index(content: Content, start: int) -> None:
    """Raise ``UnreasonableIndex`` for a file, which begins at ``start``.

    Other files pass: FFmpeg skips boxes with names that it does not know, and so does this.
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
            # The flags that say which facts of the samples follow.
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
    """Yield the name of a box with some table, where its body begins and that one's size, wherever it is nested."""
    for begin, end in _indices(content, start):
        for window in range(begin, end, _WINDOW):
            data = content.part(window, min(_WINDOW + _OVERLAP, end - window))
            for found in _TABLES.finditer(data):
                size, at = int.from_bytes(found["size"], "big"), window + found.end()
                if found.start() < _WINDOW and size == 1:  # it follows in 64 bits
                    yield found["name"], at + 8, end - at - 8
                elif found.start() < _WINDOW and 8 <= size <= end - begin:
                    yield found["name"], at, size - 8


def _indices(content: Content, start: int) -> Iterator[tuple[int, int]]:
    """Yield begin and end of what is no media data in an MP4 file, of boxes with a name that there can be."""
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
    """What the tables of one track say of its packets."""

    def __init__(self) -> None:
        self._samples = self._chunks = 0
        self._edits = 1
        # Samples in chunks, but those of the last run.
        self._in_runs, self._run_begins, self._run_has = 0, 1, 0
        self._is_pcm = True

    @property
    def packets(self) -> int:
        """Return how many packets FFmpeg makes of it, at most."""
        if not self._is_pcm:
            return self._samples * self._edits
        in_chunks = self._in_runs + max(0, self._chunks + 1 - self._run_begins) * self._run_has
        return (in_chunks // _FRAMES_OF_A_PACKET + self._chunks) * self._edits

    def add(self, name: bytes, body: bytes) -> None:
        """Take a table; ``body`` follows version and flags."""
        count = int.from_bytes(body[:4], "big")
        if name in (b"stsz", b"stz2"):
            told = int.from_bytes(body[4:8], "big")
            self._samples += told if name == b"stsz" and count else min(told, 2 * len(body))
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
