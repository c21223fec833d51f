import io
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping

import av
import pytest

from mockserver.audio.decode import UndecodableAudio, decode
from tests.audio.containers import RATE, encode, film, tone
from tests.audio.pictures import HOLDERS, png, with_pictures

TONE = tone(2.0)
FACTS = (
    "import sys; from mockserver.audio.decode import decode\n"
    "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**29, 2**29))\n"
    "print(decode(sys.stdin.buffer.read(), keep_seconds=0, max_seconds=60).facts)"
)


@pytest.mark.parametrize("file_type", HOLDERS)
def test_a_file_with_a_cover_is_transcribed(file_type: str) -> None:
    facts = decode(with_pictures(TONE, file_type, [png(8)]), keep_seconds=0, max_seconds=60).facts
    assert facts.duration == pytest.approx(2.0, abs=0.06)


@pytest.mark.slow
@pytest.mark.parametrize("file_type", HOLDERS)
def test_no_pixel_of_a_cover_is_decoded(file_type: str) -> None:
    """Decode in half a gigabyte of address space; the pixels of the cover would take two."""
    data = with_pictures(TONE, file_type, [png(16_000)])
    run = subprocess.run([sys.executable, "-c", FACTS], input=data, capture_output=True, check=False)
    assert b"duration=2.0" in run.stdout, run.stderr.decode()


def test_twenty_large_covers_are_passed_over() -> None:
    data = with_pictures(TONE, "mp3", [png(8000)] * 20)
    run = subprocess.run([sys.executable, "-c", FACTS], input=data, capture_output=True, check=False)
    assert b"duration=2.0" in run.stdout, run.stderr.decode()


def test_a_cover_changes_nothing_of_the_sound() -> None:
    plain = decode(encode(TONE, "flac"), keep_seconds=0, max_seconds=60).facts
    assert decode(with_pictures(TONE, "flac", [png(8)]), keep_seconds=0, max_seconds=60).facts == plain


def test_the_pictures_of_a_film_are_passed_over() -> None:
    assert decode(film(TONE), keep_seconds=0, max_seconds=60).facts.codec == "aac"


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 8], data[at + 8 : at + size]
        at += size


def box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + name + content


def rewritten(data: bytes, tables: Mapping[bytes, bytes]) -> bytes:
    """Return an MP4 file with other tables."""
    return b"".join(
        box(name, rewritten(content, tables) if name in NESTED else tables.get(name, content))
        for name, content in boxes(data)
    )


def in_fragments(pcm: bytes) -> bytes:
    """Return an MP4 file whose index is spread over the file."""
    file = io.BytesIO()
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    with av.open(file, "w", format="mp4", container_options=options) as target:
        stream = target.add_stream("aac", RATE)
        frame = av.AudioFrame("s16", "mono", len(pcm) // 2)
        frame.sample_rate = RATE
        frame.planes[0].update(pcm)
        assert isinstance(stream, av.AudioStream)
        stream.layout = "mono"
        target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return file.getvalue()


def compressed_index(data: bytes) -> bytes:
    at = data.rindex(b"moov") - 4
    index = data[at:] + bytes(1 << 20)
    packed = box(b"dcom", b"zlib") + box(b"cmvd", struct.pack(">I", len(index)) + zlib.compress(index))
    return data[:at] + box(b"moov", box(b"cmov", packed))


def with_tags(data: bytes, tag: bytes) -> bytes:
    at = data.rindex(b"moov") - 4
    return data[:at] + box(b"moov", data[at + 8 :] + box(b"udta", tag * 3000))


NESTED = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf", b"edts")
M4A = encode(TONE, "m4a")
PCM_TABLES = {
    b"stsz": struct.pack(">III", 0, 2, 4_000_000_000),
    b"stsc": struct.pack(">IIIII", 0, 1, 1, 48_000, 1),
    b"stts": struct.pack(">IIII", 0, 1, 4_000_000_000, 1),
    b"stco": struct.pack(">II", 0, 100_000) + struct.pack(">I", 48) * 100_000,
}
COSTLY = {
    "a run of packets": rewritten(in_fragments(TONE), {b"trun": struct.pack(">II", 0, 80_000_000)}),
    "packets of one size": rewritten(M4A, {b"stsz": struct.pack(">III", 0, 1, 100_000_000)}),
    "chunks in one place": rewritten(M4A, PCM_TABLES),
    "edits": rewritten(
        M4A, {b"elst": struct.pack(">II", 0, 100_000) + struct.pack(">IIHH", 100, 0, 1, 0) * 100_000}
    ),
    "a compressed index": compressed_index(M4A),
    "tags": with_tags(M4A, box(b"\xa9nam", b"\0\1\0\0x")),
    "free tags": with_tags(M4A, box(b"----", box(b"name", b"\0\0\0\0x"))),
    "keys": with_tags(M4A, box(b"keys", struct.pack(">II", 0, 1) + box(b"mdta", b"x"))),
}


@pytest.mark.parametrize("kind", COSTLY)
def test_an_index_that_costs_gigabytes_or_hours_is_refused(kind: str) -> None:
    with pytest.raises(UndecodableAudio, match="the audio is not decoded: it"):
        decode(COSTLY[kind], keep_seconds=0, max_seconds=60)


def test_an_index_in_fragments_is_read() -> None:
    assert decode(in_fragments(TONE), keep_seconds=0, max_seconds=60).facts.duration == pytest.approx(
        2.0, abs=0.1
    )


def comments(count: int) -> bytes:
    texts = [b"KEY%d=value" % number for number in range(count)]
    return struct.pack("<II", 0, count) + b"".join(struct.pack("<I", len(text)) + text for text in texts)


def tagged_flac(count: int) -> bytes:
    data, block = encode(TONE, "flac"), comments(count)
    return data[:42] + b"\x04" + struct.pack(">I", len(block))[1:] + block + data[42:]


def tagged_mp3(count: int) -> bytes:
    bodies = [b"\0key%d\0value" % number for number in range(count)]
    frames = b"".join(b"TXXX" + struct.pack(">I", len(body)) + b"\0\0" + body for body in bodies)
    size = bytes(len(frames) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\0\0" + size + frames + encode(TONE, "mp3")


def tagged_wav(count: int) -> bytes:
    info = b"INFO" + b"".join(b"%04d" % (number % 10_000) + b"\2\0\0\0x\0" for number in range(count))
    wav = encode(TONE, "wav")
    return wav[:12] + b"LIST" + struct.pack("<I", len(info)) + info + wav[12:]


def tagged_webm(count: int) -> bytes:
    data = encode(TONE, "webm")
    tracks = data.index(b"\x16T\xaek", data.index(b"\x15I\xa9f", 120))
    segment = data.index(b"\x18S\x80g")
    tags = b"".join(
        b"\x67\xc8"
        + bytes([0x80 | 7 + len(name)])
        + b"\x45\xa3"
        + bytes([0x80 | len(name)])
        + name
        + b"\x44\x87\x81v"
        for name in (b"K%d" % number for number in range(count))
    )
    tag = b"\x73\x73" + (1 << 56 | len(tags)).to_bytes(8, "big") + tags
    element = b"\x12T\xc3g" + (1 << 56 | len(tag)).to_bytes(8, "big") + tag
    endless = data[: segment + 4] + b"\x01" + b"\xff" * 7 + data[segment + 12 : tracks]
    return endless + element + data[tracks:]


@pytest.mark.parametrize("tagged", [tagged_flac, tagged_mp3, tagged_wav, tagged_webm])
def test_any_number_of_tags_is_passed_over(tagged: Callable[[int], bytes]) -> None:
    """Use so many tags that FFmpeg, which compares each with all before it, would take a minute."""
    few, many = (decode(tagged(count), keep_seconds=0, max_seconds=60).facts for count in (1, 250_000))
    assert many == few


def test_what_is_recorded_without_an_end_is_transcribed() -> None:
    """Decode what browsers record: the segment and its clusters state no size."""
    file = Stream()
    with (
        av.open(io.BytesIO(encode(TONE, "webm")), "r") as source,
        av.open(file, "w", format="webm", container_options={"live": "1"}) as target,
    ):
        stream = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(audio=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    assert decode(bytes(file.written), keep_seconds=0, max_seconds=60).facts.duration == pytest.approx(
        2.0, abs=0.06
    )


class Stream:
    """A file without ``seek``."""

    def __init__(self) -> None:
        self.written = bytearray()

    def write(self, data: bytes) -> int:
        self.written += data
        return len(data)


def test_a_file_of_very_many_streams_is_refused() -> None:
    at = M4A.rindex(b"moov") - 4
    index = dict(boxes(M4A[at + 8 :]))
    whole = M4A[:at] + box(b"moov", M4A[at + 8 :] + box(b"trak", index[b"trak"]) * 900)
    with pytest.raises(UndecodableAudio):
        decode(whole, keep_seconds=0, max_seconds=60)


def test_the_tag_at_the_end_of_an_mp3_file_is_passed_over() -> None:
    items = b"".join(struct.pack("<II", 1, 0) + b"key%d\0x" % number for number in range(60_000))
    footer = b"APETAGEX" + struct.pack("<IIII", 2000, len(items) + 32, 60_000, 0) + bytes(8)
    mp3 = encode(TONE, "mp3")
    plain = decode(mp3, keep_seconds=0, max_seconds=60).facts
    assert decode(mp3 + items + footer, keep_seconds=0, max_seconds=60).facts.duration >= plain.duration


@pytest.mark.parametrize("file_type", ["mp3", "aac"])
def test_what_looks_like_tags_by_chance_is_none_outside_of_mp4(file_type: str) -> None:
    """Decode sound with thousands of bytes that look like tags, as tens of megabytes contain by chance."""
    sound = encode(TONE, file_type)
    plain = decode(sound, keep_seconds=0, max_seconds=60).facts
    whole = sound + box(b"\xa9nam", b"x" * 8) * 2_500
    assert decode(whole, keep_seconds=0, max_seconds=60).facts.duration >= plain.duration
