"""Transcribes with a local Whisper model, run by faster-whisper.

All requests share one model. It is loaded in the background; then one thread per clip transcribes it window by window,
in turns with other clips, and queues each segment as soon as it is decoded. A slow reader does not delay other clips.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
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

_LOOK = 0.25  # seconds between checks whether the segments are still needed


class Model(Protocol):
    """A loaded Whisper model (see ``recogniser.Recogniser``)."""

    def transcribe(
        self, samples: Samples, seconds: float, options: TranscriptionOptions, pause: Pause
    ) -> tuple[str, Iterator[Segment]]:
        """Return the language spoken in about ``seconds`` of audio, and an iterator that decodes the segments.

        ``pause`` is called before each window.
        """
        ...


class WhisperTranscriber:
    """A ``Listener`` that uses the Whisper model in the folder ``model``, which ``load`` loads.

    ``is_embedded`` is true for the embedded model, which understands the server's own voices, not people.
    ``num_workers`` clips are transcribed at a time, one window per turn (see ``Turns``); at most ``queue_size`` more
    may wait, and all clips together may have ``queue_seconds`` left to be transcribed.
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
        self._jobs: dict[threading.Thread, _Job] = {}
        self._started = self._warned = self._closed = False
        self._lock = threading.Lock()

    def is_in(self, folder: Path) -> bool:
        """Return whether the model is the one in ``folder``."""
        return Path(self._folder) == folder

    @property
    def state(self) -> Literal["loading", "ready", "failed"]:
        """Return the state of the model; the reason of ``failed`` is in ``error``."""
        if not self._model.done():
            return "loading"
        return "failed" if self._model.exception() else "ready"

    @property
    def error(self) -> str:
        """Return why loading failed; empty if it did not."""
        return str(self._model.exception()) if self.state == "failed" else ""

    def describe(self) -> dict[str, str]:
        """Return the engine, its model and its state, for people."""
        return {"engine": "whisper", "model": self.model_name, "state": self.state, "error": self.error}

    def start(self) -> None:
        """Begin to load the model, in the background. Further calls do nothing."""
        with self._lock:
            if not self._started and not self._closed:
                self._started = True
                # A thread that returns from CTranslate2 after the interpreter has ended aborts the process.
                atexit.register(self.close)
                self._loader.start()

    def wait(self) -> None:
        """Start loading, and wait until it ends or fails."""
        self.start()
        self._model.exception()

    def close(self) -> None:
        """End the threads and wait for their end. Unfinished clips fail with ``EngineFailed``."""
        with self._lock:
            self._closed = True
            jobs = dict(self._jobs)
        for job in jobs.values():
            job.drop()
        for thread in [self._loader, *jobs] if self._started else []:
            thread.join()
        atexit.unregister(self.close)

    def transcribe(
        self, clip: Clip, options: TranscriptionOptions, look: Look = lambda: None
    ) -> Transcription:
        """Return the transcription once its first segment is decoded; the others are decoded while they are read.

        While the clip waits for its turns, it stays encoded; its samples are decoded window by window. ``look`` is
        called several times a second while a segment is awaited. If it raises, or if the iterator of the segments is
        closed or collected, the job ends. Silence has no segments, and therefore no language.
        Raises ``UndecodableAudio``, ``AudioTooLong``, ``EngineBusy`` and ``EngineFailed``.
        """
        self.start()
        if self.error:
            raise EngineFailed(self.error)
        segments = _Segments(job := self._begin(clip, options), look)
        languages = (job.language,) if segments.begin() else ()
        self._warn_if_embedded()
        answered_by = AnsweredBy("whisper").with_detail("model", self.model_name)
        return Transcription(answered_by, clip.duration, languages, segments)

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
                self._jobs[thread] = job
        except RuntimeError as error:  # the process can start no more threads
            self._turns.leave(job.turn)
            raise EngineFailed(f"Whisper cannot take another clip: {error}") from error
        except BaseException:
            self._turns.leave(job.turn)
            raise
        return job

    def _warn_if_embedded(self) -> None:
        """Log once that the embedded model does not understand people."""
        if not self.is_embedded:
            return
        with self._lock:
            first, self._warned = not self._warned, True
        if first:
            log.warning(
                "The embedded Whisper has answered. It understands the voices of this server, not people. To "
                "transcribe people, download a model with `mockserver models pull tiny`, or name one with "
                "--whisper-model FOLDER."
            )

    def _load(self) -> None:
        try:
            model = self._load_model()
        except Exception as error:  # noqa: BLE001 - the server works without the model, whatever is wrong with it.
            reason = f"cannot load the Whisper model {self._folder}: {broken_part(error) or error}"
            log.error("%s. Unknown audio is refused with a 503.", reason)
            self._model.set_exception(EngineFailed(reason))
        else:
            self._model.set_result(model)

    def _work(self, job: _Job) -> None:
        """Transcribe a clip. Then signal its reader the end, or the error."""
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
            self._jobs.pop(threading.current_thread(), None)
        job.decoded.put(error)


class _Job:
    """A clip that is being transcribed. ``decoded`` holds its segments, then ``None`` or the error."""

    def __init__(self, clip: Clip, options: TranscriptionOptions, turns: Turns, turn: Turn) -> None:
        self.clip = clip
        self.options = options
        self.turn = turn
        self.language = ""
        self.decoded: SimpleQueue[Segment | Exception | None] = SimpleQueue()
        self._turns = turns

    def run(self, model: Model) -> None:
        """Transcribe the whole clip. Raises ``_Dropped`` if it gets no further turn."""
        clip = self.clip
        language, segments = model.transcribe(
            clip.samples(), clip.duration, self.options, self._wait_for_turn
        )
        for segment in segments:
            self._turns.end(self.turn)  # the next segment may be of the same window, without another turn
            self.language = language
            self.decoded.put(segment)

    def _wait_for_turn(self, left: float) -> None:
        if not self._turns.take(self.turn, left):
            raise _Dropped

    def drop(self) -> None:
        """End the job after the current window."""
        self._turns.drop(self.turn)


class _Dropped(Exception):
    """The rest of a clip is not to be transcribed."""


class _Segments(Iterator[Segment]):
    """The segments of a job. The job has no reference to it, so that it can be collected, which drops the job."""

    def __init__(self, job: _Job, look: Look) -> None:
        self._job = job
        self._look = look
        self._look_at = time.monotonic() + _LOOK
        self._closed = False
        self._first: Segment | None = None

    def begin(self) -> bool:
        """Wait for the first segment. Return whether there is one. Raises what reading raises."""
        self._first = next(self, None)
        return self._first is not None

    def __next__(self) -> Segment:
        if self._closed:
            raise StopIteration
        segment, self._first = self._first or self._await(), None
        if isinstance(segment, Segment):
            return segment
        self.close()
        raise segment or StopIteration

    def _await(self) -> Segment | Exception | None:
        while True:
            if time.monotonic() >= self._look_at:  # also where segments follow each other faster
                self._check_if_needed()
            try:
                return self._job.decoded.get(timeout=_LOOK)
            except Empty:
                continue

    def _check_if_needed(self) -> None:
        self._look_at = time.monotonic() + _LOOK
        try:
            self._look()
        except Exception:
            log.debug("the transcription of %s is no longer needed", self._job.clip.name)
            self.close()
            raise

    def close(self) -> None:
        """End the job."""
        self._closed = True
        self._job.drop()

    def __del__(self) -> None:
        self.close()


def _loaded(model: Future[Model]) -> Model:
    """Return the model. Raises a new error each time: the traceback of one error would grow and keep clips alive."""
    if error := model.exception():
        raise EngineFailed(str(error))
    return model.result()
