"""`POST /v1/audio/transcriptions`, byte by byte and through the official SDK."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import openai
import pytest
from openai.types.audio import (
    Transcription,
    TranscriptionDiarized,
    TranscriptionTextDeltaEvent,
    TranscriptionTextDoneEvent,
    TranscriptionTextSegmentEvent,
    TranscriptionVerbose,
)

from mockserver.app import services_of
from mockserver.audio.encode import write_wav
from mockserver.settings.model import AccountRow, Settings
from mockserver.testing.mock_server import MockServer
from mockserver.validation.schemas import Schemas
from tests.conftest import RawResponse

Clip = tuple[str, bytes]
Post = Callable[..., RawResponse]

TEXT = "Hello world, this is a test."


def test_json_of_whisper_is_compact_and_counts_started_seconds(post_audio: Post, hello: Clip) -> None:
    response = post_audio(hello, model="whisper-1")
    assert response.status == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["content-length"] == str(len(response.body))
    assert response.body == b'{"text":"Hello world, this is a test.","usage":{"type":"duration","seconds":3}}'


def test_json_of_gpt_4o_counts_tokens(post_audio: Post, hello: Clip) -> None:
    response = post_audio(hello, model="gpt-4o-mini-transcribe")
    assert response.body == (
        b'{"text":"Hello world, this is a test.","usage":{"type":"tokens",'
        b'"total_tokens":30,"input_tokens":20,'
        b'"input_token_details":{"text_tokens":0,"audio_tokens":20},"output_tokens":10}}'
    )


def test_json_of_gpt_transcribe_names_the_languages(post_audio: Post, hello: Clip) -> None:
    response = post_audio(hello, model="gpt-transcribe")
    assert response.body == (
        b'{"text":"Hello world, this is a test.","languages":[{"code":"en"}],'
        b'"usage":{"type":"duration","seconds":3}}'
    )


@pytest.mark.parametrize(
    "model", ["whisper-1", "gpt-4o-transcribe", "gpt-4o-transcribe-diarize", "gpt-transcribe"]
)
def test_text_ends_with_one_newline(post_audio: Post, hello: Clip, model: str) -> None:
    response = post_audio(hello, model=model, response_format="text")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.body == b"Hello world, this is a test.\n"


def test_srt_ends_with_two_blank_lines(post_audio: Post, hello: Clip) -> None:
    response = post_audio(hello, model="whisper-1", response_format="srt")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.body == b"1\n00:00:00,000 --> 00:00:02,074\nHello world, this is a test.\n\n\n"


def test_vtt_ends_with_one_blank_line(post_audio: Post, hello: Clip) -> None:
    response = post_audio(hello, model="whisper-1", response_format="vtt")
    assert response.body == b"WEBVTT\n\n00:00:00.000 --> 00:00:02.074\nHello world, this is a test.\n\n"


def test_verbose_json_has_segments_by_default(post_audio: Post, hello: Clip) -> None:
    body = post_audio(hello, model="whisper-1", response_format="verbose_json").json()
    assert isinstance(body, dict)
    assert list(body) == ["task", "language", "duration", "text", "segments", "usage"]
    assert (body["task"], body["language"], body["duration"]) == ("transcribe", "english", 2.069999933242798)
    (segment,) = body["segments"]
    assert list(segment) == [
        "id", "seek", "start", "end", "text", "tokens",
        "temperature", "avg_logprob", "compression_ratio", "no_speech_prob",
    ]  # fmt: skip
    assert segment["text"] == " " + TEXT
    assert segment["tokens"][0] == 50364
    assert segment["tokens"][-1] == 50364 + 104


def test_word_granularity_replaces_the_segments(post_audio: Post, hello: Clip) -> None:
    body = post_audio(
        hello, model="whisper-1", response_format="verbose_json", timestamp_granularities=["word"]
    ).json()
    assert isinstance(body, dict)
    assert list(body) == ["task", "language", "duration", "text", "words", "usage"]
    words = body["words"]
    assert [word["word"] for word in words] == ["Hello", "world", "this", "is", "a", "test"]
    assert all(earlier["end"] <= later["start"] for earlier, later in itertools.pairwise(words))
    assert words[-1]["end"] <= 2.08


def test_both_granularities_give_segments_and_then_words(post_audio: Post, hello: Clip) -> None:
    body = post_audio(
        hello, model="whisper-1", response_format="verbose_json", timestamp_granularities=["word", "segment"]
    ).json()
    assert isinstance(body, dict)
    assert list(body) == ["task", "language", "duration", "text", "segments", "words", "usage"]


def test_diarized_json_says_who_spoke(post_audio: Post, call: Clip, schemas: Schemas) -> None:
    response = post_audio(call, model="gpt-4o-transcribe-diarize", response_format="diarized_json")
    body = response.json()
    assert isinstance(body, dict)
    assert list(body) == ["text", "task", "duration", "segments", "usage"]
    assert list(body["segments"][0]) == ["type", "text", "speaker", "start", "end", "id"]
    assert [segment["speaker"] for segment in body["segments"]] == ["A", "B", "A", "B"]
    assert [segment["id"] for segment in body["segments"]] == ["seg_0", "seg_1", "seg_2", "seg_3"]
    assert schemas.is_valid("openai/transcription.diarized_json.response", body)
    TranscriptionDiarized.model_validate(body, strict=True)


def test_known_speakers_are_called_by_their_names(
    post_audio: Post, call: Clip, client: openai.OpenAI
) -> None:
    reference = client.audio.speech.create(
        model="gpt-4o-mini-tts",
        voice="onyx",
        input="This is what my voice sounds like today.",
        response_format="wav",
    ).content
    import base64

    url = "data:audio/wav;base64," + base64.b64encode(reference).decode()
    body = post_audio(
        call,
        model="gpt-4o-transcribe-diarize",
        response_format="diarized_json",
        known_speaker_names=["customer"],
        known_speaker_references=[url],
    ).json()
    assert isinstance(body, dict)
    assert [segment["speaker"] for segment in body["segments"]] == ["A", "customer", "A", "customer"]
    assert body["usage"]["input_token_details"]["text_tokens"] == 10


def test_json_of_the_diarizing_model_is_just_text_and_usage(post_audio: Post, call: Clip) -> None:
    body = post_audio(call, model="gpt-4o-transcribe-diarize").json()
    assert isinstance(body, dict)
    assert list(body) == ["text", "usage"]


def test_logprobs_cover_the_text_token_by_token(post_audio: Post, hello: Clip) -> None:
    body = post_audio(hello, model="gpt-4o-transcribe", include=["logprobs"]).json()
    assert isinstance(body, dict)
    assert list(body) == ["text", "logprobs", "usage"]
    assert [each["token"] for each in body["logprobs"]] == [
        "Hello",
        " world",
        ",",
        " this",
        " is",
        " a",
        " test",
        ".",
    ]
    assert body["logprobs"][1]["bytes"] == list(b" world")
    assert all(each["logprob"] <= 0 for each in body["logprobs"])


def test_a_stream_is_crlf_events_of_one_token_each(post_audio: Post, hello: Clip) -> None:
    response = post_audio(hello, model="gpt-4o-mini-transcribe", stream="true")
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    deltas = ["Hello", " world", ",", " this", " is", " a", " test", "."]
    expected = b"".join(
        b'data: {"type":"transcript.text.delta","delta":"%s"}\r\n\r\n' % delta.encode() for delta in deltas
    )
    expected += (
        b'data: {"type":"transcript.text.done","text":"Hello world, this is a test.",'
        b'"usage":{"type":"tokens",'
        b'"total_tokens":30,"input_tokens":20,"input_token_details":{"text_tokens":0,"audio_tokens":20},'
        b'"output_tokens":10}}\r\n\r\ndata: [DONE]\r\n\r\n'
    )
    assert response.body == expected
    assert len(response.chunks) == len(deltas) + 2


def test_a_stream_carries_logprobs_on_request(client: openai.OpenAI, hello: Clip) -> None:
    events = list(
        client.audio.transcriptions.create(
            model="gpt-4o-transcribe", file=hello, stream=True, include=["logprobs"]
        )
    )
    deltas = [event for event in events if isinstance(event, TranscriptionTextDeltaEvent)]
    done = events[-1]
    assert isinstance(done, TranscriptionTextDoneEvent)
    assert [logprob.token for event in deltas for logprob in event.logprobs or ()] == [
        event.delta for event in deltas
    ]
    assert [logprob.token for logprob in done.logprobs or ()] == [event.delta for event in deltas]


def test_a_diarized_stream_has_segments_instead_of_deltas(client: openai.OpenAI, call: Clip) -> None:
    stream = client.audio.transcriptions.create(
        model="gpt-4o-transcribe-diarize", file=call, response_format="diarized_json", stream=True
    )
    events = list(stream)
    assert [type(event) for event in events] == [TranscriptionTextSegmentEvent] * 4 + [
        TranscriptionTextDoneEvent
    ]
    assert [event.speaker for event in events if isinstance(event, TranscriptionTextSegmentEvent)] == [
        "A",
        "B",
    ] * 2


def test_whisper_ignores_stream(post_audio: Post, hello: Clip) -> None:
    response = post_audio(hello, model="whisper-1", stream="true")
    assert response.headers["content-type"] == "application/json"


def test_the_answer_says_who_gave_it(post_audio: Post, hello: Clip) -> None:
    assert post_audio(hello, model="whisper-1").headers["x-mock-answered-by"] == "fixture; name=hello"


@pytest.fixture
def other_server(tmp_path: Path, hello: Clip) -> Iterator[MockServer]:
    """Yield a server with a fixture in Hindi, an account of one model, and models with shutdown dates."""
    (tmp_path / "नमस्ते 100%.wav").write_bytes(write_wav(bytes(48_000), 16_000))
    (tmp_path / "नमस्ते 100%.txt").write_text("नमस्ते", "utf-8")
    settings = Settings(
        port=0,
        whisper_model="none",
        fixtures=(str(tmp_path),),
        retire_models=True,
        accounts=(AccountRow("sk-one-model", project="proj_one", models=("whisper-1",)),),
        log_level="warning",
    )
    with MockServer(settings) as running:
        yield running


def client_of(server: MockServer, key: str = "sk-mock-me") -> openai.OpenAI:
    return openai.OpenAI(base_url=server.base_url, api_key=key, max_retries=0)


def test_who_gave_it_may_be_named_in_any_script(other_server: MockServer, silence: Clip) -> None:
    with client_of(other_server) as client:
        raw = client.audio.transcriptions.with_raw_response.create(model="whisper-1", file=silence)
    assert raw.parse().text == "नमस्ते"
    answered_by = raw.headers["x-mock-answered-by"]
    assert answered_by.isascii()
    assert unquote(answered_by) == "fixture; name=नमस्ते 100%"


def test_an_account_may_use_just_the_models_declared(other_server: MockServer, hello: Clip) -> None:
    with client_of(other_server, "sk-one-model") as client:
        assert client.audio.transcriptions.create(model="whisper-1", file=hello).text == TEXT
        with pytest.raises(openai.PermissionDeniedError) as refusal:
            client.audio.transcriptions.create(model="gpt-4o-transcribe", file=hello)
    assert refusal.value.body == {
        "message": "Project `proj_one` does not have access to model `gpt-4o-transcribe`",
        "type": "invalid_request_error",
        "param": None,
        "code": "model_not_found",
    }


def test_a_model_is_refused_from_the_day_of_its_shutdown(other_server: MockServer, hello: Clip) -> None:
    services = services_of(other_server.app)
    retired = next(
        each
        for each in services.catalog.models
        if each.shutdown_date and "v1/audio/transcriptions" in each.endpoints
    )
    assert retired.shutdown_date is not None
    midnight = datetime.fromisoformat(retired.shutdown_date).replace(tzinfo=UTC).timestamp()
    with client_of(other_server) as client:
        services.clock.set(midnight - 60)
        assert client.audio.transcriptions.create(model=retired.id, file=hello).text == TEXT
        services.clock.set(midnight)
        with pytest.raises(openai.NotFoundError, match=f"The model `{retired.id}` has been deprecated"):
            client.audio.transcriptions.create(model=retired.id, file=hello)


@pytest.mark.parametrize("strictness", ["real", "schema", "off"])
@pytest.mark.parametrize("temperature", ["1e308", "-1e308", "1e39"])
@pytest.mark.parametrize("path", ["/v1/audio/transcriptions", "/v1/audio/translations"])
def test_a_temperature_that_no_answer_can_hold_is_refused(
    post_audio: Post, hello: Clip, path: str, temperature: str, strictness: str
) -> None:
    asked = {"model": "whisper-1", "response_format": "verbose_json", "temperature": temperature}
    response = post_audio(hello, path=path, headers={"x-mock-strictness": strictness}, **asked)
    assert response.status == 400
    assert b"('body', 'temperature')" in response.body


@pytest.mark.parametrize("temperature", ["-0.1", "1.1"])
@pytest.mark.parametrize("path", ["/v1/audio/transcriptions", "/v1/audio/translations"])
def test_a_temperature_is_from_0_to_1(post_audio: Post, hello: Clip, path: str, temperature: str) -> None:
    response = post_audio(hello, path=path, model="whisper-1", temperature=temperature)
    assert response.status == 400
    assert b"('body', 'temperature')" in response.body


def test_unknown_audio_gets_a_marked_placeholder_of_its_length(post_audio: Post, silence: Clip) -> None:
    response = post_audio(silence, model="whisper-1")
    body = response.json()
    assert isinstance(body, dict)
    assert response.headers["x-mock-answered-by"] == "placeholder"
    assert body["text"].startswith("[mock transcript of 1.5 seconds of unknown audio, sha256 ")
    assert body == post_audio(silence, model="whisper-1").json()


def test_unknown_audio_is_an_error_when_asked_for(post_audio: Post, silence: Clip) -> None:
    response = post_audio(silence, model="whisper-1", headers={"x-mock-unknown-audio": "error"})
    assert response.status == 503
    error = response.json()
    assert isinstance(error, dict)
    assert error["error"]["code"] == "mock_no_transcriber"


def test_the_tree_answers_without_the_version_prefix(post_audio: Post, hello: Clip) -> None:
    assert post_audio(hello, path="/audio/transcriptions", model="whisper-1").status == 200


def test_plain_and_bracketed_spellings_are_the_same(post_audio: Post, hello: Clip) -> None:
    plain = post_audio(hello, model="gpt-4o-transcribe", include="logprobs")
    assert plain.body == post_audio(hello, model="gpt-4o-transcribe", include=["logprobs"]).body


@pytest.mark.parametrize(
    ("model", "options", "kind", "schema"),
    [
        ("whisper-1", {}, Transcription, "transcription.json"),
        ("gpt-4o-mini-transcribe-2025-12-15", {"include": ["logprobs"]}, Transcription, "transcription.json"),
        ("gpt-transcribe", {}, Transcription, "transcription.json"),
        (
            "whisper-1",
            {"response_format": "verbose_json"},
            TranscriptionVerbose,
            "transcription.verbose_json",
        ),
        (
            "gpt-4o-transcribe-diarize",
            {"response_format": "diarized_json"},
            TranscriptionDiarized,
            "transcription.diarized_json",
        ),
    ],
)
def test_every_json_body_satisfies_sdk_and_schema(
    client: openai.OpenAI,
    schemas: Schemas,
    call: Clip,
    model: str,
    options: dict[str, Any],
    kind: Any,
    schema: str,
) -> None:
    raw = client.audio.transcriptions.with_raw_response.create(model=model, file=call, **options)
    assert isinstance(raw.parse(), kind)
    kind.model_validate(json.loads(raw.text), strict=True)
    assert schemas.violations(f"openai/{schema}.response", json.loads(raw.text)) == []


async def _stream_asynchronously(base_url: str, key: str, clip: Clip) -> str:
    async with openai.AsyncOpenAI(base_url=base_url, api_key=key) as client:
        stream = await client.audio.transcriptions.create(model="gpt-4o-transcribe", file=clip, stream=True)
        return "".join(
            [event.delta async for event in stream if isinstance(event, TranscriptionTextDeltaEvent)]
        )


def test_the_asynchronous_sdk_streams_too(client: openai.OpenAI, hello: Clip) -> None:
    import asyncio

    assert asyncio.run(_stream_asynchronously(str(client.base_url), client.api_key, hello)) == TEXT


def test_a_hinted_language_is_echoed(post_audio: Post, hello: Clip) -> None:
    body = post_audio(hello, model="gpt-transcribe", languages=["en", "de"]).json()
    assert isinstance(body, dict)
    assert body["languages"] == [{"code": "en"}, {"code": "de"}]


def test_numbers_are_printed_as_python_does_in_json_and_as_rust_does_in_streams(
    post_audio: Post, send: Callable[..., RawResponse], hello: Clip, api_key: str
) -> None:
    logprobs = [{"token": "Hi", "logprob": -1.2664456789934775e-6}, {"token": ".", "logprob": -2.5e-5}]
    stub = json.dumps({"reply": {"logprobs": logprobs}, "when": {"endpoint": "transcriptions"}})
    assert send("POST", "/_mock/stubs", stub.encode(), key=api_key).status == 201
    asked: dict[str, Any] = {"model": "gpt-4o-transcribe", "include[]": "logprobs"}
    asked["headers"] = {"Authorization": f"Bearer {api_key}"}
    whole = post_audio(hello, **asked).body
    assert b'"logprob":-1.2664456789934775e-06,' in whole
    assert b'"logprob":-2.5e-05,' in whole
    streamed = post_audio(hello, stream="true", **asked).body
    assert streamed.count(b'"logprob":-1.2664456789934775e-6,') == 2
    assert streamed.count(b'"logprob":-0.000025,') == 2
