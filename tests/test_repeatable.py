"""With a seed and a frozen clock two servers give the same answers, byte by byte, headers included."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime

import pytest

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.conftest import FIXTURES, RawResponse, multipart

pytestmark = pytest.mark.slow

KEY = "sk-mock-tier-5-repeated"
NOON = 1_800_000_000  # Fri, 15 Jan 2027 08:00:00 GMT
Send = Callable[..., RawResponse]


@contextmanager
def served(environment: dict[str, str]) -> Iterator[int]:
    """Yield the port of a server in a separate process."""
    command = [sys.executable, "-m", "mockserver", "serve", "--port", "0", "--whisper-model", "none"]
    options = ["--seed", "seven", "--frozen-time", str(NOON)]
    with subprocess.Popen(
        [*command, *options], env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            match = next(
                found for line in process.stdout if (found := re.search(r"http://127\.0\.0\.1:(\d+)", line))
            )
            yield int(match[1])
        finally:
            process.terminate()


def exchange(port: int, method: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """Return all that is answered."""
    fields = {"Host": "localhost", "Connection": "close", "Authorization": f"Bearer {KEY}", **headers}
    lines = [f"{name}: {value}" for name, value in fields.items()]
    head = "\r\n".join([f"{method} {path} HTTP/1.1", *lines, f"Content-Length: {len(body)}", "", ""])
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(head.encode() + body)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def conversation(port: int) -> list[bytes]:
    """Return the answers to requests of every kind: whole and streamed, refused, and of the control API."""
    as_json = {"Content-Type": "application/json"}
    chat = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello."}]}
    spoken = {"model": "tts-1", "voice": "alloy", "input": "Hello.", "response_format": "wav"}
    form, content_type = multipart(
        [("model", "whisper-1")], ("hello.wav", (FIXTURES / "hello.wav").read_bytes())
    )
    stored, stored_type = multipart([("purpose", "batch")], ("lines.jsonl", b"{}\n"))
    moved = json.dumps({"advance": 86_400}).encode()
    requests: list[tuple[str, str, bytes, dict[str, str]]] = [
        ("GET", "/", b"", {}),
        ("GET", "/v1/models", b"", {}),
        ("GET", "/v1/models/whisper-1", b"", {}),
        ("GET", "/v1/models/nothing", b"", {}),
        ("GET", "/v1/nothing", b"", {}),
        ("POST", "/v1/chat/completions", json.dumps(chat).encode(), as_json),
        ("POST", "/v1/chat/completions", json.dumps(chat | {"stream": True}).encode(), as_json),
        ("POST", "/v1/chat/completions", b"{", as_json),
        (
            "POST",
            "/v1/chat/completions",
            json.dumps(chat).encode(),
            as_json | {"Authorization": "Bearer sk-mock-invalid"},
        ),
        ("POST", "/v1/audio/speech", json.dumps(spoken).encode(), as_json),
        ("POST", "/v1/audio/transcriptions", form, content_type),
        ("POST", "/v1/files", stored, stored_type),
        ("GET", "/v1/files", b"", {}),
        ("GET", "/_mock/clock", b"", {}),
        ("PUT", "/_mock/clock", moved, as_json),
        ("GET", "/v1/models/whisper-1", b"", {}),
    ]
    return [exchange(port, *request) for request in requests]


def test_two_processes_answer_the_same_bytes() -> None:
    elsewhere = {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    with served({"PYTHONHASHSEED": "1", "TZ": "UTC"}) as one, served(elsewhere) as other:
        answers, others = conversation(one), conversation(other)
    assert answers == others
    for answer in answers[:-2]:
        assert answer.lower().count(b"\r\ndate: ") == 1
        assert b"\r\ndate: fri, 15 jan 2027 08:00:00 gmt\r\n" in answer.lower()
    assert b"Sat, 16 Jan 2027 08:00:00 GMT" in answers[-1], "the clock was moved"


class TestTheDate:
    @pytest.fixture
    def server(self) -> Iterator[MockServer]:
        with MockServer(Settings(port=0, whisper_model="none", log_level="warning")) as running:
            yield running

    def test_it_is_that_of_the_clock_as_long_as_that_is_not_the_real_time(
        self, server: MockServer, send: Send
    ) -> None:
        assert server.clock.is_real
        server.clock.set(NOON)
        assert send("GET", "/v1/models").headers["date"].startswith("Fri, 15 Jan 2027 08:0")
        server.clock.reset()
        assert server.clock.is_real
        date = parsedate_to_datetime(send("GET", "/v1/models").headers["date"])
        assert abs(date.timestamp() - time.time()) < 60

    @pytest.mark.parametrize("year", [-1e12, 1e15])
    def test_no_time_is_too_far_off(self, server: MockServer, send: Send, year: float) -> None:
        server.clock.set(year)
        assert send("GET", "/v1/nothing").status == 404

    def test_a_stub_may_tell_another(self, send: Send, server: MockServer, api_key: str) -> None:
        server.clock.freeze()
        stub = {"when": {"endpoint": "/v1/x"}, "reply": {"body": "x", "headers": {"date": "never"}}}
        assert send("POST", "/_mock/stubs", json.dumps(stub).encode(), key=api_key).status == 201
        assert send("GET", "/v1/x", key=api_key).headers["date"] == "never"
