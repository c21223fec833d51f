"""The queue of Whisper. The model of these tests decodes at once, or when a test permits it."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from mockserver.audio.clip import Clip
from mockserver.audio.decode import UndecodableAudio
from mockserver.audio.encode import write_wav
from mockserver.audio.samples import Samples
from mockserver.engines.transcription import (
    EngineBusy,
    EngineFailed,
    Look,
    Segment,
    Transcription,
    TranscriptionOptions,
)
from mockserver.engines.whisper.transcriber import WhisperTranscriber
from mockserver.engines.whisper.windows import Pause
from tests.waiting import clips_at_work, eventually

WINDOW = 30  # seconds
SHORT = 1  # windows


class Model:
    """A model that makes a segment of each window, named by its number, and counts the windows of each clip.

    ``on_window`` is called for each with the windows of its clip and its number: it may wait.
    """

    def __init__(self) -> None:
        self.on_window: Callable[[int, int], object] = lambda windows, number: None
        self.decoded: list[int] = []  # the windows of the clip, for each that was decoded

    def transcribe(
        self, samples: Samples, seconds: float, options: TranscriptionOptions, pause: Pause
    ) -> tuple[str, Iterator[Segment]]:
        return "en", self._segments(round(seconds / WINDOW), pause)

    def _segments(self, windows: int, pause: Pause) -> Iterator[Segment]:
        for number in range(windows):
            pause((windows - number) * WINDOW)
            self.on_window(windows, number)
            self.decoded.append(windows)
            yield Segment(str(number), number * WINDOW, (number + 1) * WINDOW)


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def whisper(model: Model, tmp_path: Path) -> Iterator[WhisperTranscriber]:
    transcriber = WhisperTranscriber(str(tmp_path), lambda: model)
    yield transcriber
    transcriber.close()


@pytest.fixture
def only_one(model: Model, tmp_path: Path) -> Iterator[WhisperTranscriber]:
    """Return a transcriber that takes one clip at a time and has no queue."""
    transcriber = WhisperTranscriber(str(tmp_path), lambda: model, queue_size=0)
    yield transcriber
    transcriber.close()


def clip(windows: int) -> Clip:
    return Clip(write_wav(bytes(windows * WINDOW * 1_000 * 2), 1_000), "clip.wav", max_seconds=3600)


def transcribe(whisper: WhisperTranscriber, windows: int, look: Look = lambda: None) -> Transcription:
    return whisper.transcribe(clip(windows), TranscriptionOptions(), look)


def numbers(transcription: Transcription) -> list[int]:
    return [int(segment.text) for segment in transcription.segments]


@pytest.fixture
def held(model: Model) -> Iterator[Event]:
    """Return the event that clips of several windows wait for after their first window."""
    release = Event()
    model.on_window = lambda windows, number: number == 0 or release.wait(60)
    yield release
    release.set()


def test_a_short_clip_does_not_wait_for_the_end_of_a_long_one(
    whisper: WhisperTranscriber, model: Model
) -> None:
    is_heard = Event()

    def on_window(windows: int, number: int) -> None:
        if windows == 12:  # the long one, which does not end before the short one
            assert is_heard.wait(60 if number == 11 else 0.01) or number < 11

    model.on_window = on_window
    long = transcribe(whisper, 12)
    assert numbers(transcribe(whisper, SHORT)) == [0]
    is_heard.set()
    assert numbers(long) == list(range(12))


def test_many_short_clips_do_not_hold_up_a_long_one(whisper: WhisperTranscriber) -> None:
    is_over = Event()

    def transcribe_short_ones() -> None:
        while not is_over.is_set():
            assert numbers(transcribe(whisper, SHORT)) == [0]

    with ThreadPoolExecutor(4) as threads:
        short = [threads.submit(transcribe_short_ones) for _ in range(4)]
        try:
            assert numbers(transcribe(whisper, 4)) == [0, 1, 2, 3]
        finally:
            is_over.set()
    assert [each.result() for each in short] == [None] * 4


def test_several_workers_decode_at_the_same_time(model: Model, tmp_path: Path) -> None:
    together = threading.Barrier(3, timeout=60)
    model.on_window = lambda windows, number: together.wait()
    whisper = WhisperTranscriber(str(tmp_path), lambda: model, num_workers=3)
    with ThreadPoolExecutor(3) as threads:
        answers = list(threads.map(lambda _: numbers(transcribe(whisper, 2)), range(3)))
    assert answers == [[0, 1]] * 3
    whisper.close()


def test_the_first_segment_comes_while_the_rest_is_still_being_decoded(
    only_one: WhisperTranscriber, held: Event
) -> None:
    segments = iter(transcribe(only_one, 12).segments)
    assert next(segments).text == "0"
    with pytest.raises(EngineBusy):
        transcribe(only_one, SHORT)
    held.set()
    assert len(list(segments)) == 11


def test_who_comes_when_the_queue_is_full_is_sent_away(only_one: WhisperTranscriber, held: Event) -> None:
    answer = transcribe(only_one, 2)
    with pytest.raises(EngineBusy, match="too many transcriptions"):
        transcribe(only_one, SHORT)
    held.set()
    assert numbers(answer) == [0, 1]
    assert numbers(transcribe(only_one, SHORT)) == [0]


def test_who_comes_when_the_queue_is_full_is_sent_away_undecoded(
    only_one: WhisperTranscriber, held: Event
) -> None:
    answer = transcribe(only_one, 2)
    with pytest.raises(EngineBusy):
        only_one.transcribe(Clip(b"no audio", "clip.wav", max_seconds=60), TranscriptionOptions())
    held.set()
    assert numbers(answer) == [0, 1]


def test_a_clip_is_forgotten_when_it_was_transcribed(whisper: WhisperTranscriber) -> None:
    it = clip(SHORT)
    remembered = weakref.ref(it)
    assert numbers(whisper.transcribe(it, TranscriptionOptions())) == [0]
    del it
    assert eventually(lambda: gc.collect() >= 0 and remembered() is None)


def stop_reading(segments: Iterator[Segment]) -> None:
    segments.close()  # type: ignore[attr-defined]
    assert list(segments) == []


def never_begin(_: Iterator[Segment]) -> None:
    pass


def drop_after_the_first(segments: Iterator[Segment]) -> None:
    next(segments)


@pytest.mark.parametrize("leave", [stop_reading, never_begin, drop_after_the_first])
def test_segments_that_nobody_reads_are_not_decoded(
    whisper: WhisperTranscriber, model: Model, held: Event, leave: Callable[[Iterator[Segment]], None]
) -> None:
    leave(iter(transcribe(whisper, 20).segments))
    held.set()
    assert numbers(transcribe(whisper, SHORT)) == [0]
    assert model.decoded.count(20) <= 2, "the first, and the one that was being decoded"


def test_a_slow_reader_keeps_nobody_waiting(only_one: WhisperTranscriber) -> None:
    unread = transcribe(only_one, 2)
    assert eventually(lambda: not clips_at_work())
    assert numbers(transcribe(only_one, SHORT)) == [0]
    assert numbers(unread) == [0, 1]


class Leaving(Exception):
    """An error that stands for a client that has left."""


def leave_at_once() -> None:
    raise Leaving


def test_the_work_ends_when_its_client_has_left(
    only_one: WhisperTranscriber, model: Model, held: Event
) -> None:
    is_gone = Event()

    def look() -> None:
        if is_gone.is_set():
            raise Leaving

    answer = transcribe(only_one, 20, look)
    is_gone.set()
    with pytest.raises(Leaving):
        list(answer.segments)
    held.set()
    assert eventually(lambda: not clips_at_work())
    assert model.decoded.count(20) <= 2


def test_a_clip_whose_client_leaves_while_it_waits_is_not_transcribed(model: Model, tmp_path: Path) -> None:
    may_load = Event()

    def load() -> Model:
        assert may_load.wait(60)
        return model

    whisper = WhisperTranscriber(str(tmp_path), load)
    with pytest.raises(Leaving):
        transcribe(whisper, SHORT, leave_at_once)
    assert whisper.state == "loading"
    may_load.set()
    assert eventually(lambda: not clips_at_work())
    assert (whisper.state, model.decoded) == ("ready", [])
    whisper.close()


def test_more_seconds_than_may_wait_are_refused(model: Model, tmp_path: Path, held: Event) -> None:
    whisper = WhisperTranscriber(str(tmp_path), lambda: model, queue_seconds=100)
    alone = transcribe(whisper, 8)
    with pytest.raises(EngineBusy, match=r"\d+ seconds of audio are waiting"):
        transcribe(whisper, 8)
    held.set()
    assert numbers(alone) == list(range(8))
    assert eventually(lambda: not clips_at_work())
    assert numbers(transcribe(whisper, SHORT)) == [0]
    whisper.close()


@pytest.mark.parametrize("failure", [MemoryError(), RuntimeError("CUDA failed with error out of memory")])
def test_an_engine_that_fails_at_a_window_fails_its_clip_alone(
    whisper: WhisperTranscriber, model: Model, failure: Exception
) -> None:
    def on_window(windows: int, number: int) -> None:
        if (windows, number) == (3, 2):
            raise failure

    model.on_window = on_window
    segments = iter(transcribe(whisper, 3).segments)
    assert [next(segments).text, next(segments).text] == ["0", "1"]
    with pytest.raises(EngineFailed, match=r"Whisper cannot go on: (MemoryError|RuntimeError)"):
        next(segments)
    assert numbers(transcribe(whisper, 4)) == [0, 1, 2, 3]


def test_what_is_no_audio_takes_no_place(only_one: WhisperTranscriber) -> None:
    for _ in range(3):
        with pytest.raises(UndecodableAudio):
            only_one.transcribe(Clip(b"no audio", "clip.wav", max_seconds=60), TranscriptionOptions())
    assert numbers(transcribe(only_one, SHORT)) == [0]


def test_a_closed_transcriber_transcribes_nothing_more(
    whisper: WhisperTranscriber, model: Model, held: Event
) -> None:
    answer = transcribe(whisper, 20)
    closing = threading.Thread(target=whisper.close)
    closing.start()
    assert eventually(lambda: is_closed(whisper))
    held.set()
    with pytest.raises(EngineFailed, match="shut down"):
        list(answer.segments)
    closing.join()
    assert model.decoded.count(20) < 20


def is_closed(whisper: WhisperTranscriber) -> bool:
    try:
        transcribe(whisper, SHORT, leave_at_once)
    except EngineFailed:
        return True
    except Leaving:
        return False
    raise AssertionError("the only worker is at work")


def test_a_model_that_cannot_be_loaded_fails_every_clip_and_holds_on_to_none(tmp_path: Path) -> None:
    def load() -> Model:
        raise RuntimeError("no model")

    whisper = WhisperTranscriber(str(tmp_path), load)
    clips = [clip(SHORT) for _ in range(3)]
    remembered = [weakref.ref(each) for each in clips]
    while clips:
        with pytest.raises(EngineFailed, match=r"cannot load the Whisper model .*: no model"):
            whisper.transcribe(clips.pop(), TranscriptionOptions())
    whisper.close()
    gc.collect()
    assert [each() for each in remembered] == [None] * 3
    assert (whisper.state, whisper.describe()["error"]) == ("failed", whisper.error)
