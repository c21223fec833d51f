"""The size of images that chats hold, for counting their tokens. What they show is not looked at."""

from __future__ import annotations

import io

import pybase64

_DEMUXERS = {b"\x89PNG": "png_pipe", b"\xff\xd8\xff": "jpeg_pipe", b"GIF8": "gif", b"RIFF": "webp_pipe"}
_LARGEST = 100_000  # pixels a side; what claims more is no image


def size_of(url: object) -> tuple[int, int] | None:
    """Return width and height, in pixels, of the image in a ``data:`` URL; ``None`` where there is none."""
    if not isinstance(url, str) or not url.startswith("data:"):
        return None
    kind, _, data = url.partition(",")
    if not kind.endswith(";base64"):
        return None
    try:
        return _measure(pybase64.b64decode(data))
    except ValueError:
        return None


def _measure(data: bytes) -> tuple[int, int] | None:
    import av

    demuxer = next((name for start, name in _DEMUXERS.items() if data.startswith(start)), None)
    if demuxer is None:
        return None
    try:
        with av.open(io.BytesIO(data), format=demuxer) as image:
            stream = image.streams.video[0]
            width, height = stream.width, stream.height
    except (av.FFmpegError, IndexError):
        return None
    return (width, height) if 0 < width <= _LARGEST and 0 < height <= _LARGEST else None
