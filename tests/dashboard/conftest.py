"""Fixtures that all tests of the dashboard share: a server, a browser, and a page whose complaints fail the test.

Without Chromium the tests that need it are skipped, without Playwright they are left out: `make test` runs the others.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tools.dashboard_pictures.scene import scene

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

    from tests.dashboard.chromium import Complaints

HERE = Path(__file__).parent
HAS_PLAYWRIGHT = find_spec("playwright") is not None and find_spec("axe_playwright_python") is not None
NEED_IT = [
    module.name for module in HERE.glob("test_*.py") if "from playwright." in module.read_text("utf-8")
]
collect_ignore = [] if HAS_PLAYWRIGHT else NEED_IT
_PATIENCE = 20_000  # milliseconds that a page may take on a busy machine


def pytest_report_header() -> list[str]:
    """Say which modules are left out, and what runs them."""
    names = ", ".join(sorted(collect_ignore))
    return [f"left out, they need Playwright (make test-dashboard): {names}"] if names else []


@pytest.fixture
def make_server() -> Iterator[Callable[..., MockServer]]:
    """Return a function that starts a server in this process, with settings as keywords."""
    with ExitStack() as running:

        def start(**settings: Any) -> MockServer:
            given: dict[str, Any] = {"port": 0, "log_level": "warning"} | settings
            return running.enter_context(MockServer(Settings(**given)))

        yield start


@pytest.fixture
def server(make_server: Callable[..., MockServer]) -> MockServer:
    """Return a server of this test, which transcribes known audio only."""
    return make_server(whisper_model="none")


@pytest.fixture(scope="session")
def filled() -> Iterator[MockServer]:
    """Yield the server of the guide's pictures, with exchanges, stubs, faults and work of every kind. Only for reading."""
    with scene() as filled:
        yield filled.server


@pytest.fixture
def run_server() -> Iterator[Callable[..., str]]:
    """Return a function that runs ``mockserver serve`` with further options, and returns its URL."""
    with ExitStack() as running:
        yield lambda *options: running.enter_context(_served(options))


@contextlib.contextmanager
def _served(options: tuple[str, ...]) -> Iterator[str]:
    command = [sys.executable, "-m", "mockserver", "serve", "--port", "0", "--stop-on-eof", *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        found = re.search(
            r"http\S+?(?=/v1)", next(line for line in process.stdout if "OPENAI_BASE_URL" in line)
        )
        assert found is not None
        yield found[0]
        process.stdin.close()
    assert process.returncode == 0


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import expect

    from tests.dashboard import chromium

    expect.set_options(timeout=_PATIENCE)
    chromium.require()
    with chromium.running() as browser:
        yield browser


@pytest.fixture
def context(browser: Browser, server: MockServer) -> Iterator[BrowserContext]:
    """Yield a profile of this test; paths are those of ``server``."""
    with browser.new_context(base_url=server.url, reduced_motion="reduce") as made:
        made.set_default_timeout(_PATIENCE)
        yield made


@pytest.fixture
def complaints(context: BrowserContext) -> Iterator[Complaints]:
    """Yield what pages did and should not; the test fails if anything is left that it did not allow."""
    from tests.dashboard.chromium import Complaints

    found = Complaints(context)
    yield found
    assert found.all() == []


@pytest.fixture
def page(context: BrowserContext, complaints: Complaints) -> Page:
    return context.new_page()
