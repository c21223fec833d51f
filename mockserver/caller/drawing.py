"""Draws the two tracks of a call as SVG: who spoke from when to when, and what was cut off."""

from __future__ import annotations

import textwrap
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mockserver.caller.record import Party, Stretch, Timeline

_LEFT, _RIGHT = 70, 20  # pixels beside the tracks
_SHORTEST, _LONGEST = 600, 6000  # pixels of the tracks
_PER_SECOND = 80.0  # pixels, unless the call is very short or long
_TRACKS: dict[Party, int] = {"caller": 44, "server": 104}  # the upper edges
_HEIGHT = 44  # of a track
_TOTAL = 200
_COLOURS: dict[Party, str] = {"caller": "#3b6ea8", "server": "#4d8f56"}
_LETTER = 6.2  # pixels of a letter
_TICKS = (1, 2, 5, 10, 30, 60, 300)  # seconds between two marks
_TICK_PIXELS = 60  # that two marks are apart at least


def draw(timeline: Timeline, title: str) -> str:
    """Return an SVG of a call."""
    seconds = max(timeline.end_ms / 1000, 0.1)
    width = min(max(seconds * _PER_SECOND, _SHORTEST), _LONGEST)
    scale = width / seconds / 1000  # pixels of a millisecond
    size = f'width="{_LEFT + width + _RIGHT:.0f}" height="{_TOTAL}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{_LEFT}" y="18" font-size="13" font-weight="bold">{_plain(title)}</text>',
        *_axis(seconds, scale),
    ]
    for who, top in _TRACKS.items():
        lines.append(f'<text x="8" y="{top + _HEIGHT / 2 + 4:g}">{who}</text>')
    for stretch in timeline.stretches:
        lines += _bar(stretch, scale)
    for reply in timeline.interruptions:
        if reply.end_ms is not None:
            lines.append(_mark(reply.end_ms * scale, "#b03030", "cut off"))
    for call in timeline.tool_calls:
        lines.append(_mark(call.at_ms * scale, "#8a6d1a", f"{call.name}()"))
    return "\n".join([*lines, "</svg>", ""])


def _axis(seconds: float, scale: float) -> Iterator[str]:
    """Yield the marks of the time."""
    apart = next((each for each in _TICKS if each * 1000 * scale >= _TICK_PIXELS), _TICKS[-1])
    for second in range(0, int(seconds) + 1, apart):
        x = _LEFT + second * 1000 * scale
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="30" y2="160" stroke="#ddd"/>'
        yield f'<text x="{x:.1f}" y="176" text-anchor="middle" fill="#666">{second} s</text>'


def _bar(stretch: Stretch, scale: float) -> Iterator[str]:
    """Yield a bar, with as much of its text as there is room for."""
    x, top = _LEFT + stretch.start_ms * scale, _TRACKS[stretch.who]
    width = max((stretch.end_ms - stretch.start_ms) * scale, 1.0)
    times = f"{stretch.start_ms / 1000:.2f} to {stretch.end_ms / 1000:.2f} s: {stretch.text}"
    yield (
        f'<rect x="{x:.1f}" y="{top}" width="{width:.1f}" height="{_HEIGHT}" rx="4" '
        f'fill="{_COLOURS[stretch.who]}"><title>{_plain(times)}</title></rect>'
    )
    lines = textwrap.wrap(stretch.text, max(int((width - 8) / _LETTER), 1), max_lines=3, placeholder="…")
    if width >= 4 * _LETTER:
        for number, line in enumerate(lines):
            yield f'<text x="{x + 4:.1f}" y="{top + 13 + 13 * number}" fill="white">{_plain(line)}</text>'


def _mark(pixels: float, colour: str, text: str) -> str:
    x = _LEFT + pixels
    return (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="34" y2="158" stroke="{colour}" stroke-dasharray="3 3"/>'
        f'<text x="{x + 3:.1f}" y="40" fill="{colour}">{_plain(text)}</text>'
    )


def _plain(text: str) -> str:
    """Return a text for XML, without characters that it cannot contain."""
    return escape("".join(each for each in text if each.isprintable()), quote=False)
