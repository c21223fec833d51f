"""`POST /v1/chat/completions` as a stream, chunk by chunk."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import tomllib
from itertools import groupby
from typing import Any

import openai
import pytest

from mockserver.audio.encode import write_wav
from mockserver.testing.mock_server import MockServer
from tests.conftest import DATA
from tests.providers.openai.conftest import SAY_HELLO, Body, Chat, Watched, deltas, sound, speech, text, user

Clip = tuple[str, bytes]

WEATHER: Body = {
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
CLOCK: Body = {"name": "get_time", "parameters": {"type": "object", "properties": {}}}
FUNCTIONS = [{"type": "function", "function": each} for each in (WEATHER, CLOCK)]
INCLUDE_USAGE: dict[str, Any] = {"stream_options": {"include_usage": True}}
CHOICELESS = {"x_mock_choiceless_chunks": "true"}


def transcript(chunks: list[Body]) -> str:
    return "".join(delta.get("audio", {}).get("transcript", "") for delta in deltas(chunks))


def pieces(chunks: list[Body], index: int = 0) -> list[bytes]:
    audio = [delta["audio"] for delta in deltas(chunks, index) if "audio" in delta]
    return [base64.b64decode(each["data"]) for each in audio if "data" in each]


def content(chunks: list[Body]) -> str:
    return "".join(delta.get("content") or "" for delta in deltas(chunks))


# --- Spoken replies ---------------------------------------------------------------------------------------


def kinds(events: str) -> list[str]:
    """Return each kind of chunk in turn, without the parts that differ from answer to answer."""
    chunks = [line for line in events.splitlines() if line.startswith("data: {")]
    for varying, standing in (
        (r'"(id|data|transcript|obfuscation|model)":"[^"]*"', r'"\1":"…"'),
        (r'"fp_[0-9a-zA-Z]+"', '"fp_…"'),
        (r":\d+", ":0"),
    ):
        chunks = [re.sub(varying, standing, chunk) for chunk in chunks]
    return [kind for kind, _ in groupby(chunks)]


def test_every_kind_of_chunk_is_as_recorded_and_in_the_recorded_order(chat: Chat) -> None:
    recorded = tomllib.loads((DATA / "answers.toml").read_text("utf-8"))["chat_chunks"]["runs"]
    body = speech(SAY_HELLO, stream=True, **INCLUDE_USAGE)
    ours = kinds(chat.post(body, **CHOICELESS).body.decode())
    more_transcript = ours[2]  # the recorded reply is a single word, so it has no further piece
    choiceless = recorded[2]
    assert '"delta":{"audio":{"transcript":"…"}},"finish_reason":null}' in more_transcript
    assert set(ours) == {*recorded, more_transcript}
    assert [kind for kind in ours if kind not in (choiceless, more_transcript)] == [
        kind for kind, _ in groupby(kind for kind in recorded if kind != choiceless)
    ]


def test_the_stream_is_lines_that_end_in_lf(chat: Chat) -> None:
    response = chat.post(speech("Hi", stream=True))
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert "cache-control" not in response.headers
    assert response.headers["transfer-encoding"] == "chunked"
    assert b"\r" not in response.body
    assert response.body.endswith(b"\n\ndata: [DONE]\n\n")


def test_the_transcript_comes_token_by_token_before_the_sound(chat: Chat) -> None:
    chunks = chat.stream(speech("Hi there."))
    audio = [delta["audio"] for delta in deltas(chunks) if "audio" in delta]
    order = [next(name for name in ("transcript", "data", "expires_at") if name in each) for each in audio]
    assert [name for name, _ in groupby(order)] == ["transcript", "data", "expires_at"]
    tokens = [each["transcript"] for each in audio if "transcript" in each]
    assert tokens == ["You", " wrote", ":", " Hi", " there", "."]


def test_the_sound_comes_in_pieces_of_19200_bytes_and_a_rest(chat: Chat) -> None:
    *whole, rest = pieces(chat.stream(speech(SAY_HELLO)))
    assert [len(piece) for piece in whole] == [19_200] * len(whole)
    assert 0 < len(rest) <= 19_200
    assert len(rest) % 2400 == 0


def test_a_stream_says_and_sounds_what_a_whole_answer_does(chat: Chat, hello: Clip) -> None:
    body = speech(user([sound(hello[1])]))
    whole = chat.message(body)["audio"]
    chunks = chat.stream(body)
    assert transcript(chunks) == whole["transcript"]
    assert b"".join(pieces(chunks)) == base64.b64decode(whole["data"])


def test_no_chunk_of_a_spoken_reply_tells_that_it_ended(chat: Chat) -> None:
    choices = [choice for chunk in chat.stream(speech("Hi")) for choice in chunk["choices"]]
    assert {choice.get("finish_reason") for choice in choices} == {None}
    assert list(choices[-1]) == ["index", "delta"]
    assert list(choices[-1]["delta"]["audio"]) == ["expires_at"]


def test_a_limit_makes_streamed_speech_shorter_and_says_so(chat: Chat) -> None:
    whole, short = (chat.stream(speech(SAY_HELLO, max_tokens=limit)) for limit in (None, 40))
    assert transcript(whole).startswith(transcript(short))
    assert len(b"".join(pieces(short))) < len(b"".join(pieces(whole)))
    reasons = [choice.get("finish_reason") for chunk in short for choice in chunk["choices"]]
    assert [reason for reason in reasons if reason] == ["length"]


def test_several_choices_each_have_their_own_audio(chat: Chat) -> None:
    chunks = chat.stream(speech("Hi", n=2, **INCLUDE_USAGE))
    names = [
        {delta["audio"]["id"] for delta in deltas(chunks, index) if "id" in delta.get("audio", ())}
        for index in (0, 1)
    ]
    assert [len(each) for each in names] == [1, 1]
    assert names[0] != names[1]
    assert pieces(chunks, 0) == pieces(chunks, 1)
    usage = chunks[-3]["usage"]
    assert usage["completion_tokens_details"]["audio_tokens"] == 2 * len(b"".join(pieces(chunks))) // 2400
    assert usage == chat.complete(speech("Hi", n=2))["usage"]


def test_streamed_speech_can_be_referred_to(chat: Chat) -> None:
    (audio_id,) = {
        delta["audio"]["id"] for delta in deltas(chat.stream(speech("Hi"))) if "id" in delta.get("audio", ())
    }
    turn = {"role": "assistant", "audio": {"id": audio_id}}
    assert chat.message(speech("Hi", turn, "Go on."))["audio"]["transcript"] == "You wrote: Go on."


def test_chunks_without_choices_come_only_on_request(chat: Chat) -> None:
    assert all("choices" in chunk for chunk in chat.stream(speech("Hi")))
    chunks = chat.stream(speech("Hi"), **CHOICELESS)
    assert any("choices" not in chunk for chunk in chunks)
    with_choices = [chunk for chunk in chunks if "choices" in chunk]
    assert transcript(with_choices) == "You wrote: Hi."


LONG = "This is a rather long sentence. " * 10


def test_the_first_sound_leaves_before_the_whole_speech_is_synthesised(watched: Watched) -> None:
    with watched.post(speech(LONG, stream=True)) as response:
        events = response.iter_encoded()
        assert any(b'"data":"' in event for event in events)
        assert not watched.done
        assert any(b'"expires_at":' in event for event in events)
        assert watched.done


def test_several_choices_are_spoken_once(watched: Watched) -> None:
    with watched.post(speech("Hi", n=3, stream=True)) as response:
        events = response.get_data().split(b"\n\n")
    assert sum(b'"expires_at":' in event for event in events) == 3
    assert watched.begun == 1


def test_a_failure_to_speak_is_an_error_in_a_stream_too(watched: Watched) -> None:
    watched.services.speaker.close()
    for body in (speech("Hi"), speech("Hi", stream=True), speech("Hi", max_tokens=5)):
        response = watched.post(body)
        assert response.status_code == 503
        assert "The speech failed: the speaker is closed." in response.get_json()["error"]["message"]


def test_who_leaves_a_stream_pays_for_what_was_said_until_then(watched: Watched) -> None:
    spent = []
    for heard in (1, 8, 1000):
        watched.services.ledger.reset(None)
        with watched.post(speech(LONG, stream=True)) as response:
            list(zip(range(heard), response.iter_encoded(), strict=False))
        (row,) = watched.services.ledger.rows()
        spent.append(row["tokens"])
    assert 0 < spent[0] < spent[1] < spent[2]


def test_a_stored_stream_can_be_retrieved_before_its_last_event(watched: Watched) -> None:
    with watched.post(text("Hi", stream=True, store=True)) as response:
        events = response.iter_encoded()
        completion_id = json.loads(next(events)[6:])["id"]
        assert any(event.endswith(b"[DONE]\n\n") for event in events)
        assert watched.get(f"/v1/chat/completions/{completion_id}").status_code == 200


# --- Usage and obfuscation --------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [text, speech])
def test_usage_comes_in_a_chunk_of_its_own_as_in_the_whole_answer(chat: Chat, make: Any) -> None:
    chunks = chat.stream(make(SAY_HELLO, **INCLUDE_USAGE))
    telling = [chunk for chunk in chunks if chunk["usage"] is not None]
    (chunk,) = telling
    assert chunk["choices"] == []
    assert chunk["usage"] == chat.complete(make(SAY_HELLO))["usage"]
    assert chunk is chunks[-1 if make is text else -2]


def test_usage_is_not_even_mentioned_unless_asked_for(chat: Chat) -> None:
    assert {"usage" in chunk for chunk in chat.stream(text("Hi"))} == {False}


def test_obfuscation_can_be_turned_off(chat: Chat) -> None:
    assert {"obfuscation" in chunk for chunk in chat.stream(text("Hi"))} == {True}
    plain = chat.stream(text("Hi", stream_options={"include_obfuscation": False}))
    assert {"obfuscation" in chunk for chunk in plain} == {False}


# --- Written replies and calls ----------------------------------------------------------------------------


def test_a_text_comes_token_by_token_and_then_the_reason_of_its_end(chat: Chat) -> None:
    chunks = chat.stream(text("Hi"))
    assert [choice for chunk in chunks for choice in chunk["choices"]] == [
        {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        for delta, reason in (
            ({"role": "assistant", "content": "", "refusal": None}, None),
            ({"content": "You"}, None),
            ({"content": " wrote"}, None),
            ({"content": ":"}, None),
            ({"content": " Hi"}, None),
            ({"content": "."}, None),
            ({}, "stop"),
        )
    ]


def test_audio_models_stream_text_without_logprobs(chat: Chat, hello: Clip) -> None:
    chunks = chat.stream(text(user([sound(hello[1])]), model="gpt-audio"))
    assert content(chunks) == "I heard you say: Hello world, this is a test."
    assert all(list(chunk["choices"][0]) == ["index", "delta", "finish_reason"] for chunk in chunks)


def test_logprobs_come_with_their_tokens(chat: Chat) -> None:
    chunks = chat.stream(text("Hi", logprobs=True, top_logprobs=2))
    pieces = [
        (choice["delta"]["content"], [each["token"] for each in choice["logprobs"]["content"]])
        for chunk in chunks
        for choice in chunk["choices"]
        if choice["delta"].get("content")
    ]
    assert pieces == [(token, [token]) for token in ("You", " wrote", ":", " Hi", ".")]


@pytest.mark.parametrize(("more", "end"), [({"max_tokens": 3}, "length"), ({"stop": " Hi"}, "stop")])
def test_a_streamed_text_is_cut_like_a_whole_one(chat: Chat, more: Body, end: str) -> None:
    chunks = chat.stream(text("Hi", **more))
    assert content(chunks) == "You wrote:"
    assert chunks[-1]["choices"][0]["finish_reason"] == end


@pytest.mark.parametrize("make", [text, speech])
def test_the_sdk_puts_tool_calls_together(client: openai.OpenAI, make: Any) -> None:
    create: Any = client.chat.completions.create
    calls: dict[int, list[str]] = {}
    arguments: dict[int, str] = {}
    reasons = []
    for chunk in create(**make("Tell me time and weather.", tools=FUNCTIONS, stream=True)):
        (choice,) = chunk.choices
        reasons.append(choice.finish_reason)
        for call in choice.delta.tool_calls or ():
            if call.id:
                calls[call.index] = [call.type, call.function.name]
            arguments[call.index] = arguments.get(call.index, "") + call.function.arguments
    assert calls == {0: ["function", "get_weather"], 1: ["function", "get_time"]}
    assert "city" in json.loads(arguments[0])
    assert json.loads(arguments[1]) == {}
    assert reasons[-1] == "tool_calls"


@pytest.mark.parametrize("model", ["gpt-3.5-turbo", "gpt-4o", "o3-mini", "gpt-5", "gpt-5.1"])
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"tools": FUNCTIONS[:1]},
        {"tools": FUNCTIONS},
        {"functions": [WEATHER]},
        {"response_format": {"type": "json_object"}},
        {"service_tier": "fast", "n": 2},
        {"moderation": {"model": "omni-moderation-latest"}},
    ],
)
def test_a_stream_has_what_a_whole_answer_has(chat: Chat, model: str, more: Body) -> None:
    body = text("Weather and time in JSON?", model=model, **more)
    whole, chunks = chat.complete(body), chat.stream(body | INCLUDE_USAGE)
    for name in ("model", "service_tier", "system_fingerprint"):
        assert {chunk[name] for chunk in chunks} == {whole[name]}
    assert [chunk["usage"] for chunk in chunks if chunk["usage"]] == [whole["usage"]]
    assert [chunk["moderation"] for chunk in chunks if "moderation" in chunk] == [
        whole[name] for name in ("moderation",) if name in whole
    ]
    for index, choice in enumerate(whole["choices"]):
        parts = [each for chunk in chunks for each in chunk["choices"] if each["index"] == index]
        assert {frozenset(each) - {"delta"} for each in parts} == {frozenset(choice) - {"message"}}
        assert parts[-1]["finish_reason"] == choice["finish_reason"]
        assert content_of(parts) == (choice["message"]["content"] or "")
        assert arguments_of(parts) == [
            call["arguments"]
            for call in (
                *(each["function"] for each in choice["message"].get("tool_calls", ())),
                *filter(None, [choice["message"].get("function_call")]),
            )
        ]


def content_of(choices: list[Body]) -> str:
    return "".join(choice["delta"].get("content") or "" for choice in choices)


def arguments_of(choices: list[Body]) -> list[str]:
    """Return the arguments of each call, joined."""
    gathered: dict[int, str] = {}
    for choice in choices:
        delta = choice["delta"]
        calls = [{"index": 0, "function": delta["function_call"]}] if "function_call" in delta else ()
        for call in (*calls, *delta.get("tool_calls", ())):
            gathered[call["index"]] = gathered.get(call["index"], "") + call["function"]["arguments"]
    return list(gathered.values())


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-5", "gpt-audio"])
@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize(
    ("asked", "called"),
    [
        ("How is the weather?", {"get_weather": '{"city":"How is the weather?"}'}),
        ("Weather, time?", {"get_weather": '{"city": "Weather, time?"}', "get_time": "{}"}),
    ],
)
def test_the_sdk_accumulates_streamed_calls(
    client: openai.OpenAI, model: str, n: int, asked: str, called: dict[str, str]
) -> None:
    stream: Any = client.chat.completions.stream
    make = speech if model == "gpt-audio" else text
    with stream(**make(asked, model=model, n=n, tools=FUNCTIONS)) as events:
        choices = events.get_final_completion().choices
    assert [choice.finish_reason for choice in choices] == ["tool_calls"] * n
    for choice in choices:
        calls = [call.function for call in choice.message.tool_calls or ()]
        assert {call.name: call.arguments for call in calls} == called


def test_choices_take_turns_and_end_together(chat: Chat) -> None:
    chunks = chat.stream(text("Hi", n=2))
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    assert [choice["index"] for choice in choices] == [0, 1] * 7
    assert [choice["finish_reason"] for choice in choices] == [None] * 12 + ["stop"] * 2


def test_spoken_choices_take_turns_too(chat: Chat) -> None:
    chunks = chat.stream(speech("Hi", n=2))
    indices = [choice["index"] for chunk in chunks for choice in chunk["choices"]]
    assert indices == [0, 1] * (len(indices) // 2)


def test_every_chunk_but_the_expiry_is_padded_to_the_same_length(chat: Chat) -> None:
    bodies = (
        text("Hi", logprobs=True, **INCLUDE_USAGE),
        text("Weather, time?", tools=FUNCTIONS),
        speech("Hi"),
    )
    for body in bodies:
        events = chat.post({**body, "stream": True}).body.decode().split("\n\n")[:-2]
        assert {len(event.removeprefix("data: ")) % 16 for event in events} == {1}


def test_an_answer_that_breaks_off_has_begun_every_choice(client: openai.OpenAI) -> None:
    create: Any = client.chat.completions.create
    cut = {"extra_headers": {"x-mock-fault": "sse_cut; after=6"}}
    stream = create(**text("Hi", n=3, stream=True), **cut)
    indices = [next(stream).choices[0].index for _ in range(6)]
    with pytest.raises(openai.APIConnectionError):
        next(stream)
    assert indices == [0, 1, 2, 0, 1, 2]


def test_a_streamed_call_of_a_custom_tool_carries_its_input(chat: Chat) -> None:
    body = text("ls", tools=[{"type": "custom", "custom": {"name": "shell"}}], tool_choice="required")
    events = chat.post({**body, "stream": True}).body.decode().split("\n\n")[:-2]
    found = [json.loads(event[6:])["choices"][0]["delta"].get("tool_calls") for event in events]
    begun, *rest = [calls[0] for calls in found if calls]
    assert (begun["type"], begun["custom"]) == ("custom", {"name": "shell", "input": ""})
    assert "".join(call["custom"]["input"] for call in rest) == "ls"


def test_a_streamed_function_call_of_old_is_put_together_the_same_way(chat: Chat) -> None:
    chunks = chat.stream(text("How is the weather?", functions=[WEATHER]))
    found = [delta["function_call"] for delta in deltas(chunks) if "function_call" in delta]
    assert found[0] == {"name": "get_weather", "arguments": ""}
    assert "city" in json.loads("".join(call["arguments"] for call in found))
    assert chunks[-1]["choices"][0]["finish_reason"] == "function_call"


def test_of_several_scripted_calls_a_function_call_of_old_is_the_first(
    server: MockServer, chat: Chat, api_key: str
) -> None:
    calls: list[Any] = [{"name": "get_weather", "arguments": {"city": "Ulm"}}, {"name": "get_time"}]
    server.account(api_key).on_chat().say("", tool_calls=calls)
    body = text("What is it like?", functions=[WEATHER, CLOCK])
    parts = [delta["function_call"] for delta in deltas(chat.stream(body)) if "function_call" in delta]
    whole = chat.message(body)["function_call"]
    assert "".join(each["arguments"] for each in parts) == whole["arguments"]
    assert [each["name"] for each in parts if "name" in each] == [whole["name"]] == ["get_weather"]


def test_strictness_schema_streams_complete_choices(chat: Chat) -> None:
    chunks = chat.stream(speech("Hi"), x_mock_strictness="schema")
    assert {chat.schemas.is_valid("openai/chat_completion.chunk", chunk) for chunk in chunks} == {True}


# --- Playback ---------------------------------------------------------------------------------------------


def test_playback_written_to_a_wav_is_transcribed_back(client: openai.OpenAI, hello: Clip) -> None:
    create: Any = client.chat.completions.create
    pcm, said = b"", ""
    for chunk in create(**speech(user([sound(hello[1])]), stream=True)):
        audio = chunk.choices[0].delta.to_dict().get("audio", {})
        pcm += base64.b64decode(audio.get("data", ""))
        said += audio.get("transcript", "")
    clip = ("reply.wav", write_wav(pcm, 24_000))
    assert client.audio.transcriptions.create(model="whisper-1", file=clip).text == said
    assert said == "I heard you say: Hello world, this is a test."


async def _play(base_url: str, key: str) -> tuple[bytes, str]:
    async with openai.AsyncOpenAI(base_url=base_url, api_key=key, max_retries=0) as client:
        create: Any = client.chat.completions.create
        pcm, said = b"", ""
        async for chunk in await create(**speech(SAY_HELLO, stream=True)):
            audio = chunk.choices[0].delta.to_dict().get("audio", {})
            pcm += base64.b64decode(audio.get("data", ""))
            said += audio.get("transcript", "")
        transcription = await client.audio.transcriptions.create(
            model="whisper-1", file=("reply.wav", write_wav(pcm, 24_000))
        )
        assert transcription.text == said
        return pcm, said


def test_the_asynchronous_sdk_plays_a_reply(client: openai.OpenAI, chat: Chat) -> None:
    pcm, said = asyncio.run(_play(str(client.base_url), client.api_key))
    assert said == f"You wrote: {SAY_HELLO}"
    assert pcm == b"".join(pieces(chat.stream(speech(SAY_HELLO))))
