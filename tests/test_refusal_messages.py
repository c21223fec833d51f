"""Whole refusals: status, message, ``param`` and ``code``."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import RawResponse

Clip = tuple[str, bytes]

UNKNOWN_AUDIO = "data:audio/wav;base64,AAAA"
DIARIZE = "gpt-4o-transcribe-diarize"

TRANSCRIPTIONS: list[tuple[dict[str, Any], str, str, str]] = [
    (
        {"model": DIARIZE, "include": ["logprobs"]},
        "Logprobs are not supported for diarization models",
        "include",
        "unsupported_value",
    ),
    (
        {"model": "gpt-4o-transcribe", "include": ["logprobs"], "response_format": "text"},
        "include[] 'logprobs' is only supported when response_format is 'json'.",
        "include",
        "unsupported_value",
    ),
    (
        {"model": "gpt-4o-transcribe", "timestamp_granularities": ["word"]},
        "timestamp_granularities is not supported with model 'gpt-4o-transcribe-api-ev3'.",
        "timestamp_granularities",
        "unsupported_parameter",
    ),
    (
        {"model": "whisper-1", "timestamp_granularities": ["word"]},
        "timestamp_granularities is only supported when response_format is 'verbose_json'.",
        "timestamp_granularities",
        "unsupported_value",
    ),
    (
        {"model": "gpt-transcribe", "language": "en", "languages": ["en"]},
        "'language' and 'languages' cannot be used together.",
        "languages",
        "invalid_value",
    ),
    (
        {"model": "gpt-transcribe", "keywords": ["a<b"]},
        "Keywords cannot contain '<', '>' or line breaks.",
        "keywords",
        "invalid_value",
    ),
    (
        {
            "model": DIARIZE,
            "known_speaker_names": ["Ann", "Bob"],
            "known_speaker_references": [UNKNOWN_AUDIO],
        },
        "known_speaker_names and known_speaker_references must have the same length.",
        "known_speaker_references",
        "invalid_value",
    ),
    (
        {"model": DIARIZE, "known_speaker_names": ["Ann"], "known_speaker_references": [UNKNOWN_AUDIO]},
        "known_speaker_references[0] is not a data URL of a supported audio format.",
        "known_speaker_references",
        "invalid_value",
    ),
]


def refusal_of(response: RawResponse) -> tuple[int, str, str | None, str | None]:
    error = json.loads(response.body)["error"]
    assert error["type"] == "invalid_request_error"
    return response.status, error["message"], error["param"], error["code"]


@pytest.mark.parametrize(("fields", "message", "param", "code"), TRANSCRIPTIONS)
def test_a_transcription_is_refused(
    post_audio: Callable[..., RawResponse],
    hello: Clip,
    fields: dict[str, Any],
    message: str,
    param: str | None,
    code: str | None,
) -> None:
    assert refusal_of(post_audio(hello, **fields)) == (400, message, param, code)


@pytest.mark.parametrize(
    ("path", "body", "status", "message", "param", "code"),
    [
        (
            "audio/speech",
            {"model": "tts-1", "voice": "alloy", "input": "Hi.", "stream_format": "sse"},
            400,
            "stream_format 'sse' is not supported with model 'tts-1'.",
            "stream_format",
            "unsupported_value",
        ),
        (
            "audio/speech",
            {"model": "whisper-1", "voice": "alloy", "input": "Hi."},
            404,
            "Invalid URL (POST /v1/audio/speech)",
            None,
            None,
        ),
        (
            "chat/completions",
            {"model": "gpt-5", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 5},
            400,
            (
                "Unsupported parameter: 'max_tokens' is not supported with this model. "
                "Use 'max_completion_tokens' instead."
            ),
            "max_tokens",
            "unsupported_parameter",
        ),
    ],
)
def test_json_is_refused(
    send: Callable[..., RawResponse],
    path: str,
    body: dict[str, Any],
    status: int,
    message: str,
    param: str | None,
    code: str | None,
) -> None:
    response = send("POST", f"/v1/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
    assert refusal_of(response) == (status, message, param, code)


def test_a_content_type_is_refused(send: Callable[..., RawResponse]) -> None:
    message = (
        "Unsupported content type: 'text/plain'. This API method only accepts 'application/json' requests, but you "
        "specified the header 'Content-Type: text/plain'. Please try again with a supported content type."
    )
    response = send("POST", "/v1/audio/speech", b"Hi", {"Content-Type": "text/plain"})
    assert refusal_of(response) == (400, message, None, "unsupported_content_type")


def test_deleting_a_model_that_is_not_ones_own_is_refused(send: Callable[..., RawResponse]) -> None:
    message = (
        "You have insufficient permissions for this operation. Missing scopes: api.delete. Check that you have "
        "the correct role in your organization (Writer, Owner) and project (Member, Owner), and if you're using "
        "a restricted API key, that it has the necessary scopes."
    )
    assert refusal_of(send("DELETE", "/v1/models/whisper-1")) == (403, message, None, None)
