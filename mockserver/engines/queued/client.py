"""An engine that has other processes transcribe: ``mockserver worker``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from mockserver.audio.decode import AudioTooLong, UndecodableAudio
from mockserver.engines.queued.jobs import ACTOR, QUEUE, Begun, Ended, Found, Job, Jobs, results_of
from mockserver.engines.transcription import EngineBusy, EngineFailed, Transcription
from mockserver.state.disk import StateFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mockserver.audio.clip import Clip
    from mockserver.engines.queued.jobs import Result
    from mockserver.engines.transcription import Look, Segment, TranscriptionOptions
    from mockserver.state.redis.server import RedisServer

_LOOK = 0.25  # seconds between checks whether the segments are still needed
_NO_WORKER = (
    "no worker takes transcriptions from the queue. Start one with `mockserver worker` and the same store"
)
_FAILURES = {
    "undecodable": UndecodableAudio,
    "too_long": AudioTooLong,
    "busy": EngineBusy,
    "failed": EngineFailed,
}


class QueuedWhisper:
    """A ``Listener`` that puts clips into a queue in Redis. At most ``queue_size`` of them wait for a worker.

    It closes the connections of ``server``.
    """

    model_name = "of the workers"
    is_embedded = False

    def __init__(self, server: RedisServer, queue_size: int) -> None:
        from mockserver.engines.queued.broker import QueueBroker

        self._server = server
        self._jobs = Jobs(server)
        self._queue_size = queue_size
        self._broker = QueueBroker(server)

    def is_in(self, folder: Path) -> bool:
        """Return ``False``: no model is in this process."""
        return False

    @property
    def state(self) -> Literal["loading", "ready", "failed"]:
        """Return ``ready``, or ``failed`` while no worker lives."""
        return "failed" if self.error else "ready"

    @property
    def error(self) -> str:
        """Return why nothing can be transcribed now; empty if it can."""
        try:
            return self._missing()
        except StateFailed as error:
            return str(error)

    def describe(self) -> dict[str, str]:
        """Return the engine, its model and its state, for people."""
        return {"engine": "whisper", "model": self.model_name, "state": self.state, "error": self.error}

    def start(self) -> None:
        """Do nothing: workers start by themselves."""

    def wait(self) -> None:
        """Do nothing: workers start by themselves."""

    def close(self) -> None:
        """Close the connections of the queue."""
        self._broker.close()
        self._server.close()

    def transcribe(
        self, clip: Clip, options: TranscriptionOptions, look: Look = lambda: None
    ) -> Transcription:
        """Return the transcription once a worker has begun it; its segments are read as they come.

        If the worker dies, another begins again, and its segments continue after those that were read. ``look`` is
        called several times a second; if it raises, or the iterator of the segments is closed, the job is dropped.
        Raises ``UnusableAudio``, ``EngineBusy``, ``EngineFailed`` and ``StateFailed``.
        """
        if error := self._missing():
            raise EngineFailed(error)
        if self._jobs.waiting() > self._queue_size:  # one may be about to be begun
            raise EngineBusy("the queue of transcriptions is full")
        job = self._jobs.put(clip.content, clip.name, clip.max_seconds, options)
        results = self._results(job, look)
        try:
            self._send(job)
            begun = next(results)
        except BaseException:
            self._jobs.drop(job.id)
            raise
        assert isinstance(begun, Begun)
        return Transcription(
            begun.answered_by, begun.duration, begun.languages, _segments(self._jobs, job, results)
        )

    def _missing(self) -> str:
        """Return what is missing, if no worker lives. Raises ``StateFailed``."""
        return "" if self._jobs.workers(time.time()) else _NO_WORKER

    def _send(self, job: Job) -> None:
        from dramatiq import Message
        from redis.exceptions import RedisError

        try:
            self._broker.enqueue(Message(QUEUE, ACTOR, (msgspec.to_builtins(job),), {}, {}))
        except RedisError as error:
            self._server.fail(error)

    def _results(self, job: Job, look: Look) -> Iterator[Result]:
        """Yield the results of a job. Raises its error, what ``look`` raises, and ``EngineFailed`` without workers."""
        for result in results_of(self._jobs, job.id, _LOOK):
            if isinstance(result, Ended):
                if result.error:
                    raise _failure(result)
                return
            if result is not None:
                yield result
                continue
            look()
            if error := self._missing():
                raise EngineFailed(error)


def _segments(jobs: Jobs, job: Job, results: Iterator[Result]) -> Iterator[Segment]:
    """Yield the segments of a job, and drop it when nobody reads them any more."""
    try:
        for result in results:
            assert isinstance(result, Found)
            yield result.segment
    finally:
        jobs.drop(job.id)


def _failure(ended: Ended) -> Exception:
    kind: Any = _FAILURES[ended.error]
    failure: Exception = kind(*ended.arguments)
    return failure
