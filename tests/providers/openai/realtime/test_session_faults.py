"""Faults of sessions: what the client gets of them."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from mockserver.testing.audio_api import AudioApi
from tests.providers.openai.realtime.conftest import Connect, Talk, kinds, silence

Body = dict[str, Any]
TEXT = {"output_modalities": ["text"]}
DELTA = "response.output_text.delta"


def reply(talk: Talk, text: str = "Hello.") -> list[Body]:
    """Write as the user, and return the events of the reply in text."""
    talk.say(text, **TEXT)
    return talk.until("rate_limits.updated")


def drain(talk: Talk) -> None:
    """Receive events until none comes any more. Raises ``TimeoutError``."""
    while True:
        talk.receive(0.5)


def left(talk: Talk, text: str = "Hello.") -> list[str]:
    """Write as the user, and return the types of what comes before the end of the connection."""
    talk.say(text, **TEXT)
    before = len(talk.events)
    talk.closed()
    return kinds(talk.events[before:])


@pytest.mark.parametrize(("code", "reason"), [(1013, "insufficient_quota"), (4999, ""), (1011, "x" * 300)])
def test_a_session_is_closed_after_some_events(
    connect: Connect, api: AudioApi, code: int, reason: str
) -> None:
    api.break_next("realtime_close", close=code, message=reason, after=3)
    talk = connect()
    assert len(left(talk)) == 2
    assert (talk.socket.close_code, talk.socket.close_reason) == (code, reason[:123])
    api.wait_for_realtime(event="close")
    (entry,) = api.journal
    assert entry["realtime"]["close"] == {"code": code, "reason": reason[:123]}
    assert entry["fault"]["kind"] == "realtime_close"


def test_nothing_at_all_is_sent_before_the_end(connect: Connect, api: AudioApi) -> None:
    api.break_next("realtime_close", after=0)
    talk = connect(created=False)
    assert talk.closed() == (1011, "")
    assert talk.events == []


def test_the_connection_ends_without_a_close_frame(connect: Connect, api: AudioApi) -> None:
    api.break_next("realtime_close", close=1006, event=DELTA)
    talk = connect()
    assert left(talk)[-1] == DELTA
    assert talk.socket.close_code == 1006


def test_a_fault_can_wait_for_what_the_user_writes(connect: Connect, api: AudioApi) -> None:
    api.break_next("realtime_close", close=4001, user_text="bomb", event=DELTA, after=2)
    talk = connect()
    reply(talk)
    assert left(talk, "A bomb.").count(DELTA) == 2
    assert talk.socket.close_code == 4001


@pytest.mark.parametrize("chunk", [None, 960, 40_000])
def test_a_session_expires_after_some_seconds_of_audio(
    connect: Connect, api: AudioApi, chunk: int | None
) -> None:
    api.break_next("realtime_expired", audio_seconds=2.0)
    talk = connect()
    talk.append(silence(1_900), chunk)
    talk.send("input_audio_buffer.clear")
    assert talk.receive()["type"] == "input_audio_buffer.cleared"
    with suppress(ConnectionClosed):
        talk.append(silence(400), chunk)
    error = talk.until("error")[-1]["error"]
    assert (error["code"], error["message"]) == (
        "session_expired",
        "Your session hit the maximum duration of 60 minutes.",
    )
    assert talk.closed() == (1001, "Your session hit the maximum duration of 60 minutes.")


def test_an_error_comes_and_the_session_goes_on(connect: Connect, api: AudioApi) -> None:
    api.break_next("realtime_error", code="odd", message="Odd.", event="response.created")
    talk = connect()
    talk.say("Hello.", **TEXT)
    error = talk.until("error")[-1]["error"]
    assert error == {
        "type": "invalid_request_error",
        "code": "odd",
        "message": "Odd.",
        "param": None,
        "event_id": None,
    }
    talk.until("response.done")


def test_a_response_fails(connect: Connect, api: AudioApi) -> None:
    api.break_next("realtime_failed", turn=2)
    talk = connect()
    reply(talk)
    done = reply(talk)[-2]["response"]
    assert (done["status"], done["output"]) == ("failed", [])
    assert done["status_details"]["error"]["type"] == "server_error"
    assert reply(talk)[-2]["response"]["status"] == "completed"
    api.verify_realtime(fault="realtime_failed", turn=2, times=1)


def test_the_server_falls_silent_in_the_middle_of_an_item(connect: Connect, api: AudioApi) -> None:
    api.break_next("realtime_silence", event=DELTA, after=2)
    talk = connect()
    talk.say("Hello.", **TEXT)
    for _ in range(2):
        talk.until(DELTA)
    with pytest.raises(TimeoutError):
        talk.receive(0.5)
    talk.socket.ping().wait(10)


def test_a_silence_can_end(connect: Connect, api: AudioApi) -> None:
    api.break_next("realtime_silence", event=DELTA, after=2, seconds=0.7)
    talk = connect()
    talk.say("Hello.", **TEXT)
    for _ in range(2):
        talk.until(DELTA)
    began = time.monotonic()
    rest = kinds(talk.until("rate_limits.updated"))
    assert time.monotonic() - began >= 0.6
    assert (rest[0], rest[-3:]) == (
        DELTA,
        ["response.output_item.done", "response.done", "rate_limits.updated"],
    )


def test_an_event_and_those_behind_it_come_late(connect: Connect, api: AudioApi) -> None:
    api.break_next("realtime_delay", event="response.done", after=0, seconds=0.5)
    talk = connect()
    talk.say("Hello.", **TEXT)
    talk.until("response.output_item.done")
    began = time.monotonic()
    assert kinds(talk.until("rate_limits.updated")) == ["response.done", "rate_limits.updated"]
    assert time.monotonic() - began >= 0.4


def test_a_slow_session_waits_before_every_event(connect: Connect, api: AudioApi) -> None:
    api.break_next("realtime_slow", seconds=0.05, event="response.created")
    talk = connect()
    talk.say("Hello.", **TEXT)
    talk.until("response.created")
    began = time.monotonic()
    events = talk.until("rate_limits.updated")
    assert time.monotonic() - began >= 0.05 * len(events) * 0.9
    assert kinds(events)[0] == "response.output_item.added"


def test_events_are_duplicated_dropped_and_swapped(connect: Connect, api: AudioApi) -> None:
    usual = reply(connect())
    api.break_next("realtime_duplicate", event="response.created", after=0)
    twice = reply(connect())
    assert kinds(twice)[:4].count("response.created") == 2
    assert twice[2] == twice[3] or twice[3] == twice[4]
    api.break_next("realtime_drop", event=DELTA, after=1, count=2)
    dropped = reply(connect())
    assert kinds(dropped).count(DELTA) == kinds(usual).count(DELTA) - 2
    api.break_next("realtime_reorder", event="response.output_item.added", after=0)
    swapped = kinds(reply(connect()))
    at = swapped.index("response.output_item.added")
    assert swapped[at - 1] == "conversation.item.added"


def test_garbled_json_is_half_of_an_event(connect: Connect, api: AudioApi) -> None:
    api.break_next("realtime_garble", event="response.created", after=0)
    talk = connect()
    talk.say("Hello.", **TEXT)
    talk.until("conversation.item.done")
    text = talk.socket.recv(timeout=30)
    assert isinstance(text, str)
    assert text.startswith('{"type":"response.created"')
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)
    talk.until("response.done")


def test_the_upgrade_is_refused_with_a_status(connect: Connect, api: AudioApi) -> None:
    api.break_next("upgrade_refused", status=429)
    with pytest.raises(InvalidStatus) as refused:
        connect()
    assert refused.value.response.status_code == 429
    assert connect().events[0]["type"] == "session.created"


def test_an_error_refuses_the_session_as_the_api_does(connect: Connect, api: AudioApi) -> None:
    api.fail_next("credit_balance_exhausted", endpoint="realtime")
    talk = connect(created=False)
    assert talk.error()["code"] == "credit_balance_exhausted"
    assert talk.closed() == (1013, "insufficient_quota.credit_balance_exhausted")


def test_a_turn_is_late_or_never_comes(connect: Connect, api: AudioApi) -> None:
    api.break_next("latency", seconds=2.0, turn=1)
    api.break_next("hang", turn=2)
    talk = connect()
    reply(talk)
    (entry,) = api.journal
    began = {event["type"]: event["at_ms"] for event in entry["realtime"]["events"]}
    assert began["response.created"] == 2000.0
    talk.say("Hello?", **TEXT)
    talk.until("response.created")
    before = len(talk.events)
    with pytest.raises(TimeoutError):
        drain(talk)
    assert "response.content_part.done" not in kinds(talk.events[before:])


def test_a_header_breaks_its_own_session(connect: Connect) -> None:
    talk = connect(headers={"x-mock-fault": 'realtime_close; close=4002; message="By header"; after=1'})
    assert talk.closed() == (4002, "By header")
    connect()


def test_a_lost_event_does_not_confuse_the_server(connect: Connect, api: AudioApi) -> None:
    api.break_next("realtime_drop", event="response.*", after=0, count=1_000)
    talk = connect()
    talk.say("Hello.", **TEXT)
    talk.until("rate_limits.updated")
    assert [kind for kind in kinds(talk.events) if kind.startswith("response.")] == []
    api.verify_realtime(said="Hello", times=1)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"fault": "realtime_close", "close": 1005}, "close: 1005 is not a code that a close frame can have"),
        ({"fault": "realtime_close", "after": 1, "audio_seconds": 2}, "audio_seconds: cannot be combined"),
        ({"fault": "realtime_drop", "audio_seconds": 2}, "audio_seconds: realtime_drop does not take it"),
        ({"fault": "upgrade_refused", "status": 418}, "none has the status 418"),
    ],
)
def test_what_makes_no_sense_is_refused(api: AudioApi, fault: Body, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        api.break_next(**fault)


def test_faults_hit_sessions_in_parallel_each_for_itself(connect: Connect, api: AudioApi) -> None:
    api.break_next("realtime_duplicate", times=None, event="response.created", after=0)
    first, second = connect(), connect()
    for talk in (first, second):
        assert kinds(reply(talk)).count("response.created") == 2
        assert kinds(reply(talk)).count("response.created") == 1


def test_a_header_fails_the_responses_of_its_session(connect: Connect, api: AudioApi) -> None:
    talk = connect(headers={"x-mock-fault": "realtime_failed; code=odd; message=Odd.; every=2"})
    statuses = [reply(talk)[-2]["response"]["status"] for _ in range(4)]
    assert statuses == ["completed", "failed", "completed", "failed"]
    assert reply(connect())[-2]["response"]["status"] == "completed"
    api.verify_realtime(fault="realtime_failed", turn=2, times=1)


def test_several_events_are_swapped_each_with_the_next(connect: Connect, api: AudioApi) -> None:
    usual = kinds(reply(connect()))
    api.break_next("realtime_reorder", count=2)
    swapped = kinds(reply(connect()))
    assert swapped == [usual[1], usual[0], usual[3], usual[2], *usual[4:]]


@pytest.mark.parametrize(("error", "code"), [("server_error", 1011), ("overloaded", 1011), (400, 4000)])
def test_trouble_of_the_server_closes_as_such(
    connect: Connect, api: AudioApi, error: str | int, code: int
) -> None:
    api.fail_next(error, endpoint="realtime")
    talk = connect(created=False)
    talk.error()
    assert talk.closed()[0] == code
