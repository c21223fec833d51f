"""Stubs, errors and limits of turns."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.testing.audio_api import AudioApi
from tests.providers.openai.realtime.conftest import Connect, Talk

Body = dict[str, Any]


def written(talk: Talk, text: str, **response: Any) -> str:
    """Write as the user, and return the text of the reply."""
    talk.say(text, output_modalities=["text"], **response)
    done: Body = talk.until("response.done")[-1]["response"]
    assert done["status"] == "completed", done
    reply: str = done["output"][0]["content"][0]["text"]
    return reply


def test_a_stub_answers_the_turn_that_it_matches(talk: Talk, api: AudioApi) -> None:
    stub = api.on_realtime(user_text="weather").say("It is sunny.")
    assert written(talk, "What is the weather?") == "It is sunny."
    assert written(talk, "Thanks.") != "It is sunny."
    assert stub.used == 1


def test_a_sequence_and_a_scenario_go_on_across_turns(talk: Talk, api: AudioApi) -> None:
    api.on_realtime(user_text="next").say("One.").then.say("Two.").then_loop()
    api.on_realtime(user_text="state").in_scenario("door", next="open").say("It opens.")
    api.on_realtime(user_text="state").in_scenario("door", state="open").say("It is open.")
    assert [written(talk, "next") for _ in range(3)] == ["One.", "Two.", "One."]
    assert [written(talk, "state") for _ in range(3)] == ["It opens.", "It is open.", "It is open."]


def test_turns_have_numbers_and_instructions_and_parameters(talk: Talk, api: AudioApi) -> None:
    api.on_realtime(turn=2).say("The second.")
    api.on_realtime(turn={"at_least": 4}).say("Late.")
    api.on_realtime(prompt="pirate").say("Arr!")
    api.on_realtime(fields={"metadata.topic": "cats"}).say("Meow.")
    api.on_realtime(model="gpt-realtime-2*").say("Never.")
    assert written(talk, "Hello.", instructions="You are a pirate.") == "Arr!"
    assert written(talk, "Hello.") == "The second."
    assert written(talk, "Hello.", metadata={"topic": "cats"}) == "Meow."
    assert written(talk, "Hello.") == "Late."


def test_a_template_knows_the_turn(talk: Talk, api: AudioApi) -> None:
    api.on_realtime().say("{{ user_text | upper }} {{ model }} {{ count }}", template=True)
    assert written(talk, "Echo.") == "ECHO. gpt-realtime 0"
    assert written(talk, "Echo.") == "ECHO. gpt-realtime 1"


def test_tools_are_called_after_a_preamble(talk: Talk, api: AudioApi) -> None:
    calls: list[Body] = [{"name": "look", "arguments": {"at": "sky"}}, {"name": "wait", "arguments": "{}"}]
    api.on_realtime().say("Let me see.", tool_calls=calls)
    talk.say("How is it?", output_modalities=["text"])
    output = talk.until("response.done")[-1]["response"]["output"]
    assert [each["type"] for each in output] == ["message", "function_call", "function_call"]
    assert [each.get("arguments") for each in output] == [None, '{"at": "sky"}', "{}"]


def test_raw_events_are_sent_in_place_of_a_response(talk: Talk, api: AudioApi) -> None:
    events: list[object] = [
        {"type": "response.created", "response": {"id": "resp_x"}},
        {"type": "x.y", "event_id": "e1"},
    ]
    api.on_realtime().reply_events(events)
    talk.say("Go.")
    created, mine = talk.until("x.y")[-2:]
    assert (created["type"], created["response"], created["event_id"][:6]) == (
        "response.created",
        {"id": "resp_x"},
        "event_",
    )
    assert mine == {"type": "x.y", "event_id": "e1"}


def test_a_text_is_sent_as_it_is(talk: Talk, api: AudioApi) -> None:
    api.on_realtime().reply_events(["{not JSON"])
    talk.say("Go.")
    talk.until("conversation.item.done")
    assert talk.socket.recv(timeout=10) == "{not JSON"


def test_what_is_wrong_with_the_event_is_an_error_and_trouble_is_a_failed_response(
    talk: Talk, api: AudioApi
) -> None:
    api.on_realtime(turn=1).fail("invalid_request", message="Nope.")
    api.on_realtime(turn=2).fail("rate_limit_tokens", message="Too much.")
    api.on_realtime(turn=3).reply(failure={"code": "content_gone", "message": "Gone."})
    talk.send("response.create", event_id="e7")
    error = talk.error()
    assert (error["message"], error["event_id"]) == ("Nope.", "e7")
    for message, code in (("Too much.", "rate_limit_exceeded"), ("Gone.", "content_gone")):
        talk.send("response.create")
        created, done = talk.until("response.done")
        assert created["response"]["status"] == "in_progress"
        assert done["response"]["status_details"]["error"]["message"] == message
        assert done["response"]["status_details"]["error"]["code"] == code
        assert done["response"]["usage"]["total_tokens"] == 0
        talk.until("rate_limits.updated")


def test_a_delay_passes_on_the_timeline(talk: Talk, api: AudioApi) -> None:
    api.on_realtime().say("Late.", delay=3.0, tokens_per_second=2.0)
    assert written(talk, "Hello.") == "Late."
    talk.until("rate_limits.updated")
    began = {event["type"]: event["at_ms"] for event in api.journal[-1]["realtime"]["events"]}
    assert began["response.created"] == 3000.0
    assert began["response.done"] >= 3500.0


def test_a_transcription_session_hears_what_a_stub_says(transcribing: Talk, api: AudioApi) -> None:
    api.on_realtime_transcription().reply("As it was written.")
    audio = {"input": {"transcription": {"model": "gpt-4o-transcribe"}, "turn_detection": None}}
    transcribing.send("session.update", session={"type": "transcription", "audio": audio})
    transcribing.until("session.updated")
    transcribing.append(bytes(48_000))
    transcribing.send("input_audio_buffer.commit")
    events = transcribing.until("conversation.item.input_audio_transcription.completed")
    assert events[-1]["transcript"] == "As it was written."
    assert "".join(e["delta"] for e in events if e["type"].endswith("delta")) == "As it was written."
    api.verify_realtime(heard="written", times=1)
    api.verify_realtime(stub="*", turn=1)


def test_a_response_counts_as_a_request_and_its_tokens_are_charged(talk: Talk, api: AudioApi) -> None:
    api.set_limits("gpt-realtime", requests_per_minute=2, tokens_per_minute=100_000)
    for _ in range(2):
        written(talk, "Hello.")
        row = talk.until("rate_limits.updated")[-1]["rate_limits"][0]
        assert (row["name"], row["limit"]) == ("tokens", 100_000)
        assert row["remaining"] <= 100_000 - 263
        assert row["reset_seconds"] == int((100_000 - row["remaining"]) * 60_000 / 100_000) / 1000
    talk.send("response.create")
    error = talk.until("response.done")[-1]["response"]["status_details"]["error"]
    assert error["code"] == "rate_limit_exceeded"
    assert "requests per min (RPM): Limit 2, Used 2, Requested 1" in error["message"]
    after = talk.until("rate_limits.updated")[-1]["rate_limits"][0]
    assert after["remaining"] >= row["remaining"]  # nothing counts
    api.verify_realtime(error="rate_limit_requests", times=1)


def test_the_entry_has_the_cost_of_every_turn(talk: Talk, api: AudioApi) -> None:
    written(talk, "Hello.")
    written(talk, "Hello.")
    talk.until("rate_limits.updated")
    (entry,) = api.journal
    usages = [turn["usage"]["total_tokens"] for turn in entry["realtime"]["turns"]]
    assert len(usages) == 2
    assert entry["cost_usd"] == pytest.approx(sum(turn["cost_usd"] for turn in entry["realtime"]["turns"]))
    assert entry["cost_usd"] > 0


def transcribe(talk: Talk, model: str, pcm: bytes) -> Body:
    """Commit audio in a transcription session, and return the event that ends its transcription."""
    audio = {"input": {"transcription": {"model": model}, "turn_detection": None}}
    talk.send("session.update", session={"type": "transcription", "audio": audio})
    talk.until("session.updated")
    talk.append(pcm)
    talk.send("input_audio_buffer.commit")
    prefix = "conversation.item.input_audio_transcription"
    return talk.until(f"{prefix}.completed", f"{prefix}.failed")[-1]


def test_a_response_fails_after_what_it_says(talk: Talk, api: AudioApi) -> None:
    api.on_realtime().say("So far, so good.", failure={"message": "Then it broke."})
    talk.say("Go.", output_modalities=["text"])
    done = talk.until("response.done")[-1]["response"]
    assert done["status"] == "failed"
    assert done["output"][0]["content"][0]["text"] == "So far, so good."
    assert done["status_details"]["error"]["message"] == "Then it broke."


def test_transcriptions_fail_as_stubs_and_limits_say(transcribing: Talk, api: AudioApi) -> None:
    api.on_realtime_transcription(turn=1).reply(failure={"code": "odd", "message": "Odd."})
    failed = transcribe(transcribing, "gpt-4o-transcribe", bytes(48_000))
    assert failed["error"] == {
        "type": "invalid_request_error",
        "code": "odd",
        "message": "Odd.",
        "param": None,
    }
    api.set_limits("gpt-realtime-whisper", audio_seconds_per_minute=2)
    assert transcribe(transcribing, "gpt-realtime-whisper", bytes(48_000))["type"].endswith("completed")
    failed = transcribe(transcribing, "gpt-realtime-whisper", bytes(96_000))
    assert failed["error"]["code"] == "rate_limit_exceeded"
    assert [turn["status"] for turn in api.journal[-1]["realtime"]["turns"]] == [
        "failed",
        "completed",
        "failed",
    ]


def test_a_stub_says_what_is_heard_and_another_answers_it(talk: Talk, api: AudioApi) -> None:
    api.on_realtime_transcription().reply("I want a refund.")
    api.on_realtime(heard="refund").say("No.")
    talk.update(
        output_modalities=["text"],
        audio={"input": {"transcription": {"model": "whisper-1"}, "turn_detection": None}},
    )
    talk.append(bytes(48_000))
    talk.send("input_audio_buffer.commit")
    talk.send("response.create")
    done = talk.until("response.done")[-1]["response"]
    assert done["output"][0]["content"][0]["text"] == "No."
    api.wait_for_realtime(heard="refund", said="No", timeout=10)


def test_events_of_a_stub_can_have_any_form(talk: Talk, api: AudioApi) -> None:
    events: list[object] = [
        {"type": "response.done"},
        {"type": "response.created", "response": 7},
        {"type": "input_audio_buffer.speech_stopped"},
        {"data": {"type": "conversation.item.truncated"}},
        {"type": "response.output_audio.delta", "delta": 5},
        {"type": "last"},
    ]
    talk.is_checked = False
    api.on_realtime().reply_events(events, delay=0.5)
    talk.say("Go.")
    assert talk.until("last")[-6]["type"] == "response.done"
    api.on_realtime().say("Fine.")
    assert written(talk, "Hello.") == "Fine."


def test_a_failed_turn_is_not_part_of_the_next_one(talk: Talk, api: AudioApi) -> None:
    first = api.on_realtime(user_text="first").fail("model_not_found").then.fail("overloaded")
    talk.say("The first.")
    talk.until("error")
    talk.send("response.create")  # once more
    assert talk.until("response.done")[-1]["response"]["status"] == "failed"
    api.on_realtime(user_text="^The second.$").say("Two.")
    assert written(talk, "The second.") == "Two."
    assert first.used == 2


def test_stubs_can_be_demanded(connect: Connect, api: AudioApi) -> None:
    talk = connect(headers={"x-mock-strict-stubs": "true"})
    api.on_realtime(user_text="order").say("Ordered.")
    talk.say("Hello.", output_modalities=["text"])
    error = talk.until("error")[-1]["error"]
    assert error["code"] == "mock_no_stub_matched"
    assert "user_text: wanted /order/, got 'Hello.'" in error["message"]
    assert written(talk, "My order.") == "Ordered."
    api.verify_realtime(error="no_stub_matched", times=1)
