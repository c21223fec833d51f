"""Calls to this server: in virtual time, with speech that is really heard."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mockserver.caller.record import CallFailed
from mockserver.resources import data_folder
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer

QUESTION = "What is the weather in Berlin?"
PATIENT = {"audio": {"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 500}}}}
BY_HAND = {"audio": {"input": {"turn_detection": None}}}


def test_a_question_is_heard_and_answered_at_the_same_times_in_each_run(server: MockServer) -> None:
    runs = []
    for _ in range(2):
        with server.account().caller(session=PATIENT) as call:
            call.wait(300)
            call.say(QUESTION)
            reply = call.hear()
        assert call.is_virtual
        assert reply.status == "completed"
        assert reply.text == reply.heard == f"I heard you say: {QUESTION}"
        runs.append([(each.who, each.start_ms, each.end_ms, each.text) for each in call.timeline.stretches])
    assert runs[0] == runs[1]
    assert [each[0] for each in runs[0]] == ["caller", "server"]
    assert call.timeline.gaps_ms == [reply.gap_ms]
    assert 500 < (reply.gap_ms or 0) < 1000


def test_an_interruption_cuts_the_reply_and_tells_the_server_what_was_heard(server: MockServer) -> None:
    with server.account().caller(session=PATIENT) as call:
        call.say(QUESTION)
        cut = call.interrupt("Wait a moment", after_ms=340)
        call.hear()
    assert cut.interrupted
    assert 340 < cut.played_ms < 1500
    assert cut.text.startswith(cut.heard)
    assert len(cut.heard.split()) < len(cut.text.split())
    assert (cut.status, cut.reason) in {("cancelled", "turn_detected"), ("completed", None)}
    truncated = [event for event in call.events if event["type"] == "conversation.item.truncated"]
    assert [event["audio_end_ms"] for event in truncated] == [int(cut.played_ms)]
    assert call.timeline.interruptions == [cut]
    assert call.timeline.errors == []


def test_functions_are_answered_and_the_reply_to_them_is_heard(server: MockServer) -> None:
    tool = {
        "type": "function",
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }
    asked: list[str] = []

    def get_weather(city: str) -> dict[str, Any]:
        asked.append(city)
        return {"sky": "clear"}

    session = {**PATIENT, "tools": [tool], "tool_choice": "auto"}
    with server.account().caller(session=session, tools={"get_weather": get_weather}) as call:
        call.say(QUESTION)
        reply = call.hear()
    (called,) = call.timeline.tool_calls
    assert (called.name, called.output) == ("get_weather", '{"sky": "clear"}')
    assert [called.arguments["city"]] == asked
    assert reply.status == "completed"
    assert reply.text


def test_an_unknown_function_ends_with_its_name(server: MockServer) -> None:
    tool = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}}
    session = {**PATIENT, "tools": [tool], "tool_choice": "required"}
    with server.account().caller(session=session) as call:
        call.say(QUESTION)
        with pytest.raises(CallFailed, match=r"calls the function 'get_weather'; the caller has: none"):
            call.hear()


def test_without_turn_detection_the_caller_says_when_it_has_spoken(server: MockServer) -> None:
    with server.account().caller(session=BY_HAND) as call:
        call.say(QUESTION)
        assert call.hear().text == f"I heard you say: {QUESTION}"


@pytest.mark.parametrize("audio_format", ["audio/pcmu", "audio/pcma"])
def test_the_formats_of_telephony_are_spoken(server: MockServer, audio_format: str) -> None:
    side = {"format": {"type": audio_format}}
    turns = PATIENT["audio"]["input"]["turn_detection"]
    session = {"audio": {"input": {**side, "turn_detection": turns}, "output": side}}
    with server.account().caller(session=session) as call:
        call.say(QUESTION)
        reply = call.hear()
    assert reply.text == f"I heard you say: {QUESTION}"
    assert 2000 < reply.played_ms < 4000


def test_a_written_reply_is_heard_at_once(server: MockServer) -> None:
    with server.account().caller(session={**PATIENT, "output_modalities": ["text"]}) as call:
        call.say(QUESTION)
        reply = call.hear()
    assert reply.text == f"I heard you say: {QUESTION}"
    assert reply.played_ms == 0
    assert reply.start_ms is not None


def test_a_session_that_transcribes_returns_the_words(server: MockServer) -> None:
    session = {"audio": {"input": {"transcription": {"model": "gpt-4o-transcribe"}}}}
    with server.account().caller(transcription=True, session=session) as call:
        call.say("Good morning.")
        assert call.transcript() == "Good morning."


def test_a_file_is_played(server: MockServer) -> None:
    with server.account().caller(session=PATIENT) as call:
        call.play(Path(data_folder("fixtures")) / "hello.wav")
        assert call.hear().text == "I heard you say: Hello world, this is a test."


def test_silence_is_not_answered(server: MockServer) -> None:
    with server.account().caller() as call:
        call.wait(1000)
        with pytest.raises(CallFailed, match="No reply began within 2000 ms"):
            call.hear(within_ms=2000)
    assert call.timeline.end_ms >= 3000


def test_a_refused_session_says_why(server: MockServer) -> None:
    with pytest.raises(CallFailed, match=r"gpt-nope.*invalid_model"):
        server.account().caller(model="gpt-nope")
    with pytest.raises(CallFailed, match=r"Unknown parameter: 'session.bogus'"):
        server.account().caller(session={"bogus": 1})
    with pytest.raises(ValueError, match="unknown voice 'nobody'"):
        server.account().caller(voice="nobody")


def test_nobody_answers_at_another_address(server: MockServer) -> None:
    api = server.account()
    with pytest.raises(CallFailed, match="no connection"):
        api.caller(url="http://127.0.0.1:9")
    with pytest.raises(CallFailed, match="is no URL of a server"):
        api.caller(url="127.0.0.1")


def test_a_call_that_has_ended_takes_nothing_more(server: MockServer) -> None:
    call = server.account().caller()
    call.hang_up()
    call.hang_up()
    with pytest.raises(CallFailed, match="The call has ended"):
        call.say("Hello?")


@pytest.mark.slow
def test_a_call_in_real_time_has_about_the_same_timeline(server: MockServer) -> None:
    with server.account().caller(session=PATIENT, pacing="real") as call:
        call.say("Good morning.")
        reply = call.hear()
    assert not call.is_virtual
    assert reply.text == "I heard you say: Good morning."


@pytest.mark.slow
def test_calls_over_tls_verify_the_server() -> None:
    with MockServer(Settings(port=0, whisper_model="none", log_level="warning"), tls=True) as server:
        with server.caller(session=PATIENT) as call:
            call.say("Good morning.")
            assert call.hear().text == "I heard you say: Good morning."
        with pytest.raises(CallFailed, match="no connection"):
            server.caller(url=server.base_url)


def test_scripted_turns_are_heard_in_their_order(server: MockServer) -> None:
    api = server.account()
    api.on_realtime(heard="weather").say("It is sunny.").then.say("It is still sunny.")
    with api.caller(session=PATIENT) as call:
        for expected in ("It is sunny.", "It is still sunny."):
            call.say(QUESTION)
            assert call.hear().text == expected


@pytest.mark.slow
def test_a_server_in_real_time_is_called_in_real_time() -> None:
    settings = Settings(port=0, whisper_model="none", log_level="warning", realtime_pacing="real")
    with MockServer(settings) as server:
        with pytest.raises(CallFailed, match="no virtual time"):
            server.caller(pacing="virtual")
        with server.caller(session=PATIENT) as call:
            call.say("Good morning.")
            reply = call.hear()
    assert not call.is_virtual
    assert reply.text == "I heard you say: Good morning."
    assert (reply.gap_ms or 0) > 500


def test_calls_at_the_same_time_do_not_change_each_other(server: MockServer) -> None:
    def timeline(_: int) -> list[tuple[str, float, float, str]]:
        with server.account().caller(session=PATIENT) as call:
            call.say(QUESTION)
            call.interrupt("Wait a moment", after_ms=340)
            call.hear()
        return [(each.who, each.start_ms, each.end_ms, each.text) for each in call.timeline.stretches]

    with ThreadPoolExecutor(4) as pool:
        timelines = list(pool.map(timeline, range(8)))
    assert timelines == [timelines[0]] * 8


def test_a_fault_that_ends_the_call_is_reported_with_its_code(server: MockServer) -> None:
    api = server.account()
    api.break_next("realtime_close", close=1013, message="busy", event="response.output_audio.delta", after=2)
    with api.caller(session=PATIENT) as call:
        call.say(QUESTION)
        with pytest.raises(CallFailed, match="ended the call with 1013 busy"):
            call.hear()
        assert call.wait_for_end() == (1013, "busy")
    assert call.timeline.closed == (1013, "busy")
    (reply,) = call.timeline.replies
    assert reply.status == "in_progress"
    assert reply.end_ms is not None
    assert reply.end_ms <= call.timeline.end_ms


def test_a_reply_that_falls_silent_does_not_end(server: MockServer) -> None:
    api = server.account()
    api.break_next("realtime_silence", event="response.output_audio.delta", after=2)
    with api.caller(session=PATIENT) as call:
        call.say("Good morning.")
        call.wait(5000)
    (reply,) = call.timeline.replies
    assert (reply.status, reply.played_ms) == ("in_progress", 500)


def test_a_late_reply_begins_late_on_the_timeline(server: MockServer) -> None:
    def gap(seconds: float) -> float:
        api = server.account()
        if seconds:
            api.break_next("latency", seconds=seconds, turn=1)
        with api.caller(session=PATIENT) as call:
            call.say(QUESTION)
            return call.hear().gap_ms or 0.0

    assert gap(2.0) - gap(0.0) == 2000


def test_a_failed_response_says_why(server: MockServer) -> None:
    api = server.account()
    api.break_next("realtime_failed", code="rate_limit_exceeded")
    with api.caller(session=PATIENT) as call:
        call.say(QUESTION)
        reply = call.hear()
    assert reply.status == "failed"
    assert (reply.error or {})["code"] == "rate_limit_exceeded"


def test_garbled_events_are_errors_of_the_timeline(server: MockServer) -> None:
    api = server.account()
    api.break_next("realtime_garble", event="response.output_audio.delta", after=0)
    with api.caller(session=PATIENT) as call:
        call.say(QUESTION)
        assert call.hear().status == "completed"
    assert [error["code"] for error in call.timeline.errors] == ["mock_not_json"]


def test_the_journal_agrees_with_the_caller(server: MockServer) -> None:
    api = server.account()
    with api.caller(session=PATIENT) as call:
        call.say(QUESTION)
        cut = call.interrupt("Wait a moment", after_ms=340)
        call.hear()
    api.wait_for_realtime(said="weather", interrupted=True)
    turns = api.journal[-1]["realtime"]["turns"]
    assert [turn["said"] for turn in turns] == [reply.text for reply in call.timeline.replies]
    assert turns[0]["heard_until_ms"] == int(cut.played_ms)


def test_without_turn_detection_an_interruption_cancels_the_reply(server: MockServer) -> None:
    with server.caller(session={"audio": {"input": {"turn_detection": None}}}) as call:
        call.say("Tell me about tomorrow, and about the day after tomorrow, and about the whole week.")
        cut = call.interrupt("No, thank you.")
        reply = call.hear()
    assert cut.interrupted
    assert 340 <= cut.played_ms < 400
    assert cut.status == "cancelled"
    assert "No, thank you" in reply.text
    assert call.timeline.errors == []
    assert "conversation.item.truncated" in [event["type"] for event in call.events]


def test_what_was_said_ends_with_the_call(server: MockServer) -> None:
    api = server.account()
    api.break_next(
        "realtime_close", close=1013, message="busy", event="input_audio_buffer.speech_started", after=1
    )
    with api.caller() as call, pytest.raises(CallFailed, match="1013 busy"):
        call.say("This is a long sentence of which the server hears only the beginning.")
    (said,) = call.timeline.said
    assert said.end_ms == call.timeline.end_ms < 1500


def test_after_the_call_nothing_is_said(server: MockServer) -> None:
    with server.caller() as call:
        call.hang_up()
        with pytest.raises(CallFailed, match="has ended"):
            call.say("Nobody hears this.")
    assert call.timeline.said == []


def test_a_session_that_does_not_transcribe_says_so(server: MockServer) -> None:
    with server.caller() as call:
        call.say("Good morning.")
        with pytest.raises(CallFailed, match="does not transcribe"):
            call.transcript()


def test_a_file_of_several_turns_has_the_transcripts_of_all(server: MockServer) -> None:
    hears = {"transcription": {"model": "gpt-4o-transcribe"}, "turn_detection": {"type": "server_vad"}}
    with server.caller(transcription=True, session={"audio": {"input": hears}}) as call:
        said = call.play(data_folder("fixtures") / "support-call.wav")
        transcript = call.transcript()
    assert len(said.heard) > 1
    assert all(part and part in transcript for part in said.heard.values())
