"""`mockserver transcribe FILE`."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import Result

from mockserver.audio.encode import write_wav
from tests.conftest import FIXTURES

Run = Callable[..., Result]

HELLO = str(FIXTURES / "hello.wav")
CALL = str(FIXTURES / "support-call.wav")
TEXT = "Hello world, this is a test."


@pytest.mark.parametrize(
    ("response_format", "expected"),
    [
        ("text", f"{TEXT}\n"),
        ("json", f'{{"text":"{TEXT}","usage":{{"type":"duration","seconds":3}}}}\n'),
        ("srt", f"1\n00:00:00,000 --> 00:00:02,074\n{TEXT}\n\n\n"),
        ("vtt", f"WEBVTT\n\n00:00:00.000 --> 00:00:02.074\n{TEXT}\n\n"),
    ],
)
def test_a_transcript_is_written_as_the_api_writes_it(run: Run, response_format: str, expected: str) -> None:
    result = run("transcribe", HELLO, "--response-format", response_format)
    assert (result.exit_code, result.stdout) == (0, expected)
    assert result.stderr == "answered by: fixture; name=hello\n"


def test_plain_text_is_what_it_writes_by_itself(run: Run) -> None:
    assert run("transcribe", HELLO).stdout == f"{TEXT}\n"


def test_verbose_json_has_words_and_segments(run: Run) -> None:
    body = json.loads(run("transcribe", HELLO, "--response-format", "verbose_json").stdout)
    assert [word["word"] for word in body["words"]] == ["Hello", "world", "this", "is", "a", "test"]
    assert [segment["text"] for segment in body["segments"]] == [f" {TEXT}"]


def test_diarized_json_says_who_spoke(run: Run) -> None:
    body = json.loads(run("transcribe", CALL, "--response-format", "diarized_json").stdout)
    assert [segment["speaker"] for segment in body["segments"]] == ["A", "B", "A", "B"]


def test_a_translation_is_in_english(run: Run) -> None:
    french = str(FIXTURES / "bonjour.wav")
    original, english = run("transcribe", french).stdout, run("transcribe", french, "--translate").stdout
    assert original.startswith("Bonjour")
    assert english.startswith("Hello")


@pytest.fixture
def unknown(run: Run) -> str:
    """Write a clip of silence into the current folder."""
    with open("unknown.wav", "wb") as file:
        file.write(write_wav(bytes(48_000), 16_000))
    return "unknown.wav"


def test_without_a_model_unknown_audio_gets_the_placeholder(run: Run, unknown: str) -> None:
    result = run("transcribe", unknown, "--whisper-model", "none")
    assert result.exit_code == 0
    assert result.stdout.startswith("[mock transcript of 1.5 seconds of unknown audio, sha256 ")
    assert result.stderr == "answered by: placeholder\n"


def test_without_a_model_it_fails_on_request(run: Run, unknown: str) -> None:
    result = run("transcribe", unknown, "--whisper-model", "none", "--unknown-audio", "error")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "mockserver: no Whisper model was found. Name one with --whisper-model; "
        "`mockserver doctor` reports more.\n"
    )


@pytest.mark.slow
def test_it_really_listens(run: Run) -> None:
    run("speak", "Good morning, how are you today?", "-o", "morning.mp3")
    result = run("transcribe", "morning.mp3")
    assert result.stdout == "Good morning, how are you today?\n"
    assert result.stderr.endswith("answered by: whisper; model=embedded\n")


def test_what_is_no_audio_is_named(run: Run) -> None:
    with open("letter.wav", "w") as file:
        file.write("Dear Sir or Madam,")
    result = run("transcribe", "letter.wav")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("mockserver: letter.wav: the audio cannot be decoded")


def test_bad_fixtures_are_not_blamed_on_the_file(run: Run) -> None:
    result = run("transcribe", HELLO, "--fixtures", "nowhere")
    assert result.exit_code == 1
    assert result.stderr.startswith("mockserver: nowhere: is not a folder.")


def test_a_file_that_is_not_there_is_a_usage_error(run: Run) -> None:
    assert run("transcribe", "nowhere.wav").exit_code == 2
