"""Write the pictures of the dashboard to ``docs/pictures/dashboard``.

``make dashboard-pictures`` runs it: it needs Chromium and the packages of the group ``dashboard``.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from playwright.sync_api import expect, sync_playwright

from mockserver.dashboard.pages import PREFIX
from tools.dashboard_pictures.scene import NINE_O_CLOCK, Scene, scene
from tools.dashboard_pictures.small import write_small

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

FOLDER = Path(__file__).parents[2] / "docs" / "pictures" / "dashboard"
_WIDTH = 1280  # px
_NARROW = 400  # px
_SETTLING = 600  # milliseconds in which live events and audio arrive


class Shot(NamedTuple):
    """A picture: its ``name``, the ``path`` of the page, a selector of what must be visible, and the size in px.

    ``part`` selects the element that is shown in place of the window, ``unfold`` one that is clicked before.
    """

    name: str
    path: str
    wanted: str = "#page > *"
    part: str = ""
    unfold: str = ""
    colours: str = "light"
    width: int = _WIDTH
    height: int = 760


def main() -> None:
    """Draw the pictures and print their names."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with scene() as filled, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        context = _context(browser, filled.server.url)
        for shot in shots(filled):
            path = FOLDER / f"{shot.name}.png"
            write_small(_drawn(context.new_page(), shot), path)
            print(path.relative_to(FOLDER.parents[2]))
        browser.close()


def shots(filled: Scene) -> Iterator[Shot]:
    """Return the pictures of a filled server."""
    exchange = {name: f"exchanges/{entry_id}" for name, entry_id in filled.ids.items()}
    yield Shot("exchanges", "exchanges", "[role=row] a")
    yield Shot("exchanges-dark", "exchanges", "[role=row] a", colours="dark")
    yield Shot("exchanges-narrow", "exchanges", "[role=row] a", width=_NARROW)
    yield Shot("exchange", exchange["call"], ".waveform")
    yield Shot("audio", exchange["call"], ".waveform", part=".audio")
    yield Shot("stream", exchange["stream"], part="#pieces")
    yield Shot("session", exchange["session"], part=".session")
    yield Shot("near-misses", exchange["near miss"], part=".near-misses", unfold=".near-misses summary")
    for name in ("sessions", "limits", "stubs", "faults", "clock", "work", "models", "try"):
        yield Shot(name, name)


def _context(browser: Browser, url: str) -> BrowserContext:
    """Return a profile that shows the server, without animations, in the time zone of the server's clock."""
    context = browser.new_context(
        base_url=f"{url}{PREFIX}/",
        reduced_motion="reduce",
        timezone_id="UTC",
        locale="en-GB",
    )
    context.set_default_timeout(20_000)
    return context


def _drawn(page: Page, shot: Shot) -> bytes:
    """Return a picture, as PNG, once the page shows what is wanted, and has loaded its audio."""
    page.clock.set_fixed_time(NINE_O_CLOCK)
    page.emulate_media(color_scheme="dark" if shot.colours == "dark" else "light")
    page.set_viewport_size({"width": shot.width, "height": shot.height})
    page.goto(shot.path)
    expect(page.locator(shot.wanted).first).to_be_visible()
    if shot.unfold:
        page.locator(shot.unfold).click()
    page.wait_for_timeout(_SETTLING)
    shown = page.locator(shot.part).first if shot.part else page
    png: bytes = shown.screenshot(animations="disabled", caret="hide")
    page.close()
    return png


if __name__ == "__main__":
    main()
