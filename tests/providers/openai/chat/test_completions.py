"""`POST /v1/chat/completions`, whole answers: text, speech and usage."""

from __future__ import annotations

import base64
import io
import json
import tomllib
import wave
from typing import Any

import httpx
import jsonschema
import openai
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel

from mockserver.audio.clip import Clip as AudioClip
from mockserver.audio.encode import write_wav
from mockserver.testing.mock_server import MockServer
from tests.conftest import DATA, FIXTURES
from tests.providers.openai.conftest import SAY_HELLO, Body, Chat, Watched, sound, speech, text, user

Clip = tuple[str, bytes]

HEARD = "I heard you say: Hello world, this is a test."


def quiet(seconds: float) -> bytes:
    return write_wav(bytes(2 * round(seconds * 24_000)), 24_000)


def skeleton(value: object) -> object:
    """Return the part of a JSON document that never changes: its keys, in order, and its types."""
    if isinstance(value, dict):
        return [(name, skeleton(each)) for name, each in value.items()]
    if isinstance(value, list):
        return [skeleton(each) for each in value]
    return type(value).__name__


# --- The shape of an answer -------------------------------------------------------------------------------


def test_a_spoken_answer_has_the_structure_of_the_recorded_one(chat: Chat) -> None:
    answers = tomllib.loads((DATA / "answers.toml").read_text("utf-8"))["answer"]
    (recorded,) = (json.loads(each["forms"][0]) for each in answers if each["name"] == "chat-spoken-answer")
    completion = chat.complete(speech(user([sound(quiet(1.704))])))
    assert skeleton(completion) == skeleton(recorded)


def test_an_answer_is_indented_by_two_and_ends_with_a_newline(chat: Chat) -> None:
    response = chat.post(text("Hi"))
    assert response.headers["content-type"] == "application/json"
    assert response.body == json.dumps(response.json(), indent=2).encode() + b"\n"


def test_names_tell_the_time_of_their_making(chat: Chat) -> None:
    completion = chat.complete(speech("Hi"))
    audio = completion["choices"][0]["message"]["audio"]
    assert completion["id"].startswith("chatcmpl-")
    assert len(completion["id"]) == len("chatcmpl-") + 29
    assert audio["id"].startswith("audio_")
    assert len(audio["id"]) == len("audio_") + 32
    assert 0 <= completion["created"] - int(audio["id"][6:14], 16) <= 1
    assert 3600 <= audio["expires_at"] - completion["created"] <= 3602


@pytest.mark.parametrize(
    ("model", "resolved"),
    [
        ("gpt-audio", "gpt-audio-2025-08-28"),
        ("gpt-audio-1.5", "gpt-audio-1.5"),
        ("gpt-audio-mini", "gpt-audio-mini-2025-12-15"),
        ("gpt-audio-mini-2025-10-06", "gpt-audio-mini-2025-10-06"),
        ("gpt-4o-audio-preview", "gpt-4o-audio-preview-2025-06-03"),
        ("gpt-4o-audio-preview-2024-12-17", "gpt-4o-audio-preview-2024-12-17"),
        ("gpt-4o-mini-audio-preview", "gpt-4o-mini-audio-preview-2024-12-17"),
    ],
)
def test_every_audio_model_speaks_under_the_name_of_its_snapshot(
    chat: Chat, model: str, resolved: str
) -> None:
    completion = chat.complete(speech("Hi", model=model))
    assert completion["model"] == resolved
    assert completion["choices"][0]["message"]["audio"]["transcript"] == "You wrote: Hi."


@pytest.mark.parametrize(
    ("model", "keys"),
    [
        ("gpt-4o", ["index", "message", "logprobs", "finish_reason"]),
        ("gpt-4o-mini", ["index", "message", "logprobs", "finish_reason"]),
        ("gpt-5", ["index", "message", "finish_reason"]),
        ("gpt-5-mini", ["index", "message", "finish_reason"]),
    ],
)
def test_text_models_answer_in_text(chat: Chat, model: str, keys: list[str]) -> None:
    (choice,) = chat.complete(text("Hi", model=model))["choices"]
    assert list(choice) == keys
    assert list(choice["message"]) == ["role", "content", "refusal", "annotations"]
    assert choice["message"]["content"] == "You wrote: Hi."


# --- Listening and speaking -------------------------------------------------------------------------------


def test_a_wav_is_heard(chat: Chat, hello: Clip) -> None:
    assert chat.message(speech(user([sound(hello[1])])))["audio"]["transcript"] == HEARD


def test_an_mp3_is_heard(chat: Chat) -> None:
    fox = (FIXTURES / "fox.mp3").read_bytes()
    message = chat.message(speech(user([sound(fox, "mp3")])))
    assert "fox" in message["audio"]["transcript"]


def test_audio_can_be_answered_in_text(chat: Chat, hello: Clip) -> None:
    message = chat.message(text(user([sound(hello[1])]), model="gpt-audio"))
    assert list(message) == ["role", "content", "refusal", "annotations"]
    assert message["content"] == HEARD


def test_text_and_audio_of_one_message_are_both_understood(chat: Chat, hello: Clip) -> None:
    content = [{"type": "text", "text": "What is this?"}, sound(hello[1])]
    message = chat.message(text(user(content), model="gpt-audio"))
    assert message["content"] == "You wrote: What is this? And I heard you say: Hello world, this is a test."


@pytest.mark.slow
def test_whisper_hears_what_nobody_knows(whisper_server: MockServer) -> None:
    with openai.OpenAI(base_url=whisper_server.base_url, api_key="sk-mock-x", max_retries=0) as client:
        clip = client.audio.speech.create(
            model="tts-1", voice="alloy", input="How are you today?", response_format="wav"
        ).content
        transcript = client.audio.transcriptions.create(model="whisper-1", file=("a.wav", clip)).text
        create: Any = client.chat.completions.create
        completion = create(**text(user([sound(clip)]), model="gpt-audio"))
    assert transcript.strip()
    assert completion.choices[0].message.content.startswith(f"I heard you say: {transcript.rstrip('.!?…')}")


@pytest.mark.parametrize("audio_format", ["wav", "mp3", "flac", "opus", "aac", "pcm16"])
def test_each_format_is_transcribed_back_to_the_transcript(
    chat: Chat, client: openai.OpenAI, audio_format: str
) -> None:
    names = {"opus": "a.ogg", "aac": "a.m4a", "pcm16": "a.wav"}
    message = chat.message(speech(SAY_HELLO, audio_format=audio_format))
    data = base64.b64decode(message["audio"]["data"])
    if audio_format == "pcm16":
        data = write_wav(data, 24_000)
    name = names.get(audio_format, f"a.{audio_format}")
    raw = client.audio.transcriptions.with_raw_response.create(model="whisper-1", file=(name, data))
    assert raw.headers["x-mock-answered-by"] == "spoken"
    assert json.loads(raw.text)["text"] == message["audio"]["transcript"]
    assert AudioClip(data, name, max_seconds=60).duration == pytest.approx(3.7, abs=0.2)


def test_voices_sound_different(chat: Chat) -> None:
    def spoken(voice: str) -> str:
        message = chat.message(speech("Hi", audio={"voice": voice, "format": "pcm16"}))
        return str(message["audio"]["data"])

    assert len({spoken(voice) for voice in ("alloy", "ash", "coral", "marin")}) == 4


# --- Usage ------------------------------------------------------------------------------------------------


def test_an_audio_message_of_1704_milliseconds_costs_17_audio_and_11_text_tokens(chat: Chat) -> None:
    usage = chat.complete(speech(user([sound(quiet(1.704))])))["usage"]
    assert usage["prompt_tokens"] == 28
    assert usage["prompt_tokens_details"] == {
        "cached_tokens": 0,
        "audio_tokens": 17,
        "text_tokens": 11,
        "image_tokens": 0,
    }


def test_a_short_sentence_costs_18_tokens(chat: Chat) -> None:
    assert chat.complete(speech(SAY_HELLO))["usage"]["prompt_tokens"] == 18


def test_speech_costs_20_tokens_a_second_exactly(chat: Chat) -> None:
    completion = chat.complete(speech(SAY_HELLO))
    pcm = base64.b64decode(completion["choices"][0]["message"]["audio"]["data"])
    usage = completion["usage"]
    details = usage["completion_tokens_details"]
    assert len(pcm) == 2400 * details["audio_tokens"]
    assert usage["completion_tokens"] == details["audio_tokens"] + details["text_tokens"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_several_choices_are_all_paid_for(chat: Chat) -> None:
    one, three = (chat.complete(speech(SAY_HELLO, n=n)) for n in (1, 3))
    assert [choice["index"] for choice in three["choices"]] == [0, 1, 2]
    assert len({choice["message"]["audio"]["id"] for choice in three["choices"]}) == 3
    assert three["usage"]["completion_tokens"] == 3 * one["usage"]["completion_tokens"]
    assert three["usage"]["prompt_tokens"] == one["usage"]["prompt_tokens"]


def test_several_choices_are_spoken_once(watched: Watched) -> None:
    choices = watched.post(speech("Hi", n=3)).get_json()["choices"]
    assert len({choice["message"]["audio"]["data"] for choice in choices}) == 1
    assert watched.begun == 1


def test_more_sound_than_fits_an_answer_is_refused(chat: Chat) -> None:
    status, error = chat.refusal(speech("This is a rather long sentence. " * 10, n=128))
    assert (status, error["param"], error["code"]) == (400, "n", "invalid_value")


def test_the_calls_of_earlier_turns_cost_what_they_cost_when_they_were_made(chat: Chat) -> None:
    tools = [{"type": "function", "function": {"name": "get_weather"}}]
    asked = chat.complete(text("How is the weather?", tools=tools))
    message = asked["choices"][0]["message"]
    result = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": ""}
    answered = chat.complete(text("How is the weather?", message, result, tools=tools))
    paid = answered["usage"]["prompt_tokens"] - asked["usage"]["prompt_tokens"]
    assert paid == asked["usage"]["completion_tokens"] + 2 * 4


def test_an_earlier_refusal_costs_its_text(chat: Chat) -> None:
    refused = {"role": "assistant", "content": None, "refusal": "I am sorry."}
    written = {"role": "assistant", "content": "I am sorry."}
    one, other = (chat.complete(text("Hi", each, "Why?"))["usage"] for each in (refused, written))
    assert one == other


# --- Log probabilities and JSON ---------------------------------------------------------------------------


def test_logprobs_spell_the_reply(chat: Chat) -> None:
    (choice,) = chat.complete(text("Grüße!", logprobs=True, top_logprobs=3))["choices"]
    logprobs = choice["logprobs"]["content"]
    assert "".join(each["token"] for each in logprobs) == choice["message"]["content"]
    assert b"".join(bytes(each["bytes"]) for each in logprobs).decode() == choice["message"]["content"]
    for each in logprobs:
        assert len(each["top_logprobs"]) == 3
        assert each["top_logprobs"][0] == {name: each[name] for name in ("token", "logprob", "bytes")}
        assert sorted((one["logprob"] for one in each["top_logprobs"]), reverse=True) == [
            one["logprob"] for one in each["top_logprobs"]
        ]


def test_logprobs_come_without_alternatives_unless_asked_for(chat: Chat) -> None:
    (choice,) = chat.complete(text("Hi", logprobs=True))["choices"]
    assert {len(each["top_logprobs"]) for each in choice["logprobs"]["content"]} == {0}


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-5"])
def test_json_mode_answers_with_an_object(chat: Chat, model: str) -> None:
    body = text("Answer in JSON.", model=model, response_format={"type": "json_object"})
    assert isinstance(json.loads(chat.message(body)["content"]), dict)


def test_structured_outputs_satisfy_their_schema(chat: Chat) -> None:
    schema = {
        "type": "object",
        "properties": {
            "steps": {"type": "array", "items": {"$ref": "#/$defs/step"}, "minItems": 2},
            "mood": {"type": "string", "enum": ["sunny", "gloomy"]},
        },
        "required": ["steps", "mood"],
        "additionalProperties": False,
        "$defs": {
            "step": {
                "type": "object",
                "properties": {"text": {"type": "string"}, "score": {"type": "number", "minimum": 0.5}},
                "required": ["text", "score"],
                "additionalProperties": False,
            }
        },
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "plan", "schema": schema, "strict": True}}
    content = chat.message(text("Make a plan.", response_format=wanted))["content"]
    jsonschema.validate(json.loads(content), schema)


class Event(BaseModel):
    name: str
    participants: list[str]


def test_the_sdk_parses_a_structured_output(client: openai.OpenAI) -> None:
    parsed = client.chat.completions.parse(
        model="gpt-4o", messages=[{"role": "user", "content": "Lunch?"}], response_format=Event
    )
    assert isinstance(parsed.choices[0].message.parsed, Event)


# --- Several turns ----------------------------------------------------------------------------------------


def test_earlier_speech_is_referred_to_by_its_id_and_costs_audio_tokens(chat: Chat) -> None:
    question = user([sound(quiet(1.704))])
    first = chat.complete(speech(question))
    audio_id = first["choices"][0]["message"]["audio"]["id"]
    spoken = first["usage"]["completion_tokens_details"]["audio_tokens"]
    turn = {"role": "assistant", "audio": {"id": audio_id}}
    second = chat.complete(speech(question, turn, user([sound(quiet(3.25))])))
    assert second["usage"]["prompt_tokens_details"]["audio_tokens"] == 17 + spoken + 32


def test_each_of_several_choices_can_be_referred_to(chat: Chat) -> None:
    first, second = chat.complete(speech("Hi", n=2))["choices"]
    for choice in (first, second):
        turn = {"role": "assistant", "audio": {"id": choice["message"]["audio"]["id"]}}
        assert chat.message(speech("Hi", turn, "Go on"))["audio"]["transcript"] == "You wrote: Go on."


async def _two_turns(base_url: str, key: str, clip: bytes) -> tuple[str, str]:
    async with openai.AsyncOpenAI(base_url=base_url, api_key=key, max_retries=0) as client:
        create: Any = client.chat.completions.create
        first = await create(**speech(user([sound(clip)])))
        turn = {"role": "assistant", "audio": {"id": first.choices[0].message.audio.id}}
        second = await create(**speech(user([sound(clip)]), turn, "And now?"))
        return first.choices[0].message.audio.transcript, second.choices[0].message.audio.transcript


def test_the_asynchronous_sdk_has_a_conversation(client: openai.OpenAI, hello: Clip) -> None:
    import asyncio

    transcripts = asyncio.run(_two_turns(str(client.base_url), client.api_key, hello[1]))
    assert transcripts == (HEARD, "You wrote: And now?")


def test_integers_may_be_written_with_a_point(chat: Chat) -> None:
    numbers = {"n": 2.0, "max_tokens": 3.0, "logprobs": True, "top_logprobs": 2.0, "seed": 7.0}
    choices = chat.complete(text("Hi", **numbers))["choices"]
    assert [choice["message"]["content"] for choice in choices] == ["You wrote:"] * 2
    assert all(len(each["top_logprobs"]) == 2 for each in choices[0]["logprobs"]["content"])
    spoken = chat.complete(speech(SAY_HELLO, max_completion_tokens=45.0))
    assert spoken["choices"][0]["finish_reason"] == "length"


# --- Every parameter, and less strictness -----------------------------------------------------------------


def test_every_documented_parameter_is_accepted(chat: Chat) -> None:
    body = text(
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}], "name": "ann"},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
        "Please",
        frequency_penalty=0.5,
        logit_bias={"50256": -100},
        metadata={"run": "7"},
        modalities=["text"],
        prediction={"type": "content", "content": "You wrote: Please."},
        presence_penalty=-0.5,
        prompt_cache_key="k",
        safety_identifier="s",
        seed=7,
        service_tier="auto",
        store=False,
        temperature=0.2,
        top_p=0.9,
        user="u",
        verbosity="medium",
    )
    assert chat.message(body)["content"] == "You wrote: Please."


def test_strictness_schema_takes_any_audio_and_answers_as_documented(chat: Chat) -> None:
    turn = {"role": "assistant", "audio": {"id": "audio_unknown"}}
    body = speech(user([sound(b"no sound at all")]), turn, "Hi", model="my-model", stream=False)
    response = chat.post(body, x_mock_strictness="schema")
    completion = response.json()
    assert isinstance(completion, dict)
    assert completion["model"] == "my-model"
    assert chat.schemas.is_valid("openai/create_chat_completion.response", completion)


def test_strictness_off_takes_what_can_be_understood(chat: Chat) -> None:
    assert (
        chat.message(text("Hi", n=-1, mood="sunny"), x_mock_strictness="off")["content"] == "You wrote: Hi."
    )


def test_a_body_of_20_megabytes_is_listened_to(chat: Chat) -> None:
    clip = write_wav(bytes(15_000_000), 16_000)
    usage = chat.complete(text(user([sound(clip)]), model="gpt-audio"))["usage"]
    assert usage["prompt_tokens_details"]["audio_tokens"] == 4687


def test_the_same_conversation_is_answered_the_same(chat: Chat, hello: Clip) -> None:
    body = speech(user([sound(hello[1])]), audio_format="mp3")
    first, second = (chat.message(body)["audio"] for _ in range(2))
    assert (first["data"], first["transcript"]) == (second["data"], second["transcript"])


def test_the_answer_says_who_gave_it(chat: Chat) -> None:
    assert chat.post(text("Hi")).headers["x-mock-answered-by"] == "responder"
    assert chat.post(speech("Hi")).headers["x-mock-answered-by"] == "responder; voice=ash"


def answered_by(chat: Chat, body: Body) -> str:
    return chat.post(body).headers["x-mock-answered-by"]


def test_the_answer_says_who_heard_the_audio(chat: Chat, client: openai.OpenAI, hello: Clip) -> None:
    own = client.audio.speech.create(model="tts-1", voice="nova", input="Who is it?", response_format="wav")
    heard = [sound(hello[1]), sound(own.content), sound(quiet(1))]
    assert [answered_by(chat, speech(user([each]))) for each in heard] == [
        "responder; voice=ash; heard-by=fixture/hello",
        "responder; voice=ash; heard-by=spoken",
        "responder; voice=ash; heard-by=placeholder",
    ]
    written = answered_by(chat, text(user([heard[0]]), model="gpt-audio"))
    assert written == "responder; heard-by=fixture/hello"


def test_of_several_who_heard_each_is_named_once(chat: Chat, hello: Clip) -> None:
    parts = [sound(quiet(1)), sound(hello[1]), sound(quiet(2))]
    assert (
        answered_by(chat, speech(user(parts))) == "responder; voice=ash; heard-by=placeholder+fixture/hello"
    )


def test_answered_by_has_no_engine_for_audio_of_earlier_turns(chat: Chat, hello: Clip) -> None:
    earlier, last = user([sound(quiet(1))]), user([sound(hello[1])])
    reply = {"role": "assistant", "content": "I see."}
    assert answered_by(chat, speech(earlier, reply, last)).endswith("heard-by=fixture/hello")


def test_a_stream_says_who_heard_the_audio(chat: Chat, hello: Clip) -> None:
    body = speech(user([sound(hello[1])]), stream=True)
    assert answered_by(chat, body) == "responder; voice=ash; heard-by=fixture/hello"


def test_a_tool_call_says_who_heard_the_audio(chat: Chat, hello: Clip) -> None:
    tool = {"type": "function", "function": {"name": "world_clock"}}
    body = text(user([sound(hello[1])]), model="gpt-audio", tools=[tool], tool_choice="required")
    assert answered_by(chat, body) == "responder; heard-by=fixture/hello"


def test_the_journal_and_the_metrics_know_who_heard_the_audio(
    chat: Chat, server: MockServer, hello: Clip
) -> None:
    chat.complete(speech(user([sound(hello[1])])))
    chat.complete(speech(user([sound(quiet(1))])))
    api = server.account(chat.key)
    assert [entry["answered_by"] for entry in api.journal] == [
        "responder; voice=ash; heard-by=fixture/hello",
        "responder; voice=ash; heard-by=placeholder",
    ]
    api.verify_chat(answered_by="*heard-by=*placeholder*", times=1)
    api.verify_chat(answered_by="responder*", times=2)
    counted = {labels["answered_by"] for labels in answers_counted(server)}
    assert {name for name in counted if name.startswith("responder")} == {"responder"}


def answers_counted(server: MockServer) -> list[dict[str, str]]:
    """Return the labels of the answers in the metrics."""
    metrics = server.client.get(f"{server.url}/_mock/metrics", cast_to=httpx.Response).text
    return [
        sample.labels
        for family in text_string_to_metric_families(metrics)
        for sample in family.samples
        if sample.name == "mockserver_answers_total"
    ]


def test_a_spoken_wav_can_be_read_by_any_player(chat: Chat) -> None:
    audio = chat.message(speech("Hi", audio_format="wav"))["audio"]
    with wave.open(io.BytesIO(base64.b64decode(audio["data"]))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 24_000)
