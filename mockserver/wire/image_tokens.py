"""Calculates the number of tokens of an image, by the documented rules. Images are not decoded."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mockserver.catalog.records import ImageRules

_PATCH, _TILE = 32, 512  # pixels
_MAX_SIDE, _SHORT_SIDE = 2048, 768  # pixels; tiled images are scaled down to these
_MAX_CLAIMED = 100_000  # pixels; files that claim more are not treated as images
_DEMUXERS = {b"\x89PNG": "png_pipe", b"\xff\xd8\xff": "jpeg_pipe", b"GIF8": "gif", b"RIFF": "webp_pipe"}


def image_size(data: bytes) -> tuple[int, int] | None:
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
    return (width, height) if 0 < width <= _MAX_CLAIMED and 0 < height <= _MAX_CLAIMED else None


def image_tokens(width: int, height: int, detail: str, rules: ImageRules) -> int:
    """Return the number of tokens of an image of ``width`` by ``height`` pixels. ``detail`` affects only tiles."""
    if rules.multiplier is not None:
        return math.ceil(_patches(width, height, rules.patches) * rules.multiplier)
    if detail == "low":
        return rules.base
    return rules.base + rules.tile * _tiles(width, height)


def _tiles(width: int, height: int) -> int:
    """Return the number of tiles of the image, scaled to fit into 2048 pixels, with a short side of at most 768."""
    scale = min(1.0, _MAX_SIDE / max(width, height))
    scale = min(scale, _SHORT_SIDE / min(width, height))
    return math.ceil(width * scale / _TILE) * math.ceil(height * scale / _TILE)


def _patches(width: int, height: int, max_patches: int) -> int:
    """Return the number of patches of the image, scaled down until it has at most ``max_patches``."""
    wide, high = width / _PATCH, height / _PATCH
    if math.ceil(wide) * math.ceil(high) > max_patches:
        scale = math.sqrt(max_patches / (wide * high))
        # One side is a whole number of patches, so that rounding up does not exceed the maximum again.
        scale *= min(max(math.floor(side * scale), 1) / (side * scale) for side in (wide, high))
        wide, high = round(wide * scale, 6), round(high * scale, 6)
    return min(math.ceil(wide) * math.ceil(high), max_patches)
