"""How a response is made, and how it ends, over a real socket."""

from __future__ import annotations

import base64
import time

import pytest
from openai import OpenAI

from mockserver.engines.dialogue import Reply
from mockserver.providers.openai.realtime.responses.words import ResponseWords
from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer
from tests.providers.openai.realtime.conftest import RATE, Connect, Talk, kinds, silence
from tests.providers.openai.realtime.responses.responding import (
    SENTENCE,
    WEATHER,
    done,
    folded,
    of_type,
    respond,
)
from tests.waiting import eventually


def test_speech_comes_in_pieces_of_250_ms_behind_its_transcript(talk: Talk, api: AudioApi) -> None:
    api.on("realtime").say(SENTENCE)
    events = respond(talk)
    assert kinds(events)[:11] == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        *["response.output_audio_transcript.delta"] * 3,
        *["response.output_audio.delta"] * 3,
        "response.output_audio_transcript.delta",
    ]
    assert kinds(events)[-8:] == [
        "response.output_audio.delta",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    pieces = [base64.b64decode(event["delta"]) for event in of_type(events, "response.output_audio.delta")]
    assert {len(piece) for piece in pieces[:-1]} == {RATE // 4 * 2}
    assert 0 < len(pieces[-1]) <= RATE // 4 * 2
    transcript = "".join(
        event["delta"] for event in of_type(events, "response.output_audio_transcript.delta")
    )
    assert transcript == of_type(events, "response.output_audio_transcript.done")[0]["transcript"] == SENTENCE


def test_a_call_comes_within_the_message_before_it(connect: Connect, api: AudioApi) -> None:
    calls = [{"name": "get_weather", "arguments": {"city": "Rome"}}]
    api.on("realtime").reply("Let me look.", tool_calls=calls)
    events = respond(connect("model=gpt-realtime-2.1"), output_modalities=["text"], tools=[WEATHER])
    assert folded(events) == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_item.added",
        "conversation.item.added",
        "response.function_call_arguments.delta",
        "response.output_text.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.function_call_arguments.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    message, call = done(events)["output"]
    assert (list(message)[-1], message["phase"]) == ("phase", "commentary")
    assert call["arguments"] == '{"city":"Rome"}'
    assert [each["output_index"] for each in of_type(events, "response.output_item.done")] == [0, 1]


def test_parallel_calls_are_done_at_the_end(connect: Connect, api: AudioApi) -> None:
    calls = [{"name": "get_weather", "arguments": {"city": city}} for city in ("Rome", "Paris")]
    api.on("realtime").reply(tool_calls=calls)
    events = respond(connect("model=gpt-realtime-2.1"), tools=[WEATHER])
    begun = [
        "response.output_item.added",
        "conversation.item.added",
        "response.function_call_arguments.delta",
    ]
    ended = ["response.function_call_arguments.done", "conversation.item.done", "response.output_item.done"]
    assert folded(events) == [
        "response.created",
        *begun * 2,
        *ended * 2,
        "response.done",
        "rate_limits.updated",
    ]
    assert [each["arguments"] for each in done(events)["output"]] == ['{"city": "Rome"}', '{"city": "Paris"}']


def test_what_was_sent_before_a_cancellation_stays(paced: MockServer, connect: Connect) -> None:
    paced.on("realtime").say(" ".join([SENTENCE] * 5))
    talk = connect(at=paced)
    talk.send("response.create")
    begun = talk.until("response.created")
    paced.clock.advance(0.31)  # 250 ms to the item, 50 ms to its first audio
    for _ in range(3):
        begun += talk.until("response.output_audio.delta")
    talk.send("response.cancel")
    events = begun + talk.until("response.done")
    assert folded(events)[-6:] == [
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
    ]
    response = done(events)
    assert response["status"] == "cancelled"
    assert response["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    (item,) = response["output"]
    assert (item["status"], item["content"][0]["transcript"]) == ("incomplete", "The quick brown")
    assert response["usage"]["output_token_details"] == {"text_tokens": 9, "audio_tokens": 17}
    paced.clock.advance(0.02)
    assert talk.receive()["type"] == "rate_limits.updated"


def test_real_pacing_follows_the_clock(paced: MockServer, connect: Connect) -> None:
    """With a frozen clock nothing comes by itself, and all that is due when it is moved."""
    paced.on("realtime").say("It is sunny.")
    talk = connect(at=paced)
    talk.send("response.create", response={"output_modalities": ["text"]})
    talk.until("response.created")
    paced.clock.advance(0.19)
    talk.send("response.create")
    assert talk.error()["code"] == "conversation_already_has_active_response"
    paced.clock.advance(0.02)
    assert kinds(talk.until("response.output_text.delta"))[0] == "response.output_item.added"
    paced.clock.advance(0.05)
    assert folded(talk.until("response.done"))[0] == "response.output_text.delta"


@pytest.mark.parametrize("words", [2, 3, 9, 30])
@pytest.mark.parametrize(
    ("modality", "first", "sent"), [("text", "output_text", 1), ("audio", "output_audio_transcript", 3)]
)
def test_a_client_that_cancels_at_the_first_delta_is_in_time(
    modality: str, first: str, sent: int, words: int, talk: Talk, api: AudioApi
) -> None:
    api.on("realtime").say(" ".join(["word"] * words))
    talk.send("response.create", response={"output_modalities": [modality]})
    talk.until(f"response.{first}.delta")
    time.sleep(0.015)  # as a client does that has more to do
    talk.send("response.cancel")
    response = done(talk.until("rate_limits.updated"))
    (part,) = response["output"][0]["content"]
    assert (response["status"], response["output"][0]["status"]) == ("cancelled", "incomplete")
    assert (part.get("text") or part["transcript"]) == " ".join(["word"] * min(sent, words))


def test_a_client_that_cancels_at_the_first_sound_is_in_time(talk: Talk, api: AudioApi) -> None:
    api.on("realtime").say("No.")
    talk.send("response.create")
    talk.until("response.output_audio.delta")
    time.sleep(0.015)
    talk.send("response.cancel")
    assert done(talk.until("rate_limits.updated"))["status"] == "cancelled"


def test_a_client_that_cancels_a_call_is_in_time(talk: Talk, api: AudioApi) -> None:
    api.on("realtime").reply(tool_calls=[{"name": "get_weather", "arguments": {"city": "Rome"}}])
    talk.send("response.create", response={"tools": [WEATHER]})
    first = talk.until("response.function_call_arguments.delta")[-1]
    time.sleep(0.015)
    talk.send("response.cancel")
    response = done(talk.until("rate_limits.updated"))
    (call,) = response["output"]
    assert (response["status"], call["status"], call["arguments"]) == (
        "cancelled",
        "incomplete",
        first["delta"],
    )


def test_a_bug_ends_a_response_but_not_the_session(
    talk: Talk, api: AudioApi, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def crash(words: ResponseWords) -> Reply:
        raise RuntimeError("a bug")

    with monkeypatch.context() as broken:
        broken.setattr(ResponseWords, "reply", crash)
        response = done(respond(talk))
    assert "a bug" in caplog.text
    assert (response["status"], response["output"]) == ("failed", [])
    assert response["status_details"]["error"]["type"] == "server_error"
    assert done(respond(talk))["status"] == "completed"


@pytest.mark.parametrize("limit", [1, 7, 8, 12, 30])
@pytest.mark.parametrize("modality", ["audio", "text"])
def test_output_ends_at_the_limit_of_tokens(limit: int, modality: str, talk: Talk, api: AudioApi) -> None:
    api.on("realtime").say(SENTENCE)
    response = done(respond(talk, max_output_tokens=limit, output_modalities=[modality]))
    used = response["usage"]["output_tokens"]
    if modality == "text" and limit == 30:
        assert response["status"] == "completed"
        return
    assert response["status"] == "incomplete"
    assert response["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}
    assert (response["max_output_tokens"], response["output"][0]["status"]) == (limit, "incomplete")
    assert used == limit


def test_arguments_end_at_the_limit_of_tokens(talk: Talk, api: AudioApi) -> None:
    calls = [{"name": "get_weather", "arguments": {"city": "Llanfairpwllgwyngyll"}}] * 2
    api.on("realtime").reply(tool_calls=calls)
    response = done(respond(talk, max_output_tokens=14, tools=[WEATHER]))
    (item,) = response["output"]
    assert (response["status"], item["status"]) == ("incomplete", "incomplete")
    assert '{"city": "Llanfairpwllgwyngyll"}'.startswith(item["arguments"])
    assert response["usage"]["output_tokens"] == 14


def test_speech_interrupts_a_response(talk: Talk, api: AudioApi, client: OpenAI) -> None:
    api.on("realtime").say(" ".join([SENTENCE] * 5))
    voice = client.audio.speech.create(
        model="gpt-4o-mini-tts", voice="ash", input="What is the capital of France?", response_format="pcm"
    ).content
    talk.append(silence(500) + voice + silence(700) + voice + silence(700), 9600)
    events = talk.until("rate_limits.updated")
    first = done(events)
    assert first["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    after = folded(events)[folded(events).index("input_audio_buffer.speech_started", 8) :]
    assert [kind for kind in after if "transcription" not in kind][:7] == [
        "input_audio_buffer.speech_started",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
    ]
    assert done(talk.until("response.done"))["status"] == "completed"


def test_speech_leaves_a_response_that_it_must_not_interrupt(
    talk: Talk, api: AudioApi, client: OpenAI
) -> None:
    talk.update(audio={"input": {"turn_detection": {"type": "server_vad", "interrupt_response": False}}})
    api.on("realtime").say(" ".join([SENTENCE] * 5))
    voice = client.audio.speech.create(
        model="gpt-4o-mini-tts", voice="ash", input="What is the capital of France?", response_format="pcm"
    ).content
    talk.append(silence(500) + voice + silence(700) + voice + silence(700), 9600)
    assert done(talk.until("response.done"))["status"] == "completed"
    assert done(talk.until("response.done"))["status"] == "completed"


def test_events_have_the_times_of_the_guide(talk: Talk, api: AudioApi) -> None:
    api.on("realtime").say("I can hear you loud and clear!")  # eight tokens: three groups of deltas
    respond(talk)
    rows = {row["type"]: row for row in api.journal[-1]["realtime"]["events"] if row["direction"] == "out"}
    begun = rows["response.created"]["at_ms"]
    transcript = rows["response.output_audio_transcript.delta"]
    audio = rows["response.output_audio.delta"]
    ended = 300 + 50 * (audio["count"] - 3)
    assert rows["response.output_item.added"]["at_ms"] - begun == 250
    assert (transcript["at_ms"] - begun, transcript["until_ms"] - begun) == (250, 425)
    assert (audio["at_ms"] - begun, audio["until_ms"] - begun) == (300, ended)
    assert rows["response.done"]["at_ms"] - begun == ended
    assert rows["rate_limits.updated"]["at_ms"] - begun == ended + 20


def test_a_response_that_is_delayed_can_be_cancelled(paced: MockServer, connect: Connect) -> None:
    paced.on("realtime").say("Too late.", delay=5)
    talk = connect(at=paced)
    talk.send("response.create")
    talk.send("response.cancel")
    assert kinds(talk.until("response.done")) == ["response.created", "response.done"]
    paced.clock.advance(10)
    assert talk.receive()["type"] == "rate_limits.updated"


def test_a_client_that_leaves_ends_its_response(connect: Connect, api: AudioApi) -> None:
    api.on("realtime").say(" ".join([SENTENCE] * 20))
    talk = connect()
    talk.send("response.create")
    talk.until("response.output_audio.delta")
    talk.socket.close()
    assert eventually(lambda: not api.journal[-1]["in_flight"])
    (turn,) = api.journal[-1]["realtime"]["turns"]
    assert turn["status"] == "abandoned"
    assert 0 < turn["usage"]["output_tokens"] < 20 * 100


def test_what_is_still_said_can_be_truncated(paced: MockServer, connect: Connect) -> None:
    paced.on("realtime").say(" ".join([SENTENCE] * 5))
    talk = connect(at=paced)
    talk.send("response.create")
    begun = talk.until("response.created")
    paced.clock.advance(0.31)
    for _ in range(3):
        begun += talk.until("response.output_audio.delta")
    (added,) = of_type(begun, "response.output_item.added")
    item_id = added["item"]["id"]
    talk.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=751)
    assert talk.error()["message"] == "Audio content of 750ms is already shorter than 751ms"
    talk.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=500)
    assert talk.receive()["type"] == "conversation.item.truncated"
    talk.send("response.cancel")
    assert done(talk.until("response.done"))["output"][0]["content"][0]["transcript"] == ""
    talk.send("conversation.item.retrieve", item_id=item_id)
    (part,) = talk.until("conversation.item.retrieved")[-1]["item"]["content"]
    assert len(base64.b64decode(part["audio"])) == 48 * 500
    assert part["transcript"] == ""
