"""Encodes PCM in the response formats of the speech endpoint, as a stream.

The same PCM gives the same bytes, however it is divided into chunks (therefore the version of PyAV is pinned).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from av import AudioFrame, AudioStream

SPEECH_SAMPLE_RATE = 24_000  # Hz; the rate of the API's voices (its `pcm` format has no header)

# Content types by response format, as the API sends them.
CONTENT_TYPES = {
    "mp3": "audio/mpeg",
    "opus": "audio/opus",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}

_UNKNOWN_SIZE = 0xFFFFFFFF  # bytes; the length in the header of a streamed RIFF file
_BLOCK_SECONDS = 0.048
_BLOCK_BYTES = int(SPEECH_SAMPLE_RATE * _BLOCK_SECONDS) * 2


class _Encoder(NamedTuple):
    """A muxer with its encoder, and the settings of both that differ from FFmpeg's defaults."""

    container: str
    codec: str
    sample_format: str
    bit_rate: int | None = None
    container_options: Mapping[str, str] = {}
    codec_options: Mapping[str, str] = {}


# The API's mp3 is 24 kHz mono at a constant 128 kbit/s. The other settings are chosen for speed, because encoding takes
# more time than synthesis. FLAC's frames are short (48 ms), so that the first one is sent early.
_ENCODERS = {
    "mp3": _Encoder(
        "mp3",
        "libmp3lame",
        "s16p",
        128_000,
        {"write_xing": "0", "id3v2_version": "0"},
        {"compression_level": "9"},
    ),
    "opus": _Encoder("ogg", "libopus", "s16", 64_000, {"page_duration": "100000"}, {"vbr": "constrained"}),
    "aac": _Encoder("adts", "aac", "fltp", 96_000, {}, {"aac_coder": "fast"}),
    "flac": _Encoder(
        "flac",
        "flac",
        "s16",
        container_options={"metadata_header_padding": "0"},
        codec_options={"frame_size": "1152"},
    ),
}


def encode_speech(chunks: Iterator[bytes], response_format: str) -> Iterator[bytes]:
    """Encode ``chunks`` of s16le mono PCM at 24 kHz. Bytes are yielded as soon as the encoder produces them.

    ``response_format`` is a key of ``CONTENT_TYPES``. Closing the iterator closes ``chunks`` too.
    """
    try:
        if response_format == "pcm":
            yield from chunks
        elif response_format == "wav":
            yield wav_header(_UNKNOWN_SIZE, SPEECH_SAMPLE_RATE)
            yield from chunks
        else:
            yield from _encode(chunks, _ENCODERS[response_format])
    finally:
        if close := getattr(chunks, "close", None):
            close()


def write_wav(pcm: bytes, sample_rate: int, channels: int = 1) -> bytes:
    """Return a complete RIFF/WAVE file of interleaved s16le ``pcm``."""
    return wav_header(len(pcm), sample_rate, channels) + pcm


def wav_header(pcm_bytes: int, sample_rate: int, channels: int = 1) -> bytes:
    """Return the header, 44 bytes, of ``pcm_bytes`` of interleaved s16le PCM; 0xFFFFFFFF if their number is unknown."""
    riff_bytes = min(pcm_bytes + 36, _UNKNOWN_SIZE)
    frame_bytes = channels * 2
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", riff_bytes, b"WAVE"),
        *(b"fmt ", 16, 1, channels, sample_rate, sample_rate * frame_bytes, frame_bytes, 16),
        *(b"data", pcm_bytes),
    )


class _Sink:
    """The output of the muxer. It has no ``seek``, so that the muxer writes headers only once."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        self._written += data
        return len(data)

    def take(self) -> bytes:
        """Return the bytes written since the last call."""
        written = bytes(self._written)
        self._written.clear()
        return written


def _encode(chunks: Iterator[bytes], encoder: _Encoder) -> Iterator[bytes]:
    from mockserver.audio.pyav import av

    sink = _Sink()
    muxing = {"fflags": "+bitexact", "flush_packets": "1", **encoder.container_options}
    with av.open(sink, "w", format=encoder.container, container_options=muxing) as container:
        encoding = {"flags": "+bitexact", "threads": "1", **encoder.codec_options}
        stream = cast("AudioStream", container.add_stream(encoder.codec, SPEECH_SAMPLE_RATE, encoding))
        stream.layout = "mono"
        stream.format = encoder.sample_format
        if encoder.bit_rate:
            stream.bit_rate = encoder.bit_rate
        container.start_encoding()
        for block in _blocks(chunks):
            container.mux(stream.encode(_frame(block)))
            if encoded := sink.take():
                yield encoded
        container.mux(stream.encode(None))
    if encoded := sink.take():
        yield encoded


def _blocks(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the PCM in equal blocks, the last one shorter, so that the chunks do not affect the encoded bytes."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        while len(held) >= _BLOCK_BYTES:
            yield bytes(held[:_BLOCK_BYTES])
            del held[:_BLOCK_BYTES]
    if len(held) >= 2:
        yield bytes(held[: len(held) // 2 * 2])


def _frame(pcm: bytes) -> AudioFrame:
    from mockserver.audio.pyav import av

    frame = av.AudioFrame("s16", "mono", len(pcm) // 2)
    frame.sample_rate = SPEECH_SAMPLE_RATE
    frame.planes[0].update(pcm)
    return frame
