"""Refused transcriptions, with the exact bytes of the real API where they are known."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mockserver.audio.encode import write_wav
from tests.conftest import RawResponse, multipart

Clip = tuple[str, bytes]
Post = Callable[..., RawResponse]

WHISPER_USAGE = b',"usage":{"type":"duration","seconds":0}}'


def whisper_error(message: str, param: str = "null", code: str = "null") -> bytes:
    fields = f'"message":"{message}","type":"invalid_request_error","param":{param},"code":{code}'
    return b'{"error":{' + fields.encode() + b"}" + WHISPER_USAGE


def engine_error(message: str, param: str | None, code: str | None) -> bytes:
    quoted = {
        name: "null" if value is None else f'"{value}"' for name, value in (("param", param), ("code", code))
    }
    return (
        '{\n  "error": {\n'
        f'    "message": "{message}",\n'
        '    "type": "invalid_request_error",\n'
        f'    "param": {quoted["param"]},\n'
        f'    "code": {quoted["code"]}\n'
        "  }\n}"
    ).encode()


def seconds_of_silence(seconds: float) -> Clip:
    return "quiet.wav", write_wav(bytes(2 * round(8_000 * seconds)), 8_000)


def test_a_bad_language_is_the_recorded_251_bytes(post_audio: Post, hello: Clip) -> None:
    response = post_audio(hello, model="whisper-1", language="this should cause an error")
    assert response.status == 400
    assert response.headers["content-length"] == "251"
    assert response.body == whisper_error(
        "Invalid language 'this should cause an error'. Language parameter must be specified in ISO-639-1 format.",
        '"language"',
        '"invalid_language_format"',
    )


def test_whisper_refuses_an_extension_it_does_not_know(post_audio: Post, hello: Clip) -> None:
    response = post_audio(("hello.bin", hello[1]), model="whisper-1")
    assert response.status == 400
    assert response.body == whisper_error(
        "Invalid file format. Supported formats: "
        "['flac', 'm4a', 'mp3', 'mp4', 'mpeg', 'mpga', 'oga', 'ogg', 'wav', 'webm']"
    )


def test_gpt_4o_refuses_an_extension_it_does_not_know(post_audio: Post, hello: Clip) -> None:
    response = post_audio(("hello.bin", hello[1]), model="gpt-4o-transcribe")
    assert response.body == engine_error("Unsupported file format bin", "file", "unsupported_value")
    assert response.headers["content-type"] == "application/json"


def test_text_named_wav_cannot_be_decoded(post_audio: Post) -> None:
    file = ("notes.wav", b"These are notes, no sound at all.")
    assert post_audio(file, model="whisper-1").body == whisper_error(
        "The audio file could not be decoded or its format is not supported."
    )
    assert post_audio(file, model="gpt-transcribe").body == engine_error(
        "Audio file might be corrupted or unsupported", "file", "invalid_value"
    )


@pytest.mark.parametrize("model", ["whisper-1", "gpt-4o-mini-transcribe"])
def test_less_than_a_tenth_of_a_second_is_too_short(post_audio: Post, model: str) -> None:
    body = post_audio(seconds_of_silence(0.05), model=model).json()
    assert isinstance(body, dict)
    assert body["error"] == {
        "message": "Audio file is too short. Minimum audio length is 0.1 seconds.",
        "type": "invalid_request_error",
        "param": "file",
        "code": "audio_too_short",
    }


def test_a_tenth_of_a_second_is_long_enough(post_audio: Post) -> None:
    assert post_audio(seconds_of_silence(0.1), model="whisper-1").status == 200


@pytest.mark.parametrize("model", ["gpt-4o-transcribe", "gpt-4o-transcribe-diarize"])
def test_more_than_1400_seconds_are_too_long(post_audio: Post, model: str) -> None:
    response = post_audio(seconds_of_silence(1500), model=model, chunking_strategy="auto")
    assert response.body == engine_error(
        "audio duration 1500.0 seconds is longer than 1400 seconds which is the maximum for this model",
        None,
        "invalid_value",
    )


def test_1400_seconds_are_accepted(post_audio: Post) -> None:
    assert post_audio(seconds_of_silence(1400), model="gpt-4o-transcribe").status == 200


def test_the_mini_model_counts_tokens_instead_of_seconds(post_audio: Post) -> None:
    assert post_audio(seconds_of_silence(1600), model="gpt-4o-mini-transcribe").status == 200
    response = post_audio(seconds_of_silence(1601), model="gpt-4o-mini-transcribe")
    assert response.body == engine_error(
        "Total number of tokens in instructions + audio is too large for this model", None, "input_too_large"
    )


@pytest.mark.parametrize("model", ["whisper-1", "gpt-transcribe"])
def test_other_models_have_no_cap_on_the_duration(post_audio: Post, model: str) -> None:
    assert post_audio(seconds_of_silence(1601), model=model).status == 200


@pytest.mark.parametrize(
    ("model", "response_format", "shown"),
    [
        ("gpt-4o-transcribe", "verbose_json", "gpt-4o-transcribe-api-ev3"),
        ("gpt-4o-mini-transcribe", "srt", "gpt-4o-mini-transcribe-api-ev3"),
        ("gpt-transcribe", "vtt", "gpt-transcribe-api-ev3"),
    ],
)
def test_a_format_the_model_does_not_have_is_refused_by_its_internal_name(
    post_audio: Post, hello: Clip, model: str, response_format: str, shown: str
) -> None:
    response = post_audio(hello, model=model, response_format=response_format)
    assert response.body == engine_error(
        f"response_format '{response_format}' is not compatible with model '{shown}'. Use 'json' or 'text' instead.",
        "response_format",
        "unsupported_value",
    )


def test_diarization_of_more_than_30_seconds_needs_a_chunking_strategy(post_audio: Post) -> None:
    clip = seconds_of_silence(31)
    response = post_audio(clip, model="gpt-4o-transcribe-diarize")
    assert response.body == engine_error(
        "chunking_strategy is required for diarization models", "chunking_strategy", "invalid_value"
    )
    assert post_audio(clip, model="gpt-4o-transcribe-diarize", chunking_strategy="auto").status == 200
    vad = {"chunking_strategy[type]": "server_vad", "chunking_strategy[threshold]": "0.6"}
    assert post_audio(clip, model="gpt-4o-transcribe-diarize", **vad).status == 200
    assert post_audio(seconds_of_silence(30), model="gpt-4o-transcribe-diarize").status == 200


def test_diarization_takes_no_prompt(post_audio: Post, hello: Clip) -> None:
    response = post_audio(hello, model="gpt-4o-transcribe-diarize", prompt="Names: Ann, Bob")
    assert response.body == engine_error("Prompt is not supported for diarization models", None, None)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"languages": ["en", "xx"]}, "invalid_value"),
        ({"languages": '["en"]'}, "invalid_value"),
        ({"languages": "en,de"}, "invalid_value"),
        ({"languages": ["en"], "language": "en"}, "invalid_value"),
        ({"keywords": ["a<b"]}, "invalid_value"),
        ({"keywords": ["two\r\nlines"]}, "invalid_value"),
    ],
)
def test_gpt_transcribe_is_particular_about_its_hints(
    post_audio: Post, hello: Clip, fields: dict[str, str | list[str]], code: str
) -> None:
    response = post_audio(hello, model="gpt-transcribe", **fields)
    body = response.json()
    assert isinstance(body, dict)
    assert (response.status, body["error"]["code"]) == (400, code)


def test_gpt_transcribe_ignores_what_it_does_not_know(post_audio: Post, hello: Clip) -> None:
    fields: dict[str, str | list[str]] = {
        "include": ["logprobs"],
        "mood": "sunny",
        "languages": [],
    }
    assert post_audio(hello, model="gpt-transcribe", **fields).status == 200


def test_an_unknown_model_does_not_exist(post_audio: Post, hello: Clip) -> None:
    response = post_audio(hello, model="whisper-9")
    assert response.status == 404
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.headers["vary"] == "Origin"
    assert "openai-processing-ms" not in response.headers
    assert response.body == (
        b'{\n    "error": {\n'
        b'        "message": "The model `whisper-9` does not exist or you do not have access to it.",\n'
        b'        "type": "invalid_request_error",\n        "param": null,\n        "code": "model_not_found"\n'
        b"    }\n}\n"
    )


def test_a_missing_model_is_asked_for(post_audio: Post, hello: Clip) -> None:
    body = post_audio(hello).json()
    assert isinstance(body, dict)
    assert body["error"]["message"] == "you must provide a model parameter"


def test_a_missing_file_is_refused_in_the_words_of_the_service(post_audio: Post) -> None:
    body = post_audio(None, model="whisper-1").json()
    assert isinstance(body, dict)
    assert body["error"]["message"] == (
        "[{'type': 'missing', 'loc': ('body', 'file'), 'msg': 'Field required', 'input': None}]"
    )


@pytest.mark.parametrize("model", ["whisper-1", "gpt-4o-transcribe"])
def test_a_text_in_place_of_the_file_is_no_file(send: Callable[..., RawResponse], model: str) -> None:
    form, headers = multipart([("model", model), ("file", "a" * 5000)], None)
    response = send("POST", "/v1/audio/transcriptions", form, headers)
    body = response.json()
    assert isinstance(body, dict)
    assert response.status == 400
    assert body["error"]["message"].startswith(
        "[{'type': 'value_error', 'loc': ('body', 'file'), 'msg': \"Value error, Expected UploadFile, received: "
        "<class 'str'>\", 'input': 'aaaa"
    )
    assert len(response.body) < 2000


@pytest.mark.parametrize("word", ["yes", "on", "t", "Y", "1", "TRUE"])
def test_a_stream_may_be_asked_for_in_words(post_audio: Post, hello: Clip, word: str) -> None:
    response = post_audio(hello, model="gpt-4o-transcribe", stream=word)
    assert response.headers["content-type"].startswith("text/event-stream")


def test_a_word_that_is_no_boolean_is_refused(post_audio: Post, hello: Clip) -> None:
    response = post_audio(hello, model="gpt-4o-transcribe", stream="perhaps")
    assert response.status == 400
    assert b"unable to interpret input" in response.body


def test_a_body_over_25_mebibytes_is_too_large(send: Callable[..., RawResponse]) -> None:
    body, headers = multipart([("model", "whisper-1")], ("big.wav", bytes(26_214_400)))
    response = send("POST", "/v1/audio/transcriptions", body, headers)
    assert response.status == 413
    message = f"413: Maximum content size limit (26214400) exceeded ({len(body)} bytes read)"
    assert response.body == (
        b'{"error":{"message":"%s","type":"server_error","param":null,"code":null}' % message.encode()
        + WHISPER_USAGE
    )
