"""Writes pictures as small PNG files: with a palette of 256 colours."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import TYPE_CHECKING

import av
from av.filter import Graph

if TYPE_CHECKING:
    from pathlib import Path

_COLOURS = "reserve_transparent=0"


def write_small(png: bytes, path: Path) -> None:
    """Write a PNG picture with the 256 colours that suit it best, without dithering."""
    with av.open(io.BytesIO(png), "r", format="png_pipe") as file:
        frame = next(file.decode(video=0)).reformat(format="rgb24")
    base = Fraction(1)
    graph = Graph()
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=base)
    both, palette = graph.add("split"), graph.add("palettegen", _COLOURS)
    mapped, sink = graph.add("paletteuse", "dither=none"), graph.add("buffersink")
    source.link_to(both)
    both.link_to(palette, 0, 0)
    both.link_to(mapped, 1, 0)
    palette.link_to(mapped, 0, 1)
    mapped.link_to(sink)
    graph.configure()
    source.push(frame)
    source.push(None)
    encoder = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, "pal8"
    encoder.time_base = base
    encoder.options = {"compression_level": "9", "pred": "none"}
    mapped_frame = sink.pull()
    assert isinstance(mapped_frame, av.VideoFrame)
    path.write_bytes(b"".join(bytes(packet) for packet in encoder.encode(mapped_frame)))
