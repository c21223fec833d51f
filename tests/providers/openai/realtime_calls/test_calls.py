"""Calls by WebRTC: the answer over HTTP, events on the data channel, sound in both directions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import openai
import pytest

from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer
from tests.providers.openai.realtime.conftest import kinds
from tests.providers.openai.realtime_calls.conftest import CONVERSATION, Dial
from tests.providers.openai.realtime_calls.webrtc import Caller
from tests.waiting import eventually

Speak = Callable[[str], bytes]


def say(caller: Caller, text: str) -> None:
    """Write as the user, and ask for a response."""
    content = [{"type": "input_text", "text": text}]
    caller.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})
    caller.send("response.create")


def loudness(pcm: bytes) -> int:
    """Return the number of samples that are not silent."""
    return sum(1 for sample in memoryview(pcm[: len(pcm) & ~1]).cast("h") if abs(sample) > 200)


def test_the_answer_is_an_sdp_with_the_location_of_the_call(client: openai.OpenAI) -> None:
    caller = Caller()
    created = client.realtime.calls.create(sdp=caller.offer(), session={"type": "realtime"})
    response = created.response
    assert response.status_code == 201
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert re.fullmatch("/v1/realtime/calls/rtc_u0_[0-9A-Za-z]{21}", response.headers["location"])
    assert response.headers["access-control-expose-headers"] == "Location, X-Request-Id, CF-Ray"
    assert response.headers["access-control-allow-origin"] == response.headers["timing-allow-origin"] == "*"
    assert "m=audio" in created.text
    assert "m=application" in created.text
    assert "a=setup:active" in created.text
    assert re.findall(r"a=rtpmap:\d+ (\w+)", created.text) == ["opus", "PCMU", "PCMA"]
    caller.close()


def test_a_response_is_played_and_its_events_have_no_audio(dial: Dial) -> None:
    caller = dial()
    [created] = caller.events
    assert created["session"]["id"] == caller.call_id.replace("rtc_", "sess_")
    say(caller, "Say hi.")
    received = caller.until("output_audio_buffer.stopped")
    names = kinds(received)
    assert "response.output_audio.delta" not in names
    began = names.index("output_audio_buffer.started")
    assert names[:began].count("response.output_audio_transcript.delta") == 3
    assert names[-3:] == ["response.done", "rate_limits.updated", "output_audio_buffer.stopped"]
    for event in (received[began], received[-1]):
        assert list(event) == ["type", "event_id", "response_id"]
        assert re.fullmatch("event_[0-9a-f]{16}", event["event_id"])
    assert loudness(bytes(caller.heard)) > 5000


def test_what_the_caller_says_is_heard(dial: Dial, speak: Speak) -> None:
    turns = {"type": "server_vad", "create_response": False}
    caller = dial(audio={"input": {"turn_detection": turns, "transcription": {"model": "whisper-1"}}})
    caller.say(bytes(24_000) + speak("What is the weather in Berlin today?") + bytes(48_000))
    received = caller.until("input_audio_buffer.committed")
    assert kinds(received) == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
    ]
    started, stopped = received[0]["audio_start_ms"], received[1]["audio_end_ms"]
    assert (started + 300) % 32 == stopped % 32 == 0
    assert 1500 < stopped - started < 4000
    assert {event["item_id"] for event in received} == {received[0]["item_id"]}


def test_a_turn_ends_although_the_caller_sends_no_silence(dial: Dial, speak: Speak) -> None:
    """Browsers send nothing while a track is silent: the server takes missing packets for silence, in real time."""
    caller = dial(thrifty=True, audio={"input": {"transcription": {"model": "whisper-1"}}})
    for _ in range(2):
        caller.say(speak("What is the weather in Berlin today?"))
        received = caller.until("conversation.item.input_audio_transcription.completed")
        assert received[-1]["transcript"].rstrip() == "What is the weather in Berlin today?"
        received += caller.until("output_audio_buffer.stopped")
        assert kinds(received).count("input_audio_buffer.committed") == 1


@pytest.mark.parametrize("format_", ["audio/pcmu", "audio/pcma"])
def test_formats_of_telephony_do_not_matter_to_media(dial: Dial, speak: Speak, format_: str) -> None:
    turns = {"type": "server_vad", "create_response": False}
    caller = dial(
        audio={
            "input": {"turn_detection": turns, "format": {"type": format_}},
            "output": {"format": {"type": format_}},
        }
    )
    caller.say(bytes(24_000) + speak("What is the weather in Berlin today?") + bytes(48_000))
    caller.until("input_audio_buffer.committed")
    say(caller, "Say hi.")
    caller.until("output_audio_buffer.stopped")
    assert loudness(bytes(caller.heard)) > 5000


def test_the_caller_interrupts_a_response(dial: Dial, speak: Speak) -> None:
    """The samples of the client's pause count: its microphone sends silence while it listens."""
    caller = dial()
    say(caller, "Please repeat a rather long sentence, which takes many seconds to be spoken by anyone.")
    caller.until("output_audio_buffer.started")
    caller.say(speak("Stop, please."))
    received = caller.until("conversation.item.truncated")
    began = next(place for place, each in enumerate(received) if each["type"].endswith("speech_started"))
    names = kinds(received[began:])
    assert names[-2:] == ["output_audio_buffer.cleared", "conversation.item.truncated"]
    truncated = received[-1]
    assert list(truncated) == ["type", "event_id", "item_id", "content_index", "audio_end_ms"]
    assert 0 <= truncated["audio_end_ms"] < 3000
    assert "output_audio_buffer.stopped" not in names
    done = [each["response"] for each in received if each["type"] == "response.done"]
    assert done[0]["output"][0]["id"] == truncated["item_id"]


def test_playback_that_is_interrupted_after_the_response_is_done(dial: Dial, speak: Speak) -> None:
    """The order is that of the recording beta_webrtc_barge_in."""
    caller = dial()
    say(caller, "Please repeat a rather long sentence, which takes many seconds to be spoken by anyone.")
    caller.until("rate_limits.updated")
    caller.say(speak("Stop, please.") + bytes(48_000))
    received = caller.until("input_audio_buffer.committed")
    assert kinds(received)[:5] == [
        "input_audio_buffer.speech_started",
        "output_audio_buffer.cleared",
        "conversation.item.truncated",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
    ]
    caller.send("conversation.item.retrieve", item_id=received[2]["item_id"])
    [retrieved] = [
        each for each in caller.until("conversation.item.retrieved") if each["type"].endswith("retrieved")
    ]
    assert not retrieved["item"]["content"][0]["transcript"]


def test_the_caller_stops_hearing_what_is_interrupted(dial: Dial, speak: Speak) -> None:
    turns = {"type": "server_vad", "create_response": False}
    caller = dial(audio={"input": {"turn_detection": turns}})
    say(caller, "Please repeat a rather long sentence, which takes many seconds to be spoken by anyone.")
    caller.until("rate_limits.updated")
    caller.say(speak("Stop, please. I want to ask something else now.") + bytes(48_000))
    caller.until("conversation.item.truncated")
    before = len(caller.heard)
    assert loudness(bytes(caller.heard)) > 5000
    on_its_way = 48 * 400  # bytes
    assert eventually(lambda: len(caller.heard) > before + 3 * on_its_way)
    assert loudness(bytes(caller.heard[before + on_its_way :])) == 0


def test_faults_and_verifications_of_calls(dial: Dial, speak: Speak, api: AudioApi) -> None:
    api.on("realtime").say("It is sunny in Berlin.")
    caller = dial()
    caller.say(speak("What is the weather in Berlin today?") + bytes(48_000))
    caller.until("output_audio_buffer.stopped")
    api.verify_realtime(heard="weather in Berlin", said="sunny", times=1)
    api.break_next("realtime_close", close=4999, event="response.created", endpoint="realtime.calls")
    broken = dial()
    say(broken, "Say hi.")
    assert broken.ended.wait(10)


def test_the_client_clears_the_output(dial: Dial) -> None:
    caller = dial(audio={"input": {"turn_detection": None}})
    say(caller, "Please repeat a rather long sentence, which takes many seconds to be spoken by anyone.")
    caller.until("output_audio_buffer.started")
    caller.send("response.cancel")
    caller.send("output_audio_buffer.clear")
    names = kinds(caller.until("conversation.item.truncated"))
    assert names.index("response.done") < names.index("output_audio_buffer.cleared")
    say(caller, "Say hi.")
    caller.until("output_audio_buffer.stopped")


def test_clearing_the_output_stops_the_response(dial: Dial) -> None:
    caller = dial(audio={"input": {"turn_detection": None}})
    caller.send("output_audio_buffer.clear")  # nothing is played
    say(caller, "Please repeat a rather long sentence, which takes many seconds to be spoken by anyone.")
    caller.until("output_audio_buffer.started")
    caller.send("output_audio_buffer.clear")
    received = caller.until("conversation.item.truncated")
    [done] = [each["response"] for each in received if each["type"] == "response.done"]
    assert done["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}


def test_items_that_the_client_removes_are_not_truncated(dial: Dial) -> None:
    caller = dial(audio={"input": {"turn_detection": None}})
    say(caller, "Please repeat a rather long sentence, which takes many seconds to be spoken by anyone.")
    done = caller.until("rate_limits.updated")[-2]
    caller.send("conversation.item.delete", item_id=done["response"]["output"][0]["id"])
    caller.send("output_audio_buffer.clear")
    caller.send("session.update", session={"type": "realtime"})
    assert kinds(caller.until("session.updated"))[-2:] == ["output_audio_buffer.cleared", "session.updated"]


def test_a_call_without_sound(dial: Dial) -> None:
    """Time passes although the caller sends no audio."""
    caller = dial(media=False)
    say(caller, "Say hi.")
    assert caller.until("output_audio_buffer.stopped")
    caller.send("response.create", response={"output_modalities": ["text"]})
    assert "output_audio_buffer.started" not in kinds(caller.until("response.done"))


def test_what_is_no_event_is_refused(dial: Dial) -> None:
    caller = dial()
    for message in ("{", b"\0\1", '{"type": "nope"}', "[]"):
        caller.send_raw(message)
        assert caller.receive()["type"] == "error"
    caller.send("session.update", session={"type": "realtime", "instructions": "Be brief."})
    assert caller.receive()["type"] == "session.updated"


def test_a_browser_calls_with_a_client_secret(client: openai.OpenAI, server: MockServer) -> None:
    made = client.realtime.client_secrets.create(session={"type": "realtime", "instructions": "Be brief."})
    caller = Caller()
    answer = httpx.post(
        f"{server.base_url}/realtime/calls",
        content=caller.offer(),
        headers={"Authorization": f"Bearer {made.value}", "Content-Type": "application/sdp"},
    )
    assert answer.status_code == 201
    caller.connect(answer.text)
    assert caller.receive()["session"]["instructions"] == "Be brief."
    caller.close()


def test_a_form_of_a_browser(server: MockServer, api_key: str) -> None:
    caller = Caller()
    answer = httpx.post(
        f"{server.base_url}/realtime/calls",
        files={
            "sdp": ("blob", caller.offer().encode(), "application/sdp"),
            "session": (None, json.dumps(CONVERSATION | {"model": "gpt-realtime-mini"}), "application/json"),
        },
        headers={"Authorization": f"Bearer {api_key}"},
    )
    caller.connect(answer.text)
    assert caller.receive()["session"]["model"] == "gpt-realtime-mini"
    caller.close()


@pytest.mark.parametrize(
    ("form", "code", "param"),
    [
        ({"session": "{}"}, "missing_required_parameter", "sdp"),
        ({"sdp": "v=0 nonsense", "session": '{"type": "realtime"}'}, "invalid_offer", None),
        ({"sdp": "x", "session": '{"type": "nope"}'}, "invalid_value", "session.type"),
        ({"sdp": "x", "session": '{"type": "realtime", "model": "gpt-nope"}'}, "invalid_model", None),
        ({"sdp": "x", "session": '{"type": "realtime", "voice": "x"}'}, "unknown_parameter", "session.voice"),
    ],
)
def test_what_is_wrong_is_refused(
    server: MockServer, api_key: str, form: dict[str, str], code: str, param: str | None
) -> None:
    answer = httpx.post(
        f"{server.base_url}/realtime/calls",
        files={name: (None, text) for name, text in form.items()},
        headers={"Authorization": f"Bearer {api_key}"},
    )
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, code, param)


def damaged(offer: str) -> Iterator[str]:
    """Yield offers of which something is missing."""
    for word in ("ufrag", "setup", "fingerprint"):
        yield "".join(line for line in offer.splitlines(keepends=True) if word not in line)
    head, *media = re.split("(?=m=)", offer)
    yield head
    yield head + next(each for each in media if each.startswith("m=application"))
    yield offer.replace("m=audio", "m=video")
    yield head + "a=nothing\r\n" * 100_000


def test_offers_that_are_damaged_or_without_sound_are_refused(server: MockServer, api_key: str) -> None:
    caller = Caller()
    headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/sdp"}
    for offer in damaged(caller.offer()):
        answer = httpx.post(f"{server.base_url}/realtime/calls", content=offer, headers=headers)
        assert answer.json()["error"] == {
            "message": "Invalid SDP offer. Please try again with a WHIP-compliant offer.",
            "type": "invalid_request_error",
            "param": None,
            "code": "invalid_offer",
        }
    caller.close()


def test_a_data_channel_alone_is_accepted_if_only_the_schema_counts(server: MockServer, api_key: str) -> None:
    caller = Caller(media=None)
    headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/sdp"}
    answer = httpx.post(
        f"{server.base_url}/realtime/calls",
        content=caller.offer(),
        headers=headers | {"x-mock-strictness": "schema"},
    )
    caller.connect(answer.text)
    assert caller.receive()["type"] == "session.created"
    caller.close()


def test_a_server_of_this_machine_is_reached_by_loopback_only(client: openai.OpenAI) -> None:
    caller = Caller()
    answer = client.realtime.calls.create(sdp=caller.offer(), session={"type": "realtime"}).text
    assert set(re.findall(r"a=candidate:\S+ \d udp \d+ (\S+) ", answer)) == {"127.0.0.1"}
    caller.close()


def test_hanging_up_ends_the_call(dial: Dial, client: openai.OpenAI, api: AudioApi) -> None:
    caller = dial()
    client.realtime.calls.hangup(caller.call_id)
    assert caller.ended.wait(10)
    with pytest.raises(openai.NotFoundError, match="No call found"):
        wait_until_gone(client, caller.call_id)


def wait_until_gone(client: openai.OpenAI, call_id: str) -> None:
    """Hang up until the call is gone."""
    for _ in range(100):
        client.realtime.calls.hangup(call_id)


def test_a_call_of_another_account_is_unknown(dial: Dial, server: MockServer) -> None:
    caller = dial()
    with (
        openai.OpenAI(base_url=server.base_url, api_key="sk-mock-tier-5-other", max_retries=0) as other,
        pytest.raises(openai.NotFoundError),
    ):
        other.realtime.calls.hangup(caller.call_id)


def test_the_server_ends_with_its_calls(api_key: str) -> None:
    caller = Caller()
    with MockServer() as own, openai.OpenAI(base_url=own.base_url, api_key=api_key) as sdk:
        created = sdk.realtime.calls.create(sdp=caller.offer(), session={"type": "realtime"})
        caller.connect(created.text)
    assert caller.ended.wait(10)
    caller.close()


def test_without_aiortc_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, client: openai.OpenAI) -> None:
    import sys

    monkeypatch.delitem(sys.modules, "mockserver.providers.openai.realtime_calls.web_rtc.peer", raising=False)
    monkeypatch.setitem(sys.modules, "aiortc", None)
    with pytest.raises(openai.InternalServerError, match=r"audio-mockserver\[webrtc\]") as refused:
        client.realtime.calls.create(sdp="v=0", session={"type": "realtime"})
    assert refused.value.status_code == 501
    body: Any = refused.value.body
    assert body["code"] == "mock_webrtc_missing"
