"""The server over TLS: requests, WebSockets, and clients whose handshake is slow, broken, or none."""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from websockets.sync.client import connect as connect_web_socket

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from mockserver.transport.connection import Connection
from mockserver.transport.http_server.server import listen
from tests.transport.http_server.talking import HEALTH, answer_on, connect, head, rest_of, talk

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

KEPT = head("GET", "/_mock/health", authorization=None)


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer(
        Settings(port=0, whisper_model="none", socket_timeout=3, log_level="warning"), tls=True
    ) as each:
        yield each


def raw(server: MockServer) -> socket.socket:
    """Return a connection without TLS."""
    address = urlsplit(server.url)
    return socket.create_connection((address.hostname or "", address.port or 0), timeout=30)


def trusting(server: MockServer) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=server.ca_file)


def encrypted(server: MockServer, context: ssl.SSLContext | None = None) -> ssl.SSLSocket:
    """Return a connection whose handshake is done."""
    return (context or trusting(server)).wrap_socket(raw(server), server_hostname="localhost")


def test_the_address_is_https_and_the_sdk_verifies_it(server: MockServer) -> None:
    assert server.base_url.startswith("https://127.0.0.1:")
    assert "whisper-1" in [model.id for model in server.client.models.list()]


def test_browsers_are_not_told_to_demand_tls_of_this_machine(server: MockServer) -> None:
    answer = server.client.models.with_raw_response.list()
    assert "cf-ray" in answer.headers
    assert "strict-transport-security" not in answer.headers


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_the_certificate_is_for_the_names_of_this_machine(server: MockServer, name: str) -> None:
    with trusting(server).wrap_socket(raw(server), server_hostname=name) as connection:
        connection.sendall(HEALTH)
        assert rest_of(connection).startswith(b"HTTP/1.1 200 ")


def test_a_client_that_does_not_know_the_ca_refuses_it(server: MockServer) -> None:
    with pytest.raises(ssl.SSLCertVerificationError), raw(server) as connection:
        ssl.create_default_context().wrap_socket(connection, server_hostname="localhost")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_connection_is_kept_for_several_requests(server: MockServer, version: ssl.TLSVersion) -> None:
    context = trusting(server)
    context.minimum_version = context.maximum_version = version
    with encrypted(server, context) as connection:
        for _ in range(3):
            connection.sendall(KEPT)
            assert answer_on(connection).startswith(b"HTTP/1.1 200 ")


def test_requests_in_one_record_are_all_answered(server: MockServer) -> None:
    with encrypted(server) as connection:
        connection.sendall(KEPT * 2 + HEALTH)
        assert rest_of(connection).count(b"HTTP/1.1 200 ") == 3


def test_the_rest_of_a_body_and_the_next_request_can_share_a_record(server: MockServer) -> None:
    body = b"x" * 300_000
    with encrypted(server) as connection:
        connection.sendall(head(content_length=len(body), content_type="text/plain") + body + HEALTH)
        answers = rest_of(connection)
    assert answers.startswith(b"HTTP/1.1 4")
    assert b"HTTP/1.1 200 " in answers


def test_a_large_body_arrives_and_returns_whole(server: MockServer) -> None:
    line = b'{"custom_id": "%d"}\n'
    content = b"".join(line % number for number in range(400_000))
    file = server.client.files.create(file=("lines.jsonl", content), purpose="batch")
    assert server.client.files.content(file.id).content == content


def test_the_end_of_a_connection_is_said_in_tls(server: MockServer) -> None:
    context = trusting(server)
    with context.wrap_socket(
        raw(server), server_hostname="localhost", suppress_ragged_eofs=False
    ) as connection:
        connection.sendall(HEALTH)
        assert b"HTTP/1.1 200 " in rest_of(connection)  # or SSLEOFError


def test_plain_http_is_answered_with_the_remedy(server: MockServer) -> None:
    with raw(server) as connection:
        connection.sendall(KEPT)
        answer = rest_of(connection)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"Use https: or wss:" in answer


def test_tls_to_the_port_of_a_plain_server_is_refused_at_once() -> None:
    with MockServer(Settings(port=0, whisper_model="none")) as plain:
        with connect(plain) as connection, pytest.raises(ssl.SSLError, match="WRONG_VERSION_NUMBER"):
            ssl.create_default_context().wrap_socket(connection, server_hostname="localhost")
        assert b"Use http: or ws:" in talk(plain, b"\x16\x03\x01\x02\x00\x01")


@pytest.mark.parametrize("junk", [b"\x16\x03\x01\x00\x05hello", b"\x80\x2e\x01\x00\x02", b"\x00" * 100])
def test_a_broken_handshake_ends_the_connection(server: MockServer, junk: bytes) -> None:
    with raw(server) as connection:
        connection.sendall(junk)
        connection.shutdown(socket.SHUT_WR)
        assert b"HTTP" not in rest_of(connection)
    assert "whisper-1" in [model.id for model in server.client.models.list()]


def test_slow_handshakes_delay_nobody_and_are_given_up(server: MockServer) -> None:
    began = time.monotonic()
    with ExitStack() as open_:
        silent = [open_.enter_context(raw(server)) for _ in range(40)]
        for connection in silent:
            connection.sendall(b"\x16\x03\x01\x02\x00\x01")  # the beginning of a ClientHello
        for _ in range(5):
            assert server.client.models.list().data
        for connection in silent[:3]:  # drop by drop: the time is that of the whole handshake
            connection.sendall(b"\x00")
        for connection in silent:
            assert rest_of(connection) == b""
    assert time.monotonic() - began < 30


def test_a_handshake_in_single_bytes_succeeds(server: MockServer) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting(server).wrap_bio(incoming, outgoing, server_hostname="localhost")
    with raw(server) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def send() -> None:
            for byte in outgoing.read():
                connection.sendall(bytes([byte]))

        while True:
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                send()
                incoming.write(connection.recv(65536))
        client.write(HEALTH)
        send()
        received = b""
        while b"HTTP/1.1 200 " not in received:
            incoming.write(connection.recv(65536))
            try:
                received += client.read(65536)
            except ssl.SSLWantReadError:
                continue


def test_a_web_socket_sends_and_receives_at_the_same_time(server: MockServer) -> None:
    url = server.base_url.replace("https:", "wss:") + "/responses"
    headers = {"Authorization": "Bearer sk-mock-me"}
    with connect_web_socket(url, ssl=trusting(server), additional_headers=headers, max_size=None) as client:
        bad = '{"type": "nope", "padding": "' + "x" * 50_000 + '"}'

        def send() -> None:
            for _ in range(100):
                client.send(bad)

        sender = threading.Thread(target=send)
        sender.start()
        answers = [str(client.recv(timeout=20)) for _ in range(100)]
        sender.join()
    assert all('"error"' in answer for answer in answers)


def test_a_server_that_ends_closes_web_sockets_in_order() -> None:
    request = head(
        "GET",
        "/v1/realtime?model=gpt-realtime",
        connection="Upgrade",
        upgrade="websocket",
        sec_websocket_version="13",
        sec_websocket_key="dGhlIHNhbXBsZSBub25jZQ==",
    )
    with MockServer(Settings(port=0, whisper_model="none", log_level="warning"), tls=True) as ending:
        connection = trusting(ending).wrap_socket(
            raw(ending), server_hostname="localhost", suppress_ragged_eofs=False
        )
        connection.sendall(request)
        received = b""
        while b'"session.created"' not in received:
            received += connection.recv(65536)
        leaving = threading.Thread(target=ending.stop)
        leaving.start()
        code = (1001).to_bytes(2, "big")
        while code + b"The server is shutting down." not in received:
            received += connection.recv(65536)
        connection.sendall(b"\x88\x82\x00\x00\x00\x00" + code)
        assert connection.recv(65536) == b""  # or SSLEOFError, if the end were not said in TLS
        connection.close()
        leaving.join(30)


class Answering:
    """An application that hands the connection of each request to a function, then answers."""

    def __init__(self, does: Callable[[Connection], None]) -> None:
        self._does = does
        self.done = threading.Event()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self._does(Connection.of(environ))
        self.done.set()
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]


@contextmanager
def answered(does: Callable[[Connection], None]) -> Iterator[tuple[ssl.SSLSocket, Answering]]:
    """Yield a connection to a server that does something with it for a request, which was sent."""
    app = Answering(does)
    server = listen(Settings(port=0, tls=True, socket_timeout=5), app)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        address = urlsplit(server.url)
        plain = socket.create_connection((address.hostname or "", address.port or 0), timeout=30)
        context = ssl.create_default_context(cafile=server.ca_file)
        with context.wrap_socket(plain, server_hostname="localhost") as connection:
            connection.sendall(HEALTH)
            yield connection, app
    finally:
        server.stop()
        thread.join(30)


@pytest.mark.parametrize("orderly", [True, False])
def test_a_client_that_leaves_is_noticed(orderly: bool) -> None:
    def wait(connection: Connection) -> None:
        while not connection.has_hung_up:
            time.sleep(0.01)

    with answered(wait) as (connection, app):
        assert not app.done.wait(0.2)
        if orderly:
            with suppress(OSError):
                connection.unwrap()  # says so in TLS, and waits for the server to say the same
        else:
            connection.close()
        assert app.done.wait(10)


def test_a_client_that_sends_more_has_not_left() -> None:
    looks: list[bool] = []

    def look(connection: Connection) -> None:
        time.sleep(0.2)  # until the rest has come
        looks.extend(connection.has_hung_up for _ in range(3))

    with answered(look) as (connection, _):
        connection.sendall(HEALTH)
        assert rest_of(connection).startswith(b"HTTP/1.1 200 ")
    assert looks[:3] == [False, False, False]


def test_a_fault_can_reset_a_connection() -> None:
    with (
        answered(Connection.reset) as (connection, _),
        socket.socket(fileno=os.dup(connection.fileno())) as below,
    ):
        below.settimeout(30)
        with pytest.raises(ConnectionResetError):  # of which Python's TLS makes an end
            rest_of(below)


def test_a_fault_can_send_bytes_and_end_in_order() -> None:
    def send(connection: Connection) -> None:
        connection.send(b"HTTP/1.1 200 OK\r\n\r\nraw")
        connection.shut()

    with answered(send) as (connection, _):
        assert rest_of(connection).startswith(b"HTTP/1.1 200 OK\r\n\r\nraw")
