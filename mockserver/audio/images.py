"""Reads the size of images in chats, to count their tokens. The images are not decoded."""

from __future__ import annotations

import io

_DEMUXERS = {b"\x89PNG": "png_pipe", b"\xff\xd8\xff": "jpeg_pipe", b"GIF8": "gif", b"RIFF": "webp_pipe"}
_MAX_SIDE = 100_000  # pixels; files that claim more are not treated as images


def size_of(data: bytes) -> tuple[int, int] | None:
    """Return width and height of an image in pixels; ``None`` if the data is not a PNG, JPEG, GIF or WebP image."""
    from mockserver.audio.pyav import av

    demuxer = next((name for start, name in _DEMUXERS.items() if data.startswith(start)), None)
    if demuxer is None:
        return None
    try:
        with av.open(io.BytesIO(data), format=demuxer) as image:
            stream = image.streams.video[0]
            width, height = stream.width, stream.height
    except (av.FFmpegError, IndexError):
        return None
    return (width, height) if 0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE else None
