import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mockserver.audio.clip import Clip
from mockserver.audio.decode import UndecodableAudio
from mockserver.audio.encode import write_wav
from mockserver.engines.pyttsx3_speaker import Pyttsx3Speaker
from mockserver.engines.speech import SPEECH_SAMPLE_RATE, Utterance, Voice
from mockserver.engines.transcription import Segment, Transcription, TranscriptionOptions, VadOptions
from mockserver.engines.whisper import EngineBusy, EngineFailed, WhisperTranscriber, find_model, pull_model

MODELS = Path(__file__).parents[3] / "shared" / "models"
MODEL = MODELS / "whisper-micro"  # Knows fifty sentences, spoken by espeak-ng.

needs_model = pytest.mark.skipif(not MODEL.is_dir(), reason="needs the small Whisper model")

PLAIN = Voice("plain", "gmw/en-us", "", 50, 1.0)
HELLO = "Hello, this is a test."
MORNING = "Good morning, how are you today?"

Say = Callable[..., Clip]


@pytest.fixture(scope="module")
def say() -> Iterator[Say]:
    """Makes a clip in which each sentence begins at a multiple of 30 s, as Whisper's windows do."""
    speaker = Pyttsx3Speaker()

    def speak(*sentences: str) -> Clip:
        window = bytes(30 * SPEECH_SAMPLE_RATE * 2)
        spoken = [b"".join(chunk.pcm for chunk in speaker.speak(Utterance(text, PLAIN))) for text in sentences]
        pcm = b"".join(part + window[len(part) :] for part in spoken[:-1]) + spoken[-1]
        return Clip(write_wav(pcm, SPEECH_SAMPLE_RATE), "speech.wav", max_seconds=3600)

    yield speak
    speaker.close()


@pytest.fixture(scope="module")
def whisper() -> Iterator[WhisperTranscriber]:
    transcriber = WhisperTranscriber(str(MODEL), cpu_threads=1)
    yield transcriber
    transcriber.close()


@pytest.fixture
def only_one() -> Iterator[WhisperTranscriber]:
    """A transcriber that takes one clip at a time and lets nobody wait."""
    transcriber = WhisperTranscriber(str(MODEL), cpu_threads=1, queue_size=0)
    yield transcriber
    transcriber.close()


def silence(seconds: float) -> Clip:
    return Clip(write_wav(bytes(round(seconds * 16_000) * 2), 16_000), "silence.wav", max_seconds=60)


def text_of(transcription: Transcription) -> str:
    return " ".join(segment.text for segment in transcription.segments)


@needs_model
@pytest.mark.parametrize("sentence", [HELLO, MORNING, "The quick brown fox jumps over the lazy dog."])
def test_a_sentence_is_understood(whisper: WhisperTranscriber, say: Say, sentence: str) -> None:
    assert text_of(whisper.transcribe(say(sentence), TranscriptionOptions())) == sentence


@needs_model
def test_the_answer_names_engine_model_language_and_duration(whisper: WhisperTranscriber, say: Say) -> None:
    clip = say(HELLO)
    answer = whisper.transcribe(clip, TranscriptionOptions())
    assert (answer.answered_by, answer.languages) == ("whisper; model=whisper-micro", ("en",))
    assert answer.duration == clip.duration


@needs_model
def test_a_segment_tells_how_it_was_decoded(whisper: WhisperTranscriber, say: Say) -> None:
    clip = say(HELLO, MORNING)
    first, second = whisper.transcribe(clip, TranscriptionOptions()).segments
    assert 0 <= first.start < first.end < 30 <= second.start < second.end <= clip.duration
    assert (first.seek, second.seek) == (0, 3000)
    assert (first.temperature, first.words, first.speaker) == (0.0, None, None)
    assert first.tokens
    assert all(isinstance(token, int) for token in first.tokens)
    assert first.avg_logprob is not None
    assert first.avg_logprob < 0
    assert first.no_speech_prob is not None
    assert 0 <= first.no_speech_prob < 0.5
    assert first.compression_ratio is not None
    assert first.compression_ratio > 0


@needs_model
def test_words_have_times_within_the_clip(whisper: WhisperTranscriber, say: Say) -> None:
    clip = say(MORNING)
    (segment,) = whisper.transcribe(clip, TranscriptionOptions(words=True)).segments
    assert segment.words is not None
    assert " ".join(word.text for word in segment.words) == MORNING
    times = [time for word in segment.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] <= clip.duration
    assert all(word.probability is not None and 0 < word.probability <= 1 for word in segment.words)


@needs_model
def test_silence_has_no_segments_and_no_language(whisper: WhisperTranscriber) -> None:
    answer = whisper.transcribe(silence(2), TranscriptionOptions())
    assert (list(answer.segments), answer.languages, answer.duration) == ([], (), 2.0)


@needs_model
def test_voice_detection_leaves_nothing_of_silence(whisper: WhisperTranscriber) -> None:
    answer = whisper.transcribe(silence(2), TranscriptionOptions(vad=VadOptions()))
    assert (list(answer.segments), answer.languages) == ([], ())


@needs_model
def test_voice_detection_skips_the_pause_but_not_its_time(whisper: WhisperTranscriber, say: Say) -> None:
    clip = say(HELLO, MORNING)
    options = TranscriptionOptions(vad=VadOptions(threshold=0.4, prefix_padding_ms=100, silence_duration_ms=500))
    segments = list(whisper.transcribe(clip, options).segments)
    assert {segment.seek for segment in segments} == {0}  # Both sentences now fit into one window.
    assert segments[-1].end > 30


@needs_model
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
    (segment,) = whisper.transcribe(say(HELLO), options).segments
    assert (segment.text, segment.temperature) == (HELLO, 0.2)


@needs_model
def test_several_threads_share_the_model(whisper: WhisperTranscriber, say: Say) -> None:
    clips = [say(HELLO), say(MORNING)] * 4
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda clip: text_of(whisper.transcribe(clip, TranscriptionOptions())), clips))
    assert answers == [HELLO, MORNING] * 4


@needs_model
def test_clips_are_taken_in_the_order_they_came(whisper: WhisperTranscriber, say: Say) -> None:
    whisper.start()
    order: list[int] = []
    first = iter(whisper.transcribe(say(*[HELLO] * 20), TranscriptionOptions()).segments)
    next(first)
    started = threading.Semaphore(0)

    def wait_in_line(number: int, clip: Clip) -> None:
        started.release()
        whisper.transcribe(clip, TranscriptionOptions())
        order.append(number)
