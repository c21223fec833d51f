"""What holds for every page of the dashboard: no complaints, accessible, in any width, by keyboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page as BrowserPage
from playwright.sync_api import expect

from mockserver.dashboard.pages import PAGES, PREFIX, Page
from mockserver.testing.mock_server import MockServer
from tests.dashboard.checks import check_axe, check_width
from tests.dashboard.chromium import Complaints

WIDTHS = (360, 800, 1400)  # px
MOST_STOPS = 3000  # of the Tab key in a page
every_page = pytest.mark.parametrize("shown", PAGES, ids=lambda each: each.name)


def open_page(page: BrowserPage, shown: Page, filled: MockServer) -> None:
    """Open a page of the dashboard, and wait until its script has shown what it shows."""
    latest = filled.latest_exchange
    assert latest is not None
    page.goto(filled.url + PREFIX + shown.rule.replace("<id>", latest))
    expect(page.locator("#page > *").first).to_be_visible()
    page.wait_for_load_state("load")


@every_page
def test_a_page_has_a_title_landmarks_and_its_place(
    page: BrowserPage, shown: Page, filled: MockServer
) -> None:
    open_page(page, shown, filled)

    expect(page).to_have_title(
        re.compile(r"\S+ · audio-mockserver$" if shown.of_one else f"^{shown.title} · audio-mockserver$")
    )
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    expect(page.get_by_role("main")).to_have_count(1)
    expect(page.get_by_role("banner")).to_have_count(1)
    navigation = page.get_by_role("navigation", name="Pages")
    current = next(each for each in PAGES if each.name in (shown.name, shown.section) and not each.of_one)
    expect(navigation.locator("[aria-current=page]")).to_have_text(current.title)
    expect(navigation.get_by_role("link")).to_have_count(sum(not each.of_one for each in PAGES))


@every_page
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_axe_finds_nothing(page: BrowserPage, shown: Page, filled: MockServer, colours: str) -> None:
    page.emulate_media(color_scheme=colours)  # type: ignore[arg-type, unused-ignore]
    open_page(page, shown, filled)

    check_axe(page)


@every_page
def test_a_page_fits_into_every_width(page: BrowserPage, shown: Page, filled: MockServer) -> None:
    open_page(page, shown, filled)

    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        check_width(page)


FOCUSED = """() => {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  element.dataset.stop ??= String(document.querySelectorAll("[data-stop]").length);
  const box = element.getBoundingClientRect();
  const styles = [getComputedStyle(element), getComputedStyle(element, "::after")];
  const outlined = styles.some((style) => style.outlineStyle !== "none" || style.boxShadow !== "none");
  return [element.dataset.stop, element.outerHTML.slice(0, 120), outlined && box.width > 0 && box.height > 0];
}"""


@every_page
def test_the_tab_key_reaches_everything_and_leaves_again(
    page: BrowserPage, shown: Page, filled: MockServer
) -> None:
    open_page(page, shown, filled)
    stops: list[tuple[str, str, bool]] = []

    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused is None or (stops and focused[0] == stops[0][0]):
            break
        if not stops or focused[0] != stops[-1][0]:  # else it is the next part of a date
            stops.append(focused)
    else:
        pytest.fail(f"the focus does not leave the page: {stops[-3:]}")

    assert len({number for number, *_ in stops}) == len(stops), "the focus does not go in circles"
    assert [html for _, html, is_visible in stops if not is_visible] == []
    assert "Skip to the content" in stops[0][1]
    links = page.locator("nav a, main a[href], main button:enabled, main summary").filter(visible=True)
    reachable = links.evaluate_all("(all) => all.filter((each) => each.tabIndex >= 0 && !each.dataset.stop)")
    assert len(reachable) == 0


def test_the_navigation_works_by_keyboard(page: BrowserPage, filled: MockServer) -> None:
    page.goto(filled.url)

    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    page.get_by_role("link", name="Clock").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{filled.url}{PREFIX}/clock")


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_colours_follow_the_system_or_are_chosen(page: BrowserPage, filled: MockServer, colours: str) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    other = {"light": "dark", "dark": "light"}[colours]
    page.emulate_media(color_scheme=colours)  # type: ignore[arg-type, unused-ignore]
    page.goto(filled.url)
    of_system = page.evaluate(ground)

    page.get_by_label("Colours").select_option(other)
    chosen = page.evaluate(ground)
    page.goto(f"{filled.url}{PREFIX}/clock")

    assert chosen != of_system
    assert page.evaluate(ground) == chosen
    check_axe(page)


def test_a_path_that_is_no_page_says_so(
    page: BrowserPage, server: MockServer, complaints: Complaints
) -> None:
    complaints.allow("404")

    page.goto(f"{PREFIX}/<img src=x onerror=alert(1)>")

    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page.")
    expect(page.get_by_role("main")).to_contain_text("<img src=x onerror=alert(1)>")
    check_axe(page)
