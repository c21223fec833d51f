"""What holds for every page: it is accessible, and fits into the window."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def check_axe(page: Page) -> None:
    """Fail if axe finds anything in the page as it is shown now: contrast, names, roles, landmarks, headings."""
    found = Axe().run(page).response["violations"]
    texts = [
        f"{each['impact']}: {each['help']} ({each['id']})\n  {node['target']}: {node['html']}\n  {node['failureSummary']}"
        for each in found
        for node in each["nodes"]
    ]
    assert not texts, "\n".join(texts)


def check_width(page: Page) -> None:
    """Fail if the page is wider than its window, so that it scrolls sideways."""
    width, wanted = page.evaluate("[innerWidth, document.documentElement.scrollWidth]")
    assert wanted <= width, f"{wanted} px are needed, {width} px are there: {_widest(page, width)}"


def _widest(page: Page, width: int) -> list[str]:
    """Return the elements that reach beyond the window, those without children that do so."""
    script = """(width) => [...document.querySelectorAll("body *")]
        .filter((each) => each.getBoundingClientRect().right > width + 1)
        .filter((each) => ![...each.children].some((child) => child.getBoundingClientRect().right > width + 1))
        .map((each) => each.outerHTML.slice(0, 200))"""
    elements: list[str] = page.evaluate(script, width)
    return elements
