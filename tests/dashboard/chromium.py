"""Runs the installed Chromium by Playwright, and notes everything that a page should not do."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Request, sync_playwright

from mockserver.resources import data_folder

PROGRAM = shutil.which("chromium-headless-shell") or shutil.which("chromium")  # the first is faster
MICROPHONE = data_folder("fixtures") / "hello.wav"  # "Hello world, this is a test."
# Names are never looked up. Some lead to this machine, as after a DNS rebinding.
_NAMES = "MAP *.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
_LOCAL = ("blob", "data")
_OPTIONS = (
    *("--disable-background-networking", "--disable-component-update", "--disable-domain-reliability"),
    f"--host-resolver-rules={_NAMES}",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",  # permits the microphone without asking
)


@contextlib.contextmanager
def running(microphone: Path = MICROPHONE) -> Iterator[Browser]:
    """Yield a browser without a window, whose microphone plays a WAV file once each time it is opened."""
    options = [*_OPTIONS, f"--use-file-for-fake-audio-capture={microphone}%noloop"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=options)
        yield browser
        browser.close()


class Complaints:
    """What the pages of a context did and should not: errors in the console (violations of the policy are such errors),
    uncaught exceptions, requests to another origin than that of the first page.
    """

    def __init__(self, context: BrowserContext) -> None:
        self._context = context
        self._origin: str | None = None
        self._found: list[str] = []
        self._allowed: list[str] = []
        context.on("console", self._note_message)
        context.on("weberror", lambda error: self._found.append(f"exception: {error.error}"))
        context.on("request", self._note_request)

    def allow(self, pattern: str) -> None:
        """Accept complaints that contain a regular expression, such as a refusal that the test provokes."""
        self._allowed.append(pattern)

    def all(self) -> list[str]:
        """Return the complaints that are not allowed, in order."""
        for page in self._context.pages:
            with contextlib.suppress(Error):  # the page is closed, or goes elsewhere
                page.evaluate("0")  # what happened before has arrived after this round trip
        return [text for text in self._found if not any(re.search(each, text) for each in self._allowed)]

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._found.append(f"console: {message.text} ({message.location.get('url')})")

    def _note_request(self, request: Request) -> None:
        url = urlsplit(request.url)
        origin = f"{url.scheme}://{url.netloc}"
        self._origin = self._origin or origin
        if url.scheme not in _LOCAL and origin != self._origin:
            self._found.append(f"off the origin: {request.method} {request.url}")


def require() -> None:
    """Skip the test if Chromium is not installed."""
    if PROGRAM is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
