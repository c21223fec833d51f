"""The embedded model transcribes clips in the voices of this server."""

import gc
import itertools
import math
import os
import re
import shutil
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from faster_whisper import WhisperModel

from mockserver.audio.clip import Clip
from mockserver.audio.encode import write_wav
from mockserver.catalog.tables import Catalog
from mockserver.engines.espeak.speaker import Pyttsx3Speaker
from mockserver.engines.speech import SPEECH_SAMPLE_RATE, Utterance
from mockserver.engines.transcription import (
    EngineFailed,
    Transcription,
    TranscriptionOptions,
    VadOptions,
)
from mockserver.engines.whisper.models import embedded_model
from mockserver.engines.whisper.recogniser import Recogniser
from mockserver.engines.whisper.transcriber import WhisperTranscriber
from tests.waiting import clips_at_work, eventually

pytestmark = pytest.mark.slow

MODEL = embedded_model()

ALLOY = Catalog().voices[0]
ORDER = "My order has not arrived yet."
THANKS = "Thank you for your help."

Say = Callable[..., Clip]


def transcriber_of(folder: Path, **queue: int) -> WhisperTranscriber:
    """Return a transcriber that has loaded the model in a folder, with one thread."""
    return WhisperTranscriber(str(folder), lambda: Recogniser(str(folder), cpu_threads=1), **queue)


@pytest.fixture(scope="module")
def say() -> Iterator[Say]:
    """Return a function that makes a clip in which each sentence begins at a multiple of 30 s, as windows do."""
    speaker = Pyttsx3Speaker()

    @cache
    def spoken_of(text: str) -> bytes:
        return b"".join(chunk.pcm for chunk in speaker.speak(Utterance(text, ALLOY)))

    def speak(*sentences: str) -> Clip:
        window = bytes(30 * SPEECH_SAMPLE_RATE * 2)
        spoken = [spoken_of(text) for text in sentences]
        pcm = b"".join(part + window[len(part) :] for part in spoken[:-1]) + spoken[-1]
        return Clip(write_wav(pcm, SPEECH_SAMPLE_RATE), "speech.wav", max_seconds=3600)

    yield speak
    speaker.close()


@pytest.fixture(scope="module")
def whisper() -> Iterator[WhisperTranscriber]:
    transcriber = transcriber_of(MODEL)
    yield transcriber
    transcriber.close()


@pytest.fixture
def only_one() -> Iterator[WhisperTranscriber]:
    """Return a transcriber that takes one clip at a time and has no queue."""
    transcriber = transcriber_of(MODEL, queue_size=0)
    yield transcriber
    transcriber.close()


def silence(seconds: float) -> Clip:
    return Clip(write_wav(bytes(round(seconds * 16_000) * 2), 16_000), "silence.wav", max_seconds=60)


def text_of(transcription: Transcription) -> str:
    return " ".join(segment.text for segment in transcription.segments)


@pytest.mark.parametrize("sentence", [ORDER, THANKS, "Please call me back tomorrow at nine."])
def test_a_sentence_is_understood(whisper: WhisperTranscriber, say: Say, sentence: str) -> None:
    assert text_of(whisper.transcribe(say(sentence), TranscriptionOptions())) == sentence


def test_the_answer_names_engine_model_language_and_duration(whisper: WhisperTranscriber, say: Say) -> None:
    clip = say(ORDER)
    answer = whisper.transcribe(clip, TranscriptionOptions())
    assert (str(answer.answered_by), answer.languages) == ("whisper; model=embedded", ("en",))
    assert answer.duration == clip.duration


@pytest.mark.parametrize(
    ("hinted", "expected"), [((), "en"), (("fr",), "fr"), (("fr", "de"), "fr"), (("fr", "en"), "en")]
)
def test_a_model_that_knows_english_only_takes_a_hinted_language_at_its_word(
    whisper: WhisperTranscriber, say: Say, hinted: tuple[str, ...], expected: str
) -> None:
    answer = whisper.transcribe(say(ORDER), TranscriptionOptions(languages=hinted))
    assert (text_of(answer), answer.languages) == (ORDER, (expected,))


def test_a_segment_tells_how_it_was_decoded(whisper: WhisperTranscriber, say: Say) -> None:
    clip = say(ORDER, THANKS)
    first, second = whisper.transcribe(clip, TranscriptionOptions()).segments
    assert 0 <= first.start < first.end < 30 <= second.start < second.end <= clip.duration
    assert (first.seek, second.seek) == (0, 3000)
    assert (first.temperature, first.words, first.speaker) == (0.0, None, None)
    assert first.tokens is None, "the ids of its small vocabulary are unique to it"
    assert first.avg_logprob is not None
    assert first.avg_logprob < 0
    assert first.no_speech_prob is not None
    assert 0 <= first.no_speech_prob < 0.5
    assert first.compression_ratio is not None
    assert first.compression_ratio > 0


def test_words_have_times_within_the_clip(whisper: WhisperTranscriber, say: Say) -> None:
    clip = say(THANKS)
    (segment,) = whisper.transcribe(clip, TranscriptionOptions(words=True)).segments
    assert segment.words is not None
    assert " ".join(word.text for word in segment.words) == THANKS
    times = [time for word in segment.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] <= clip.duration
    assert all(word.probability is not None and 0 < word.probability <= 1 for word in segment.words)


def test_silence_has_no_segments_and_no_language(whisper: WhisperTranscriber) -> None:
    answer = whisper.transcribe(silence(2), TranscriptionOptions())
    assert (list(answer.segments), answer.languages, answer.duration) == ([], (), 2.0)


def test_voice_detection_leaves_nothing_of_silence(whisper: WhisperTranscriber) -> None:
    answer = whisper.transcribe(silence(2), TranscriptionOptions(vad=VadOptions()))
    assert (list(answer.segments), answer.languages) == ([], ())


def test_voice_detection_skips_the_pause_but_not_its_time(whisper: WhisperTranscriber, say: Say) -> None:
    clip = say(ORDER, THANKS)
    options = TranscriptionOptions(
        vad=VadOptions(threshold=0.4, prefix_padding_ms=100, silence_duration_ms=500)
    )
    segments = list(whisper.transcribe(clip, options).segments)
    assert max(segment.seek or 0 for segment in segments) < 3000  # The transcribed audio lacks the pause.
    assert segments[-1].end > 30


def test_every_option_at_once_is_understood(whisper: WhisperTranscriber, say: Say) -> None:
    options = TranscriptionOptions(
        task="translate",
        languages=("fr", "en", "xx"),
        prompt="A first test.",
        keywords=("hello", "test"),
        temperature=0.2,
        words=True,
        vad=VadOptions(),
    )
    (segment,) = whisper.transcribe(say(THANKS), options).segments
    assert (segment.text, segment.temperature) == (THANKS, 0.2)


@pytest.mark.parametrize("pitch", [440, 1_500, 2_000, 5_000])
def test_a_tone_is_not_made_into_babble(whisper: WhisperTranscriber, pitch: int) -> None:
    times = np.arange(12 * 16_000) / 16_000
    tone = 0.1 * np.sin(2 * math.pi * pitch * times)  # -20 dB
    clip = Clip(write_wav((tone * 32_767).astype("<i2").tobytes(), 16_000), "tone.wav", max_seconds=60)
    assert text_of(whisper.transcribe(clip, TranscriptionOptions())) == ""


def test_what_is_said_again_is_heard_again(whisper: WhisperTranscriber, say: Say) -> None:
    heard = text_of(whisper.transcribe(say(" ".join([THANKS] * 8)), TranscriptionOptions()))
    assert re.findall(r"\w+", heard) == re.findall(r"\w+", THANKS) * 8


def test_several_threads_share_the_model(whisper: WhisperTranscriber, say: Say) -> None:
    clips = [say(ORDER), say(THANKS)] * 2
    with ThreadPoolExecutor(4) as threads:
        answers = list(
            threads.map(lambda clip: text_of(whisper.transcribe(clip, TranscriptionOptions())), clips)
        )
    assert answers == [ORDER, THANKS] * 2


def windows_heard(caplog: pytest.LogCaptureFixture) -> int:
    """Return how many windows faster-whisper has begun, of all clips."""
    return sum(message.startswith("Processing segment at") for message in caplog.messages)


class Leaving(Exception):
    """An error that stands for a client that has left."""


def leave_at_once() -> None:
    raise Leaving


def test_the_work_at_silence_ends_when_its_client_has_left(
    only_one: WhisperTranscriber, say: Say, caplog: pytest.LogCaptureFixture
) -> None:
    half_an_hour = Clip(write_wav(bytes(1_800 * 8_000 * 2), 8_000), "silence.wav", 1_800)
    with caplog.at_level("DEBUG"), pytest.raises(Leaving):
        only_one.transcribe(half_an_hour, TranscriptionOptions(), leave_at_once)
    assert eventually(lambda: not clips_at_work())
    assert windows_heard(caplog) < 60
    assert "the transcription of silence.wav is no longer needed" in caplog.text
    assert text_of(only_one.transcribe(say(THANKS), TranscriptionOptions())) == THANKS


@pytest.mark.parametrize("failure", [MemoryError(), RuntimeError("CUDA failed with error out of memory")])
def test_an_engine_that_fails_at_a_window_fails_its_clip_alone(
    whisper: WhisperTranscriber, say: Say, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    encode, windows = WhisperModel.encode, itertools.count()

    def fails_at_the_third(self: WhisperModel, features: object) -> object:
        if next(windows) == 2:
            raise failure
        return encode(self, features)

    monkeypatch.setattr(WhisperModel, "encode", fails_at_the_third)
    segments = iter(whisper.transcribe(say(ORDER, THANKS, ORDER), TranscriptionOptions()).segments)
    assert [next(segments).text, next(segments).text] == [ORDER, THANKS]
    with pytest.raises(EngineFailed, match=r"Whisper cannot go on: (MemoryError|RuntimeError)"):
        next(segments)
    assert text_of(whisper.transcribe(say(THANKS), TranscriptionOptions())) == THANKS


def test_an_option_that_makes_the_engine_fail_takes_no_place(only_one: WhisperTranscriber, say: Say) -> None:
    impossible = TranscriptionOptions(vad=VadOptions(prefix_padding_ms="wide"))  # type: ignore[arg-type]
    for _ in range(3):
        with pytest.raises(TypeError):
            only_one.transcribe(say(ORDER), impossible)
    assert text_of(only_one.transcribe(say(ORDER), TranscriptionOptions())) == ORDER


def test_the_model_is_loaded_in_the_background() -> None:
    whisper = transcriber_of(MODEL)
    assert whisper.describe() == {
        "engine": "whisper",
        "model": "embedded",
        "state": "loading",
        "error": "",
    }
    whisper.start()
    whisper.start()
    whisper.transcribe(silence(1), TranscriptionOptions())
    assert whisper.state == "ready"
    whisper.close()


def test_a_program_ends_in_order_though_whisper_is_at_work(say: Say) -> None:
    script = (
        "import sys; from mockserver.audio.clip import Clip\n"
        "from mockserver.engines.whisper.transcriber import WhisperTranscriber\n"
        "from mockserver.engines.transcription import TranscriptionOptions\n"
        "from mockserver.engines.whisper.recogniser import Recogniser\n"
        "clip = Clip(sys.stdin.buffer.read(), 'speech.wav', 3600)\n"
        "whisper = WhisperTranscriber(sys.argv[1], lambda: Recogniser(sys.argv[1]))\n"
        "answer = whisper.transcribe(clip, TranscriptionOptions())\n"
    )
    program = [sys.executable, "-c", script, str(MODEL)]
    run = subprocess.run(program, input=say(*[ORDER] * 8).content.read(), capture_output=True, check=False)
    assert (run.returncode, run.stdout) == (0, b"")
    assert run.stderr.splitlines() == [run.stderr.strip()]  # what is logged once
    assert run.stderr.startswith(b"The embedded Whisper has answered.")


def test_a_model_that_cannot_be_loaded_fails_every_request(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"no model")
    whisper = transcriber_of(tmp_path)
    for _ in range(2):
        with pytest.raises(EngineFailed, match="cannot load the Whisper model"):
            whisper.transcribe(silence(1), TranscriptionOptions())
    assert whisper.describe()["state"] == "failed"
    assert str(tmp_path) in whisper.describe()["error"]
    whisper.close()


def test_a_model_that_cannot_be_loaded_holds_on_to_no_clip(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"no model")
    whisper = transcriber_of(tmp_path)
    clips = [silence(1) for _ in range(3)]
    remembered = [weakref.ref(clip) for clip in clips]
    while clips:
        with pytest.raises(EngineFailed, match="cannot load the Whisper model"):
            whisper.transcribe(clips.pop(), TranscriptionOptions())
    whisper.close()
    gc.collect()
    assert [clip() for clip in remembered] == [None] * 3
    assert whisper.state == "failed"


def test_the_log_says_once_that_the_model_that_ships_is_not_for_people(
    say: Say, caplog: pytest.LogCaptureFixture
) -> None:
    transcriber = transcriber_of(MODEL)
    for _ in range(2):
        transcriber.transcribe(say(ORDER), TranscriptionOptions())
    transcriber.close()
    (message,) = [
        record.message for record in caplog.records if record.name == "mockserver.engines.whisper.transcriber"
    ]
    assert "not people" in message
    assert "mockserver models pull tiny" in message


def test_a_model_without_its_tokenizer_is_not_looked_for_in_the_network(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(embedded_model(), tmp_path / "mine"))
    (folder / "tokenizer.json").unlink()
    transcriber = transcriber_of(folder)
    transcriber.wait()
    assert (transcriber.state, transcriber.error) == (
        "failed",
        f"cannot load the Whisper model {folder}: tokenizer.json is missing. Download or convert the model again",
    )
    transcriber.close()


def a_copy(folder: Path) -> Path:
    return Path(shutil.copytree(MODEL, folder / "renamed"))


def a_link(folder: Path) -> Path:
    link = folder / "linked"
    link.symlink_to(MODEL, target_is_directory=True)
    return link


def a_relative_path(_: Path) -> Path:
    return Path(os.path.relpath(MODEL))


no_links = pytest.mark.skipif(sys.platform == "win32", reason="making links needs privileges there")
SAME_MODEL = [a_copy, pytest.param(a_link, marks=no_links), a_relative_path]


@pytest.mark.parametrize("placed", SAME_MODEL)
def test_the_model_that_ships_is_marked_wherever_it_lies(
    say: Say, tmp_path: Path, caplog: pytest.LogCaptureFixture, placed: Callable[[Path], Path]
) -> None:
    transcriber = transcriber_of(placed(tmp_path))
    answer = transcriber.transcribe(say(ORDER), TranscriptionOptions())
    assert (text_of(answer), str(answer.answered_by)) == (ORDER, "whisper; model=embedded")
    transcriber.close()
    assert "The embedded Whisper has answered." in caplog.text
