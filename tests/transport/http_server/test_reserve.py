"""Health and the control API answer while slow clients occupy all threads."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from mockserver.transport.http_server.workers import Worker
from tests.conftest import parse_response
from tests.transport.http_server.talking import HEALTH, answer_on, connect, head, talk
from tests.waiting import eventually

STUB = json.dumps({"when": {"endpoint": "chat"}, "reply": {"say": "Hi."}}).encode()
SPEECH = json.dumps(
    {"model": "tts-1", "voice": "alloy", "input": "The quick brown fox. " * 150, "response_format": "pcm"}
).encode()
CLIENTS = 40


@pytest.fixture
def small() -> Iterator[MockServer]:
    """Yield a server of four threads, and four for the control API."""
    settings = Settings(port=0, whisper_model="none", max_threads=4, reserved_threads=4, log_level="error")
    with MockServer(settings) as running:
        yield running


def slow_head(connection: socket.socket) -> None:
    connection.sendall(b"POST /v1/audio/speech HTTP/1.1\r\nhost: loc")


def slow_body(connection: socket.socket) -> None:
    connection.sendall(head(content_type="application/json", content_length=500) + b"{")


def slow_chunks(connection: socket.socket) -> None:
    connection.sendall(head(content_type="application/json", transfer_encoding="chunked") + b"5\r\n{")


def slow_control_body(connection: socket.socket) -> None:
    connection.sendall(
        head("POST", "/_mock/stubs", content_type="application/json", content_length=500) + b"{"
    )


def slow_control_chunks(connection: socket.socket) -> None:
    connection.sendall(head("POST", "/_mock/stubs", transfer_encoding="chunked") + b"5\r\n{")


def slow_reader(connection: socket.socket) -> None:
    connection.sendall(head(content_type="application/json", content_length=len(SPEECH)) + SPEECH)


def working() -> int:
    return sum(isinstance(each, Worker) and each.connection is not None for each in threading.enumerate())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("behave", "threads"),
    [
        (slow_head, 0),
        (slow_body, 4),
        (slow_chunks, 4),
        (slow_control_body, 0),
        (slow_control_chunks, 4),
        (slow_reader, 4),
    ],
)
def test_health_and_control_answer_beside_slow_clients(
    small: MockServer, behave: Callable[[socket.socket], None], threads: int
) -> None:
    with ExitStack() as stack:
        for _ in range(CLIENTS):
            connection = stack.enter_context(connect(small))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            behave(connection)
        assert eventually(lambda: working() == threads)
        for _ in range(5):
            assert parse_response(talk(small, HEALTH)).status == 200
            assert parse_response(talk(small, head("GET", "/ready", connection="close"))).status == 200
            listed = talk(small, head("GET", "/_mock/stubs", connection="close"))
            assert parse_response(listed).status == 200
            with connect(small) as connection:  # a client that sends the body after the head
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.sendall(head("POST", "/_mock/stubs", content_length=len(STUB)))
                connection.sendall(STUB)
                assert parse_response(answer_on(connection)).status == 201
        assert eventually(lambda: working() == threads)


def test_health_answers_beside_slow_readers_of_the_control_api() -> None:
    few = Settings(
        port=0,
        whisper_model="none",
        max_threads=4,
        reserved_threads=1,
        log_level="error",
        journal_bytes=1 << 24,
    )
    with MockServer(few) as server, ExitStack() as stack:
        large = json.dumps({"model": "tts-1", "voice": "alloy", "input": 3_000_000 * "x"}).encode()
        with connect(server) as connection:
            connection.sendall(head(content_length=len(large), content_type="application/json") + large)
            answer_on(connection)
        for _ in range(20):
            slow = socket.socket()
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stack.enter_context(slow)
            slow.connect(connection_address(server))
            slow.sendall(head("GET", "/_mock/openapi.json") * 50)
        assert eventually(lambda: working() >= 5)
        assert parse_response(talk(server, HEALTH)).status == 200


def connection_address(server: MockServer) -> tuple[str, int]:
    host, port = server.url.removeprefix("http://").split(":")
    return host, int(port)


def test_requests_beyond_the_threads_are_answered_when_there_is_one(small: MockServer) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(connect(small)) for _ in range(4)]
        for connection in slow:
            slow_body(connection)
        assert eventually(lambda: working() == 4)
        waiting = stack.enter_context(connect(small))
        waiting.sendall(head("GET", "/v1/models/whisper-1"))
        waiting.settimeout(0.2)
        with pytest.raises(TimeoutError):
            waiting.recv(1)
        slow[0].close()
        waiting.settimeout(30)
        assert waiting.recv(12) == b"HTTP/1.1 200"


@pytest.mark.parametrize("start", [slow_body, slow_chunks])
def test_clients_that_all_leave_in_the_middle_of_a_body_keep_no_thread(
    small: MockServer, start: Callable[[socket.socket], None]
) -> None:
    for _ in range(3):
        with ExitStack() as stack:
            for _ in range(4):
                start(stack.enter_context(connect(small)))
    assert eventually(lambda: [each["hung_up"] for each in small.journal] == [True] * 12)
    with connect(small) as connection:
        slow_reader(connection)
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
