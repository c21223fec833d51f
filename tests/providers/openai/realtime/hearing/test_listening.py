"""The chain of a session's transcriptions: silence, known speech, and an engine that is waited for."""

from __future__ import annotations

import wave
from collections.abc import Callable

import pytest

from mockserver.audio.clip import Clip
from mockserver.catalog.tables import Catalog
from mockserver.engines.answered_by import AnsweredBy
from mockserver.engines.answers import AnswerChain
from mockserver.engines.excerpts.known import KnownSpeech
from mockserver.engines.fixtures import FixtureTranscriber, load_fixtures
from mockserver.engines.spoken import SpokenMemory
from mockserver.engines.transcription import (
    EngineBusy,
    EngineFailed,
    Look,
    Segment,
    Transcription,
    TranscriptionOptions,
    UnknownAudio,
)
from mockserver.providers.openai.realtime.hearing.listening import Listening
from mockserver.resources import data_folder
from mockserver.settings.model import Settings
from mockserver.wire.transcripts import text_of

OPTIONS = TranscriptionOptions()
RATE = 24_000
NOISE = bytes(range(256)) * 200  # 1.07 seconds
SILENCE = bytes(2 * RATE)

BEFORE = Transcription(AnsweredBy("whisper"), 1.0, ("de",), (Segment("Heard before.", 0.0, 1.0),))


class Engine:
    """A ``Listener`` that is busy or broken at first."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.asked: list[tuple[float, TranscriptionOptions]] = []

    def transcribe(self, clip: Clip, options: TranscriptionOptions, look: Look) -> Transcription:
        self.asked.append((clip.duration, options))
        if self.errors:
            raise self.errors.pop(0)
        segments = iter([Segment("From", 0.0, 0.5), Segment("the engine.", 0.5, 1.0)])
        return Transcription(AnsweredBy("whisper"), clip.duration, ("en",), segments)


@pytest.fixture(scope="module")
def fixtures() -> FixtureTranscriber:
    return FixtureTranscriber(load_fixtures([data_folder("fixtures")], Catalog(), lambda document: None))


@pytest.fixture
def listening(fixtures: FixtureTranscriber) -> Callable[..., Listening]:
    """Return a function that makes the chain with an engine."""

    def make(
        engine: Engine | None, look: Look = lambda: None, unknown_audio: str = "placeholder"
    ) -> Listening:
        known = KnownSpeech(fixtures, SpokenMemory(4))
        settings = Settings(unknown_audio=unknown_audio)
        return Listening(AnswerChain([fixtures], engine), known, settings, look)

    return make


def hello() -> bytes:
    with wave.open(str(data_folder("fixtures") / "hello.wav")) as file:
        return bytes(file.readframes(file.getnframes()))


@pytest.mark.parametrize("pcm", [b"", b"\x01", SILENCE, b"\x10\x00\xf0\xff" * RATE])
def test_no_engine_is_asked_about_silence(listening: Callable[..., Listening], pcm: bytes) -> None:
    engine = Engine(EngineFailed("never asked"))
    heard = listening(engine).heard(pcm, RATE, OPTIONS)
    assert (heard.segments, heard.languages, heard.duration) == ((), (), len(pcm) / 2 / RATE)
    assert listening(engine).partly_heard(pcm, RATE, OPTIONS) is None
    assert listening(engine).partly_known(pcm, RATE, OPTIONS) is None
    assert not engine.asked


def test_a_whole_fixture_is_known(listening: Callable[..., Listening]) -> None:
    heard = listening(None).heard(hello(), RATE, OPTIONS)
    assert (text_of(heard.segments), str(heard.answered_by)) == (
        "Hello world, this is a test.",
        "fixture; name=hello",
    )


def test_a_fixture_between_silence_is_known(listening: Callable[..., Listening]) -> None:
    heard = listening(None).partly_known(SILENCE + hello() + SILENCE, RATE, OPTIONS)
    assert heard is not None
    assert (heard.is_sure, heard.is_whole) == (True, True)
    assert text_of(heard.transcription.segments) == "Hello world, this is a test."


def test_the_beginning_of_a_fixture_is_not_all_of_it(listening: Callable[..., Listening]) -> None:
    heard = listening(None).partly_known(hello()[: 2 * RATE * 15 // 10], RATE, OPTIONS)
    assert heard is not None
    assert not heard.is_whole
    assert "Hello world".startswith(text_of(heard.transcription.segments)[:11])


def test_of_speech_that_was_heard_while_it_went_on_only_the_rest_is_transcribed(
    listening: Callable[..., Listening],
) -> None:
    engine = Engine()
    whole = NOISE + NOISE
    rest_ms = len(NOISE) / 2 / RATE * 1000
    heard = listening(engine).heard_rest(whole, RATE, OPTIONS, BEFORE, rest_ms)
    assert text_of(heard.segments) == "Heard before. From the engine."
    assert [round(segment.start, 3) for segment in heard.segments] == [0.0, 1.067, 1.567]
    assert [round(seconds, 3) for seconds, _ in engine.asked] == [1.067]
    assert heard.duration == len(whole) / 2 / RATE


def test_the_rest_can_be_silence(listening: Callable[..., Listening]) -> None:
    heard = listening(None).heard_rest(NOISE + SILENCE, RATE, OPTIONS, BEFORE, 1000.0)
    assert (text_of(heard.segments), heard.languages) == ("Heard before.", ("de",))
    assert str(heard.answered_by) == "whisper"


def test_known_speech_is_recognised_as_a_whole(listening: Callable[..., Listening]) -> None:
    heard = listening(None).heard_rest(hello(), RATE, OPTIONS, BEFORE, 500.0)
    assert text_of(heard.segments) == "Hello world, this is a test."


def test_a_busy_engine_is_waited_for(listening: Callable[..., Listening]) -> None:
    looks: list[int] = []
    engine = Engine(EngineBusy("full"), EngineBusy("full"))
    heard = listening(engine, lambda: looks.append(1)).heard(NOISE, RATE, OPTIONS)
    assert text_of(heard.segments) == "From the engine."
    assert (len(engine.asked), len(looks)) == (3, 2)
    assert all(options.vad is not None for _, options in engine.asked)


def test_nobody_waits_for_a_client_that_has_left(listening: Callable[..., Listening]) -> None:
    def look() -> None:
        raise OSError("the client has left")

    engine = Engine(*[EngineBusy("full")] * 9)
    with pytest.raises(OSError, match="left"):
        listening(engine, look).heard(NOISE, RATE, OPTIONS)
    assert len(engine.asked) == 1


def test_a_broken_engine_is_reported_at_the_end_only(listening: Callable[..., Listening]) -> None:
    engine = Engine(EngineFailed("broken"), EngineFailed("broken"))
    assert listening(engine).partly_heard(NOISE, RATE, OPTIONS) is None
    with pytest.raises(EngineFailed):
        listening(engine).heard(NOISE, RATE, OPTIONS)


def test_without_an_engine_unknown_speech_is_a_placeholder_or_refused(
    listening: Callable[..., Listening],
) -> None:
    assert "1.1 seconds of unknown audio" in text_of(listening(None).heard(NOISE, RATE, OPTIONS).segments)
    assert listening(None).partly_heard(NOISE, RATE, OPTIONS) is None
    with pytest.raises(UnknownAudio):
        listening(None, unknown_audio="error").heard(NOISE, RATE, OPTIONS)
