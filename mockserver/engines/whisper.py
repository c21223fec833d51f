"""Listens for real: the ``Transcriber`` on a local Whisper model, run by faster-whisper.

One model serves everyone. It loads in the background; then ``num_workers`` threads take the clips first come,
first served, and pass on each segment as soon as it is decoded. A slow reader keeps no worker waiting.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from itertools import chain
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Literal

from mockserver.engines.transcription import Segment, Transcription, Word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy as np
    from faster_whisper import WhisperModel
    from numpy.typing import NDArray

    from mockserver.audio.clip import Clip
    from mockserver.engines.transcription import TranscriptionOptions

_SAMPLE_RATE = 16_000  # Hz
_PROGRESS_INTERVAL = 0.2  # seconds


class EngineBusy(Exception):
    """The queue is full; the clip was not taken."""


class EngineFailed(Exception):
    """The engine cannot work; the message says why."""


class WhisperTranscriber:
    """Transcribes with the Whisper model in the folder ``model`` (CTranslate2 format; see ``find_model``).

    ``device``, ``compute_type``, ``cpu_threads`` and ``beam_size`` are faster-whisper's. ``vad_filter`` leaves
    out silence even when a request does not ask for it. ``num_workers`` clips are heard at a time; at most
    ``queue_size`` more may wait.
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
        queue_size: int = 32,
    ) -> None:
        self.model_name = _display_name(Path(model))
        self._model = model
        self._device = device
        self._compute_type = compute_type
        self._cpu_threads = cpu_threads
        self._num_workers = num_workers
        self._settings = {"beam_size": beam_size, "vad_filter": vad_filter}
        self._places = threading.Semaphore(num_workers + queue_size)
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._starting = threading.Lock()
        self._loaded: Future[WhisperModel] = Future()

    @property
    def state(self) -> Literal["loading", "ready", "failed"]:
        """How far the model is; ``failed`` explains itself in ``error``."""
        if not self._loaded.done():
            return "loading"
        return "failed" if self._loaded.exception() else "ready"

    @property
    def error(self) -> str:
        """Why loading failed; empty when it did not."""
        error = self._loaded.exception() if self._loaded.done() else None
        return str(error or "")

    def describe(self) -> dict[str, str]:
        """What the engine is and how it does, for people."""
        return {"engine": "whisper", "model": self.model_name, "state": self.state, "error": self.error}

    def start(self) -> None:
        """Begins to load the model, in the background. Further calls do nothing."""
        with self._starting:
            if not self._threads:
                self._threads = [
                    threading.Thread(target=target, name=f"whisper-{number}", daemon=True)
                    for number, target in enumerate([self._load, *[self._work] * self._num_workers])
                ]
                for thread in self._threads:
                    thread.start()

    def close(self) -> None:
        """Ends the threads, once they have heard the clips already taken. Nothing can be transcribed afterwards."""
        with self._starting:
            for _ in self._threads:
                self._jobs.put(None)
            for thread in self._threads:
                thread.join()

    def transcribe(self, clip: Clip, options: TranscriptionOptions) -> Transcription:
        """What is said in ``clip``; returns with the first segment, further ones are decoded while they are read.

        Closing or dropping the segments' iterator ends the work on them. Silence has no segments and no language.
        Raises ``UndecodableAudio``, ``AudioTooLong``, ``EngineBusy`` and ``EngineFailed``.
        """
        samples, duration = clip.samples, clip.duration
        self.start()
        if not self._places.acquire(blocking=False):
            raise EngineBusy("too many transcriptions are waiting for Whisper")
        job = _Job(samples, options)
        self._jobs.put(job)
        languages = job.languages.result()
        return Transcription(f"whisper; model={self.model_name}", duration, languages, _Hearing(job))

    def _load(self) -> None:
        try:
            from faster_whisper import WhisperModel

            model = WhisperModel(
                self._model,
                device=self._device,
                compute_type=self._compute_type,
                cpu_threads=self._cpu_threads,
                num_workers=self._num_workers,
                local_files_only=True,
            )
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the model, the server goes on without.
            self._loaded.set_exception(EngineFailed(f"cannot load the Whisper model {self._model}: {error}"))
        else:
            self._loaded.set_result(model)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job.do(self._loaded, self._settings)
            self._places.release()
