"""The README's picture of a failing test: its example, run by pytest with an upload of another name."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from html import unescape
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

_ROOT = Path(__file__).parents[2]
_WIDTH = 118  # characters
_THEME = TerminalTheme(
    (30, 34, 42),
    (215, 218, 224),
    [
        (30, 34, 42),
        (240, 113, 120),
        (152, 195, 121),
        (229, 192, 123),
        (97, 175, 239),
        (198, 120, 221),
        (86, 182, 194),
        (171, 178, 191),
    ],
)
# The template of rich loads a font from a server; this one uses a font of the reader.
_FORMAT = """\
<svg xmlns="http://www.w3.org/2000/svg" class="rich-terminal" viewBox="0 0 {width} {height}">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def example() -> str:
    """Return the README's first test, with an upload that its stub does not match."""
    test, *_ = re.findall(
        r"^<!-- a test -->\n```python\n(.*?)^```$",
        (_ROOT / "README.md").read_text("utf-8"),
        re.MULTILINE | re.DOTALL,
    )
    return str(test).replace('"meeting.wav"', '"standup.wav"')


def report() -> str:
    """Return the output of pytest for the example, with ANSI colours, without durations."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "test_meeting.py").write_text(example(), "utf-8")
        options = ["-q", "-p", "no:cacheprovider", "--tb=short", "--color=yes", "-r", ""]
        server = ["--mockserver", "frozen_time=1800000000", "--mockserver", "whisper_model=none"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "--rootdir", folder, *options, *server],
            cwd=folder,
            env=os.environ
            | {"COLUMNS": str(_WIDTH), "TZ": "UTC", "PYTHONPATH": str(_ROOT), "PYTEST_ADDOPTS": ""},
            capture_output=True,
            text=True,
            check=False,
        )
    return re.sub(r" in [\d.]+s", "", done.stdout)


def svg() -> str:
    """Return the report as SVG."""
    console = Console(record=True, width=_WIDTH, file=open(os.devnull, "w"))  # noqa: SIM115
    console.print(Text.from_ansi("$ pytest\n" + report().rstrip()))
    return console.export_svg(title="", theme=_THEME, code_format=_FORMAT, unique_id="report")


def shown(picture: str) -> str:
    """Return the text that an SVG of ``svg`` shows, without its blanks."""
    return re.sub(r"\s", "", unescape("".join(re.findall(r"<text[^>]*>(.*?)</text>", picture))))
