"""The whole way with a real engine: the server speaks, and a very small Whisper hears what it said.

That model knows some fifty sentences, one of them every 30 seconds, and the voices used here.
"""

from __future__ import annotations

import base64
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai.types.audio import TranscriptionDiarized, TranscriptionTextDeltaEvent, TranscriptionTextDoneEvent

from mockserver.audio.encode import write_wav
from mockserver.mock_server import MockServer
from mockserver.settings import Settings
from tests.conftest import MICRO_WHISPER, SHARED

FOX = "The quick brown fox jumps over the lazy dog."
MORNING = "Good morning, how are you today?"
DOCTOR = "Some neighbor moves the big doctor."

MODELS = [
    "whisper-1",
    "gpt-4o-transcribe",
    "gpt-4o-mini-transcribe",
    "gpt-4o-transcribe-diarize",
    "gpt-transcribe",
]
TWO_SECONDS = '"usage":{"type":"duration","seconds":2}}'
RATE = 24_000  # Hz, of the speech
WINDOW = 30  # seconds that Whisper hears at a time


@pytest.fixture(scope="module")
def whisper(whisper_server: MockServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=whisper_server.base_url, api_key="sk-mock-me", max_retries=0) as sdk:
        yield sdk


@pytest.fixture(scope="module")
def one_at_a_time() -> Iterator[openai.OpenAI]:
    """A server that hears one clip and turns away whatever else comes meanwhile."""
    if not MICRO_WHISPER.is_dir():
        pytest.skip("no Whisper model to test with")
    settings = Settings(
        port=0, whisper_model=str(MICRO_WHISPER), whisper_cpu_threads=1, whisper_queue=0, log_level="error"
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


def every_window(sdk: openai.OpenAI, *sayings: tuple[str, str]) -> tuple[str, bytes]:
    """A clip in which a voice says a sentence every 30 seconds; pairs of voice and text."""
    pcm = b"".join(say(sdk, text, "pcm", voice).ljust(2 * RATE * WINDOW, b"\0") for voice, text in sayings)
    return "long.wav", write_wav(pcm, RATE)


def answered_by_whisper(sdk: openai.OpenAI, **request: Any) -> Any:
    raw = sdk.audio.transcriptions.with_raw_response.create(**request)
    assert raw.headers["x-mock-answered-by"].startswith("whisper; model=")
    return raw.parse()


def test_whisper_says_that_it_is_ready(whisper: openai.OpenAI, whisper_server: MockServer) -> None:
    answered_by_whisper(whisper, model="whisper-1", file=("a.mp3", say(whisper, FOX)))
    health = whisper.get(f"{whisper_server.url}/_mock/health", cast_to=object)
    assert isinstance(health, dict)
    assert health["transcription"] == {
        "engine": "whisper", "model": "whisper-micro", "state": "ready", "error": ""
    }  # fmt: skip


@pytest.mark.parametrize("response_format", ["mp3", "opus", "aac", "flac", "wav"])
@pytest.mark.parametrize("voice", ["alloy", "ash", "coral", "echo", "sage"])
def test_what_is_said_is_heard(whisper: openai.OpenAI, voice: str, response_format: str) -> None:
    extension = {"opus": "ogg", "aac": "m4a"}.get(response_format, response_format)
    clip = (f"clip.{extension}", say(whisper, MORNING, response_format, voice))
    assert answered_by_whisper(whisper, model="whisper-1", file=clip).text == MORNING


def test_many_sentences_are_heard(whisper: openai.OpenAI) -> None:
    sentences = (SHARED / "models" / "whisper-micro.sentences.txt").read_text("utf-8").splitlines()[:12]
    heard = [
        answered_by_whisper(whisper, model="whisper-1", file=("a.mp3", say(whisper, sentence))).text
        for sentence in sentences
    ]
    assert heard == sentences


@pytest.mark.parametrize("model", MODELS)
def test_every_model_hears_it(whisper: openai.OpenAI, model: str) -> None:
    assert answered_by_whisper(whisper, model=model, file=("a.mp3", say(whisper, FOX))).text == FOX


@pytest.mark.parametrize(
    ("model", "response_format", "expected"),
    [
        ("whisper-1", "text", f"{FOX}\n"),
        ("whisper-1", "srt", f"\n{FOX}\n\n\n"),
        ("whisper-1", "vtt", f"\n{FOX}\n\n"),
        ("whisper-1", "json", f'{{"text":"{FOX}","usage":{{"type":"duration","seconds":4}}}}'),
        ("whisper-1", "verbose_json", f'"text":" {FOX}"'),
        ("gpt-4o-transcribe", "text", f"{FOX}\n"),
        ("gpt-transcribe", "json", '"languages":[{"code":"en"}]'),
        ("gpt-4o-transcribe-diarize", "diarized_json", f'"text":" {FOX}","speaker":"A"'),
    ],
)
def test_every_format_has_it(whisper: openai.OpenAI, model: str, response_format: Any, expected: str) -> None:
    raw = whisper.audio.transcriptions.with_raw_response.create(
        model=model, file=("a.mp3", say(whisper, FOX)), response_format=response_format
    )
    assert expected in raw.text


def test_words_are_timed_within_the_clip(whisper: openai.OpenAI) -> None:
    answer = answered_by_whisper(
        whisper,
        model="whisper-1",
        file=("a.mp3", say(whisper, FOX)),
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    assert " ".join(word.word for word in answer.words) == FOX.rstrip(".")
    assert 0 <= answer.words[0].start < answer.words[-1].start < answer.duration
    for earlier, later in zip(answer.words, answer.words[1:], strict=False):
        assert earlier.start <= earlier.end <= later.start <= later.end <= answer.duration
    (segment,) = answer.segments
    assert 0 <= segment.start < segment.end <= answer.duration
    assert segment.avg_logprob < 0
    assert 0 <= segment.no_speech_prob < 0.5


def test_asking_for_words_loses_no_text(whisper: openai.OpenAI) -> None:
    after_silence = bytes(2 * RATE // 5) + say(whisper, FOX, "pcm")
    answer = answered_by_whisper(
        whisper,
        model="whisper-1",
        file=("a.wav", write_wav(after_silence, RATE)),
        response_format="verbose_json",
        timestamp_granularities=["word"],
    )
    assert answer.text.strip() == FOX
    assert " ".join(word.word for word in answer.words) == FOX.rstrip(".")


def test_logprobs_are_the_engines(whisper: openai.OpenAI) -> None:
    def logprobs(voice: str) -> list[float]:
        answer = answered_by_whisper(
            whisper,
            model="gpt-4o-transcribe",
            file=("a.mp3", say(whisper, FOX, voice=voice)),
            include=["logprobs"],
        )
        assert "".join(each.token for each in answer.logprobs) == FOX
        return [each.logprob for each in answer.logprobs]

    assert all(-1 < logprob < 0 for logprob in logprobs("alloy"))
    assert logprobs("alloy") != logprobs("echo")


def test_speech_is_translated_by_listening_too(whisper: openai.OpenAI) -> None:
    clip = ("a.mp3", say(whisper, DOCTOR))
    with pytest.deprecated_call():
        raw = whisper.audio.translations.with_raw_response.create(model="whisper-1", file=clip)
    assert raw.headers["x-mock-answered-by"].startswith("whisper; model=")
    assert raw.parse().text == DOCTOR


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


def test_speakers_are_told_apart_by_their_voices(whisper: openai.OpenAI) -> None:
    answer = answered_by_whisper(
        whisper,
        model="gpt-4o-transcribe-diarize",
        file=every_window(whisper, ("coral", MORNING), ("echo", FOX), ("coral", DOCTOR)),
        response_format="diarized_json",
        extra_headers={"x-mock-strictness": "schema"},  # without a chunking_strategy
    )
    assert isinstance(answer, TranscriptionDiarized)
    said = [(segment.speaker, segment.text.strip()) for segment in answer.segments]
    assert said == [("A", MORNING), ("B", FOX), ("A", DOCTOR)]


def test_known_speakers_are_called_by_name(whisper: openai.OpenAI) -> None:
    def reference(voice: str) -> str:
        return "data:audio/wav;base64," + base64.b64encode(say(whisper, FOX, "wav", voice)).decode()

    answer = answered_by_whisper(
        whisper,
        model="gpt-4o-transcribe-diarize",
        file=every_window(whisper, ("echo", MORNING), ("coral", DOCTOR)),
        response_format="diarized_json",
        extra_headers={"x-mock-strictness": "schema"},
        extra_body={
            "known_speaker_names": ["Ann", "Bob"],
            "known_speaker_references": [reference("coral"), reference("echo")],
        },
    )
    assert [segment.speaker for segment in answer.segments] == ["Bob", "Ann"]


def test_a_long_clip_streams_window_by_window(whisper: openai.OpenAI) -> None:
    clip = every_window(whisper, ("alloy", MORNING), ("alloy", FOX), ("alloy", DOCTOR))
    events = list(whisper.audio.transcriptions.create(model="gpt-4o-transcribe", file=clip, stream=True))
    deltas = [event.delta for event in events if isinstance(event, TranscriptionTextDeltaEvent)]
    done = events[-1]
    assert isinstance(done, TranscriptionTextDoneEvent)
    assert "".join(deltas) == done.text == f"{MORNING} {FOX} {DOCTOR}"


def test_the_first_delta_comes_while_whisper_listens_on(one_at_a_time: openai.OpenAI) -> None:
    clip = every_window(one_at_a_time, *[("alloy", MORNING)] * 10)
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


def test_hanging_up_frees_whisper(one_at_a_time: openai.OpenAI) -> None:
    clip = every_window(one_at_a_time, *[("alloy", MORNING)] * 12)
    unknown = ("other.mp3", say_unheard(one_at_a_time))

    def cpu_seconds_after_the_first_delta(act: Callable[[openai.Stream[Any]], object]) -> float:
        """What this process computed meanwhile; the server runs in it."""
        stream = one_at_a_time.audio.transcriptions.create(model="gpt-4o-transcribe", file=clip, stream=True)
        with stream as events:
            next(iter(events))
            before = time.process_time()
            act(events)
        while not hears(one_at_a_time, unknown):
            threading.Event().wait(0.02)
        return time.process_time() - before

    to_the_end = cpu_seconds_after_the_first_delta(lambda events: deque(events, maxlen=0))
    assert cpu_seconds_after_the_first_delta(lambda _: None) < to_the_end / 2


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


def say_unheard(sdk: openai.OpenAI) -> bytes:
    """Speech that the server does not recognise as its own, because it was made slightly longer."""
    return write_wav(say(sdk, DOCTOR, "pcm") + bytes(2 * RATE // 10), RATE)


def hears(sdk: openai.OpenAI, clip: tuple[str, bytes]) -> bool:
    """Whether Whisper takes a clip: not while it listens to another one."""
    try:
        sdk.audio.transcriptions.create(model="whisper-1", file=clip)
    except openai.InternalServerError:
        return False
    return True
