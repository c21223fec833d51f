"""The other end of the queue: transcribes the jobs of servers, in the process of ``mockserver worker``."""

from __future__ import annotations

import itertools
import logging
import threading
import time
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec
from redis.exceptions import RedisError

from mockserver.audio.clip import Clip
from mockserver.audio.decode import AudioTooLong, UnusableAudio
from mockserver.engines.queued.jobs import ACTOR, QUEUE, Begun, Ended, Found, Job, Jobs
from mockserver.engines.transcription import EngineBusy, EngineUnavailable
from mockserver.state.disk import StateFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mockserver.engines.queued.jobs import Result
    from mockserver.engines.transcription import Listener
    from mockserver.state.redis.server import RedisServer

log = logging.getLogger(__name__)

_BEAT = 2.0  # seconds between two signs of life
_LOOK = 0.25  # seconds between two looks whether a job is still needed
_AGAIN = 1.0  # seconds until a job is made again that the store has interrupted
_POLL = 50  # milliseconds between two looks for a job, at most


class _Dropped(Exception):
    """Nobody needs the job any more."""


class TranscriptionWorker:
    """Takes jobs from the queue and transcribes them with ``engine``, ``threads`` at a time."""

    def __init__(self, server: RedisServer, engine: Listener, threads: int) -> None:
        import dramatiq

        from mockserver.engines.queued.broker import QueueBroker

        self._server = server
        self._jobs = Jobs(server)
        self._engine = engine
        self._id = uuid.uuid4().hex
        self._closing = threading.Event()
        self._given_up = threading.Event()
        self._broker = QueueBroker(server)
        dramatiq.actor(actor_name=ACTOR, queue_name=QUEUE, broker=self._broker)(self._transcribe)
        self._worker = dramatiq.Worker(
            self._broker, queues={QUEUE}, worker_timeout=_POLL, worker_threads=threads
        )
        self._worker.queue_prefetch = threads  # others get the rest
        self._beats = threading.Thread(target=self._beat, name="worker-beats", daemon=True)

    def start(self) -> None:
        """Begin to take jobs."""
        self._beats.start()
        self._worker.start()

    def close(self, seconds: float) -> None:
        """Take no more jobs, and finish those that were begun within ``seconds``; others make the rest again."""
        self._broker.stop_waiting()
        with suppress(RedisError):  # it could not give back what it has not begun
            self._worker.stop(timeout=int(seconds * 1000))
        self._closing.set()  # readers of the last jobs have to see that this worker lives
        self._beats.join()
        self._given_up.set()
        self._broker.forget()  # what is not finished is not acknowledged
        self._broker.close()
        self._server.close()

    def _beat(self) -> None:
        """Say that this worker lives, until it closes."""
        while True:
            try:
                self._jobs.sign_of_life(self._id, time.time())
                if self._closing.wait(_BEAT):
                    self._jobs.leave(self._id)
                    return
            except StateFailed as error:
                log.debug("the store does not know that this worker lives: %s", error)
                if self._closing.wait(_BEAT):
                    return

    def _transcribe(self, given: Any) -> None:
        """Transcribe a job and store the results; again, if the store was away. Never raises."""
        job = msgspec.convert(given, Job)
        level = logging.WARNING
        while not self._given_up.is_set():
            try:
                self._make(job)
            except _Dropped:
                log.debug("the job %s is not needed any more", job.id)
            except StateFailed as error:
                log.log(level, "A transcription is begun again when the store can be used: %s", error)
                level = logging.DEBUG  # once is enough
                self._given_up.wait(_AGAIN)
                continue
            return

    def _make(self, job: Job) -> None:
        audio = self._jobs.audio(job)
        if audio is None:
            raise _Dropped
        look = _Look(self._jobs, job.id)
        clip = Clip(audio, job.name, job.max_seconds, keep_samples=True, look=look)
        numbers = itertools.count()
        try:
            made = self._engine.transcribe(clip, job.options, look)
            begun = Begun(made.answered_by, made.duration, made.languages)
            results: Iterator[Result] = itertools.chain([begun], map(Found, made.segments), [Ended()])
            for result in results:
                self._jobs.add(job.id, next(numbers), result)
        except (_Dropped, StateFailed):
            raise
        except Exception as error:  # noqa: BLE001 - the server answers with it
            if not self._given_up.is_set():  # the engine is closed: another worker makes the job
                self._jobs.add(job.id, next(numbers), _end_of(error))


class _Look:
    """Raises ``_Dropped`` when called, if nobody needs the job any more. Asks the store a few times a second."""

    def __init__(self, jobs: Jobs, job_id: str) -> None:
        self._jobs = jobs
        self._id = job_id
        self._next = 0.0

    def __call__(self) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _LOOK
            if not self._jobs.exists(self._id):
                raise _Dropped


def _end_of(error: Exception) -> Ended:
    """Return the end of a job that failed."""
    if isinstance(error, AudioTooLong):
        return Ended("too_long", (error.max_seconds,))
    if isinstance(error, UnusableAudio):
        return Ended("undecodable", (str(error),))
    if isinstance(error, EngineBusy):
        return Ended("busy", (str(error),))
    if not isinstance(error, EngineUnavailable):
        log.exception("a transcription failed", exc_info=error)
    return Ended("failed", (str(error),))
