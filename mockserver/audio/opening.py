"""Opens uploaded files with PyAV (FFmpeg) so that only their audio is decoded.

Uploads are untrusted. Only the demuxers of the documented containers are allowed: others (such as playlists) would open
further files and addresses. Only audio decoders are allowed: FFmpeg would decode an image of each video stream and each
cover to determine its size, and a cover of 2 MB can have 2 GB of pixels. FFmpeg gets as few tags as possible, because a
million tags take it hours.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, BinaryIO, Literal

from mockserver.audio.containers import end_of_tags
from mockserver.audio.mp4_index import check_index
from mockserver.audio.ogg import OggSound

if TYPE_CHECKING:
    from av.container import InputContainer

    from mockserver.audio.content import Content

# Names of containers by FFmpeg's demuxers. They read all file types of the API reference (Create transcription: flac,
# mp3, mp4, mpeg, mpga, m4a, ogg, wav, webm), and raw AAC.
CONTAINERS = {
    "aac": "aac",
    "flac": "flac",
    "matroska,webm": "webm",
    "mov,mp4,m4a,3gp,3g2,mj2": "mp4",
    "mp3": "mp3",
    "mpeg": "mpeg",
    "ogg": "ogg",
    "wav": "wav",
}

# The demuxer for the first bytes of a file. For files with other first bytes, all other demuxers are tried.
_MARKS = dict.fromkeys((b"RIFF", b"RIFX", b"RF64", b"BW64"), "wav") | {
    b"fLaC": "flac",
    b"OggS": "ogg",
    b"\x1aE\xdf\xa3": "matroska,webm",
}
_OTHERS = ",".join(name for name in CONTAINERS if name not in ("wav", "ogg", "matroska,webm"))
_RIFF_CHUNKS = (b"fmt ", b"ds64", b"fact")  # the chunks before the data that are needed to decode it
_MAX_CHUNKS = 1000  # chunks of a RIFF file, metadata blocks of a FLAC file, or elements of a Matroska file
_MAX_CHUNK_BYTES = 1 << 16  # bytes
_MAX_STREAMS = 64
_CLUSTER, _SEGMENT = b"\x1fC\xb6u", b"\x18S\x80g"  # elements of a Matroska file
# The elements of a Matroska file that describe its tracks: EBML, Info, Tracks.
_MATROSKA_ELEMENTS = (b"\x1aE\xdf\xa3", b"\x15I\xa9f", b"\x16T\xaek")
_MAX_ELEMENT_BYTES = 1 << 20  # bytes
_UNKNOWN = b"\x01" + b"\xff" * 7  # the size of an element that extends to the end of the file
_STREAM_INFO = 42  # bytes of a FLAC file up to the end of its first block, STREAMINFO
_LAST_BLOCK = 0x80  # flag of a FLAC metadata block
_APE = b"APETAGEX"  # mark of an APE tag at the end of an mp3 file, where a tag of 128 bytes may follow
_TAIL = 160  # bytes in which the mark is searched


def open_sound(content: Content) -> InputContainer:
    """Open the file. The caller closes it. ID3 tags at its start are hidden from FFmpeg.

    Formats that can be read sequentially are opened without ``seek``. Raises ``UnreasonableIndex``, and
    ``av.FFmpegError`` for a file in none of ``CONTAINERS``.
    """
    from mockserver.audio.pyav import av

    start = end_of_tags(content)
    demuxer = _MARKS.get(content.part(start, 4), "")
    options = {
        "format_whitelist": demuxer or _OTHERS,
        "codec_whitelist": _sound_decoders(),
        "max_streams": str(_MAX_STREAMS),
    }
    file: _InOrder | OggSound | BinaryIO
    if demuxer == "wav":
        file = _riff(content, start)
        options["max_probe_packets"] = "1"  # otherwise FFmpeg spends 5 ms on searching for DTS in the PCM
    elif demuxer == "flac":
        file = _flac(content, start)
    elif demuxer == "ogg":
        file = OggSound(content, start)
    elif demuxer:
        file = _matroska(content, start)
    else:
        check_index(content, start)
        file = content.open(start, _end(content))
    return av.open(file, "r", options=options, metadata_errors="ignore")


@cache
def _sound_decoders() -> str:
    """Return the names of FFmpeg's audio decoders, separated by commas."""
    from mockserver.audio.pyav import av

    names = set()
    for name in av.codecs_available:
        try:
            codec = av.Codec(name, "r")
        except av.codec.codec.UnknownCodecError:  # an encoder
            continue
        if codec.type == "audio":
            names.add(codec.name)
    return ",".join(sorted(names))


class _InOrder:
    """A sequential reader: a ``head``, followed by the bytes from ``start`` to ``end``, without ``seek``."""

    def __init__(self, content: Content, head: bytes, start: int, end: int) -> None:
        self._content = content
        self._head = head
        self._position = start
        self._end = end

    def read(self, count: int) -> bytes:
        """Return the next bytes, at most ``count``; empty at the end."""
        if self._head:
            piece, self._head = self._head[:count], self._head[count:]
            return piece
        piece = self._content.part(self._position, min(count, self._end - self._position))
        self._position += len(piece)
        return piece


def _riff(content: Content, start: int) -> _InOrder:
    """Return a RIFF file without its tags, for which FFmpeg would allocate the gigabytes that they claim.

    Only the data chunk may be longer than the rest of the file, or empty, as in files that are streamed, truncated or
    were never completed by the recorder. FFmpeg reads it up to the end of the file.
    """
    head = content.part(start, 12)
    byte_order: Literal["big", "little"] = "big" if head[:4] == b"RIFX" else "little"
    at = start + 12
    for _ in range(_MAX_CHUNKS):
        chunk = content.part(at, 8)
        size = int.from_bytes(chunk[4:], byte_order)
        if chunk[:4] == b"data":
            return _InOrder(content, head + chunk, at + 8, content.size)
        end = at + 8 + size
        if len(chunk) < 8 or end > content.size:
            break
        end += end % 2
        if chunk[:4] in _RIFF_CHUNKS:
            head += content.part(at, min(end - at, _MAX_CHUNK_BYTES))
        at = end
    return _InOrder(content, head, content.size, content.size)


def _flac(content: Content, start: int) -> _InOrder:
    """Return a FLAC file without its metadata blocks but the first, which describes the audio."""
    head = bytearray(content.part(start, _STREAM_INFO))
    if len(head) < _STREAM_INFO:
        return _InOrder(content, b"", start, content.size)
    at, is_last = start + _STREAM_INFO, head[4] & _LAST_BLOCK
    head[4] |= _LAST_BLOCK
    for _ in range(_MAX_CHUNKS):
        if is_last:
            return _InOrder(content, bytes(head), at, content.size)
        block = content.part(at, 4)
        if len(block) < 4:
            break
        is_last = block[0] & _LAST_BLOCK
        at += 4 + int.from_bytes(block[1:], "big")
    return _InOrder(content, b"", content.size, content.size)


def _matroska(content: Content, start: int) -> _InOrder:
    """Return a Matroska file (RFC 9559) without its tags, attachments, chapters and index of times.

    The size of its segment is unknown then, as in a file that is being recorded.
    """
    head, at = b"", start
    for _ in range(_MAX_CHUNKS):
        element = content.part(at, 16)
        name, length = element[: _length_of_number(element)], _number_at(element, _length_of_number(element))
        body = at + len(name) + _length_of_number(element[len(name) :])
        if name == _CLUSTER or not name or body > content.size:
            break
        if name == _SEGMENT:
            head += _SEGMENT + _UNKNOWN
            at = body
            continue
        if name in _MATROSKA_ELEMENTS:
            head += content.part(at, min(body + length, content.size, at + _MAX_ELEMENT_BYTES) - at)
        at = body + length
    return _InOrder(content, head, at, content.size)


def _length_of_number(data: bytes) -> int:
    """Return the number of bytes of the number or element name at the start of ``data``, from its leading zero bits."""
    return 9 - data[0].bit_length() if data else 0


def _number_at(data: bytes, start: int) -> int:
    """Return the number in ``data`` at ``start``, without the bit that marks its length."""
    length = _length_of_number(data[start:])
    number = int.from_bytes(data[start : start + length], "big")
    return number & ~(1 << 7 * length)


def _end(content: Content) -> int:
    """Return the end of a file, without its APE tag."""
    tail_start = max(0, content.size - _TAIL)
    found = content.part(tail_start, _TAIL).rfind(_APE)
    return content.size if found < 0 else tail_start + found
