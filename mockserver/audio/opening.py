"""Opens an uploaded file (with PyAV, that is FFmpeg) so that nothing but its sound is ever decoded.

Uploads are untrusted. The demuxers are limited to the documented containers: others (playlists, for one) would open
further files and addresses. The decoders are limited to those of sound: FFmpeg would decode a picture of each video
stream and every cover to learn its size, and a cover of 2 MB can hold 2 GB of pixels.
"""

from __future__ import annotations

import io
from functools import cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from av.container import InputContainer

# FFmpeg's demuxers and the names used here. They read every file type of the API reference (Create
# transcription: flac, mp3, mp4, mpeg, mpga, m4a, ogg, wav, webm), and raw AAC.
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


def open_sound(data: bytes) -> InputContainer:
    """Return the file, opened; close it. Raises ``av.FFmpegError`` for what is in none of ``CONTAINERS``."""
    import av

    options = {"format_whitelist": ",".join(CONTAINERS), "codec_whitelist": _sound_decoders()}
    if data.startswith(b"RIFF"):
        options["max_probe_packets"] = "1"  # else 5 ms go into looking for DTS within the PCM
    return av.open(io.BytesIO(_trim_riff(data)), "r", options=options, metadata_errors="ignore")


@cache
def _sound_decoders() -> str:
    """Return the names of FFmpeg's audio decoders, separated by commas."""
    import av
    from av.codec.codec import UnknownCodecError

    names = set()
    for name in av.codecs_available:
        try:
            codec = av.Codec(name, "r")
        except UnknownCodecError:  # an encoder
            continue
        if codec.type == "audio":
            names.add(codec.name)
    return ",".join(sorted(names))


def _trim_riff(data: bytes) -> bytes:
    """A RIFF file cut before the first chunk that claims to be longer than what is left of the file.

    FFmpeg would reserve the gigabytes that a tag in it claims. Only the ``data`` chunk may claim too much, or to be
    empty: files that are streamed, truncated or of a recorder that never went back to its header do. FFmpeg reads it
    as far as it goes, and no chunk behind it.
    """
    if data[:4] not in (b"RIFF", b"RIFX", b"RF64", b"BW64"):
        return data
    byte_order: Literal["big", "little"] = "big" if data[:4] == b"RIFX" else "little"
    at = 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], byte_order)
        end, is_sound = at + 8 + size, data[at : at + 4] == b"data"
        if is_sound and size == 0:
            return data
        if end > len(data):
            return data if is_sound else data[:at]
        at = end + end % 2
    return data
