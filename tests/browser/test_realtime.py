"""Pages in Chromium that talk to a Realtime session: over a WebSocket, and over WebRTC."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.browser.chromium import HERE, showing

PAGE = (HERE / "realtime.js").read_text("utf-8")
QUESTION = "What is the weather like in Paris?"


@pytest.fixture
def mock() -> Iterator[MockServer]:
    with MockServer(Settings(port=0)) as running:
        yield running


def shown(mock: MockServer, function: str, profile: Path) -> Any:
    """Return what a function of the page reports."""
    found: queue.Queue[Any] = queue.Queue()
    head = f"const SERVER = {json.dumps(mock.url)}, KEY = 'sk-page', QUESTION = {json.dumps(QUESTION)};"
    call = f"{function}().then(tell, (error) => tell({{ error: String(error.stack) }}));"
    page = f"<!doctype html><title>page</title><script>{head}\n{PAGE}\n{call}</script>".encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(page)

        def do_POST(self) -> None:
            found.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as site:
        threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        with showing(f"http://127.0.0.1:{site.server_address[1]}/", profile):
            result = found.get(timeout=100)
        site.shutdown()
    return result


def test_a_page_talks_over_a_web_socket(mock: MockServer, tmp_path: Path) -> None:
    found = shown(mock, "byWebSocket", tmp_path)

    assert found["protocol"] == "realtime"
    assert found["said"] == f"I heard you say: {QUESTION}"
    assert found["kinds"]["response.output_audio.delta"] > 1
    assert found["code"] == 1000


def test_a_page_talks_over_web_rtc(mock: MockServer, tmp_path: Path) -> None:
    found = shown(mock, "byWebRtc", tmp_path)

    assert found["status"] == 201
    assert found["location"].startswith("/v1/realtime/calls/rtc_u0_")
    assert "weather" in found["said"].lower()
    assert "response.output_audio.delta" not in found["kinds"]
    assert found["kinds"]["output_audio_buffer.started"] == 1
    assert found["tracks"] == 1
    assert found["loudest"] > 0.05
