"""Responses of conversations, over a real socket."""

from __future__ import annotations

import base64

import pytest
from openai import OpenAI

from mockserver.audio.encode import write_wav
from mockserver.audio.telephony import Law, decode_g711
from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer
from tests.providers.openai.realtime.conftest import RATE, Body, Connect, Talk, kinds
from tests.providers.openai.realtime.responses.responding import (
    SENTENCE,
    WEATHER,
    done,
    folded,
    heard,
    of_type,
    respond,
)

PLACE = ["response_id", "item_id", "output_index", "content_index"]
CALL_PLACE = ["response_id", "item_id", "output_index", "call_id"]
MEMBERS = {  # of events, after type and event_id, in the order of the API
    "response.created": ["response"],
    "response.output_item.added": ["response_id", "output_index", "item"],
    "conversation.item.added": ["previous_item_id", "item"],
    "response.content_part.added": [*PLACE, "part"],
    "response.output_text.delta": [*PLACE, "delta", "obfuscation"],
    "response.output_text.done": [*PLACE, "text"],
    "response.output_audio_transcript.delta": [*PLACE, "delta", "obfuscation"],
    "response.output_audio_transcript.done": [*PLACE, "transcript"],
    "response.output_audio.delta": [*PLACE, "delta"],
    "response.output_audio.done": PLACE,
    "response.function_call_arguments.delta": [*CALL_PLACE, "delta", "obfuscation"],
    "response.function_call_arguments.done": [*CALL_PLACE, "name", "arguments"],
    "response.content_part.done": [*PLACE, "part"],
    "conversation.item.done": ["previous_item_id", "item"],
    "response.output_item.done": ["response_id", "output_index", "item"],
    "response.done": ["response"],
    "rate_limits.updated": ["rate_limits"],
}
RESPONSE = [
    *["object", "id", "status", "status_details", "output", "conversation_id", "output_modalities"],
    *["max_output_tokens", "audio", "usage", "metadata"],
]


def test_deltas_are_padded_to_16_characters(talk: Talk, api: AudioApi) -> None:
    api.on("realtime").say("It’s 12° in Reykjavík – extraordinarily cold.")
    events = respond(talk)
    for event in of_type(events, "response.output_audio_transcript.delta"):
        assert len(event["delta"]) + len(event["obfuscation"]) == 16, event
    assert "obfuscation" not in of_type(events, "response.output_audio.delta")[0]


def test_its_speech_is_recognised_when_it_is_heard_again(talk: Talk, api: AudioApi, client: OpenAI) -> None:
    api.on("realtime").say(SENTENCE)
    file = ("reply.wav", write_wav(heard(respond(talk)), RATE))
    assert client.audio.transcriptions.create(model="whisper-1", file=file).text == SENTENCE


@pytest.mark.parametrize(("kind", "law"), [("audio/pcmu", "mu"), ("audio/pcma", "a")])
def test_telephones_get_their_formats(kind: str, law: Law, talk: Talk, api: AudioApi, client: OpenAI) -> None:
    api.on("realtime").say(SENTENCE)
    wide = heard(respond(talk))
    events = respond(talk, audio={"output": {"format": {"type": kind}}})
    narrow = heard(events)
    assert done(events)["audio"]["output"]["format"] == {"type": kind}
    assert len(narrow) == pytest.approx(len(wide) / 6, abs=2)
    file = ("reply.wav", write_wav(decode_g711(narrow, law), 8000))
    assert client.audio.transcriptions.create(model="whisper-1", file=file).text == SENTENCE


def test_text_is_written_token_by_token(talk: Talk, api: AudioApi) -> None:
    api.on("realtime").say("It is sunny.")
    events = respond(talk, output_modalities=["text"])
    assert kinds(events) == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        *["response.output_text.delta"] * 4,
        "response.output_text.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    response = done(events)
    assert response["output"][0]["content"] == [{"type": "output_text", "text": "It is sunny."}]
    assert response["usage"]["output_token_details"] == {"text_tokens": 6, "audio_tokens": 0}


def test_a_function_that_must_be_called_is_called(talk: Talk) -> None:
    events = respond(talk, tools=[WEATHER], tool_choice="required")
    assert folded(events) == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    (call,) = done(events)["output"]
    assert list(call) == ["id", "type", "status", "name", "call_id", "arguments"]
    deltas = [each["delta"] for each in of_type(events, "response.function_call_arguments.delta")]
    assert "".join(deltas) == call["arguments"]
    assert done(events)["usage"]["output_tokens"] == len(deltas) + 10


@pytest.mark.parametrize("model", ["gpt-realtime", "gpt-realtime-2.1"])
@pytest.mark.parametrize("modality", ["audio", "text"])
@pytest.mark.parametrize("response", [{}, {"conversation": "none"}, {"max_output_tokens": 9}])
def test_members_have_the_order_of_the_api(
    response: Body, modality: str, model: str, connect: Connect, api: AudioApi
) -> None:
    calls = [{"name": "get_weather", "arguments": {"city": "Rome"}}]
    api.on("realtime").reply("Let me look at the map of Italy.", tool_calls=calls)
    events = respond(connect(f"model={model}"), output_modalities=[modality], tools=[WEATHER], **response)
    assert len(of_type(events, "response.output_item.done")) == (1 if "max_output_tokens" in response else 2)
    for event in events:
        assert list(event) == ["type", "event_id", *MEMBERS[event["type"]]], event
        if "response" in event:
            assert list(event["response"]) == RESPONSE
    phases = ["phase"] if model.endswith("2.1") else []
    items = of_type(events, "response.output_item.done")
    assert list(items[0]["item"]) == ["id", "type", "status", "role", "content", *phases]
    for item in items[1:]:
        assert list(item["item"]) == ["id", "type", "status", "name", "call_id", "arguments"]


def test_speech_can_be_faster(talk: Talk, api: AudioApi) -> None:
    api.on("realtime").say(SENTENCE)
    usual = heard(respond(talk))
    talk.update(audio={"output": {"speed": 1.5}})
    assert len(heard(respond(talk))) == pytest.approx(len(usual) / 1.5, rel=0.05)


def test_only_newer_models_have_phases(connect: Connect, api: AudioApi) -> None:
    api.on("realtime").say("Hello.")
    newer = respond(connect("model=gpt-realtime-2.1"), output_modalities=["text"])
    older = respond(connect("model=gpt-realtime-mini"), output_modalities=["text"])
    assert {event["item"]["phase"] for event in newer if "item" in event} == {"final_answer"}
    assert not any("phase" in event["item"] for event in older if "item" in event)


def test_a_response_apart_is_not_in_the_conversation(talk: Talk, api: AudioApi) -> None:
    api.on("realtime").say("Aside.")
    events = respond(talk, conversation="none", metadata={"topic": "aside"}, output_modalities=["text"])
    assert not [kind for kind in kinds(events) if kind.startswith("conversation.")]
    assert (done(events)["conversation_id"], done(events)["metadata"]) == (None, {"topic": "aside"})
    added = of_type(respond(talk, output_modalities=["text"]), "conversation.item.added")
    assert added[0]["previous_item_id"] is None


def test_responses_apart_run_beside_the_one_of_the_conversation(paced: MockServer, connect: Connect) -> None:
    paced.on("realtime").say(SENTENCE)
    talk = connect(at=paced)
    talk.send("response.create")
    (created,) = talk.until("response.created")
    talk.send("response.create", response={"conversation": "none", "output_modalities": ["text"]})
    talk.until("response.created")
    paced.clock.advance(60)
    events = talk.until("response.done")
    first = of_type(events, "response.done")[0]["response"]
    assert first["conversation_id"] is None
    assert talk.until("response.done")[-1]["response"]["id"] == created["response"]["id"]


def test_a_second_response_of_the_conversation_is_refused(paced: MockServer, connect: Connect) -> None:
    talk = connect(at=paced)
    talk.send("response.create", event_id="first")
    (created,) = talk.until("response.created")
    talk.send("response.create", event_id="second")
    events = talk.until("error")
    response_id = created["response"]["id"]
    assert events[-1]["error"] == {
        "type": "invalid_request_error",
        "code": "conversation_already_has_active_response",
        "message": f"Conversation already has an active response in progress: {response_id}. Wait until the "
        "response is finished before creating a new one.",
        "param": None,
        "event_id": "second",
    }
    paced.clock.advance(60)
    assert done(talk.until("response.done"))["status"] == "completed"


def test_a_response_can_be_cancelled_by_its_id_before_its_first_item(
    paced: MockServer, connect: Connect
) -> None:
    talk = connect(at=paced)
    talk.send("response.create", response={"conversation": "none"})
    talk.send("response.create")
    first, second = talk.until("response.created") + talk.until("response.created")
    talk.send("response.cancel", response_id=first["response"]["id"])
    cancelled = talk.until("response.done")[-1]["response"]
    assert (cancelled["id"], cancelled["status"]) == (first["response"]["id"], "cancelled")
    assert (cancelled["output"], cancelled["usage"]["output_tokens"]) == ([], 0)
    paced.clock.advance(60)
    assert done(talk.until("response.done"))["id"] == second["response"]["id"]


@pytest.mark.parametrize("members", [{}, {"response_id": "resp_unknown"}])
def test_nothing_to_cancel_is_an_error(members: Body, talk: Talk) -> None:
    talk.send("response.cancel", event_id="stop", **members)
    assert talk.error() == {
        "type": "invalid_request_error",
        "code": "response_cancel_not_active",
        "message": "Cancellation failed: no active response found",
        "param": None,
        "event_id": "stop",
    }


def test_a_stub_can_make_a_response_fail(talk: Talk, api: AudioApi) -> None:
    api.on("realtime").reply(failure={"code": "rate_limit_exceeded", "message": "Too many."})
    events = respond(talk)
    assert kinds(events) == ["response.created", "response.done", "rate_limits.updated"]
    response = done(events)
    assert (response["status"], response["output"]) == ("failed", [])
    assert response["status_details"]["error"]["code"] == "rate_limit_exceeded"
    assert response["status_details"]["error"]["message"] == "Too many."
    assert response["usage"]["total_tokens"] == 0


def test_the_next_response_finds_the_first_in_the_cache(talk: Talk, api: AudioApi) -> None:
    api.on("realtime").say(" ".join([SENTENCE] * 3))
    first = done(respond(talk, output_modalities=["text"]))["usage"]
    second = done(respond(talk, output_modalities=["text"]))["usage"]
    third = done(respond(talk, output_modalities=["text"], instructions="Be brief."))["usage"]
    assert list(first) == [
        "total_tokens",
        "input_tokens",
        "output_tokens",
        "input_token_details",
        "output_token_details",
    ]
    details = second["input_token_details"]
    assert list(details) == [
        "text_tokens",
        "audio_tokens",
        "image_tokens",
        "cached_tokens",
        "cached_tokens_details",
    ]
    assert second["input_tokens"] == first["input_tokens"] + first["output_tokens"]
    assert first["input_token_details"]["cached_tokens"] == 0
    cached = details["cached_tokens"]
    assert cached == details["cached_tokens_details"]["text_tokens"]
    assert cached % 64 == 0
    assert second["input_tokens"] - 64 < cached <= second["input_tokens"]
    assert third["input_token_details"]["cached_tokens"] == 0


def test_the_voice_stays_after_it_has_spoken(talk: Talk, api: AudioApi) -> None:
    api.on("realtime").say("Hello.")
    written = respond(talk, output_modalities=["text"], audio={"output": {"voice": "ash"}})
    assert done(written)["audio"]["output"]["voice"] == "ash"
    first = respond(talk, audio={"output": {"voice": "cedar"}})
    talk.send("response.create", response={"audio": {"output": {"voice": "ash"}}})
    assert talk.error()["code"] == "cannot_update_voice"
    assert heard(first)


def test_limits_come_after_a_response_unless_another_begins_at_once(
    paced: MockServer, connect: Connect
) -> None:
    talk = connect(at=paced)
    for _ in range(2):
        talk.send("response.create", response={"output_modalities": ["text"]})
        talk.until("response.created")
        paced.clock.advance(0.2)
        talk.until("response.output_text.delta")
        for _ in range(8):
            paced.clock.advance(0.015)
            talk.until("response.output_text.delta")
        talk.until("response.done")
    paced.clock.advance(0.02)
    assert talk.receive()["type"] == "rate_limits.updated"


def test_given_items_replace_the_conversation(talk: Talk) -> None:
    talk.say("Forget me.", output_modalities=["text"])
    talk.until("rate_limits.updated")
    content = [{"type": "input_text", "text": "Read this"}]
    given = [{"type": "message", "role": "user", "content": content}]
    response = done(respond(talk, input=given, conversation="none", output_modalities=["text"]))
    assert response["output"][0]["content"][0]["text"] == "You wrote: Read this."
    assert done(respond(talk, input=[], output_modalities=["text"]))["output"][0]["content"][0]["text"] == (
        "Hello! How can I help you today?"
    )


def test_given_items_can_be_references(talk: Talk) -> None:
    talk.say("Remember me", output_modalities=["text"])
    item_id = talk.until("rate_limits.updated")[0]["item"]["id"]
    talk.say("And me", output_modalities=["text"])
    talk.until("rate_limits.updated")
    given = [{"type": "item_reference", "id": item_id}]
    response = done(respond(talk, input=given, output_modalities=["text"]))
    assert response["output"][0]["content"][0]["text"] == "You wrote: Remember me."
    talk.send("response.create", response={"input": [{"type": "item_reference", "id": "item_x"}]})
    assert talk.error()["param"] == "response.input[0].id"


def test_given_audio_is_heard(talk: Talk, api: AudioApi) -> None:
    api.on("realtime", times=1).say(SENTENCE)
    audio = base64.b64encode(heard(respond(talk))).decode()
    given = [{"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": audio}]}]
    response = done(respond(talk, input=given, conversation="none", output_modalities=["text"]))
    assert response["output"][0]["content"][0]["text"] == f"I heard you say: {SENTENCE}"
    assert response["usage"]["input_token_details"]["audio_tokens"] == len(base64.b64decode(audio)) // 4800


def test_reasoning_takes_tokens_of_the_text(connect: Connect, api: AudioApi) -> None:
    api.on("realtime").say("It is sunny.")
    talk = connect("model=gpt-realtime-2.1")
    usual = done(respond(talk, output_modalities=["text"]))["usage"]["output_token_details"]
    assert usual == {"text_tokens": 6, "audio_tokens": 0}
    more = done(respond(talk, output_modalities=["text"], reasoning={"effort": "high"}))["usage"]
    assert more["output_token_details"] == {"text_tokens": 134, "audio_tokens": 0, "reasoning_tokens": 128}
    short = respond(talk, output_modalities=["text"], reasoning={"effort": "high"}, max_output_tokens=100)
    assert done(short)["status"] == "incomplete"
    assert "response.output_text.delta" not in kinds(short)
    assert done(short)["usage"]["output_token_details"] == {
        "text_tokens": 100,
        "audio_tokens": 0,
        "reasoning_tokens": 100,
    }


def test_a_long_conversation_is_truncated(talk: Talk) -> None:
    limits = {"post_instructions": 40}
    talk.update(
        output_modalities=["text"],
        instructions="Be brief.",
        truncation={"type": "retention_ratio", "retention_ratio": 0.5, "token_limits": limits},
    )
    read = []
    for number in range(6):
        talk.say(f"This is message number {number} of this conversation.")
        read.append(done(talk.until("rate_limits.updated"))["usage"]["input_tokens"])
    assert max(read) <= 45
    assert read[1] < read[0] or read[2] < read[1]


def test_without_truncation_a_long_conversation_is_refused(talk: Talk) -> None:
    talk.update(output_modalities=["text"], truncation="disabled")
    content = [{"type": "input_text", "text": "word " * 30_000}]
    talk.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})
    talk.until("conversation.item.done")
    talk.send("response.create")
    assert talk.error()["code"] == "context_length_exceeded"
    talk.update(truncation="auto")
    talk.say("Now answer.")
    response = done(talk.until("response.done"))
    assert response["output"][0]["content"][0]["text"] == "You wrote: Now answer."
    assert response["usage"]["input_tokens"] < 1000
