"""`POST /v1/audio/translations`."""

from __future__ import annotations

from collections.abc import Callable

import openai
import pytest
from openai.types.audio import Translation, TranslationVerbose

from mockserver.validation.schemas import Schemas
from tests.conftest import FIXTURES, RawResponse

Clip = tuple[str, bytes]
Post = Callable[..., RawResponse]

# The SDK warns that the endpoint will be shut down.
pytestmark = pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")

PATH = "/v1/audio/translations"
ENGLISH = "Hello, how are you today?"


@pytest.fixture(scope="module")
def bonjour() -> Clip:
    return "bonjour.wav", (FIXTURES / "bonjour.wav").read_bytes()


def test_french_comes_back_in_english(client: openai.OpenAI, bonjour: Clip) -> None:
    assert client.audio.translations.create(model="whisper-1", file=bonjour).text == ENGLISH


def test_the_same_clip_is_transcribed_in_french(client: openai.OpenAI, bonjour: Clip) -> None:
    heard = client.audio.transcriptions.create(
        model="whisper-1", file=bonjour, response_format="verbose_json"
    )
    assert (heard.text, heard.language) == ("Bonjour, comment allez-vous aujourd'hui?", "french")


def test_english_stays_english(client: openai.OpenAI, hello: Clip) -> None:
    assert (
        client.audio.translations.create(model="whisper-1", file=hello).text == "Hello world, this is a test."
    )


def test_verbose_json_says_english(post_audio: Post, bonjour: Clip, schemas: Schemas) -> None:
    body = post_audio(bonjour, path=PATH, model="whisper-1", response_format="verbose_json").json()
    assert isinstance(body, dict)
    assert list(body) == ["task", "language", "duration", "text", "segments", "usage"]
    assert (body["task"], body["language"]) == ("translate", "english")
    assert schemas.violations("openai/translation.verbose_json.response", body) == []
    TranslationVerbose.model_validate(body, strict=True)


def test_json_is_compact(post_audio: Post, bonjour: Clip, schemas: Schemas) -> None:
    response = post_audio(bonjour, path=PATH, model="whisper-1")
    assert response.body == b'{"text":"Hello, how are you today?"}'
    assert schemas.violations("openai/translation.json.response", response.json()) == []
    Translation.model_validate(response.json(), strict=True)


@pytest.mark.parametrize(
    ("response_format", "start"),
    [
        ("text", b"Hello, how are you today?\n"),
        ("srt", b"1\n00:00:00,000 --> "),
        ("vtt", b"WEBVTT\n\n00:00:00.000 --> "),
    ],
)
def test_text_formats(post_audio: Post, bonjour: Clip, response_format: str, start: bytes) -> None:
    response = post_audio(bonjour, path=PATH, model="whisper-1", response_format=response_format)
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.body.startswith(start)


def test_only_whisper_translates(post_audio: Post, bonjour: Clip) -> None:
    assert post_audio(bonjour, path=PATH, model="gpt-4o-transcribe").status == 404


def test_there_is_no_diarized_translation(post_audio: Post, bonjour: Clip) -> None:
    response = post_audio(bonjour, path=PATH, model="whisper-1", response_format="diarized_json")
    assert response.status == 400
    assert b"'loc': ('body', 'response_format')" in response.body
