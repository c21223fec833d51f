"""The pages and assets over HTTP: who gets which, and with which headers."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import mockserver.dashboard
from mockserver.dashboard.pages import PAGES, PREFIX, Page
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer

STATIC = Path(mockserver.dashboard.__file__).parent / "static"
ASSETS = sorted(str(path.relative_to(STATIC)) for path in STATIC.rglob("*") if path.is_file())
VENDOR = STATIC / "js" / "vendor"
TYPES = {".css": "text/css", ".js": "text/javascript", ".mjs": "text/javascript", ".svg": "image/svg+xml"}
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
HOSTILE = "<img src=x onerror=alert(1)>"
# Everything that a page loads is named in one of these forms.
NAMED = re.compile(r"""(?:from|import|import\(|href=|src=|url\()\s*["'`(]?(https?:|//)""")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with MockServer(Settings(port=0, whisper_model="none", log_level="warning")) as running:
        yield running.url


@pytest.fixture
def http(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url) as client:
        yield client


@pytest.mark.parametrize(
    ("accept", "is_page"),
    [
        (BROWSER, True),
        ("text/html", True),
        ("text/html;q=0.9,text/plain;q=0.9", True),
        ("*/*", False),  # curl
        ("application/json", False),  # SDKs
        ("text/plain,text/html;q=0.5", False),
        ("text/html;q=0", False),
        ("text/htmlx", False),
        ("", False),
        ("\u00ff;;=,text/", False),
    ],
)
def test_browsers_get_the_dashboard_and_programs_a_short_text(
    http: httpx.Client, accept: str, is_page: bool
) -> None:
    answer = http.get("/", headers={b"Accept": accept.encode("latin-1")})

    assert answer.status_code == 200
    assert answer.headers["content-type"] == f"text/{'html' if is_page else 'plain'}; charset=utf-8"
    assert ("<h1>Exchanges</h1>" in answer.text) is is_page
    assert "accept" in answer.headers["vary"].lower()


def test_a_request_without_accept_gets_the_text(http: httpx.Client) -> None:
    del http.headers["Accept"]

    assert http.get("/").text.startswith("audio-mockserver")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_only_reading_shows_a_page(http: httpx.Client, method: str) -> None:
    html = {"Accept": "text/html"}

    assert "json" in http.request(method, "/", headers=html).headers["content-type"]
    assert http.request(method, f"{PREFIX}/limits", headers=html).status_code == 405
    assert http.head("/", headers=html).headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("page", PAGES, ids=lambda each: each.name)
def test_a_shell_is_closed_to_other_sites_and_has_no_data(
    http: httpx.Client, filled: MockServer, page: Page
) -> None:
    path = PREFIX + page.rule.replace("<id>", "req_1")
    answer = httpx.get(filled.url + path)
    policy = dict(each.strip().split(" ", 1) for each in answer.headers["content-security-policy"].split(";"))

    assert answer.text == http.get(path).text, "the same on a server without exchanges"
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["form-action"] == policy["base-uri"] == "'none'"
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|javascript:", answer.text)
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in answer.headers
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "path", [f"/{HOSTILE}", f"/exchanges/{HOSTILE}", f"/{HOSTILE}/x", "/assets/../app.py"]
)
def test_a_path_is_text_in_a_page(http: httpx.Client, path: str) -> None:
    answer = http.get(PREFIX + path)

    assert HOSTILE not in answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.status_code == (200 if path.startswith("/exchanges/") else 404)


@pytest.mark.parametrize(
    "path", ["../app.py", "..%2fapp.py", "%2e%2e/app.py", "js", "js/absent.js", "js\\main.js"]
)
def test_only_assets_are_served(http: httpx.Client, path: str) -> None:
    answer = http.get(f"{PREFIX}/assets/{path}")

    assert answer.status_code == 404
    assert "def " not in answer.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", [PREFIX, f"{PREFIX}/stubs", f"{PREFIX}/assets/js/main.js"])
def test_pages_and_assets_are_only_read(http: httpx.Client, method: str, path: str) -> None:
    answer = http.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert f"{path} does not support {method}. Use GET, HEAD." in answer.text
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("name", ASSETS)
def test_an_asset_has_its_type_and_is_not_sent_twice(http: httpx.Client, name: str) -> None:
    url = f"{PREFIX}/assets/{name}"
    answer = http.get(url)
    again = http.get(url, headers={"If-None-Match": answer.headers["etag"]})

    assert answer.content == (STATIC / name).read_bytes()
    assert answer.headers["cache-control"] == "no-cache"
    if Path(name).suffix in TYPES:
        assert answer.headers["content-type"].partition(";")[0] == TYPES[Path(name).suffix]
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", [name for name in ASSETS if Path(name).suffix in TYPES])
def test_an_asset_names_nothing_elsewhere(name: str) -> None:
    text = (STATIC / name).read_text("utf-8")

    assert NAMED.findall(text) == []
    assert re.findall(
        r"\beval\(|new Function\(|dangerouslySetInnerHTML\s*[=:]\s*\{|\.innerHTML\s*=|sourceMappingURL", text
    ) in (
        [],
        [".innerHTML="] if name == "js/vendor/preact.mjs" else [],
    )


def test_libraries_are_what_the_table_says_with_their_licences() -> None:
    table = tomllib.loads((VENDOR / "libraries.toml").read_text("utf-8"))
    licences = {row["license_file"] for row in table.values()}

    assert {path.name for path in VENDOR.iterdir()} == {*table, *licences, "libraries.toml"}
    for name, row in table.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == row["sha256"]
        assert row["license"] in ("MIT", "Apache-2.0")
        assert row["license"].partition("-")[0] in (VENDOR / row["license_file"]).read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda each: each.name)
def test_a_page_has_its_script_and_styles(http: httpx.Client, page: Page) -> None:
    shell = http.get(PREFIX + page.rule.replace("<id>", "req_1")).text
    named = re.findall(r'(?:src|href)="(/[^"]*)"', shell)

    assert f'data-page="{page.name}"' in shell
    assert (STATIC / "js" / "pages" / f"{page.name}.js").is_file()
    assert {path: http.get(path).status_code for path in named if path.startswith(f"{PREFIX}/assets")} == {
        path: 200 for path in named if path.startswith(f"{PREFIX}/assets")
    }
    assert f"{PREFIX}/assets/css/{page.name}.css" in named
