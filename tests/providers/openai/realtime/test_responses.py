"""Responses of conversations, over a real socket."""

from __future__ import annotations

import base64
import itertools
import time
from collections.abc import Iterator
from typing import Any

import pytest
from openai import OpenAI

from mockserver.audio.encode import write_wav
from mockserver.audio.telephony import Law, decode_g711
from mockserver.engines.dialogue import Reply
from mockserver.providers.openai.realtime.response_words import ResponseWords
from mockserver.settings.model import Settings
from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer
from tests.providers.openai.realtime.conftest import RATE, Body, Connect, Talk, kinds, silence
from tests.waiting import eventually

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
SENTENCE = "The quick brown fox jumps over the lazy dog, and then it sleeps in the warm sun."

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


@pytest.fixture
def paced() -> Iterator[MockServer]:
    """Yield a server whose clock stands still, so that responses go on only when it is moved."""
    settings = Settings(
        port=0, whisper_model="none", frozen_time=1_800_000_000.0, realtime_pacing="real", rate_limits=False
    )
    with MockServer(settings) as own:
        yield own


def respond(talk: Talk, **response: Any) -> list[Body]:
    """Ask for a response, and return its events up to the limits."""
    talk.send("response.create", **({"response": response} if response else {}))
    return talk.until("rate_limits.updated")


def of_type(events: list[Body], kind: str) -> list[Body]:
    return [event for event in events if event["type"] == kind]


def done(events: list[Body]) -> Body:
    """Return the response as ``response.done`` shows it."""
    (event,) = of_type(events, "response.done")
    response: Body = event["response"]
    return response


def heard(events: list[Body]) -> bytes:
    """Return the audio of the deltas."""
    return b"".join(
        base64.b64decode(event["delta"]) for event in of_type(events, "response.output_audio.delta")
    )


def folded(events: list[Body]) -> list[str]:
    """Return the types of the events, of each run of deltas one."""
    return [kind for kind, _ in itertools.groupby(kinds(events))]


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
