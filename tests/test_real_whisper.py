"""Speech and transcription end to end: the embedded Whisper transcribes what the server said."""

from __future__ import annotations

import base64
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from faster_whisper import WhisperModel
from openai.types.audio import TranscriptionDiarized, TranscriptionTextDeltaEvent, TranscriptionTextDoneEvent

from mockserver.audio.encode import encode_speech, write_wav
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.waiting import eventually

pytestmark = pytest.mark.slow

CALL = "Please call me back tomorrow at nine."
THANKS = "Thank you for your help."
ORDER = "My order has not arrived yet."

MODELS = [
    "whisper-1",
    "gpt-4o-transcribe",
    "gpt-4o-mini-transcribe",
    "gpt-4o-transcribe-diarize",
    "gpt-transcribe",
]
SENTENCES = [
    "Please call me back tomorrow at nine.",
    "My order has not arrived yet.",
    "Thank you for your help.",
    "What time is it?",
    "Good morning, how are you today?",
    "Hello world, this is a test.",
]
TWO_SECONDS = '"usage":{"type":"duration","seconds":2}}'
RATE = 24_000  # Hz, of the speech
WINDOW = 30  # seconds in a window


@pytest.fixture(scope="module")
def whisper(whisper_server: MockServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=whisper_server.base_url, api_key="sk-mock-me", max_retries=0) as sdk:
        yield sdk


@pytest.fixture(scope="module")
def one_at_a_time() -> Iterator[openai.OpenAI]:
    """Yield a client of a server that transcribes one clip and refuses any other meanwhile."""
    settings = Settings(
        port=0, whisper_model="embedded", whisper_cpu_threads=1, whisper_queue=0, log_level="error"
    )
    with (
        MockServer(settings) as running,
        openai.OpenAI(base_url=running.base_url, api_key="sk-mock-me", max_retries=0) as sdk,
    ):
        yield sdk


def say(sdk: openai.OpenAI, text: str, response_format: str = "mp3", voice: str = "alloy") -> bytes:
    return sdk.audio.speech.create(
        model="gpt-4o-mini-tts",
        voice=voice,
        input=text,
        response_format=response_format,  # type: ignore[arg-type]
    ).content


def words(text: str) -> list[str]:
    """Return the words of a text without punctuation."""
    return re.findall(r"[a-z0-9']+", text.lower())


def every_window(sdk: openai.OpenAI, *sayings: tuple[str, str]) -> tuple[str, bytes]:
    """Return a clip in which a voice says a sentence every 30 seconds; the pairs are voice and text."""
    pcm = b"".join(say(sdk, text, "pcm", voice).ljust(2 * RATE * WINDOW, b"\0") for voice, text in sayings)
    return "long.wav", write_wav(pcm, RATE)


def answered_by_whisper(sdk: openai.OpenAI, **request: Any) -> Any:
    raw = sdk.audio.transcriptions.with_raw_response.create(**request)
    assert raw.headers["x-mock-answered-by"].startswith("whisper; model=")
    return raw.parse()


def test_whisper_says_that_it_is_ready(whisper: openai.OpenAI, whisper_server: MockServer) -> None:
    answered_by_whisper(whisper, model="whisper-1", file=("a.mp3", say(whisper, CALL)))
    health = whisper.get(f"{whisper_server.url}/_mock/health", cast_to=object)
    assert isinstance(health, dict)
    assert health["transcription"] == {
        "engine": "whisper", "model": "embedded", "state": "ready", "error": ""
    }  # fmt: skip


@pytest.mark.parametrize("response_format", ["mp3", "opus", "aac", "flac", "wav"])
@pytest.mark.parametrize("voice", ["alloy", "ash", "coral", "echo", "sage"])
def test_what_is_said_is_heard(whisper: openai.OpenAI, voice: str, response_format: str) -> None:
    extension = {"opus": "ogg", "aac": "m4a"}.get(response_format, response_format)
    clip = (f"clip.{extension}", say(whisper, THANKS, response_format, voice))
    assert words(answered_by_whisper(whisper, model="whisper-1", file=clip).text) == words(THANKS)


def test_many_sentences_are_heard(whisper: openai.OpenAI) -> None:
    heard = [
        words(answered_by_whisper(whisper, model="whisper-1", file=("a.mp3", say(whisper, sentence))).text)
        for sentence in SENTENCES
    ]
    assert heard == [words(sentence) for sentence in SENTENCES]


@pytest.mark.parametrize("model", MODELS)
def test_every_model_hears_it(whisper: openai.OpenAI, model: str) -> None:
    assert answered_by_whisper(whisper, model=model, file=("a.mp3", say(whisper, CALL))).text == CALL


@pytest.mark.parametrize(
    ("model", "response_format", "expected"),
    [
        ("whisper-1", "text", f"{CALL}\n"),
        ("whisper-1", "srt", f"\n{CALL}\n\n\n"),
        ("whisper-1", "vtt", f"\n{CALL}\n\n"),
        ("whisper-1", "json", f'{{"text":"{CALL}","usage":{{"type":"duration","seconds":3}}}}'),
        ("whisper-1", "verbose_json", f'"text":" {CALL}"'),
        ("gpt-4o-transcribe", "text", f"{CALL}\n"),
        ("gpt-transcribe", "json", '"languages":[{"code":"en"}]'),
        ("gpt-4o-transcribe-diarize", "diarized_json", f'"text":" {CALL}","speaker":"A"'),
    ],
)
def test_every_format_has_it(whisper: openai.OpenAI, model: str, response_format: Any, expected: str) -> None:
    raw = whisper.audio.transcriptions.with_raw_response.create(
        model=model, file=("a.mp3", say(whisper, CALL)), response_format=response_format
    )
    assert expected in raw.text


def test_a_chat_says_that_whisper_heard_the_question(whisper: openai.OpenAI) -> None:
    data = base64.b64encode(say(whisper, CALL)).decode()
    raw = whisper.chat.completions.with_raw_response.create(
        model="gpt-audio",
        modalities=["text", "audio"],
        audio={"voice": "alloy", "format": "mp3"},
        messages=[
            {
                "role": "user",
                "content": [{"type": "input_audio", "input_audio": {"data": data, "format": "mp3"}}],
            }
        ],
    )
    assert raw.headers["x-mock-answered-by"] == "responder; voice=alloy; heard-by=whisper/embedded"
    spoken = raw.parse().choices[0].message.audio
    assert spoken is not None
    assert spoken.transcript == f"I heard you say: {CALL}"


def test_words_are_timed_within_the_clip(whisper: openai.OpenAI) -> None:
    answer = answered_by_whisper(
        whisper,
        model="whisper-1",
        file=("a.mp3", say(whisper, CALL)),
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    assert " ".join(word.word for word in answer.words) == CALL.rstrip(".")
    assert 0 <= answer.words[0].start < answer.words[-1].start < answer.duration
    for earlier, later in zip(answer.words, answer.words[1:], strict=False):
        assert earlier.start <= earlier.end <= later.start <= later.end <= answer.duration
    (segment,) = answer.segments
    assert 0 <= segment.start < segment.end <= answer.duration
    assert segment.avg_logprob < 0
    assert 0 <= segment.no_speech_prob < 0.5


def test_asking_for_words_loses_no_text(whisper: openai.OpenAI) -> None:
    after_silence = bytes(2 * RATE // 5) + say(whisper, CALL, "pcm")
    answer = answered_by_whisper(
        whisper,
        model="whisper-1",
        file=("a.wav", write_wav(after_silence, RATE)),
        response_format="verbose_json",
        timestamp_granularities=["word"],
    )
    assert answer.text.strip() == CALL
    assert " ".join(word.word for word in answer.words) == CALL.rstrip(".")


def test_logprobs_are_the_engines(whisper: openai.OpenAI) -> None:
    def logprobs(voice: str) -> list[float]:
        answer = answered_by_whisper(
            whisper,
            model="gpt-4o-transcribe",
            file=("a.mp3", say(whisper, CALL, voice=voice)),
            include=["logprobs"],
        )
        assert "".join(each.token for each in answer.logprobs) == CALL
        return [each.logprob for each in answer.logprobs]

    assert all(-1 < logprob < 0 for logprob in logprobs("alloy"))
    assert logprobs("alloy") != logprobs("echo")


def test_speech_is_translated_by_listening_too(whisper: openai.OpenAI) -> None:
    clip = ("a.mp3", say(whisper, ORDER))
    with pytest.deprecated_call():
        raw = whisper.audio.translations.with_raw_response.create(model="whisper-1", file=clip)
    assert raw.headers["x-mock-answered-by"].startswith("whisper; model=")
    assert raw.parse().text == ORDER


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, "english"),
        ({"language": "en"}, "english"),
        ({"language": "fr"}, "french"),
        ({"extra_body": {"languages[0]": "fr"}}, "english"),  # for gpt-transcribe only
    ],
    ids=str,
)
def test_the_language_that_is_asked_for_is_that_of_the_answer(
    whisper: openai.OpenAI, silence: tuple[str, bytes], asked: Any, expected: str
) -> None:
    for clip in (("a.mp3", say(whisper, CALL)), silence):
        answer = answered_by_whisper(
            whisper, model="whisper-1", file=clip, response_format="verbose_json", **asked
        )
        assert answer.language == expected


def test_languages_that_are_hinted_at_are_repeated(whisper: openai.OpenAI) -> None:
    clip = ("a.mp3", say(whisper, CALL))
    hinted = {"languages[0]": "fr", "languages[1]": "de"}
    answer = answered_by_whisper(whisper, model="gpt-transcribe", file=clip, extra_body=hinted)
    assert (answer.text, [each.code for each in answer.languages]) == (CALL, ["fr", "de"])


@pytest.mark.parametrize(
    ("response_format", "expected"),
    [
        ("json", '{"text":"",' + TWO_SECONDS),
        ("text", "\n"),
        ("srt", "\n"),
        ("vtt", "WEBVTT\n\n"),
        (
            "verbose_json",
            '{"task":"transcribe","language":"english","duration":1.5,"text":"","segments":[],' + TWO_SECONDS,
        ),
    ],
)
def test_silence_is_no_text(
    whisper: openai.OpenAI, silence: tuple[str, bytes], response_format: Any, expected: str
) -> None:
    raw = whisper.audio.transcriptions.with_raw_response.create(
        model="whisper-1", file=silence, response_format=response_format
    )
    assert raw.headers["x-mock-answered-by"].startswith("whisper; model=")
    assert raw.text == expected


def test_silence_streams_no_delta(whisper: openai.OpenAI, silence: tuple[str, bytes]) -> None:
    (done,) = whisper.audio.transcriptions.create(model="gpt-4o-transcribe", file=silence, stream=True)
    assert isinstance(done, TranscriptionTextDoneEvent)
    assert done.text == ""


def test_speakers_are_distinguished_by_their_voices(whisper: openai.OpenAI) -> None:
    answer = answered_by_whisper(
        whisper,
        model="gpt-4o-transcribe-diarize",
        file=every_window(whisper, ("coral", THANKS), ("echo", CALL), ("coral", ORDER)),
        response_format="diarized_json",
        extra_headers={"x-mock-strictness": "schema"},  # without a chunking_strategy
    )
    assert isinstance(answer, TranscriptionDiarized)
    said = [(segment.speaker, segment.text.strip()) for segment in answer.segments]
    assert said == [("A", THANKS), ("B", CALL), ("A", ORDER)]


def test_known_speakers_are_called_by_name(whisper: openai.OpenAI) -> None:
    def reference(voice: str) -> str:
        return "data:audio/wav;base64," + base64.b64encode(say(whisper, CALL, "wav", voice)).decode()

    answer = answered_by_whisper(
        whisper,
        model="gpt-4o-transcribe-diarize",
        file=every_window(whisper, ("echo", THANKS), ("coral", ORDER)),
        response_format="diarized_json",
        extra_headers={"x-mock-strictness": "schema"},
        extra_body={
            "known_speaker_names": ["Ann", "Bob"],
            "known_speaker_references": [reference("coral"), reference("echo")],
        },
    )
    assert [segment.speaker for segment in answer.segments] == ["Bob", "Ann"]


def test_a_long_clip_streams_window_by_window(whisper: openai.OpenAI) -> None:
    clip = every_window(whisper, ("alloy", THANKS), ("alloy", CALL), ("alloy", ORDER))
    events = list(whisper.audio.transcriptions.create(model="gpt-4o-transcribe", file=clip, stream=True))
    deltas = [event.delta for event in events if isinstance(event, TranscriptionTextDeltaEvent)]
    done = events[-1]
    assert isinstance(done, TranscriptionTextDoneEvent)
    assert "".join(deltas) == done.text == f"{THANKS} {CALL} {ORDER}"


def test_the_first_delta_comes_while_whisper_listens_on(one_at_a_time: openai.OpenAI) -> None:
    clip = every_window(one_at_a_time, *[("alloy", THANKS)] * 10)
    unknown = ("other.mp3", say_unheard(one_at_a_time))
    with one_at_a_time.audio.transcriptions.create(
        model="gpt-4o-transcribe", file=clip, stream=True
    ) as stream:
        first = next(iter(stream))
        assert isinstance(first, TranscriptionTextDeltaEvent)
        with pytest.raises(openai.InternalServerError) as busy:
            one_at_a_time.audio.transcriptions.create(model="whisper-1", file=unknown)
        assert busy.value.status_code == 503
        assert busy.value.code == "server_is_overloaded"


def test_hanging_up_frees_whisper(one_at_a_time: openai.OpenAI, monkeypatch: pytest.MonkeyPatch) -> None:
    windows = 40
    speech = [say(one_at_a_time, text, "pcm").ljust(2 * RATE * WINDOW, b"\0") for text in (THANKS, ORDER)]
    clip = ("long.flac", b"".join(encode_speech(iter(speech * (windows // 2)), "flac")))
    unknown = ("other.mp3", say_unheard(one_at_a_time))
    encode = WhisperModel.encode
    encoded: list[None] = []

    def count(model: WhisperModel, features: object) -> object:
        encoded.append(None)
        return encode(model, features)

    monkeypatch.setattr(WhisperModel, "encode", count)
    with one_at_a_time.audio.transcriptions.create(
        model="gpt-4o-transcribe", file=clip, stream=True
    ) as stream:
        next(iter(stream))
    assert eventually(lambda: accepts(one_at_a_time, unknown))
    assert 0 < len(encoded) < windows


def test_a_model_that_cannot_be_loaded_is_a_503_that_says_why(
    tmp_path: Path, silence: tuple[str, bytes]
) -> None:
    (tmp_path / "model.bin").write_bytes(b"no model")
    settings = Settings(port=0, whisper_model=str(tmp_path), log_level="error")
    with (
        MockServer(settings) as broken,
        openai.OpenAI(base_url=broken.base_url, api_key="sk-mock-me", max_retries=0) as sdk,
    ):
        for _ in range(2):
            with pytest.raises(openai.InternalServerError, match="cannot load the Whisper model") as failure:
                sdk.audio.transcriptions.create(model="whisper-1", file=silence)
            assert (failure.value.status_code, failure.value.code) == (503, "server_is_overloaded")


@pytest.mark.parametrize("model", ["whisper-1", "gpt-4o-transcribe"])
def test_an_engine_that_fails_at_a_later_window_is_a_503_that_says_why(
    whisper: openai.OpenAI, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    clip = every_window(whisper, ("alloy", THANKS), ("alloy", ORDER))
    encode, windows = WhisperModel.encode, itertools.count()

    def fails_at_the_second(self: WhisperModel, features: object) -> object:
        if next(windows) == 1:
            raise MemoryError
        return encode(self, features)

    monkeypatch.setattr(WhisperModel, "encode", fails_at_the_second)
    with pytest.raises(openai.InternalServerError, match="Whisper cannot go on: MemoryError") as failure:
        whisper.audio.transcriptions.create(model=model, file=clip)
    assert (failure.value.status_code, failure.value.code) == (503, "server_is_overloaded")


def say_unheard(sdk: openai.OpenAI) -> bytes:
    """Return speech that the server does not recognise as its own, because it is slightly longer."""
    return write_wav(say(sdk, ORDER, "pcm") + bytes(2 * RATE // 10), RATE)


def accepts(sdk: openai.OpenAI, clip: tuple[str, bytes]) -> bool:
    """Return whether Whisper accepts a clip, which it does not while it transcribes another."""
    try:
        sdk.audio.transcriptions.create(model="whisper-1", file=clip)
    except openai.InternalServerError:
        return False
    return True
