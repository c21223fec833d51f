"""Write the pictures of the dashboard to ``docs/pictures/dashboard``.

``make dashboard-pictures`` runs it: it needs Chromium and the packages of the group ``dashboard``.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from playwright.sync_api import expect, sync_playwright

from mockserver.dashboard.pages import PREFIX
from tools.dashboard_pictures.scene import Scene, scene

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

FOLDER = Path(__file__).parents[2] / "docs" / "pictures" / "dashboard"
_WIDTH = 1200  # px
_NARROW = 400  # px
_SETTLING = 600  # milliseconds in which live events and audio arrive


class Shot(NamedTuple):
    """A picture: its ``name``, the ``path`` of the page, a selector of what must be visible, and the size in px.

    ``part`` selects the element that is shown in place of the window.
    """

    name: str
    path: str
    wanted: str = "#page > *"
    part: str = ""
    width: int = _WIDTH
    height: int = 760


def main() -> None:
    """Draw the pictures and print their names."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as stubs,
        scene(Path(stubs)) as filled,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        for colours, ending in (("light", ""), ("dark", "-dark")):
            context = _context(browser, filled.server.url, colours)
            for shot in shots(filled):
                path = FOLDER / f"{shot.name}{ending}.png"
                _draw(context.new_page(), shot, path)
                print(path.relative_to(FOLDER.parents[2]))
        browser.close()


def shots(filled: Scene) -> Iterator[Shot]:
    """Return the pictures of a filled server."""
    yield Shot("exchanges", "exchanges", "[role=row] a")
    yield Shot("exchanges-narrow", "exchanges", "[role=row] a", width=_NARROW)
    yield Shot("exchange", f"exchanges/{filled.ids['call']}", ".waveform", height=1100)
    yield Shot("stream", f"exchanges/{filled.ids['stream']}", "#pieces", "#pieces")
    yield Shot("session", f"exchanges/{filled.ids['session']}", ".session", ".session", height=900)
    yield Shot("near-misses", f"exchanges/{filled.ids['near miss']}", ".near-misses", ".near-misses")
    for name in ("sessions", "limits", "stubs", "faults", "clock", "work", "models", "try"):
        yield Shot(name, name)


def _context(browser: Browser, url: str, colours: str) -> BrowserContext:
    """Return a profile that shows the server, without animations, in the time zone of the server's clock."""
    context = browser.new_context(
        base_url=f"{url}{PREFIX}/",
        color_scheme="dark" if colours == "dark" else "light",
        reduced_motion="reduce",
        timezone_id="UTC",
        locale="en-GB",
    )
    context.set_default_timeout(20_000)
    return context


def _draw(page: Page, shot: Shot, path: Path) -> None:
    """Write a picture once the page shows what is wanted, and nothing that is being loaded."""
    page.set_viewport_size({"width": shot.width, "height": shot.height})
    page.goto(shot.path)
    expect(page.locator(shot.wanted).first).to_be_visible()
    page.wait_for_timeout(_SETTLING)
    shown = page.locator(shot.part).first if shot.part else page
    shown.screenshot(path=path, animations="disabled", caret="hide")
    page.close()


if __name__ == "__main__":
    main()
