"""The badges of the README: licence, Python versions and types, as in ``pyproject.toml``."""

from __future__ import annotations

import tomllib
from pathlib import Path
from xml.sax.saxutils import escape

_PROJECT = Path(__file__).parents[2] / "pyproject.toml"
_CHARACTER = 6.6  # width in pixels, of Verdana at 11 px
_PADDING = 7
_BADGE = """\
<g transform="translate({x},0)">
<rect width="{width}" height="20" rx="3" fill="{colour}"/>
<path d="M3 0h{label_inner}v20H3a3 3 0 0 1-3-3V3a3 3 0 0 1 3-3z" fill="#444c56"/>
<text x="{label_x}" y="14">{label}</text><text x="{value_x}" y="14">{value}</text>
</g>
"""


def badges() -> list[tuple[str, str, str]]:
    """Return label, value and colour of each badge."""
    project = tomllib.loads(_PROJECT.read_text("utf-8"))["project"]
    python = str(project["requires-python"]).removeprefix(">=")
    return [
        ("licence", str(project["license"]), "#2b7a3d"),
        ("python", f"{python} or newer", "#2f6db3"),
        ("types", "mypy --strict", "#2f6db3"),
        ("network", "not needed", "#2b7a3d"),
    ]


def svg() -> str:
    """Return the badges side by side, as SVG."""
    x, drawn = 0, []
    for label, value, colour in badges():
        left, right = (round(len(text) * _CHARACTER) + 2 * _PADDING for text in (label, value))
        drawn.append(
            _BADGE.format(
                x=x,
                width=left + right,
                colour=colour,
                label_inner=left - 3,
                label=escape(label),
                value=escape(value),
                label_x=left / 2,
                value_x=left + right / 2,
            )
        )
        x += left + right + 6
    style = 'font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" fill="#fff" text-anchor="middle"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{x - 6}" height="20" role="img" '
        f'aria-label="{escape("; ".join(f"{label}: {value}" for label, value, _ in badges()))}">\n'
        f"<g {style}>\n{''.join(drawn)}</g>\n</svg>\n"
    )
