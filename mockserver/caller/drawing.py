"""Draws the two tracks of a call as SVG: who spoke from when to when, the gaps between them, and what was cut off.

The colours are those of a light page; a browser whose user prefers dark ones shows those of the style.
"""

from __future__ import annotations

import textwrap
from html import escape
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

from mockserver.caller.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mockserver.caller.record import Party, Reply, Stretch, Timeline

_LEFT, _RIGHT = 64, 24  # pixels beside the tracks
_SHORTEST, _LONGEST = 600, 6000  # pixels of the tracks
_PER_SECOND = 80.0  # pixels, unless the call is very short or long
_TRACKS: dict[Party, int] = {"caller": 56, "server": 132}  # the upper edges
_HEIGHT = 48  # of a track
_ABOVE, _BETWEEN, _BELOW, _AXIS, _TOTAL = 48, 121, 196, 220, 234  # base lines of texts, and the whole height
_COLOURS: dict[Party, str] = {"caller": "#2b6cb0", "server": "#2f7d4f"}
_LETTER = 6.2  # pixels of a letter
_LINE = 13  # pixels between two lines of a text
_LINES = 3  # of a bar
_PADDING = 6  # pixels between the edge of a bar and its text
_TICKS = (1, 2, 5, 10, 30, 60, 300)  # seconds between two marks
_TICK_PIXELS = 60  # that two marks are apart at least
_STYLE = """\
<style>
@media (prefers-color-scheme: dark) {
  .page { fill: #0d1117; } .track { fill: #161b22; } .grid { stroke: #2a313c; }
  .title, .who { fill: #e6edf3; } .time { fill: #9198a1; } .gap { stroke: #9198a1; }
  .cut { fill: #ff7b72; } .cutline { stroke: #ff7b72; } .tool { fill: #d29922; } .toolline { stroke: #d29922; }
}
</style>"""


def draw(timeline: Timeline, title: str) -> str:
    """Return an SVG of a call."""
    seconds = max(timeline.end_ms / 1000, 0.1)
    width = min(max(seconds * _PER_SECOND, _SHORTEST), _LONGEST)
    scale = width / seconds / 1000  # pixels of a millisecond
    lines = [*_page(width, title), *_tracks(width), *_axis(seconds, scale)]
    for stretch in timeline.stretches:
        lines += _bar(stretch, scale)
    lines += _gaps(timeline.replies, scale)
    cuts = [
        (reply.end_ms * scale, f"cut off after {reply.played_ms / 1000:.2f} s")
        for reply in timeline.interruptions
        if reply.end_ms is not None
    ]
    lines += _marks(cuts, "cut", "#b42318", _ABOVE)
    calls = [(call.at_ms * scale, f"{call.name}()") for call in timeline.tool_calls]
    lines += _marks(calls, "tool", "#8a6100", _BELOW)
    return "\n".join([*lines, "</svg>", ""])


def _page(width: float, title: str) -> Iterator[str]:
    """Yield the beginning of the drawing, with its title."""
    whole = f"{_LEFT + width + _RIGHT:.0f}"
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="{_TOTAL}" '
        f'viewBox="0 0 {whole} {_TOTAL}" role="img" aria-label="{escape(printable(title))}" '
        'font-family="system-ui, sans-serif" font-size="11">'
    )
    yield _STYLE
    yield f'<rect class="page" width="{whole}" height="{_TOTAL}" fill="#fff"/>'
    yield (
        f'<text class="title" x="{_LEFT}" y="22" font-size="14" font-weight="bold" fill="#1f2328">'
        f"{_plain(title)}</text>"
    )


def _tracks(width: float) -> Iterator[str]:
    """Yield the ground of the tracks, with the names of the parties."""
    for who, top in _TRACKS.items():
        yield (
            f'<rect class="track" x="{_LEFT}" y="{top}" width="{width:.1f}" height="{_HEIGHT}" rx="4" '
            'fill="#f3f5f8"/>'
        )
        middle = top + _HEIGHT / 2 + 4
        yield (
            f'<text class="who" x="{_LEFT - 10}" y="{middle:g}" text-anchor="end" font-weight="bold" '
            f'fill="#1f2328">{who}</text>'
        )


def _axis(seconds: float, scale: float) -> Iterator[str]:
    """Yield the marks of the time."""
    apart = next((each for each in _TICKS if each * 1000 * scale >= _TICK_PIXELS), _TICKS[-1])
    bottom = _TRACKS["server"] + _HEIGHT
    for second in range(0, int(seconds) + 1, apart):
        x = _LEFT + second * 1000 * scale
        yield (
            f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TRACKS["caller"]}" y2="{bottom}" '
            'stroke="#dfe3e8"/>'
        )
        yield (
            f'<text class="time" x="{x:.1f}" y="{_AXIS}" text-anchor="middle" fill="#59636e">{second} s</text>'
        )


def _bar(stretch: Stretch, scale: float) -> Iterator[str]:
    """Yield a bar, with as much of its text as there is room for; the rest is not visible outside of it."""
    x, top = _LEFT + stretch.start_ms * scale, _TRACKS[stretch.who]
    width = max((stretch.end_ms - stretch.start_ms) * scale, 1.0)
    times = f"{stretch.start_ms / 1000:.2f} to {stretch.end_ms / 1000:.2f} s: {stretch.text}"
    yield (
        f'<svg x="{x:.1f}" y="{top}" width="{width:.1f}" height="{_HEIGHT}"><title>{_plain(times)}</title>'
        f'<rect width="{width:.1f}" height="{_HEIGHT}" rx="4" fill="{_COLOURS[stretch.who]}"/>'
    )
    room = width - 2 * _PADDING
    if room >= _LETTER:
        lines = _wrapped(stretch.text, room)
        first = (_HEIGHT - _LINE * len(lines)) / 2 + 10
        for number, line in enumerate(lines):
            yield f'<text x="{_PADDING}" y="{first + _LINE * number:g}" fill="#fff">{_plain(line)}</text>'
    yield "</svg>"


def _gaps(replies: Iterable[Reply], scale: float) -> Iterator[str]:
    """Yield the gaps between the turns of the caller and the replies."""
    for reply in replies:
        if reply.start_ms is None or not reply.gap_ms:
            continue
        end = _LEFT + reply.start_ms * scale
        start = end - reply.gap_ms * scale
        y = _BETWEEN + 4
        yield (
            f'<path class="gap" d="M{start:.1f} {y - 4}v8m0 -4H{end:.1f}m0 -4v8" fill="none" '
            'stroke="#59636e"/>'
        )
        yield (
            f'<text class="time" x="{(start + end) / 2:.1f}" y="{_BETWEEN - 4}" text-anchor="middle" '
            f'fill="#59636e">{reply.gap_ms:.0f} ms</text>'
        )


def _marks(marks: Iterable[tuple[float, str]], name: str, colour: str, y: int) -> Iterator[str]:
    """Yield dashed lines across the tracks, with their texts where these do not cover each other."""
    free_from = 0.0
    top, bottom = _TRACKS["caller"] - 4, _TRACKS["server"] + _HEIGHT + 4
    for pixels, text in sorted(marks):
        x = _LEFT + pixels
        yield (
            f'<line class="{name}line" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}" stroke="{colour}" '
            f'stroke-width="1.5" stroke-dasharray="4 3"><title>{_plain(text)}</title></line>'
        )
        if x >= free_from:
            yield f'<text class="{name}" x="{x:.1f}" y="{y}" fill="{colour}">{_plain(text)}</text>'
            free_from = x + (_units(text) + 1) * _LETTER


def _wrapped(text: str, room: float) -> list[str]:
    """Return the lines of a text, as many as a bar has."""
    letter = _LETTER * _units(text) / max(len(text), 1)
    return textwrap.wrap(text, max(int(room / letter), 1), max_lines=_LINES, placeholder="…")


def _units(text: str) -> int:
    """Return the width of a text in letters: those of East Asia are twice as wide."""
    return sum(2 if east_asian_width(each) in "WF" else 1 for each in text)


def _plain(text: str) -> str:
    return escape(printable(text), quote=False)
