"""Broken connections and answers, read from a raw socket."""

from __future__ import annotations

import base64
import json
import socket
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from mockserver.app import create_app
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.conftest import parse_response
from tests.waiting import eventually

QUIET = Settings(port=0, whisper_model="none", log_level="warning")
CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello there, my friend."}]}
STREAM = {**CHAT, "stream": True}
SPEECH = {"model": "gpt-4o-mini-tts", "voice": "alloy", "input": "Hello there, my friend."}
SPOKEN_CHAT = {
    **CHAT,
    "model": "gpt-audio-mini",
    "modalities": ["text", "audio"],
    "audio": {"voice": "alloy", "format": "pcm16"},
}
RESET = "reset"
END = "end"


@dataclass(frozen=True)
class Received:
    """The bytes received from a socket, and how the connection ended."""

    data: bytes
    ending: str

    @property
    def body(self) -> bytes:
        return self.data.partition(b"\r\n\r\n")[2]

    @property
    def announced(self) -> int:
        head = self.data.partition(b"\r\n\r\n")[0].lower()
        return int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])

    @property
    def events(self) -> list[bytes]:
        return [line for line in self.data.split(b"\n") if line.startswith(b"data: ")]


Ask = Callable[..., Received]


def connected(server: MockServer, body: dict[str, Any], fault: str, key: str, path: str) -> socket.socket:
    host, port = server.url.removeprefix("http://").split(":")
    data = json.dumps(body).encode()
    head = (
        f"POST /v1/{path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n"
    )
    head += f"x-mock-fault: {fault}\r\n" if fault else ""
    connection = socket.create_connection((host, int(port)), timeout=30)
    connection.sendall(head.encode() + b"\r\n" + data)
    return connection


@pytest.fixture
def ask(server: MockServer, api_key: str) -> Ask:
    """Return a function that sends a request with a fault and reads until the connection ends."""

    def exchange(body: dict[str, Any], fault: str = "", path: str = "chat/completions") -> Received:
        with connected(server, body, fault, api_key, path) as connection:
            return receive(connection)

    return exchange


def receive(connection: socket.socket) -> Received:
    data = b""
    try:
        while piece := connection.recv(65536):
            data += piece
    except ConnectionResetError:
        return Received(data, RESET)
    return Received(data, END)


@pytest.fixture
def whole(ask: Ask) -> bytes:
    """Return the body of the chat without a fault, ids and times left out."""
    return ask(CHAT).body


@pytest.mark.parametrize("body", [CHAT, STREAM])
def test_a_reset_before_the_body_leaves_nothing(ask: Ask, body: dict[str, Any]) -> None:
    assert ask(body, "connection_reset; at=before") == Received(b"", RESET)


def test_a_reset_in_the_middle_leaves_half_the_body(ask: Ask) -> None:
    received = ask(CHAT, "connection_reset")
    assert received.ending == RESET
    assert len(received.body) == received.announced // 2


def test_a_reset_after_so_many_bytes(ask: Ask) -> None:
    received = ask(CHAT, "connection_reset; after=10")
    assert (received.ending, len(received.body)) == (RESET, 10)


def test_a_reset_in_the_middle_of_a_stream_leaves_its_beginning(ask: Ask) -> None:
    received = ask(STREAM, "connection_reset")
    assert (received.ending, len(received.events)) == (RESET, 1)


@pytest.mark.parametrize(
    ("body", "path"), [(CHAT, "chat/completions"), (STREAM, "chat/completions"), (SPEECH, "audio/speech")]
)
def test_a_reset_after_the_body_leaves_a_whole_answer(ask: Ask, body: dict[str, Any], path: str) -> None:
    received = ask(body, "connection_reset; at=after", path)
    assert received.ending == RESET
    assert parse_response(received.data).status == 200  # raises if the last chunk is missing


def test_a_large_body_arrives_whole_before_the_reset(ask: Ask) -> None:
    long = {**SPEECH, "input": "This is a long story. " * 60, "response_format": "wav"}
    received = ask(long, "connection_reset; at=after", "audio/speech")
    assert received.ending == RESET
    assert len(parse_response(received.data).body) > 1_000_000


def test_a_truncated_body_is_shorter_than_announced(ask: Ask) -> None:
    received = ask(CHAT, "truncated_body")
    assert received.ending == END
    assert len(received.body) == received.announced // 2


@pytest.mark.parametrize("after", [0, 100])
def test_a_body_is_truncated_after_so_many_bytes(ask: Ask, after: int) -> None:
    assert len(ask(CHAT, f"truncated_body; after={after}").body) == after


def test_a_truncated_body_lacks_a_byte_at_least(ask: Ask) -> None:
    received = ask(CHAT, "truncated_body; after=1000000")
    assert len(received.body) == received.announced - 1


def test_a_truncated_stream_lacks_its_last_chunk(ask: Ask) -> None:
    received = ask(STREAM, "truncated_body; after=50")
    assert received.ending == END
    with pytest.raises(ValueError, match=r"subsection not found|invalid literal"):
        parse_response(received.data)


def test_malformed_json_is_framed_well(ask: Ask) -> None:
    received = ask(CHAT, "malformed_json")
    assert len(received.body) == received.announced
    with pytest.raises(json.JSONDecodeError):
        json.loads(received.body)


def test_what_is_no_json_stays_as_it_is(ask: Ask) -> None:
    pcm = {**SPEECH, "response_format": "pcm"}
    damaged, unharmed = (
        parse_response(ask(pcm, fault, "audio/speech").data) for fault in ("malformed_json", "")
    )
    assert damaged.body == unharmed.body


def test_more_is_announced_than_comes(ask: Ask) -> None:
    received = ask(CHAT, "wrong_content_length; by=7; seconds=0")
    assert (received.ending, received.announced - len(received.body)) == (END, 7)
    json.loads(received.body)


def test_less_is_announced_than_comes(ask: Ask) -> None:
    received = ask(CHAT, "wrong_content_length; by=-7")
    assert (received.ending, received.announced - len(received.body)) == (END, -7)
    json.loads(received.body)


@pytest.mark.parametrize(("by", "announced"), [(16, 1 << 31), (-20, 20)])
def test_a_stream_announces_a_length_that_is_wrong(ask: Ask, by: int, announced: int) -> None:
    received = ask(STREAM, f"wrong_content_length; by={by}; seconds=0")
    assert received.announced == announced
    assert received.body.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("after", [0, 3])
def test_events_are_cut_off_after_so_many(ask: Ask, after: int) -> None:
    received = ask(STREAM, f"sse_cut; after={after}")
    assert (received.ending, len(received.events)) == (END, after)
    assert not received.data.endswith(b"0\r\n\r\n")


def test_an_event_comes_twice(ask: Ask) -> None:
    first, second, third, *_ = ask(STREAM, "sse_duplicate").events
    assert first != second == third


def test_one_event_is_broken_json(ask: Ask) -> None:
    broken = [not is_json(event) for event in ask(STREAM, "sse_garble; after=2").events[:-1]]
    assert [place for place, each in enumerate(broken) if each] == [2]


def test_malformed_json_breaks_the_first_event(ask: Ask) -> None:
    events = ask(STREAM, "malformed_json").events
    assert [is_json(event) for event in events[:2]] == [False, True]


def is_json(event: bytes) -> bool:
    try:
        json.loads(event.removeprefix(b"data: "))
    except ValueError:
        return False
    return True


def test_an_error_ends_the_events(ask: Ask) -> None:
    first, second, error = ask(
        STREAM, "sse_error; after=2; code=rate_limit_exceeded; message=Slow down."
    ).events
    assert b'"choices"' in first
    assert b'"choices"' in second
    assert json.loads(error.removeprefix(b"data: ")) == {
        "error": {
            "message": "Slow down.",
            "type": "rate_limit_exceeded",
            "param": None,
            "code": "rate_limit_exceeded",
        }
    }


def test_an_error_can_be_the_only_event(ask: Ask) -> None:
    (error,) = ask(STREAM, "sse_error; after=0").events
    assert b'"code":"server_error"' in error


def test_the_last_event_is_missing_and_all_else_is_there(ask: Ask) -> None:
    whole, lacking = ask(STREAM), ask(STREAM, "sse_no_done")
    assert whole.events[-1].strip() == b"data: [DONE]"
    assert len(lacking.events) == len(whole.events) - 1
    assert lacking.data.endswith(b"0\r\n\r\n")


def test_a_late_event_holds_back_those_after_it(server: MockServer, api_key: str) -> None:
    with connected(
        server, STREAM, "sse_delay; after=2; seconds=2", api_key, "chat/completions"
    ) as connection:
        early = b""
        while early.count(b"data: ") < 2:
            early += connection.recv(65536)
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        connection.settimeout(30)
        late = receive(connection)
    assert early.count(b"data: ") == 2
    assert late.data.endswith(b"0\r\n\r\n")


def test_a_body_drips(server: MockServer, api_key: str, whole: bytes) -> None:
    with connected(
        server, CHAT, "slow_drip; bytes_per_second=2000", api_key, "chat/completions"
    ) as connection:
        sizes = []
        while piece := connection.recv(65536):
            sizes.append(len(piece))
    assert len(sizes) > len(whole) / 150  # in pieces of 100 bytes, unless some arrived together
    assert max(sizes[1:]) < 1000


def test_what_is_left_of_a_drip_after_its_time_comes_at_once(
    server: MockServer, api_key: str, whole: bytes
) -> None:
    fault = "slow_drip; bytes_per_second=100; seconds=0.2"
    with connected(server, CHAT, fault, api_key, "chat/completions") as connection:
        received = receive(connection)
    assert len(received.body) == len(whole)


@pytest.mark.parametrize("container", ["wav", "mp3"])
def test_sound_is_corrupted_behind_its_header(ask: Ask, container: str) -> None:
    body = {**SPEECH, "response_format": container}
    unharmed, damaged, again = (
        parse_response(ask(body, fault, "audio/speech").data).body
        for fault in ("", "corrupt_audio; seed=1", "corrupt_audio; seed=1; times=9")
    )
    assert len(damaged) == len(unharmed)
    assert damaged[:64] == unharmed[:64]
    assert damaged != unharmed
    assert damaged != again


def test_the_same_fault_corrupts_the_same_bytes(server: MockServer) -> None:
    def spoken(key: str) -> bytes:
        with connected(server, SPEECH, "corrupt_audio; seed=1", key, "audio/speech") as connection:
            return parse_response(receive(connection).data).body

    assert spoken("sk-mock-tier-5-corrupt-a") == spoken("sk-mock-tier-5-corrupt-b")


def test_the_sound_in_json_is_corrupted_and_nothing_else(ask: Ask) -> None:
    unharmed, damaged = (
        ask(SPOKEN_CHAT | {"audio": {"voice": "alloy", "format": "wav"}}, fault)
        for fault in ("", "corrupt_audio")
    )
    sounds = []
    for received in (unharmed, damaged):
        message = json.loads(received.body)["choices"][0]["message"]
        sounds.append(base64.b64decode(message["audio"]["data"], validate=True))
        assert "Hello there, my friend" in message["audio"]["transcript"]
    assert sounds[0] != sounds[1]
    assert [len(sound) for sound in sounds] == [len(sounds[0])] * 2
    assert damaged.announced == len(damaged.body)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (SPOKEN_CHAT | {"stream": True}, "chat/completions"),
        (SPEECH | {"stream_format": "sse"}, "audio/speech"),
    ],
)
def test_the_sound_in_events_is_corrupted(ask: Ask, body: dict[str, Any], path: str) -> None:
    unharmed, damaged = (sound_of(ask(body, fault, path).events) for fault in ("", "corrupt_audio"))
    assert len(damaged) == len(unharmed) > 10_000
    assert damaged != unharmed


def sound_of(events: list[bytes]) -> bytes:
    sound = b""
    for event in events[:-1]:
        document = json.loads(event.removeprefix(b"data: "))
        encoded = document.get("audio", "")
        for choice in document.get("choices", ()):
            encoded = choice["delta"].get("audio", {}).get("data", "")
        sound += base64.b64decode(encoded, validate=True)
    return sound


def test_a_hanging_request_is_ended_without_an_answer(ask: Ask) -> None:
    assert ask(CHAT, "hang; seconds=0.1") == Received(b"", END)


def test_hanging_requests_end_when_their_clients_leave(api_key: str) -> None:
    with MockServer(QUIET) as server:
        connections = [connected(server, CHAT, "hang", api_key, "chat/completions") for _ in range(20)]
        assert eventually(lambda: waiting() == 20)
        for connection in connections:
            connection.close()
        assert eventually(lambda: waiting() == 0)
        assert eventually(lambda: [entry["hung_up"] for entry in server.journal] == [True] * 20)


def waiting() -> int:
    """Return how many threads hold a request in a wait."""
    return sum("connection.py" in names(frame) for frame in sys._current_frames().values())


def names(frame: Any) -> str:
    files = []
    while frame is not None:
        files.append(frame.f_code.co_filename)
        frame = frame.f_back
    return " ".join(files)


@pytest.mark.parametrize("fault", ["hang", "latency; seconds=600", "slow_drip; bytes_per_second=1"])
def test_waiting_ends_when_the_server_closes(api_key: str, fault: str) -> None:
    with MockServer(QUIET) as server:
        connection = connected(server, CHAT, fault, api_key, "chat/completions")
        assert eventually(lambda: waiting() == 1)
    with connection:
        receive(connection)  # until the end
    assert eventually(lambda: waiting() == 0)


def test_a_client_that_resets_ends_a_drip(api_key: str) -> None:
    with MockServer(QUIET) as server:
        connection = connected(server, CHAT, "slow_drip; bytes_per_second=10", api_key, "chat/completions")
        assert eventually(lambda: waiting() == 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        assert eventually(lambda: waiting() == 0)
        server.wait_for_chat(hung_up=True, timeout=60)
        assert [entry["hung_up"] for entry in server.journal] == [True]


@pytest.mark.parametrize("at", ["before", "middle", "after"])
def test_a_break_of_the_connection_raises_if_the_server_provides_no_connection(at: str, api_key: str) -> None:
    client = create_app(QUIET).test_client()
    headers = {"Authorization": f"Bearer {api_key}", "x-mock-fault": f"connection_reset; at={at}"}
    with pytest.raises(ConnectionResetError):
        client.get("/v1/models", headers=headers, buffered=True)


def test_latency_comes_before_an_answer_that_is_whole(ask: Ask) -> None:
    began = time.monotonic()
    received = ask(CHAT, "latency; seconds=0.2")
    assert time.monotonic() - began >= 0.2
    assert received.announced == len(received.body)


def test_the_server_goes_on_after_broken_connections(
    ask: Ask, whole: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    for fault in (
        "connection_reset; at=before",
        "connection_reset",
        "connection_reset; at=after",
        "truncated_body",
    ):
        for body in (CHAT, STREAM):
            ask(body, fault)
    assert abs(len(ask(CHAT).body) - len(whole)) < 20
    assert not [record for record in caplog.records if record.levelname in ("WARNING", "ERROR", "CRITICAL")]
