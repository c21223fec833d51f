"""How many tokens an image takes, by the documented arithmetic."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mockserver.catalog.records import ImageRules

_PATCH, _TILE = 32, 512  # pixels
_MAX_SIDE, _SHORT_SIDE = 2048, 768  # pixels a tiled image is scaled down to


def image_tokens(width: int, height: int, detail: str, rules: ImageRules) -> int:
    """Return the tokens of an image of ``width`` by ``height`` pixels. ``detail`` matters for tiles only."""
    if rules.multiplier is not None:
        return math.ceil(_patches(width, height, rules.patches) * rules.multiplier)
    if detail == "low":
        return rules.base
    return rules.base + rules.tile * _tiles(width, height)


def _tiles(width: int, height: int) -> int:
    """Return how many squares cover the image once it fits into 2048 pixels and its short side into 768."""
    scale = min(1.0, _MAX_SIDE / max(width, height))
    scale = min(scale, _SHORT_SIDE / min(width, height))
    return math.ceil(width * scale / _TILE) * math.ceil(height * scale / _TILE)


def _patches(width: int, height: int, most: int) -> int:
    """Return how many squares cover the image, scaled down so far that there are no more than ``most``."""
    wide, high = width / _PATCH, height / _PATCH
    if math.ceil(wide) * math.ceil(high) > most:
        scale = math.sqrt(most / (wide * high))
        # Whole squares along one side at least, so that rounding up does not exceed the bound again.
        scale *= min(max(math.floor(side * scale), 1) / (side * scale) for side in (wide, high))
        wide, high = round(wide * scale, 6), round(high * scale, 6)
    return min(math.ceil(wide) * math.ceil(high), most)
