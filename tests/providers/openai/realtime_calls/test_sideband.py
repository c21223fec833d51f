"""Second connections to the session of a call, and what the journal has of calls."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from mockserver.testing.audio_api import AudioApi
from tests.providers.openai.realtime.conftest import Body, Connect, Talk, kinds
from tests.providers.openai.realtime.replay import Replay
from tests.providers.openai.realtime_calls.conftest import Dial

Speak = Callable[[str], bytes]


@pytest.fixture
def beside(connect: Connect) -> Callable[[str], Talk]:
    """Return a function that opens a sideband of a call."""
    return lambda call_id: connect(f"call_id={call_id}", created=False)


def test_the_recorded_sideband(dial: Dial, beside: Callable[[str], Talk], api: AudioApi) -> None:
    api.on("realtime").say("Hello there!")
    caller = dial()
    Replay("ga_sideband_audio", beside(caller.call_id)).run()


def test_a_sideband_gets_the_events_of_the_call_and_no_created(
    dial: Dial, beside: Callable[[str], Talk]
) -> None:
    caller = dial()
    first, second = beside(caller.call_id), beside(caller.call_id)
    second.send("session.update", session={"type": "realtime", "instructions": "Be brief."})
    updated = [each.receive() for each in (first, second, caller)]
    assert updated[0] == updated[1] == updated[2]
    assert updated[0]["type"] == "session.updated"
    caller.send("conversation.item.create", item={"type": "message", "role": "user", "content": []})
    assert first.receive() == second.receive() == caller.receive()


def test_what_a_sideband_does_wrong_is_refused(dial: Dial, beside: Callable[[str], Talk]) -> None:
    talk = beside(dial().call_id)
    talk.send("nope")
    assert talk.error()["code"] == "invalid_value"
    talk.socket.send(b"\0")
    assert talk.error()["message"].startswith("Expected a text WebSocket message")


def test_a_sideband_that_leaves_does_not_end_the_call(dial: Dial, beside: Callable[[str], Talk]) -> None:
    caller = dial()
    talk = beside(caller.call_id)
    talk.socket.close()
    caller.send("session.update", session={"type": "realtime"})
    assert caller.receive()["type"] == "session.updated"


def test_the_end_of_the_call_ends_its_sidebands(dial: Dial, beside: Callable[[str], Talk]) -> None:
    caller = dial()
    talk = beside(caller.call_id)
    caller.close()
    assert talk.closed() == (1000, "")


def test_a_sideband_that_does_not_read_delays_nobody(dial: Dial, beside: Callable[[str], Talk]) -> None:
    caller = dial()
    beside(caller.call_id)
    text = "x" * 200_000
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    for _ in range(60):
        caller.send("conversation.item.create", item=item)
        assert kinds(caller.until("conversation.item.done"))


@pytest.mark.parametrize("query", ["call_id=rtc_u0_000000000000000000000", "call_id="])
def test_a_sideband_of_no_call_is_refused(connect: Connect, query: str) -> None:
    talk = connect(query, created=False)
    assert talk.error()["code"] == "call_id_not_found"
    assert talk.closed() == (4004, "invalid_request_error.call_id_not_found")


def test_the_call_of_another_account_is_unknown(dial: Dial, connect: Connect) -> None:
    talk = connect(f"call_id={dial().call_id}", key="sk-mock-tier-5-other", created=False)
    assert talk.error()["code"] == "call_id_not_found"


def test_the_journal_has_the_sound_of_a_call(dial: Dial, speak: Speak, api: AudioApi) -> None:
    api.on("realtime").say("It is sunny in Berlin.")
    caller = dial()
    caller.say(speak("What is the weather in Berlin today?") + bytes(48_000))
    caller.until("output_audio_buffer.stopped")
    caller.close()
    entry = _ended(api)
    session = entry["realtime"]
    assert session["session"] == caller.call_id.replace("rtc_", "sess_")
    assert session["audio_in"] > 2
    assert 1 < session["audio_out"] < 4
    assert session["turns"][0]["said"] == "It is sunny in Berlin."
    assert 1 < session["turns"][0]["audio_seconds"] < 4
    assert (entry["endpoint"], entry["status"]) == ("realtime.calls", 201)


def _ended(api: AudioApi) -> Body:
    """Return the entry of the call when it has ended."""
    for _ in range(200):
        entry: Body
        [entry] = [each for each in api.journal if each.get("realtime")]
        if not entry.get("in_flight"):
            return entry
        time.sleep(0.05)
    raise AssertionError(entry)
