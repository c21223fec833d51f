"""Requests of fixed paths skip Flask's routing, and get the answers that Flask would send."""

from __future__ import annotations

import subprocess
import sys

import pytest
from werkzeug.test import TestResponse

from mockserver.app import create_app, services_of
from mockserver.settings.model import Settings

KEY = {"Authorization": "Bearer sk-mock-tier-5-adapter"}
BODILESS = (204, 205, 304)
CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}

APP = """
import sys
from mockserver.app import build_services, create_wsgi_app
from mockserver.settings.model import Settings

app = create_wsgi_app(build_services(Settings(whisper_model="none")))

def status_of(path):
    path, _, query = path.partition("?")
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query, "REMOTE_ADDR": "127.0.0.1"}
    environ |= {"HTTP_HOST": "localhost", "HTTP_AUTHORIZATION": "Bearer sk-x"}
    environ |= {"SERVER_NAME": "localhost", "wsgi.url_scheme": "http", "wsgi.input": sys.stdin.buffer}
    started = []
    answer = app(environ, lambda status, *_: started.append(status))
    b"".join(answer)
    answer.close()
    return started
"""

LATE = """
for path in ("/v1/models", "/_mock/health"):
    assert status_of(path) == ["200 OK"], path
assert not {"flask", "werkzeug", "jinja2"} & set(sys.modules)
assert status_of("/v1/models/whisper-1") == ["200 OK"]
assert "flask" in sys.modules
"""

AT_ONCE = """
import threading
from concurrent.futures import ThreadPoolExecutor

sys.setswitchinterval(1e-6)
paths = ["/v1/models/whisper-1", "/v1/files?limit=1", "/v1/batches?limit=1", "/_mock/stubs", "/", "/v1/unknown"] * 3
ready = threading.Barrier(len(paths))

def first(path):
    ready.wait(60)
    return path, *status_of(path)

with ThreadPoolExecutor(len(paths)) as threads:
    found = set(threads.map(first, paths))
assert {status for _, status in found} == {"200 OK", "404 Not Found"} and len(found) == 6, found
"""


def same_in_both(response: TestResponse) -> tuple[str, list[str]]:
    """Return the status line, and the names of the headers except for those of pages."""
    names = [name for name, _ in response.headers if not name.lower().startswith(("access-control-", "vary"))]
    return response.status, names


@pytest.mark.parametrize("status", [200, 204, 205, 299, 304, 404, 418, 500, 599])
def test_a_stub_is_answered_alike_with_and_without_flask(status: int) -> None:
    app = create_app(Settings(whisper_model="none", seed="adapter", frozen_time=1_800_000_000.0))
    stub = {
        "when": {"endpoint": "chat"},
        "reply": {"status": status} | ({"body": ""} if status in BODILESS else {"json": {"a": 1}}),
    }
    with app.test_client() as client:
        assert client.post("/_mock/stubs", json=stub, headers=KEY).status_code == 201
        direct = client.post("/v1/chat/completions", json=CHAT, headers=KEY)
        by_flask = client.post(
            "/v1/chat/completions", json=CHAT, headers={**KEY, "Origin": "http://localhost"}
        )
        assert direct.status_code == status
        assert same_in_both(direct) == same_in_both(by_flask)
        assert direct.data == by_flask.data
    services_of(app).close()


@pytest.mark.parametrize("requests", [LATE, AT_ONCE], ids=["late", "at_once"])
def test_a_start_needs_no_flask(requests: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", APP + requests], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
