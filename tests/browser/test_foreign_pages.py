"""No page of another site can read or change the control API, whatever a real browser permits."""

from __future__ import annotations

import http.client
import json
import queue
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.browser.chromium import HERE, showing

MARKER = "the-state-of-the-server"
ATTEMPTS = (HERE / "attempts.js").read_text("utf-8")
FETCHING = 7
EMBEDDING = 7


class Site:
    """A foreign web server, known by many names.

    ``page`` is its content; pages report to ``/found``. It forwards calls of ``/_mock`` unchanged: so they reach the
    server, as after a DNS rebinding from this site to it.
    """

    def __init__(self, mock: MockServer) -> None:
        self.page = ""
        self.found: queue.Queue[dict[str, str]] = queue.Queue()
        self.passed_on: queue.Queue[int] = queue.Queue()
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.path.startswith("/_mock"):
                    site.pass_on(self, body, mock)
                    return
                if self.path == "/found":
                    site.found.put(json.loads(body))
                page = site.page.encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            do_GET = do_POST = do_PUT = do_DELETE = do_OPTIONS = answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]

    def pass_on(self, request: BaseHTTPRequestHandler, body: bytes, mock: MockServer) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port_of(mock))
        connection.putrequest(request.command, request.path, skip_host=True, skip_accept_encoding=True)
        for name, value in request.headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        data = answer.read()
        self.passed_on.put(answer.status)
        request.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                request.send_header(name, value)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)
        connection.close()

    def results(self, host: str, page: str, profile: Path) -> dict[str, str]:
        """Return what a page of this site has reported under a name."""
        self.page = page
        with showing(f"http://{host}:{self.port}/", profile):
            return self.found.get(timeout=100)


def port_of(mock: MockServer) -> int:
    return int(mock.url.rpartition(":")[2])


@pytest.fixture
def mock() -> Iterator[MockServer]:
    """Yield a server that has state to read and to change."""
    with MockServer(Settings(port=0, whisper_model="none", frozen_time=1_800_000_000)) as running:
        stub = {"id": "kept", "when": {"endpoint": "chat"}, "reply": {"say": MARKER}}
        assert httpx.post(f"{running.url}/_mock/stubs", json=stub).status_code == 201
        yield running


@pytest.fixture
def site(mock: MockServer) -> Iterator[Site]:
    made = Site(mock)
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    with made.server:
        yield made
        made.server.shutdown()


@pytest.fixture
def unchanged(mock: MockServer) -> Callable[[], bool]:
    """Return whether the state of the server is unchanged."""

    def state() -> Any:
        return httpx.get(f"{mock.url}/_mock/snapshot").json()["state"]

    before = state()
    return lambda: bool(state() == before)


def page(targets: list[str], label: str, script: str) -> str:
    head = f"const TARGETS = {json.dumps(targets)}, LABEL = {json.dumps(label)};"
    return f"<!doctype html><title>page</title><body><script>{head}\n{ATTEMPTS}\n{script}</script>"


TELL = 'const tell = (found) => fetch("/found", { method: "POST", body: JSON.stringify(found) });'
TRY_ALL = TELL + "attempt({ ...fetching, ...embedding }).then(tell);"
TRY_FRAMED = """
const frame = document.createElement("iframe");
frame.sandbox = "allow-scripts allow-forms";
frame.srcdoc = "<script>" + document.scripts[0].text.split("// framed")[0]
  + "attempt(fetching).then((found) => parent.postMessage(found, '*'))</" + "script>";
onmessage = (event) => tell(event.data);
document.body.append(frame);
"""


def targets(mock: MockServer) -> list[str]:
    hosts = (
        "127.0.0.1",
        "localhost",
        "a_b.evil.example",
        "rebound.evil.example",
        "a_b.localhost",
        "[::ffff:7f00:1]",
    )
    return [f"http://{host}:{port_of(mock)}" for host in hosts]


def test_a_page_of_another_site_gets_nowhere(
    mock: MockServer, site: Site, unchanged: Callable[[], bool], tmp_path: Path
) -> None:
    found = site.results("evil.example", page(targets(mock), "page", TRY_ALL), tmp_path)
    assert len(found) == len(targets(mock)) * (FETCHING + EMBEDDING), "everything was tried"
    assert MARKER not in json.dumps(found)
    assert unchanged()


def test_a_sandboxed_frame_which_has_no_origin_gets_nowhere(
    mock: MockServer, site: Site, unchanged: Callable[[], bool], tmp_path: Path
) -> None:
    found = site.results(
        "evil.example", page(targets(mock), "framed", "// framed\n" + TELL + TRY_FRAMED), tmp_path
    )
    assert len(found) == len(targets(mock)) * FETCHING, "everything was tried"
    assert MARKER not in json.dumps(found)
    assert unchanged()


@pytest.mark.parametrize("host", ["rebound.evil.example", "a_b.evil.example"])
def test_a_name_that_leads_to_the_server_since_is_not_the_servers(
    mock: MockServer, site: Site, unchanged: Callable[[], bool], tmp_path: Path, host: str
) -> None:
    own = [f"http://{host}:{site.port}"]
    found = site.results(host, page(own, "rebound", TRY_ALL), tmp_path)
    assert len(found) == FETCHING + EMBEDDING
    statuses = [site.passed_on.get() for _ in range(site.passed_on.qsize())]
    assert len(statuses) >= FETCHING, "the server was asked"
    assert set(statuses) == {403}
    assert MARKER not in json.dumps(found)
    assert unchanged()


def test_a_page_of_another_port_gets_nowhere_without_asking(
    mock: MockServer, site: Site, unchanged: Callable[[], bool], tmp_path: Path
) -> None:
    own = [f"http://localhost:{port_of(mock)}"]
    opaque = TELL + "const { readsOpaquely, postsOpaquely, hidesItself } = fetching;"
    script = opaque + "attempt({ readsOpaquely, postsOpaquely, hidesItself, ...embedding }).then(tell);"
    found = site.results("localhost", page(own, "near", script), tmp_path)
    assert len(found) == 3 + EMBEDDING
    assert MARKER not in json.dumps(found)
    assert unchanged()


def test_a_page_of_this_machine_that_asks_reads_and_steers(
    mock: MockServer, site: Site, unchanged: Callable[[], bool], tmp_path: Path
) -> None:
    own = [f"http://127.0.0.1:{port_of(mock)}"]
    script = TELL + "const { reads, puts } = fetching; attempt({ reads, puts }).then(tell);"
    found = site.results("localhost", page(own, "near", script), tmp_path)
    read, put = found.values()
    assert read.startswith("200 cors")
    assert MARKER in read
    assert put.startswith("200 cors")
    assert not unchanged()


def test_a_page_of_the_server_itself_reads_and_steers(mock: MockServer, site: Site, tmp_path: Path) -> None:
    own = [f"http://127.0.0.1:{site.port}"]
    found = site.results("127.0.0.1", page(own, "own", TELL + "attempt(fetching).then(tell);"), tmp_path)
    assert MARKER in found[f"own reads {own[0]}"]
    assert found[f"own posts {own[0]}"].startswith("201 basic")


def test_an_address_that_is_typed_is_answered(site: Site, tmp_path: Path) -> None:
    with showing(f"http://127.0.0.1:{site.port}/_mock/stubs", tmp_path):
        assert site.passed_on.get(timeout=100) == 200
