"""The life of a session: how it ends, what it survives, and that it leaves nothing behind."""

from __future__ import annotations

import socket
import string
import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mockserver.providers.openai.realtime import sounds
from mockserver.providers.openai.realtime.conversation import item_commands
from mockserver.providers.openai.realtime.input_audio import InputAudio
from mockserver.settings.model import Settings
from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer
from tests.providers.openai.realtime.conftest import Connect, Talk, kinds, silence
from tests.waiting import eventually

NOON = 1_800_000_000.0
LONG = "This is a long answer, which goes on for quite some time, and then goes on. " * 8


@pytest.fixture
def frozen_server() -> MockServer:
    """Return a server whose clock is frozen, and whose events have the delays of the real API."""
    return MockServer(
        Settings(port=0, whisper_model="none", frozen_time=NOON, realtime_pacing="real", log_level="warning")
    )


def time_of(identifier: str) -> int:
    """Return the time in an id, in seconds since 1970."""
    letters = identifier.partition("_")[2]
    assert len(letters) == 21
    seconds = 0
    for letter in letters[:5]:
        seconds = 62 * seconds + (string.digits + string.ascii_uppercase + string.ascii_lowercase).index(
            letter
        )
    return 1_576_800_000 + seconds


def threads_of_sessions() -> int:
    return sum(thread.name == "realtime" for thread in threading.enumerate())


def test_a_session_lasts_an_hour(connect: Connect, frozen_server: MockServer) -> None:
    with frozen_server as server:
        talk = connect(at=server)
        (created,) = talk.events
        assert created["session"]["expires_at"] == NOON + 3600
        server.clock.advance(3_599)
        talk.update(instructions="Hurry.")
        server.clock.advance(1)
        error = talk.error()
        assert (error["type"], error["code"], error["param"]) == (
            "invalid_request_error",
            "session_expired",
            None,
        )
        assert error["message"] == "Your session hit the maximum duration of 60 minutes."
        assert talk.closed() == (1001, error["message"])


def test_ids_tell_the_time_of_the_clock(connect: Connect, frozen_server: MockServer) -> None:
    with frozen_server as server:
        talk = connect(at=server)
        assert {time_of(talk.events[0]["event_id"]), time_of(talk.events[0]["session"]["id"])} == {NOON}
        server.clock.advance(62)
        talk.update(instructions="Later.")
        assert time_of(talk.events[-1]["event_id"]) == NOON + 62


def test_with_the_pacing_real_the_clock_decides(connect: Connect, frozen_server: MockServer) -> None:
    with frozen_server as server:
        server.account("sk-mock-tier-5-x").on("realtime").say("Yes.")
        talk = connect(at=server, key="sk-mock-tier-5-x")
        talk.say("Hello?")
        talk.until("response.created")
        with pytest.raises(TimeoutError):
            talk.receive(0.3)
        server.clock.advance(10)
        talk.until("response.done")


def test_an_event_before_the_session_is_announced_is_handled(connect: Connect) -> None:
    talk = connect(created=False)
    talk.send("session.update", session={"type": "realtime", "instructions": "Now."})
    assert kinds(talk.until("session.updated")) == ["session.created", "session.updated"]


def test_the_close_of_the_client_is_answered_with_its_code(talk: Talk) -> None:
    talk.socket.close(1000, "bye")
    assert (talk.socket.close_code, talk.socket.close_reason) == (1000, "bye")


@pytest.mark.parametrize("compression", ["deflate", None])
def test_events_come_in_fragments_and_compressed(connect: Connect, compression: str | None) -> None:
    talk = connect(compression=compression)
    talk.socket.send(['{"type": "input_audio_', 'buffer.clear"', "}"])
    assert talk.receive()["type"] == "input_audio_buffer.cleared"


def test_an_oversized_event_ends_the_connection(connect: Connect) -> None:
    with MockServer(Settings(port=0, whisper_model="none", max_body_bytes=100_000)) as small:
        talk = connect(at=small)
        talk.append(silence(2_000))
        assert talk.closed()[0] == 1009


def test_an_unexpected_error_does_not_end_a_session(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: InputAudio) -> None:
        raise ArithmeticError

    with monkeypatch.context() as patched:
        patched.setattr(InputAudio, "clear", fail)
        talk.send("input_audio_buffer.clear", event_id="mine")
        error = talk.error()
    assert (error["type"], error["code"], error["event_id"]) == ("server_error", None, "mine")
    assert talk.events[0]["session"]["id"] in error["message"]
    talk.send("input_audio_buffer.clear")
    assert talk.receive()["type"] == "input_audio_buffer.cleared"


def test_a_client_that_vanishes_in_mid_reply_leaves_nothing(connect: Connect, api: AudioApi) -> None:
    before = threads_of_sessions()
    api.on("realtime").say(LONG)
    talk = connect()
    talk.say("Go on.")
    talk.until("response.output_audio.delta")
    linger = struct.pack("ii", 1, 0)
    talk.socket.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    talk.socket.socket.close()  # without a close frame
    assert eventually(lambda: threads_of_sessions() <= before)


def test_a_client_that_does_not_read_is_given_up(connect: Connect) -> None:
    before = threads_of_sessions()
    settings = Settings(port=0, whisper_model="none", socket_timeout=0.5, log_level="error")
    with MockServer(settings) as impatient:
        talk = connect(at=impatient, compression=None, max_queue=1, close_timeout=0.1)
        for _ in range(60):
            talk.send("conversation.item.create", item=_long_item())
        assert eventually(lambda: threads_of_sessions() <= before)


def test_a_session_keeps_a_limited_amount_of_items(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(item_commands, "_MOST_BYTES", 1_000)
    words = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x" * 700}]}
    talk.send("conversation.item.create", item=words | {"id": "one"})
    talk.until("conversation.item.done")
    talk.send("conversation.item.create", item=words)
    assert talk.error()["code"] == "session_full"
    talk.send("conversation.item.delete", item_id="one")
    talk.send("conversation.item.create", item=words)
    talk.until("conversation.item.done")


def test_a_session_keeps_a_limited_amount_of_audio(
    connect: Connect, hello: tuple[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session goes on, and hears of later turns."""
    talk = connect()
    turn = silence(500) + hello[1][44:] + silence(1_000)
    monkeypatch.setattr(sounds, "_MOST_HEARD", 1_000)
    talk.append(turn)
    assert kinds(talk.until("error"))[-2:] == ["input_audio_buffer.speech_stopped", "error"]
    assert talk.events[-1]["error"]["code"] == "session_full"
    monkeypatch.undo()
    talk.append(turn)
    assert "input_audio_buffer.committed" in kinds(talk.until("response.done"))


def test_sessions_end_with_the_server(connect: Connect) -> None:
    with MockServer(Settings(port=0, whisper_model="none", log_level="error")) as ending:
        talk = connect(at=ending)
    assert talk.closed()[0] == 1001


@pytest.mark.slow
def test_many_sessions_at_once_are_complete(connect: Connect, hello: tuple[str, bytes]) -> None:
    turn = silence(500) + hello[1][44:] + silence(1_000)
    before = _resident_kib()

    def call(number: int) -> list[str]:
        talk = connect(key=f"sk-mock-tier-5-many-{number}")
        talk.append(turn, 4_800)
        return kinds(talk.until("rate_limits.updated"))

    with ThreadPoolExecutor(50) as clients:
        received = list(clients.map(call, range(100)))
        for events in received:
            assert "input_audio_buffer.committed" in events
            assert events[-2:] == ["response.done", "rate_limits.updated"]
    assert _resident_kib() - before < 100 * 10 * 1024  # both sides, in KiB


def _long_item() -> dict[str, object]:
    content = [{"type": "input_text", "text": "word " * 20_000}]
    return {"type": "message", "role": "user", "content": content}


def _resident_kib() -> int:
    """Return the memory of this process; 0 where it is not known."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    return int(status.read_text().partition("VmRSS:")[2].split()[0])
