"""The server starts, listens, adds and removes threads, and stops."""

from __future__ import annotations

import gc
import http.client
import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import openai
import pytest

from mockserver.app import create_app
from mockserver.ids import organization_id
from mockserver.pipeline.call import Call
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from mockserver.transport.http_server.listener import PortInUse
from mockserver.transport.http_server.server import listen
from mockserver.transport.http_server.workers import Worker
from tests.conftest import multipart, parse_response
from tests.waiting import eventually

Clip = tuple[str, bytes]

QUIET = Settings(port=0, whisper_model="none", log_level="error")
ANSWER = b'{"text":"Hello world, this is a test.","usage":{"type":"duration","seconds":3}}'


def connect(server: MockServer) -> socket.socket:
    host, port = server.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=30)


def upload(clip: Clip) -> bytes:
    body, _ = multipart([("model", "whisper-1")], clip)
    head = (
        "POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sk-mock-me\r\n"
        "Connection: close\r\nContent-Type: multipart/form-data; boundary=edge\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def read_all(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_server_runs_for_the_length_of_a_with_block(hello: Clip) -> None:
    with MockServer(QUIET) as server:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", server.url)
        assert server.base_url == f"{server.url}/v1"
        with openai.OpenAI(base_url=server.base_url, api_key="sk-mock-me") as client:
            assert client.audio.transcriptions.create(model="whisper-1", file=hello).text
    with pytest.raises(ConnectionRefusedError):
        connect(server)


@pytest.mark.slow
def test_without_settings_a_server_takes_a_free_port() -> None:
    with MockServer() as server, MockServer() as another:
        assert len({server.url, another.url, "http://127.0.0.1:4010"}) == 3
        connect(server).close()
        connect(another).close()


def test_servers_of_one_process_do_not_get_in_each_others_way() -> None:
    other = Settings(port=0, whisper_model="none", require_key=False, log_level="error")
    with MockServer(QUIET) as strict, MockServer(other) as open_to_all:
        assert strict.url != open_to_all.url
        for server, status in ((strict, 401), (open_to_all, 200)):
            connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
            connection.request("GET", "/v1/models")
            assert connection.getresponse().status == status
            connection.close()


def test_a_server_listens_on_ipv6_too() -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    try:
        running = MockServer(Settings(host="::1", port=0, whisper_model="none", log_level="error"))
    except OSError:
        pytest.skip("no IPv6 here")
    with running as server:
        assert server.url.startswith("http://[::1]:")


def test_a_port_in_use_is_named_with_a_remedy() -> None:
    with MockServer(QUIET) as server:
        port = int(server.url.rpartition(":")[2])
        taken = Settings(port=port, whisper_model="none")
        with pytest.raises(PortInUse) as refusal:
            MockServer(taken)
    assert str(refusal.value) == (
        f"127.0.0.1:{port} is in use by another program. "
        "Choose another port with --port, or --port 0 for a free one."
    )


def test_an_address_that_is_not_here_is_named_with_a_remedy() -> None:
    settings = Settings(host="192.0.2.1", port=0, whisper_model="none")  # an address for examples (RFC 5737)
    with pytest.raises(OSError, match="cannot listen on") as refusal:
        listen(settings, create_app(settings))
    assert not isinstance(refusal.value, PortInUse)
    assert str(refusal.value) == (
        "cannot listen on 192.0.2.1:0: this machine has no address '192.0.2.1', but has 127.0.0.1. "
        "Check --host and --port."
    )


def test_an_address_of_another_machine_is_not_reported_as_in_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mockserver.transport.http_server.listener._answers", lambda host, port: True)
    settings = Settings(host="192.0.2.1", port=80, whisper_model="none")
    with pytest.raises(OSError, match="this machine has no address"):
        listen(settings, create_app(settings))


def test_a_connection_is_used_again(server: MockServer) -> None:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
    sockets = set()
    for path in ("/_mock/health", "/v1/models", "/nowhere", "/_mock/health"):
        connection.request("GET", path, headers={"Authorization": "Bearer sk-mock-me"})
        sockets.add(connection.sock)
        connection.getresponse().read()
    connection.close()
    assert len(sockets) == 1
    assert None not in sockets


def test_stopping_finishes_the_answer_in_flight() -> None:
    text = "The quick brown fox jumps over the lazy dog. " * 90
    body = f'{{"model":"tts-1","voice":"alloy","input":"{text}","response_format":"pcm"}}'.encode()
    request = (
        "POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sk-mock-me\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    running = MockServer(QUIET).start()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.settimeout(30)
        host, port = running.url.removeprefix("http://").split(":")
        connection.connect((host, int(port)))
        connection.sendall(request.encode() + body)
        begun = connection.recv(100)
        stopper = threading.Thread(target=running.stop)
        stopper.start()
        rest = read_all(connection)
        stopper.join()
    assert begun.startswith(b"HTTP/1.1 200 OK\r\n")
    assert rest.endswith(b"\r\n0\r\n\r\n")
    assert len(rest) > 10_000_000


def test_idle_connections_do_not_hold_up_the_stop() -> None:
    with MockServer(QUIET) as server:
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
        connection.request("GET", "/_mock/health")
        connection.getresponse().read()
    assert connection.sock is not None
    assert connection.sock.recv(1) == b""
    connection.close()


def test_a_server_that_never_started_can_be_stopped() -> None:
    server = MockServer(QUIET)
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        connect(server)


@contextmanager
def half_sent(server: MockServer, request: bytes, clients: int) -> Iterator[list[socket.socket]]:
    """Yield connections that have sent half of a request and so occupy as many threads."""
    with ExitStack() as stack:
        connections = [stack.enter_context(connect(server)) for _ in range(clients)]
        for connection in connections:
            connection.sendall(request[: len(request) // 2])
        yield connections


def test_a_hundred_slow_clients_are_served_together(hello: Clip) -> None:
    request = upload(hello)
    with MockServer(QUIET) as server, half_sent(server, request, 100) as connections:
        with connect(server) as another:
            another.sendall(b"GET /_mock/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert parse_response(read_all(another)).status == 200
        for connection in connections:
            connection.sendall(request[len(request) // 2 :])
        assert all(parse_response(read_all(connection)).body == ANSWER for connection in connections)


@pytest.mark.slow
def test_a_hundred_streams_are_served_together(call: Clip) -> None:
    def stream(_: int) -> str:
        with client.audio.transcriptions.create(model="gpt-4o-transcribe", file=call, stream=True) as events:
            return "".join(getattr(event, "delta", "") for event in events)

    with (
        MockServer(QUIET) as server,
        openai.OpenAI(base_url=server.base_url, api_key="sk-mock-me", max_retries=0) as client,
        ThreadPoolExecutor(100) as clients,
    ):
        (text,) = set(clients.map(stream, range(100)))
    assert text.endswith(".")


def test_threads_end_by_themselves_when_calm_returns(hello: Clip, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockserver.transport.http_server.workers._IDLE_SECONDS", 0.3)
    before = set(threading.enumerate())

    def workers() -> int:
        return sum(isinstance(each, Worker) for each in set(threading.enumerate()) - before)

    with MockServer(QUIET) as server:
        request = upload(hello)
        with half_sent(server, request, 60) as connections:
            assert eventually(lambda: workers() >= 60)
            for connection in connections:
                connection.sendall(request[len(request) // 2 :])
                read_all(connection)
        assert eventually(lambda: workers() <= 20)


def test_the_number_of_threads_is_bounded(hello: Clip) -> None:
    few = Settings(port=0, whisper_model="none", max_threads=4, log_level="error")
    request = upload(hello)
    with MockServer(few) as server, half_sent(server, request, 12) as connections:
        for connection in connections:
            connection.sendall(request[len(request) // 2 :])
        assert all(parse_response(read_all(connection)).body == ANSWER for connection in connections)


def test_an_answered_request_leaves_no_garbage(server: MockServer, hello: tuple[str, bytes]) -> None:
    """Collect no garbage: a call in a reference cycle would keep its upload until the next collection."""
    with openai.OpenAI(base_url=server.base_url, api_key="sk-mock-tier-5-garbage", max_retries=0) as client:
        gc.collect()
        gc.disable()
        try:
            client.audio.transcriptions.create(model="gpt-4o-transcribe", file=hello)
            client.audio.speech.create(model="tts-1", voice="alloy", input="Hi.")
            assert eventually(lambda: not _calls_of("sk-mock-tier-5-garbage"))
        finally:
            gc.enable()


def _calls_of(key: str) -> list[Call]:
    """Return the calls of an API key that are in memory. Other tests of this process may have calls of other keys."""
    organization = organization_id(key)
    calls = [each for each in gc.get_objects() if type(each) is Call]
    return [each for each in calls if each.account.organization == organization]
