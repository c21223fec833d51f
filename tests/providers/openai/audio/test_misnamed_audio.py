"""Audio whose file name promises another container than its bytes have."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache

import pytest

from mockserver.testing.mock_server import MockServer
from tests.audio.containers import encode, film, tone
from tests.conftest import RawResponse

Post = Callable[..., RawResponse]

BELIEVERS = [
    "gpt-4o-transcribe",
    "gpt-4o-mini-transcribe-2025-03-20",
    "gpt-transcribe",
    "gpt-4o-transcribe-diarize",
]
UNSUPPORTED = (400, "This model does not support the format you provided.", "messages", "unsupported_format")
CORRUPTED = (400, "Audio file might be corrupted or unsupported", "file", "invalid_value")


@cache
def sound(file_type: str) -> bytes:
    return film(tone(0.4)) if file_type == "film" else encode(tone(0.4), file_type)


def refusal(response: RawResponse) -> tuple[int, str, str | None, str | None]:
    error = json.loads(response.body)["error"]
    return response.status, error["message"], error["param"], error["code"]


@pytest.mark.parametrize("model", BELIEVERS)
@pytest.mark.parametrize("file_type", ["m4a", "mp3", "ogg", "webm", "flac"])
def test_what_is_named_wav_and_is_none_is_an_unsupported_format(
    post_audio: Post, model: str, file_type: str
) -> None:
    assert refusal(post_audio(("audio.wav", sound(file_type)), model=model)) == UNSUPPORTED


@pytest.mark.parametrize("model", BELIEVERS)
@pytest.mark.parametrize(
    ("name", "file_type"),
    [
        ("a.mp3", "webm"),
        ("a.mp3", "m4a"),
        ("a.mp4", "webm"),
        ("a.ogg", "m4a"),
        ("a.flac", "wav"),
        ("a.webm", "ogg"),
    ],
)
def test_what_is_named_otherwise_is_corrupted(
    post_audio: Post, model: str, name: str, file_type: str
) -> None:
    assert refusal(post_audio((name, sound(file_type)), model=model)) == CORRUPTED


@pytest.mark.parametrize("name", ["a.mp4", "a.m4a"])
def test_a_film_is_an_unsupported_format(post_audio: Post, name: str) -> None:
    assert refusal(post_audio((name, sound("film")), model="gpt-4o-transcribe")) == UNSUPPORTED
    assert post_audio((name, sound("film")), model="whisper-1").status == 200


@pytest.mark.parametrize(
    ("name", "file_type"),
    [
        ("a.m4a", "mp4"),
        ("a.mp4", "m4a"),
        ("a.mpga", "mp3"),
        ("a.mp3", "mpga"),
        ("a.mpeg", "mp3"),
        ("a.ogg", "opus"),
        ("A.WAV", "wav, telephone"),
        ("two.dots.webm", "webm"),
    ],
)
@pytest.mark.parametrize("model", ["whisper-1", "gpt-4o-transcribe"])
def test_names_of_one_container_pass_for_each_other(
    post_audio: Post, model: str, name: str, file_type: str
) -> None:
    assert post_audio((name, sound(file_type)), model=model).status == 200


@pytest.mark.parametrize(
    ("name", "file_type"), [("a.wav", "m4a"), ("a.mp3", "webm"), ("a.oga", "opus"), ("a.mp4", "aac")]
)
def test_whisper_finds_out_by_itself_what_a_file_is(post_audio: Post, name: str, file_type: str) -> None:
    assert post_audio((name, sound(file_type)), model="whisper-1").status == 200
    assert (
        post_audio((name, sound(file_type)), model="whisper-1", path="/v1/audio/translations").status == 200
    )


def test_known_clips_are_judged_alike(post_audio: Post, hello: tuple[str, bytes]) -> None:
    assert refusal(post_audio(("hello.mp3", hello[1]), model="gpt-4o-transcribe")) == CORRUPTED
    assert post_audio(hello, model="gpt-4o-transcribe").status == 200


@pytest.mark.parametrize("raw", [False, True])
def test_scripted_answers_change_nothing(
    server: MockServer, api_key: str, post_audio: Post, raw: bool
) -> None:
    script = server.account(api_key).on("transcriptions")
    script.reply_json({"text": "Never sent."}) if raw else script.reply("Never heard.")
    headers = {"Authorization": f"Bearer {api_key}"}
    file = ("audio.wav", sound("m4a"))
    assert refusal(post_audio(file, model="gpt-4o-transcribe", headers=headers)) == UNSUPPORTED


@pytest.mark.parametrize("strictness", ["schema", "off"])
def test_other_strictness_takes_any_name(post_audio: Post, strictness: str) -> None:
    headers = {"x-mock-strictness": strictness}
    for name in ("audio.wav", "audio.oga", "audio.mp3"):
        assert post_audio((name, sound("m4a")), model="gpt-4o-transcribe", headers=headers).status == 200
