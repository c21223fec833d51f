"""The browser of the tests sees what a page should not do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Page

from mockserver.testing.mock_server import MockServer
from tests.dashboard.checks import check_axe, check_width
from tests.dashboard.chromium import Complaints
from tests.waiting import eventually
from tests.website import Website, serving

STRICT = {"Content-Type": "text/html", "Content-Security-Policy": "default-src 'none'; script-src 'self'"}
HEAD = "<!doctype html><html lang='en'><title>page</title>"
GOOD = f"{HEAD}<main><h1>A heading</h1></main>"
LISTEN = """async () => {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const heard = new AudioContext();
  const analyser = heard.createAnalyser();
  heard.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  for (;;) {
    await new Promise((done) => setTimeout(done, 20));
    analyser.getFloatTimeDomainData(samples);
    const loudest = Math.max(...samples.map(Math.abs));
    if (loudest > 0.05) return loudest;
  }
}"""


@pytest.fixture
def site() -> Iterator[Website]:
    with serving() as running:
        running.page("/favicon.ico", b"")
        yield running


@pytest.fixture
def context(site: Website, context: BrowserContext) -> BrowserContext:
    """Return a profile that is closed before the site: a browser may ask for the icon of a page late."""
    return context


def show(page: Page, site: Website, html: str) -> None:
    page.goto(site.page("/", html.encode(), headers=STRICT))


def test_a_good_page_has_no_complaints(page: Page, site: Website, complaints: Complaints) -> None:
    show(page, site, GOOD)

    assert complaints.all() == []
    check_axe(page)
    check_width(page)


@pytest.mark.parametrize("content", ["<script>1</script>", "<p style='color: red'>red", "<img src='/image'>"])
def test_what_the_policy_forbids_is_a_complaint(
    page: Page, site: Website, complaints: Complaints, content: str
) -> None:
    show(page, site, GOOD + content)

    (found,) = complaints.all()
    assert "Content Security Policy" in found
    complaints.allow("Content Security Policy")


@pytest.mark.parametrize(
    ("script", "wanted"),
    [
        ("console.error('a message')", "console: a message"),
        ("throw new Error('thrown')", "exception: thrown"),
        ("Promise.reject(new Error('later'))", "exception: later"),
        ("fetch('/absent')", "console: Failed to load resource"),
        ("fetch('http://elsewhere.example/', { mode: 'no-cors' }).catch(() => 0)", "off the origin: GET"),
    ],
)
def test_what_a_script_should_not_do_is_a_complaint(
    page: Page, site: Website, complaints: Complaints, script: str, wanted: str
) -> None:
    site.page("/absent", b"", status=404)
    page.goto(
        site.page("/", f"{GOOD}<script>{script}</script>".encode(), headers={"Content-Type": "text/html"})
    )

    assert eventually(lambda: [each for each in complaints.all() if wanted in each])
    complaints.allow(f"{wanted}|ERR_CONNECTION_REFUSED")


def test_a_page_that_does_not_fit_is_seen(page: Page, site: Website) -> None:
    page.set_viewport_size({"width": 360, "height": 600})
    page.goto(
        site.page("/", f"{HEAD}<table width=500><tr><td>wide".encode(), headers={"Content-Type": "text/html"})
    )

    with pytest.raises(AssertionError, match=r"\d+ px are needed, 360 px are there.*wide"):
        check_width(page)
    with pytest.raises(AssertionError, match="landmark"):
        check_axe(page)


def test_the_microphone_plays_a_file(page: Page, server: MockServer) -> None:
    page.goto("/_mock/health")

    loudest = page.evaluate(LISTEN)

    assert loudest > 0.05


def test_a_program_serves(run_server: Callable[..., str], page: Page) -> None:
    page.goto(f"{run_server('--whisper-model', 'none')}/_mock/health")

    assert "ok" in page.content()
