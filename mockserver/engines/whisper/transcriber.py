"""Transcribes with a local Whisper model, run by faster-whisper.

One model serves everyone. It loads in the background; then a thread for each clip transcribes it window by window, in
turns with others, and passes on each segment as soon as it is decoded. A slow reader keeps nobody waiting.
"""

from __future__ import annotations

import atexit
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Literal, Protocol

from mockserver.engines.answered_by import AnsweredBy
from mockserver.engines.transcription import EngineFailed, Look, Segment, Transcription
from mockserver.engines.whisper.models import display_name, is_embedded
from mockserver.engines.whisper.turns import Turn, Turns
from mockserver.installation import broken_part

if TYPE_CHECKING:
    from mockserver.audio.clip import Clip
    from mockserver.audio.samples import Samples
    from mockserver.engines.transcription import TranscriptionOptions
    from mockserver.engines.whisper.windows import Pause

log = logging.getLogger(__name__)

_LOOK = 0.25  # seconds between looks at whether segments are still wanted


class Model(Protocol):
    """A Whisper model that was loaded (see ``recogniser.Recogniser``)."""

    def transcribe(
        self, samples: Samples, seconds: float, options: TranscriptionOptions, pause: Pause
    ) -> tuple[str, Iterator[Segment]]:
        """Return the language spoken in about ``seconds`` of sound, and the segments as they are decoded.

        ``pause`` is called before each window.
        """
        ...


class WhisperTranscriber:
    """Transcribes with the Whisper model in the folder ``model``, which ``load`` loads.

    ``is_embedded`` is whether it is the one that ships, which understands the server's own voices, not people.
    ``num_workers`` clips are transcribed at a time, a window of each in turn (see ``Turns``); at most ``queue_size``
    more may wait, and all may have ``queue_seconds`` left to be transcribed.
    """

    def __init__(
        self,
        model: str,
        load: Callable[[], Model],
        *,
        num_workers: int = 1,
        queue_size: int = 128,
        queue_seconds: float = 86_400.0,
    ) -> None:
        self.model_name = display_name(Path(model))
        self.is_embedded = is_embedded(Path(model))
        self._folder = model
        self._load_model = load
        self._turns = Turns(num_workers, queue_size, queue_seconds)
        self._model: Future[Model] = Future()
        self._loader = threading.Thread(target=self._load, name="whisper-model", daemon=True)
        self._at_work: dict[threading.Thread, _Job] = {}
        self._started = self._said_so = self._closed = False
        self._lock = threading.Lock()

    def is_in(self, folder: Path) -> bool:
        """Return whether the model is the one in ``folder``."""
        return Path(self._folder) == folder

    @property
    def state(self) -> Literal["loading", "ready", "failed"]:
        """Return how far the model is; ``failed`` explains itself in ``error``."""
        if not self._model.done():
            return "loading"
        return "failed" if self._model.exception() else "ready"

    @property
    def error(self) -> str:
        """Return why loading failed; empty when it did not."""
        return str(self._model.exception()) if self.state == "failed" else ""

    def describe(self) -> dict[str, str]:
        """Return the engine, its model and its state, for people."""
        return {"engine": "whisper", "model": self.model_name, "state": self.state, "error": self.error}

    def start(self) -> None:
        """Begin to load the model, in the background. Further calls do nothing."""
        with self._lock:
            if not self._started and not self._closed:
                self._started = True
                # A thread that comes back from CTranslate2 to an interpreter that is gone aborts the process.
                atexit.register(self.close)
                self._loader.start()

    def wait(self) -> None:
        """Start loading, and wait until it ends or fails."""
        self.start()
        self._model.exception()

    def close(self) -> None:
        """End the threads; clips at work or waiting fail with ``EngineFailed``. Waits for it."""
        with self._lock:
            self._closed = True
            at_work = dict(self._at_work)
        for job in at_work.values():
            job.drop()
        for thread in [self._loader, *at_work] if self._started else []:
            thread.join()
        atexit.unregister(self.close)

    def transcribe(
        self, clip: Clip, options: TranscriptionOptions, look: Look = lambda: None
    ) -> Transcription:
        """Return the transcription with its first segment; others are decoded while they are read.

        The clip waits for its turns as the file it is; its samples are made window by window. ``look`` is called
        several times a second while segments are waited for; what it raises ends the work on them. So does closing
        or dropping their iterator. Silence has no segments, and so no language.
        Raises ``UndecodableAudio``, ``AudioTooLong``, ``EngineBusy`` and ``EngineFailed``.
        """
        self.start()
        if self.error:
            raise EngineFailed(self.error)
        hearing = _Hearing(job := self._begin(clip, options), look)
        languages = (job.language,) if hearing.begin() else ()
        self._say_what_it_understands()
        answered_by = AnsweredBy("whisper").telling("model", self.model_name)
        return Transcription(answered_by, clip.duration, languages, hearing)

    def _begin(self, clip: Clip, options: TranscriptionOptions) -> _Job:
        """Start a thread that transcribes the clip."""
        job = _Job(clip, options, self._turns, self._turns.admit())
        thread = threading.Thread(target=self._work, args=(job,), name="whisper-clip", daemon=True)
        try:
            self._turns.expect(job.turn, clip.duration)
            with self._lock:
                if self._closed:
                    raise EngineFailed("Whisper was shut down")
                thread.start()
                self._at_work[thread] = job
        except RuntimeError as error:  # no more threads can be started
            self._turns.leave(job.turn)
            raise EngineFailed(f"Whisper cannot take another clip: {error}") from error
        except BaseException:
            self._turns.leave(job.turn)
            raise
        return job

    def _say_what_it_understands(self) -> None:
        """Log, once, that the embedded model is no recogniser of people."""
        if not self.is_embedded:
            return
        with self._lock:
            first, self._said_so = not self._said_so, True
        if first:
            log.warning(
                "The embedded Whisper has answered. It understands the voices of this server, not people: for "
                "these, `mockserver models pull tiny` downloads a model, --whisper-model FOLDER names one."
            )

    def _load(self) -> None:
        try:
            model = self._load_model()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a model, the server runs on without it.
            reason = f"cannot load the Whisper model {self._folder}: {broken_part(error) or error}"
            log.error("%s. Audio that nobody else knows is refused with a 503.", reason)
            self._model.set_exception(EngineFailed(reason))
        else:
            self._model.set_result(model)

    def _work(self, job: _Job) -> None:
        """Transcribe a clip; let its reader know that it ends, and the error if there is one."""
        error: Exception | None = None
        try:
            job.run(_loaded(self._model))
        except _Dropped:
            error = EngineFailed("Whisper was shut down") if self._closed else None
        except (MemoryError, RuntimeError) as failure:  # of CTranslate2, or of numpy
            error = EngineFailed(f"Whisper cannot go on: {failure!r}")
        except Exception as failure:  # noqa: BLE001 - it is raised again in the thread that reads the segments.
            error = failure
        self._turns.leave(job.turn)
        with self._lock:
            self._at_work.pop(threading.current_thread(), None)
        job.heard.put(error)


class _Job:
    """A clip at work, and its segments so far; then ``None``, or the error."""

    def __init__(self, clip: Clip, options: TranscriptionOptions, turns: Turns, turn: Turn) -> None:
        self.clip = clip
        self.options = options
        self.turn = turn
        self.language = ""
        self.heard: SimpleQueue[Segment | Exception | None] = SimpleQueue()
        self._turns = turns

    def run(self, model: Model) -> None:
        """Transcribe the clip to its end. Raises ``_Dropped`` once it is to get no further turn."""
        clip = self.clip
        language, segments = model.transcribe(
            clip.samples(), clip.duration, self.options, self._wait_for_turn
        )
        for segment in segments:
            self._turns.end(self.turn)  # unless there is more to do for the next one
            self.language = language
            self.heard.put(segment)

    def _wait_for_turn(self, left: float) -> None:
        if not self._turns.take(self.turn, left):
            raise _Dropped

    def drop(self) -> None:
        """End the work on it, after the window at work."""
        self._turns.drop(self.turn)


class _Dropped(Exception):
    """The rest of a clip is not to be transcribed."""


class _Hearing(Iterator[Segment]):
    """Reads a job's segments. The job does not know it: dropped, it is collected and the job dropped."""

    def __init__(self, job: _Job, look: Look) -> None:
        self._job = job
        self._look = look
        self._is_over = False
        self._first: Segment | None = None

    def begin(self) -> bool:
        """Wait for the first segment. Return whether there is one. Raises as reading does."""
        self._first = next(self, None)
        return self._first is not None

    def __next__(self) -> Segment:
        if self._is_over:
            raise StopIteration
        segment, self._first = self._first or self._await(), None
        if isinstance(segment, Segment):
            return segment
        self.close()
        raise segment or StopIteration

    def _await(self) -> Segment | Exception | None:
        while True:
            try:
                return self._job.heard.get(timeout=_LOOK)
            except Empty:
                self._look_whether_wanted()

    def _look_whether_wanted(self) -> None:
        try:
            self._look()
        except Exception:
            log.debug("nobody waits any more for what is said in %s", self._job.clip.name)
            self.close()
            raise

    def close(self) -> None:
        """End the work."""
        self._is_over = True
        self._job.drop()

    def __del__(self) -> None:
        self.close()


def _loaded(model: Future[Model]) -> Model:
    """Return the model. Raise its error anew each time: a traceback grows, and holds every clip in it."""
    if error := model.exception():
        raise EngineFailed(str(error))
    return model.result()
