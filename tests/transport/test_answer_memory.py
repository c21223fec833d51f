"""Large answers to slow readers: common bytes are held once, the others share a bound."""

from __future__ import annotations

import base64
import json
import socket
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks.processes import Server, clean_environment, mockserver
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.transport.http_server.talking import connect, head, rest_of, talk
from tests.waiting import eventually

pytestmark = pytest.mark.slow

SIZE = 8_000_000  # bytes; more than the system buffers of a connection
STUBS = head("GET", "/_mock/stubs", authorization=None, connection="close")


def slow_reader(url: str, request: bytes) -> socket.socket:
    """Return a connection on which the answer to ``request`` has begun and is read no further."""
    connection = connect(url)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    connection.sendall(request)
    assert connection.recv(15).startswith(b"HTTP/1.1 200 ")
    return connection


def ask(kind: str) -> bytes:
    """Return a chat that the stub of this kind of reply answers."""
    chat = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": kind}]}
    body = json.dumps(chat).encode()
    path, json_type = "/v1/chat/completions", "application/json"
    return head(path=path, content_type=json_type, content_length=len(body), connection="close") + body


def write_stubs(folder: Path, **replies: object) -> None:
    """Write stubs whose replies have one member each, of the given value."""
    (folder / "large.bin").write_bytes(b"f" * SIZE)
    stubs = [{"when": {"user_text": kind}, "reply": {kind: value}} for kind, value in replies.items()]
    (folder / "stubs.json").write_text(json.dumps(stubs))


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_a_scripted_body_is_there_once_however_many_read_it(tmp_path: Path) -> None:
    encoded = base64.b64encode(b"6" * SIZE).decode()
    write_stubs(tmp_path, body="b" * SIZE, json={"text": "j" * SIZE}, base64=encoded, file="large.bin")
    arguments = ("--whisper-model", "none", "--log-level", "error", "--stubs", str(tmp_path))
    with mockserver(*arguments, environment=clean_environment()) as server, ExitStack() as stack:
        idle = server.memory()
        for kind in ("body", "json", "base64", "file"):
            for _ in range(10):
                stack.enter_context(slow_reader(url_of(server), ask(kind)))
        assert server.memory() - idle < 10 * SIZE


def url_of(server: Server) -> str:
    return f"http://127.0.0.1:{server.port}"


def test_answers_made_for_one_request_have_a_bound_together(tmp_path: Path) -> None:
    write_stubs(tmp_path, body="b" * SIZE)
    settings = Settings(
        port=0,
        whisper_model="none",
        stubs=(str(tmp_path),),
        max_answer_memory=SIZE * 5 // 2,
        log_level="error",
    )
    with MockServer(settings) as server, ExitStack() as stack:
        readers = [stack.enter_context(slow_reader(server.url, STUBS)) for _ in range(2)]
        refused = talk(server, STUBS)
        assert refused.startswith(b"HTTP/1.1 503 ")
        assert b"Too many large answers are being read." in refused
        assert len(rest_of(readers[0])) > SIZE, "the answer was read to its end, which makes room for another"
        assert eventually(lambda: talk(server, STUBS).startswith(b"HTTP/1.1 200 "))
        readers[1].close()  # makes room, too
        for _ in range(2):
            assert eventually(lambda: talk(server, STUBS).startswith(b"HTTP/1.1 200 "))


def test_a_file_that_is_sent_in_pieces_says_how_long_it_is(tmp_path: Path) -> None:
    write_stubs(tmp_path, file="large.bin")
    settings = Settings(port=0, whisper_model="none", stubs=(str(tmp_path),), log_level="error")
    with MockServer(settings) as server:
        answer_head, _, body = talk(server, ask("file")).partition(b"\r\n\r\n")
    assert f"content-length: {SIZE}".encode() in answer_head.lower()
    assert body == b"f" * SIZE
