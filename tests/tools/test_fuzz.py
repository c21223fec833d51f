"""The fuzzer knows every call, repeats its requests, and reports errors."""

from __future__ import annotations

import sys
import time
from itertools import islice
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import pytest
from openapi_spec_validator import validate

from benchmarks.processes import Server, clean_environment
from mockserver.app import OPERATIONS
from mockserver.catalog.paths import WEBSOCKET
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tools.fuzz.calls import Call, every_call
from tools.fuzz.described import api_document
from tools.fuzz.exchange import Request, saved, send
from tools.fuzz.mutation_fuzzer import Finding, MutationFuzzer
from tools.fuzz.requests import Requests

CALLS = every_call()
# A server that answers by path: with an error, with or without a reason, not at all, or with success.
STAND_IN = """
import http.server, json, sys, time

class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        path = self.path
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if path == "/hangs-up":
            return self.connection.close()
        if path == "/logs":
            print("Traceback (most recent call last):\\n  File x, line 1, in f\\nKeyError: 'x'", flush=True)
        code = {"/documented": "mock_no_reply", "/scripted": "x"}.get(path)
        failing = path == "/fails" or code == "mock_no_reply" or (code and "x-mock-fault" in self.headers)
        body = json.dumps({"error": {"code": code}}).encode()
        self.send_response(500 if failing else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer
    def log_message(self, *arguments): pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
server.handle_error = lambda *_: None  # of clients that do not read to the end
server.serve_forever()
"""


class Asked(Requests):
    """Requests of one path only."""

    path = "/"

    def next(self) -> Request:
        return Request("GET", self.path, (("x-mock-fault", "server_error"),))


def findings(path: str, monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    monkeypatch.setattr(Asked, "path", path)
    monkeypatch.setattr("tools.fuzz.mutation_fuzzer.Requests", Asked)
    command = [sys.executable, "-c", STAND_IN, "PORT"]
    with Server(command, environment=clean_environment()) as server:
        fuzzer = MutationFuzzer(server, CALLS, 1)
        return list(islice(fuzzer.episode(1, time.monotonic() + 0.5), 1))


def test_a_stream_of_events_without_an_end_is_read_for_a_while() -> None:
    with MockServer(Settings(port=0, whisper_model="none", log_level="error")) as server:
        parts = urlsplit(server.url)
        answer = send(
            (str(parts.hostname), int(parts.port or 0)), Request("GET", "/_mock/journal/events"), 60
        )
    assert answer.status == 200
    assert answer.body.startswith(b": listening")


def test_every_call_of_the_server_is_fuzzed() -> None:
    served = {call.name for call in CALLS if not call.is_control and call.body != "any"}
    assert served == {operation.name for operation in OPERATIONS}
    assert {"POST /_mock/stubs", "PUT /_mock/snapshot", "GET /_mock/models/{name}"} <= {
        call.name for call in CALLS
    }
    assert "POST /_mock/shutdown" not in {call.name for call in CALLS}


def test_the_same_seed_makes_the_same_requests() -> None:
    def made(seed: int) -> list[bytes]:
        requests = Requests(CALLS, Random(seed))
        return [requests.next().data for _ in range(60)]

    assert made(1) == made(1)
    assert made(1) != made(2)


def test_requests_of_every_call_are_made() -> None:
    requests = Requests(CALLS, Random(1))
    paths = [requests.next().path for _ in range(3000)]
    for beginning in {call.path.partition("{")[0] for call in CALLS if call.body != "any"}:
        assert any(path.startswith(beginning) for path in paths), beginning


def test_the_api_is_described_in_openapi() -> None:
    document = api_document(CALLS)
    validate(document)
    assert "post" in document["paths"]["/v1/audio/transcriptions"]
    assert len([each for item in document["paths"].values() for each in item]) == len(
        [each for each in OPERATIONS if each.method != WEBSOCKET]
    )


@pytest.mark.parametrize(
    ("path", "what"),
    [("/fails", "500"), ("/hangs-up", "closed without an answer"), ("/logs", "a traceback; 200")],
)
def test_what_must_not_be_is_found(monkeypatch: pytest.MonkeyPatch, path: str, what: str) -> None:
    (finding,) = findings(path, monkeypatch)
    assert finding.what.startswith(what)
    assert finding.request.path == path
    assert ("KeyError" in finding.detail) == (path == "/logs")


@pytest.mark.parametrize("path", ["/well", "/documented", "/scripted"])
def test_what_may_be_is_no_finding(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    assert findings(path, monkeypatch) == []


def test_a_request_is_shown_as_a_command_and_kept_as_bytes(tmp_path: Path) -> None:
    request = Request("POST", "/v1/x", (("Content-Type", "application/json"),), b'{"a": "it\'s"}')
    assert request.command(4010).startswith("curl -i -X POST http://127.0.0.1:4010/v1/x -H ")
    assert saved(request, tmp_path, "finding-1").read_bytes() == request.data
    assert request.data.endswith(b"Content-Length: 13\r\n\r\n" + b'{"a": "it\'s"}')
    assert Request("POST", "/", (), b"\xff").command(4010) == ""


def test_a_call_says_whether_it_steers_the_server() -> None:
    assert Call("GET /_mock/health", "GET", "/_mock/health", "none").is_control
    assert not Call("list_files", "GET", "/v1/files", "none").is_control


def test_the_generator_gets_kinds_in_place_of_many_conditions() -> None:
    """Schemathesis cannot combine thirty conditions of a schema, as items of responses have them."""
    document = api_document(CALLS)
    body = document["paths"]["/v1/conversations"]["post"]["requestBody"]["content"]["application/json"]
    item = body["schema"]["properties"]["items"]["items"]
    kinds = {each["properties"]["type"].get("const") for each in item["anyOf"]}
    assert {"message", "function_call", "compaction"} <= kinds
    assert "allOf" not in item
    assert all(len(each["required"]) == len(set(each["required"])) for each in item["anyOf"])
