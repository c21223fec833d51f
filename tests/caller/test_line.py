"""The time of a call, and what a server can do wrong on the line."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from websockets.sync.server import ServerConnection, serve

from mockserver.caller.call import Call
from mockserver.caller.opening import web_socket_url
from mockserver.caller.record import CallFailed
from mockserver.testing.mock_server import MockServer

SESSION = {"type": "realtime", "audio": {"input": {"format": {"type": "audio/pcm"}, "turn_detection": {}}}}
Other = Callable[..., Call]


class Peer:
    """Another server, which has no virtual time."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket

    def send(self, kind: str, **members: Any) -> None:
        self.socket.send(json.dumps({"type": kind, **members}))

    def begin(self) -> None:
        """Open the session, and refuse the question for virtual time."""
        self.send("session.created", session=SESSION)
        assert json.loads(self.socket.recv())["type"] == "mock.sync"
        self.send("error", error={"code": "invalid_value", "message": "Invalid value: 'mock.sync'."})

    def hear(self, frames: int) -> int:
        """Receive frames, and return their bytes."""
        size = 0
        for _ in range(frames):
            event = json.loads(self.socket.recv())
            assert event["type"] == "input_audio_buffer.append", event
            size += len(base64.b64decode(event["audio"]))
        return size


@pytest.fixture
def other(server: MockServer) -> Iterator[Other]:
    """Return a function that calls another server, which behaves as given."""
    stack = ExitStack()

    def begin(behaves: Callable[[Peer], None], **options: Any) -> Call:
        listening = stack.enter_context(serve(lambda socket: behaves(Peer(socket)), "127.0.0.1", 0))
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        stack.callback(thread.join)
        stack.callback(listening.shutdown)
        host, port = listening.socket.getsockname()[:2]
        return server.account().caller(url=f"ws://{host}:{port}/v1", **options)

    with stack:
        yield begin


def test_another_server_is_called_in_real_time(other: Other) -> None:
    heard: list[int] = []

    def behaves(peer: Peer) -> None:
        peer.begin()
        heard.append(peer.hear(10))
        peer.send("response.created", response={"id": "resp_1"})
        peer.send("response.output_audio_transcript.delta", response_id="resp_1", delta="Hello.")
        audio = base64.b64encode(bytes(48 * 100)).decode()
        peer.send("response.output_audio.delta", response_id="resp_1", item_id="item_1", delta=audio)
        peer.send("response.done", response={"id": "resp_1", "status": "completed"})
        for _ in peer.socket:
            pass

    with other(behaves) as call:
        began = time.monotonic()
        reply = call.hear()
        seconds = time.monotonic() - began
    assert not call.is_virtual
    assert heard == [10 * 960]
    assert (reply.text, reply.played_ms) == ("Hello.", 100)
    assert reply.start_ms is not None
    assert reply.start_ms >= 200
    assert seconds >= (reply.end_ms or 0) / 1000
    assert call.timeline.errors == []


def test_virtual_time_that_must_be_is_refused_without_it(other: Other) -> None:
    with pytest.raises(CallFailed, match="The server has no virtual time"):
        other(Peer.begin, pacing="virtual")


def test_the_end_of_the_call_by_the_server_is_reported(other: Other) -> None:
    def behaves(peer: Peer) -> None:
        peer.begin()
        peer.hear(3)
        peer.send("error", error={"code": "session_expired", "message": "Your session is over."})
        peer.socket.close(1001, "It is over.")

    with other(behaves) as call:
        with pytest.raises(CallFailed, match=r"ended the call with 1001 It is over\. .*Your session is over"):
            call.wait(1000)
        assert call.wait_for_end() == (1001, "It is over.")
    assert call.timeline.closed == (1001, "It is over.")


@pytest.mark.parametrize("message", ["nonsense", "[]", b"\x00", '{"type": 3}', "{}"])
def test_messages_that_are_no_events_are_errors_or_ignored(other: Other, message: str | bytes) -> None:
    def behaves(peer: Peer) -> None:
        peer.begin()
        peer.socket.send(message)
        peer.send("response.output_audio.delta", response_id="resp_0", delta="!")
        peer.send("response.created")
        peer.send("response.done", response={"id": None})
        for _ in peer.socket:
            pass

    with other(behaves) as call:
        call.wait(60)
    codes = {error["code"] for error in call.timeline.errors}
    assert codes <= {"mock_not_json", "mock_not_base64"}


def test_the_question_for_the_time_is_not_in_the_journal(server: MockServer) -> None:
    api = server.account()
    with api.caller() as call:
        call.wait(200)
    assert "mock.sync" not in json.dumps(api.journal)


@pytest.mark.parametrize(
    ("url", "model", "address"),
    [
        ("http://host:1/v1", None, "ws://host:1/v1/realtime?model=gpt-realtime"),
        ("https://host/v1/", "m", "wss://host/v1/realtime?model=m"),
        ("ws://host", None, "ws://host/v1/realtime?model=gpt-realtime"),
        ("wss://host/openai/v1/realtime?model=a&x=1", None, "wss://host/openai/v1/realtime?model=a&x=1"),
        ("wss://host/v1/realtime?model=a", "b", "wss://host/v1/realtime?model=b"),
    ],
)
def test_urls_are_completed(url: str, model: str | None, address: str) -> None:
    assert web_socket_url(url, model) == address


def test_a_session_that_transcribes_names_no_model() -> None:
    assert (
        web_socket_url("http://host/v1", None, transcription=True)
        == "ws://host/v1/realtime?intent=transcription"
    )
    with pytest.raises(CallFailed, match=r"session\.audio\.input\.transcription\.model"):
        web_socket_url("http://host/v1", "gpt-realtime", transcription=True)


@pytest.mark.parametrize(
    "url", ["", "host", "ftp://host", "http://", "http://[", "http://host:99999", "ws://:80"]
)
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(CallFailed, match="is no URL of a server"):
        web_socket_url(url, None)
