"""Makes audio files that hold more than sound: covers, pictures in tags and attachments, video streams."""

import base64
import io
import struct
import zlib

import av

from tests.audio.containers import encode

_BLOCK = 1 << 20  # bytes of zeros that are compressed once and repeated


def png(side: int) -> bytes:
    """Return a PNG of ``side`` x ``side`` transparent pixels, 16 bits a channel: 8 bytes a pixel once decoded."""
    header = struct.pack(">IIBBBBB", side, side, 16, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (_chunk(b"IHDR", header), _chunk(b"IDAT", _zeros(side * (1 + 8 * side))), _chunk(b"IEND", b""))
    )


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _zeros(count: int) -> bytes:
    """Return ``count`` zeros as zlib compresses them."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = compressor.compress(bytes(_BLOCK)) + compressor.flush(zlib.Z_FULL_FLUSH)
    rest = zlib.compressobj(9, zlib.DEFLATED, -15)
    last = rest.compress(bytes(count % _BLOCK)) + rest.flush()
    checksum = (count % 65521) << 16 | 1  # Adler-32 of zeros
    return b"\x78\xda" + block * (count // _BLOCK) + last + struct.pack(">I", checksum)


def with_pictures(pcm: bytes, file_type: str, pictures: list[bytes]) -> bytes:
    """Return ``pcm`` (s16le mono, see ``containers.encode``) as a file of a type of ``HOLDERS`` that holds the PNGs."""
    return HOLDERS[file_type](pcm, pictures)


def _id3(pictures: list[bytes]) -> bytes:
    frames = b"".join(
        b"APIC" + struct.pack(">I", len(body)) + b"\0\0" + body
        for body in (b"\0image/png\0" + bytes([3]) + b"\0" + picture for picture in pictures)
    )
    size = len(frames)
    return b"ID3\x03\0\0" + bytes(size >> 7 * place & 0x7F for place in (3, 2, 1, 0)) + frames


def _flac_block(picture: bytes) -> bytes:
    """Return what a FLAC picture block and Ogg's METADATA_BLOCK_PICTURE hold."""
    return (
        struct.pack(">II", 3, 9)
        + b"image/png"
        + struct.pack(">IIIII", 0, 0, 0, 0, 0)
        + struct.pack(">I", len(picture))
        + picture
    )


def _flac(pcm: bytes, pictures: list[bytes]) -> bytes:
    data = encode(pcm, "flac")
    blocks = b"".join(
        bytes([6]) + struct.pack(">I", len(block))[1:] + block for block in map(_flac_block, pictures)
    )
    return data[:42] + blocks + data[42:]  # after the marker and STREAMINFO, which another block follows


def _ogg(pcm: bytes, pictures: list[bytes], codec: str) -> bytes:
    file = io.BytesIO()
    with av.open(io.BytesIO(encode(pcm, codec)), "r") as source, av.open(file, "w", format="ogg") as target:
        target.metadata["METADATA_BLOCK_PICTURE"] = base64.b64encode(_flac_block(pictures[0])).decode()
        stream = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(audio=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    return file.getvalue()


def _mp4(pcm: bytes, pictures: list[bytes]) -> bytes:
    data = encode(pcm, "m4a")
    at = data.rindex(b"moov") - 4  # the last box, so that no offset changes
    covers = b"".join(_box(b"data", struct.pack(">II", 14, 0) + picture) for picture in pictures)
    handler = _box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
    meta = _box(b"meta", bytes(4) + handler + _box(b"ilst", _box(b"covr", covers)))
    return data[:at] + _box(b"moov", data[at + 8 :] + _box(b"udta", meta))


def _box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + name + content


def _webm(pcm: bytes, pictures: list[bytes]) -> bytes:
    file = io.BytesIO()
    with (
        av.open(io.BytesIO(encode(pcm, "ogg")), "r") as source,
        av.open(file, "w", format="matroska") as target,
    ):
        stream = target.add_stream_from_template(source.streams.audio[0])
        for number, picture in enumerate(pictures):
            target.add_attachment(f"cover{number}.png", "image/png", picture)
        for packet in source.demux(audio=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    return file.getvalue()


def _wav(pcm: bytes, pictures: list[bytes]) -> bytes:
    tag = _id3(pictures)
    data = encode(pcm, "wav")
    return data + b"id3 " + struct.pack("<I", len(tag)) + tag + b"\0" * (len(tag) % 2)


HOLDERS = {
    "mp3": lambda pcm, pictures: _id3(pictures) + encode(pcm, "mp3"),
    "aac": lambda pcm, pictures: _id3(pictures) + encode(pcm, "aac"),
    "flac": _flac,
    "flac behind ID3": lambda pcm, pictures: _id3(pictures) + encode(pcm, "flac"),
    "oga": lambda pcm, pictures: _ogg(pcm, pictures, "oga"),
    "ogg": lambda pcm, pictures: _ogg(pcm, pictures, "ogg"),
    "m4a": _mp4,
    "webm": _webm,
    "wav": _wav,
}
