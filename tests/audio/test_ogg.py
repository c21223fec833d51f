"""FFmpeg is given the sound of an Ogg file without its comments."""

from __future__ import annotations

import io
import random
import struct

import av
import pytest

from mockserver.audio.content import Content
from mockserver.audio.decode import decode
from mockserver.audio.ogg import OggSound, _with_checksum
from tests.audio.containers import encode, tone

SOUND = tone(0.5)


def shown(data: bytes, step: int = 1000) -> bytes:
    file, read = OggSound(Content.of(data), 0), b""
    while piece := file.read(step):
        assert len(piece) <= step
        read += piece
    return read


def split(data: bytes) -> list[bytes]:
    """Return the pages of a file."""
    pages = []
    while data:
        body = 27 + data[26]
        size = body + sum(data[27:body])
        pages.append(data[:size])
        data = data[size:]
    return pages


def page(packet: bytes, stream: int, number: int, *, continued: bool = False, ends: bool = True) -> bytes:
    lengths = [255] * (len(packet) // 255) + ([len(packet) % 255] if ends else [])
    head = b"OggS\0" + bytes([continued]) + struct.pack("<qIII", 0 if ends else -1, stream, number, 0)
    return _with_checksum(head + bytes([len(lengths)]) + bytes(lengths) + packet)


def with_comments(data: bytes, comments: list[bytes], software: bytes = b"x") -> bytes:
    """Return an Opus file with other comments."""
    pages = split(data)
    packet = b"OpusTags" + struct.pack("<I", len(software)) + software + struct.pack("<I", len(comments))
    packet += b"".join(struct.pack("<I", len(each)) + each for each in comments)
    stream, most = struct.unpack("<I", pages[0][14:18])[0], 255 * 200
    cut = [packet[at : at + most] for at in range(0, len(packet), most)]
    tags = [
        page(each, stream, number, continued=number > 1, ends=number == len(cut))
        for number, each in enumerate(cut, 1)
    ]
    rest = [
        _with_checksum(each[:18] + struct.pack("<I", number) + each[22:])
        for number, each in enumerate(pages[2:], len(tags) + 1)
    ]
    return b"".join([pages[0], *tags, *rest])


def opened(data: bytes) -> tuple[dict[str, str], int]:
    """Return the comments of a file and its number of samples."""
    with av.open(io.BytesIO(data), "r", format="ogg") as container:
        stream = container.streams.audio[0]
        return dict(stream.metadata), sum(frame.samples for frame in container.decode(stream))


@pytest.mark.parametrize("file_type", ["ogg", "oga"])
def test_the_sound_is_shown_without_comments(file_type: str) -> None:
    data = encode(SOUND, file_type)
    comments, samples = opened(data)
    assert comments
    assert opened(shown(data)) == ({}, samples)
    assert len(shown(data)) == len(data)


@pytest.mark.parametrize(
    ("comments", "software"),
    [
        ([b"K%d=v" % number for number in range(100_000)], b"x"),
        ([b"K=" + bytes(1_000_000)] * 4, b"x"),
        ([b"K=v"], b"x" * 1_000_000),
    ],
    ids=["many", "large", "large name of the software"],
)
def test_comments_cost_nothing(comments: list[bytes], software: bytes) -> None:
    plain = encode(SOUND, "ogg")
    tagged = with_comments(plain, comments, software)
    assert opened(shown(tagged)) == ({}, opened(plain)[1])
    assert (
        decode(tagged, keep_seconds=0, max_seconds=60).facts
        == decode(plain, keep_seconds=0, max_seconds=60).facts
    )


def test_streams_that_are_not_of_sound_are_not_shown() -> None:
    sound, picture = encode(SOUND, "ogg"), page(b"\x80theora" + bytes(35), 77, 0)
    comments = page(b"\x81theora" + struct.pack("<II", 0, 9), 77, 1)
    assert shown(picture + sound + comments) == shown(sound)


def test_comments_of_the_files_in_a_chain_are_not_shown_either() -> None:
    first, second = encode(SOUND, "ogg"), with_comments(encode(SOUND, "ogg"), [b"TITLE=x"])
    second = b"".join(_with_checksum(each[:14] + b"\7\7\7\7" + each[18:]) for each in split(second))
    assert shown(first + second) == shown(first) + shown(second)
    assert opened(shown(second))[0] == {}


def test_speex_has_its_comments_in_the_packet_after_the_header() -> None:
    header, comments, frame = page(b"Speex   " + bytes(72), 5, 0), struct.pack("<II", 0, 9), b"\1" * 30
    read = shown(header + page(comments, 5, 1) + page(frame, 5, 2))
    assert read == header + page(b"\xff" * 4 + comments[4:], 5, 1) + page(frame, 5, 2)


def test_of_damaged_files_the_pages_are_shown_that_ffmpeg_finds() -> None:
    data, dice = encode(SOUND, "ogg"), random.Random(1)
    pages = split(shown(data))
    for _ in range(30):
        damaged, place = bytearray(data), dice.randrange(len(pages[0]), len(data))
        damaged[place] ^= 1 << dice.randrange(8)
        if dice.random() < 0.3:
            damaged[place:place] = b"OggS" + bytes(dice.randrange(50))
        left = split(shown(bytes(damaged)))
        assert [each for each in pages if each in left] == left
        assert len(pages) - 1 <= len(left)


def test_what_only_looks_like_pages_is_given_up() -> None:
    assert shown((b"OggS" + bytes(22) + b"\xff" * 229) * 2000 + encode(SOUND, "ogg")) == b""


@pytest.mark.parametrize("data", [b"", b"O", b"OggS", b"OggS" * 3, b"OggS" + bytes(23), bytes(300_000)])
def test_what_has_no_page_is_nothing(data: bytes) -> None:
    assert shown(data) == b""
