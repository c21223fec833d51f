"""WebSockets as clients see them: frames, sizes, closing, silence."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.protocol import SERVER, Protocol
from websockets.sync.client import ClientConnection

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from mockserver.transport import web_sockets
from mockserver.transport.bodies import BodyMemory
from mockserver.transport.web_sockets import Handshake, WebSocket
from tests.transport.talking_web_sockets import CREATE, answer, ask, open_socket
from tests.waiting import eventually


def threads_of_web_sockets() -> int:
    return sum(thread.name == "web socket" for thread in threading.enumerate())


def send_raw(connection: ClientConnection, data: bytes) -> None:
    connection.socket.sendall(data)


def close_code(connection: ClientConnection) -> int:
    with contextlib.suppress(ConnectionClosed):
        while True:
            connection.recv(timeout=20)
    assert connection.close_code is not None
    return connection.close_code


@pytest.mark.parametrize("compression", ["deflate", None])
def test_messages_are_answered_compressed_or_not(server: MockServer, compression: str | None) -> None:
    with open_socket(server, compression=compression) as connection:
        assert bool(connection.protocol.extensions) == (compression == "deflate")
        long = CREATE | {"input": "word " * 20_000}
        assert "word word" in ask(connection, long)[-1]["response"]["output"][0]["content"][0]["text"]


def test_a_fragmented_message_is_one_message(server: MockServer) -> None:
    text = json.dumps(CREATE)
    with open_socket(server) as connection:
        connection.send([text[:9], text[9:20], text[20:]])
        assert answer(connection)[-1]["type"] == "response.completed"


def test_pings_are_answered_while_a_response_waits(server: MockServer) -> None:
    with open_socket(server) as connection:
        server.account("sk-mock-web-socket").break_next("latency", seconds=1.0)
        connection.send(json.dumps(CREATE))
        with pytest.raises(TimeoutError):
            connection.recv(timeout=0.1)
        assert connection.ping().wait(20)
        assert answer(connection)[-1]["type"] == "response.completed"


def test_a_message_that_is_too_large_closes_the_connection() -> None:
    with (
        MockServer(Settings(port=0, whisper_model="none", max_body_bytes=100_000)) as small,
        open_socket(small) as connection,
    ):
        assert ask(connection, CREATE | {"input": "x" * 90_000})[-1]["type"] == "response.completed"
        connection.send(json.dumps(CREATE | {"input": "x" * 100_000}))
        assert close_code(connection) == 1009


def test_a_small_frame_that_decompresses_to_too_much_closes_the_connection() -> None:
    with (
        MockServer(Settings(port=0, whisper_model="none", max_body_bytes=100_000)) as small,
        open_socket(small) as connection,
    ):
        connection.send(" " * 50_000_000)
        assert close_code(connection) == 1009


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (Frame(Opcode.TEXT, b"{}").serialize(mask=False), 1002),  # not masked
        (b"\x83\x80\0\0\0\0", 1002),  # an opcode that does not exist
        (b"\x80\x80\0\0\0\0", 1002),  # the continuation of nothing
        (b"\x81\xff" + struct.pack("!Q", 1 << 62) + bytes(4), 1009),  # gigantic
        (b"\x81\x82\0\0\0\0\xff\xfe", 1007),  # not UTF-8
    ],
)
def test_broken_frames_close_the_connection(server: MockServer, data: bytes, code: int) -> None:
    with open_socket(server, compression=None) as connection:
        send_raw(connection, data)
        assert close_code(connection) == code


def test_a_binary_message_is_refused_and_the_connection_stays(server: MockServer) -> None:
    with open_socket(server) as connection:
        connection.send(b"\0\1")
        assert answer(connection)[-1]["error"]["message"].startswith("Expected a text WebSocket message")
        assert ask(connection)[-1]["type"] == "response.completed"


def test_the_close_of_the_client_is_answered_with_its_code(server: MockServer) -> None:
    with open_socket(server) as connection:
        connection.close(4321, "enough")
    assert (connection.protocol.close_code, connection.protocol.close_reason) == (4321, "enough")


def test_a_client_that_sends_all_the_time_is_pinged_too(
    server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_sockets, "_PING_SECONDS", 0.1)
    pings: list[Frame] = []
    send_frame = Protocol.send_frame

    def note(protocol: Protocol, frame: Frame) -> None:
        if frame.opcode is Opcode.PING and protocol.side is SERVER:
            pings.append(frame)
        send_frame(protocol, frame)

    monkeypatch.setattr(Protocol, "send_frame", note)
    with open_socket(server) as connection:
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            connection.ping()
            time.sleep(0.005)
    assert len(pings) >= 2
    assert {len(frame.data) for frame in pings} == {4}


def test_a_silent_client_is_pinged_and_then_given_up(
    server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_sockets, "_PING_SECONDS", 0.1)
    with open_socket(server) as alive:
        time.sleep(0.5)  # the client answers the pings
        assert ask(alive)[-1]["type"] == "response.completed"
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as dead:
        dead.sendall(
            b"GET /v1/responses HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sk-mock-me\r\n"
            b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        received = b""
        while piece := dead.recv(4096):
            received += piece
    ping, close = received.partition(b"\r\n\r\n")[2][:2], received[-24:]
    assert ping == b"\x89\x04"
    assert b"keepalive ping timeout" in close


def test_a_client_that_does_not_read_is_given_up() -> None:
    event = json.dumps(CREATE | {"input": "word " * 5000})
    with MockServer(Settings(port=0, whisper_model="none", socket_timeout=0.5)) as impatient:
        before = threads_of_web_sockets()
        with open_socket(impatient, compression=None, max_queue=1, close_timeout=0.1) as connection:
            for _ in range(20):
                connection.send(event)
            assert eventually(lambda: threads_of_web_sockets() == before)


def test_large_messages_of_all_clients_share_a_memory() -> None:
    """A message in part keeps its memory; another is refused, and may come when there is room."""
    settings = Settings(port=0, whisper_model="none", max_body_memory=1_000_000)
    large = json.dumps(CREATE | {"input": "x" * 2_500_000})
    with pytest.MonkeyPatch.context() as patched, MockServer(settings) as small:
        patched.setattr(web_sockets, "_MEMORY_SECONDS", 0.1)
        with open_socket(small, compression=None) as first:
            whole = Frame(Opcode.TEXT, large.encode()).serialize(mask=True)
            send_raw(first, whole[:-1])
            assert eventually(lambda: is_refused(small, large))
            assert ask_small(small)
            send_raw(first, whole[-1:])
            assert answer(first)[-1]["type"] == "error"  # it is longer than an input may be
        assert eventually(lambda: not is_refused(small, large))


def is_refused(server: MockServer, text: str) -> bool:
    """Return whether a large message closes its connection because there is no memory."""
    with open_socket(server, compression=None) as connection:
        with contextlib.suppress(ConnectionClosed):
            connection.send(text)
            answer(connection)
            return False
        return close_code(connection) == 1013


def ask_small(server: MockServer) -> bool:
    """Return whether a small message is answered, compressed as well."""
    with open_socket(server) as connection:
        return bool(ask(connection)[-1]["type"] == "response.completed")


class _EndingStream:
    """A stream in the middle of whose first message the server ends."""

    def __init__(self) -> None:
        self.written = b""
        self.web_socket: WebSocket | None = None

    def write(self, data: bytes) -> None:
        if not self.written and self.web_socket is not None:
            leaving = threading.Thread(target=self.web_socket.leave)
            leaving.start()
            leaving.join()
        self.written += data

    def arrives(self, seconds: float) -> bool:
        return False

    def read(self, max_bytes: int) -> bytes:
        return b""

    def shut(self) -> None: ...

    def stop_receiving(self) -> None: ...

    def abort(self) -> None: ...


def test_the_end_of_the_server_follows_a_message_that_is_being_sent() -> None:
    headers = {
        "upgrade": "websocket",
        "connection": "Upgrade",
        "sec-websocket-version": "13",
        "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    stream = _EndingStream()
    stream.web_socket = Handshake(headers, 1_000, lambda offered: None).web_socket(stream, BodyMemory(1_000))
    stream.web_socket.send("A delta.")
    assert stream.written.startswith(b"\x81\x08A delta.\x88")
    assert b"The server is shutting down." in stream.written
