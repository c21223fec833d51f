"""Listens for real: the ``Transcriber`` on a local Whisper model, run by faster-whisper.

One model serves everyone. It loads in the background; then ``num_workers`` threads take the clips first come,
first served, and pass on each segment as soon as it is decoded. A slow reader keeps no worker waiting.
"""

from __future__ import annotations

import atexit
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Literal

from mockserver.engines.transcription import EngineBusy, EngineFailed, Segment, Transcription, Word
from mockserver.engines.whisper_models import check_complete, display_name, is_embedded
from mockserver.installation import broken_part

if TYPE_CHECKING:
    import numpy as np
    from faster_whisper import WhisperModel
    from numpy.typing import NDArray

    from mockserver.audio.clip import Clip
    from mockserver.engines.transcription import TranscriptionOptions, VadOptions


log = logging.getLogger(__name__)

_VOCABULARY = 51_864  # tokens of OpenAI's smallest vocabulary, at least


class WhisperTranscriber:
    """Transcribes with the Whisper model in the folder ``model`` (CTranslate2 format; see ``whisper_models``).

    ``is_embedded`` is whether it is the one that ships, which understands the server's own voices, not people.

    ``device``, ``compute_type``, ``cpu_threads`` (per worker) and ``beam_size`` are faster-whisper's.
    ``vad_filter`` leaves out silence even when a request does not ask for it. ``temperature_fallback`` decodes a
    poor result again with random samples, as Whisper does, at the price of answers that differ from one time to
    the next. ``num_workers`` clips are heard at a time; at most ``queue_size`` more may wait.
    """

    def __init__(
        self,
        model: str,
        *,
        device: str = "auto",
        compute_type: str = "default",
        cpu_threads: int = 0,
        num_workers: int = 1,
        beam_size: int = 5,
        vad_filter: bool = False,
        temperature_fallback: bool = False,
        queue_size: int = 32,
    ) -> None:
        self.model_name = display_name(Path(model))
        self.is_embedded = is_embedded(Path(model))
        self._folder = model
        self._model_settings: dict[str, Any] = {
            "device": device,
            "compute_type": compute_type,
            "cpu_threads": cpu_threads,
            "num_workers": num_workers,
        }
        self._search: dict[str, Any] = {"beam_size": beam_size, "vad_filter": vad_filter}
        if not temperature_fallback:
            self._search["temperature"] = 0.0
        self._places = threading.Semaphore(num_workers + queue_size)
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._model: Future[WhisperModel] = Future()
        self._threads = [
            threading.Thread(target=target, name=f"whisper-{number}", daemon=True)
            for number, target in enumerate([self._load, *[self._work] * num_workers])
        ]
        self._started = self._said_so = False
        self._closed = threading.Event()
        self._lock = threading.Lock()

    def is_in(self, folder: Path) -> bool:
        """Return whether the model is the one in ``folder``."""
        return Path(self._folder) == folder

    @property
    def state(self) -> Literal["loading", "ready", "failed"]:
        """How far the model is; ``failed`` explains itself in ``error``."""
        if not self._model.done():
            return "loading"
        return "failed" if self._model.exception() else "ready"

    @property
    def error(self) -> str:
        """Why loading failed; empty when it did not."""
        return str(self._model.exception()) if self.state == "failed" else ""

    def describe(self) -> dict[str, str]:
        """The engine, its model and how it does, for people."""
        return {"engine": "whisper", "model": self.model_name, "state": self.state, "error": self.error}

    def start(self) -> None:
        """Begins to load the model, in the background. Further calls do nothing."""
        with self._lock:
            if not self._started and not self._closed.is_set():
                self._started = True
                # A thread that comes back from CTranslate2 to an interpreter that is gone aborts the process.
                atexit.register(self.close)
                for thread in self._threads:
                    thread.start()

    def wait(self) -> None:
        """Starts, and waits until the model is loaded or has failed to."""
        self.start()
        self._model.exception()

    def close(self) -> None:
        """Ends the threads; clips still being heard or waiting fail with ``EngineFailed``. Waits for it."""
        with self._lock:
            self._closed.set()
            threads = self._threads if self._started else []
        for _ in threads:
            self._jobs.put(None)
        for thread in threads:
            thread.join()
        atexit.unregister(self.close)

    def transcribe(self, clip: Clip, options: TranscriptionOptions) -> Transcription:
        """What is said in ``clip``: returns with the first segment, others are decoded while they are read.

        The clip waits for its turn as the file it is; its samples are made when a worker takes it. Closing or
        dropping the segments' iterator ends the work on them. Silence has no segments, and so no language.
        Raises ``UndecodableAudio``, ``AudioTooLong``, ``EngineBusy`` and ``EngineFailed``.
        """
        job = _Job(clip, options)
        self.start()
        if self.error:
            raise EngineFailed(self.error)
        if not self._places.acquire(blocking=False):
            raise EngineBusy("too many transcriptions are waiting for Whisper")
        with self._lock:
            if self._closed.is_set():
                raise EngineFailed("Whisper was shut down")
            self._jobs.put(job)
        languages = job.languages.result()
        self._say_what_it_understands()
        return Transcription(f"whisper; model={self.model_name}", clip.duration, languages, _Hearing(job))

    def _say_what_it_understands(self) -> None:
        """Logs, once, that the embedded model is no recogniser of people."""
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
            check_complete(Path(self._folder))
            import ctranslate2
            from faster_whisper import WhisperModel

            ctranslate2.set_log_level(40)  # errors only: it would tell of every conversion of number formats.
            model = WhisperModel(self._folder, local_files_only=True, **self._model_settings)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a model, the server runs on without it.
            reason = f"cannot load the Whisper model {self._folder}: {broken_part(error) or error}"
            log.error("%s. Audio that nobody else knows is refused with a 503.", reason)
            self._model.set_exception(EngineFailed(reason))
        else:
            self._model.set_result(model)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            error = job.run(self._model, self._search, self._closed)
            self._places.release()
            job.end(error)
            del job, error  # Else the clip would stay in memory until the next one comes.


@dataclass(slots=True)
class _Job:
    """A clip on its way through a worker, and what the worker has heard of it so far."""

    clip: Clip
    options: TranscriptionOptions
    languages: Future[tuple[str, ...]] = field(default_factory=Future)
    segments: SimpleQueue[Segment | Exception | None] = field(default_factory=SimpleQueue)
    abandoned: threading.Event = field(default_factory=threading.Event)

    def run(
        self, model: Future[WhisperModel], search: dict[str, Any], closed: threading.Event
    ) -> Exception | None:
        """Hears the clip to its end, or until nobody listens any more. Returns what went wrong, if it did."""
        try:
            language, segments = _hear(_loaded(model), self.clip.samples, self.options, search)
            for segment in segments:
                if closed.is_set():
                    return EngineFailed("Whisper was shut down")
                if self.abandoned.is_set():
                    return None
                if not self.languages.done():
                    self.languages.set_result((language,))
                self.segments.put(segment)
        except Exception as error:  # noqa: BLE001 - it is raised again in the thread that reads the segments.
            return error
        return None

    def end(self, error: Exception | None) -> None:
        """Tells the reader that nothing more comes, and why if that is an error."""
        if self.languages.done():
            self.segments.put(error)
        elif error:
            self.languages.set_exception(error)
        else:
            self.languages.set_result(())
            self.segments.put(None)


class _Hearing(Iterator[Segment]):
    """Reads a job's segments. The job does not know it: dropped, it is collected and the job abandoned."""

    def __init__(self, job: _Job) -> None:
        self._job = job

    def __next__(self) -> Segment:
        if self._job.abandoned.is_set():
            raise StopIteration
        segment = self._job.segments.get()
        if isinstance(segment, Segment):
            return segment
        self.close()
        raise segment or StopIteration

    def close(self) -> None:
        """Ends the work."""
        self._job.abandoned.set()

    def __del__(self) -> None:
        self.close()


def _loaded(model: Future[WhisperModel]) -> WhisperModel:
    """The model. Its error is raised anew each time: a traceback grows, and holds every clip on its way."""
    if error := model.exception():
        raise EngineFailed(str(error))
    return model.result()


def _hear(
    model: WhisperModel, samples: NDArray[np.float32], options: TranscriptionOptions, search: dict[str, Any]
) -> tuple[str, Iterator[Segment]]:
    """The language spoken, and the segments as they are decoded."""
    language, segments = _decode(model, samples, options, search, words=options.words)
    if not options.words:
        return language, segments
    first = next(segments, None)
    if first is None:  # Some small models hear nothing when they are asked for word times as well.
        return _decode(model, samples, options, search, words=False)
    return language, chain((first,), segments)


def _decode(
    model: WhisperModel,
    samples: NDArray[np.float32],
    options: TranscriptionOptions,
    search: dict[str, Any],
    *,
    words: bool,
) -> tuple[str, Iterator[Segment]]:
    arguments = dict(search)
    if options.temperature:
        arguments["temperature"] = options.temperature
    if options.vad:
        arguments |= {"vad_filter": True, "vad_parameters": _vad_parameters(options.vad)}
    segments, info = model.transcribe(
        samples,
        task=options.task,
        language=_language(model, samples, options.languages),
        initial_prompt=options.prompt or None,
        hotwords=", ".join(options.keywords) or None,
        word_timestamps=words,
        **arguments,
    )
    duration = len(samples) / model.feature_extractor.sampling_rate
    language = info.language
    if options.languages and language not in options.languages and not model.model.is_multilingual:
        language = options.languages[0]  # taken at its word, as a model that knows it would
    has_ids = model.hf_tokenizer.get_vocab_size() >= _VOCABULARY
    return language, (_segment(segment, duration, has_ids=has_ids) for segment in segments)


def _vad_parameters(vad: VadOptions) -> dict[str, float]:
    return {
        "threshold": vad.threshold,
        "speech_pad_ms": vad.prefix_padding_ms,
        "min_silence_duration_ms": vad.silence_duration_ms,
    }


def _language(model: WhisperModel, samples: NDArray[np.float32], hints: tuple[str, ...]) -> str | None:
    """The likeliest of the hinted languages that the model knows; ``None`` lets it look for itself."""
    if not model.model.is_multilingual:
        return None
    known = [hint for hint in hints if model.hf_tokenizer.token_to_id(f"<|{hint}|>") is not None]
    if len(known) < 2 or len(samples) == 0:
        return known[0] if known else None
    _, _, probabilities = model.detect_language(samples)
    likelihood = dict(probabilities)
    return max(known, key=lambda language: likelihood.get(language, 0.0))


def _segment(heard: Any, duration: float, *, has_ids: bool) -> Segment:
    """Return a segment of faster-whisper as ours; its times may run a little past the end of the clip (s).

    ``has_ids``: whether the model's token ids are those of OpenAI's model, and not of a smaller vocabulary.
    """
    words = None
    if heard.words is not None:
        words = tuple(
            Word(
                word.word.strip(),
                _within(word.start, duration),
                _within(word.end, duration),
                float(word.probability),
            )
            for word in heard.words
        )
    return Segment(
        text=heard.text.strip(),
        start=_within(heard.start, duration),
        end=_within(heard.end, duration),
        words=words,
        tokens=tuple(heard.tokens) if has_ids else None,
        temperature=heard.temperature,
        avg_logprob=heard.avg_logprob,
        compression_ratio=heard.compression_ratio,
        no_speech_prob=heard.no_speech_prob,
        seek=heard.seek,
    )


def _within(time: float, duration: float) -> float:
    return round(min(float(time), duration), 3)
