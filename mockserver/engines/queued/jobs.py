"""Jobs of transcription in Redis: the audio, what is transcribed of it so far, and the workers that live.

A job can be made by a second worker if the first one dies: results are numbered, so that the reader takes each once.
A job exists as long as its audio does, which its reader keeps: without one, Redis forgets it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from mockserver.engines.answered_by import AnsweredBy  # noqa: TC001 - msgspec reads the types
from mockserver.engines.transcription import EngineFailed, Segment, TranscriptionOptions
from mockserver.state.disk import StateFailed

if TYPE_CHECKING:
    from mockserver.audio.content import Content
    from mockserver.state.redis.server import RedisServer

QUEUE = "whisper"
ACTOR = "transcribe"

_CHUNK = 1 << 20  # bytes of audio in a field of the hash
_KEPT_SECONDS = 300  # after the last look of its reader, Redis forgets a job
_RESULTS_SECONDS = 3600
_ALIVE_SECONDS = 6.0  # since the last sign of life


class Job(Struct, frozen=True):
    """A clip to transcribe: its ``name``, its audio in ``chunks``, and the most seconds that are decoded of it."""

    id: str
    name: str
    chunks: int
    max_seconds: float
    options: TranscriptionOptions


class Begun(Struct, frozen=True, tag="begun"):
    """The beginning of a transcription: who answers, the duration in seconds, and the languages."""

    answered_by: AnsweredBy
    duration: float
    languages: tuple[str, ...]


class Found(Struct, frozen=True, tag="segment"):
    """A segment."""

    segment: Segment


class Ended(Struct, frozen=True, tag="ended"):
    """The end: ``error`` is the kind of an error with its ``arguments``, empty if there was none."""

    error: str = ""
    arguments: tuple[Any, ...] = ()


Result = Begun | Found | Ended

_decoder = msgspec.json.Decoder(tuple[int, Result])


class Jobs:
    """The jobs of all servers and workers with a store. Every method raises ``StateFailed``."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._workers = server.key(QUEUE, "workers")

    def put(self, content: Content, name: str, max_seconds: float, options: TranscriptionOptions) -> Job:
        """Store the audio of a new job."""
        job_id = uuid.uuid4().hex
        audio = self._key(job_id, "audio")
        chunks = 0
        with content.open() as file:
            while (chunk := file.read(_CHUNK)) or not chunks:
                self._server.call("HSET", audio, chunks, bytes(chunk))
                self._server.call("EXPIRE", audio, _KEPT_SECONDS)
                chunks += 1
        return Job(job_id, name, chunks, max_seconds, options)

    def audio(self, job: Job) -> bytes | None:
        """Return the audio of a job; ``None`` if it is dropped or forgotten."""
        key = self._key(job.id, "audio")
        chunks = [self._server.call("HGET", key, number) for number in range(job.chunks)]
        return None if None in chunks else b"".join(chunks)

    def waiting(self) -> int:
        """Return the number of jobs that no worker has begun."""
        return int(self._server.call("LLEN", f"{namespace_of(self._server)}:{QUEUE}"))

    def add(self, job_id: str, number: int, result: Result) -> None:
        """Append the result with this number; the first has 0."""
        results = self._key(job_id, "results")
        self._server.call("XADD", results, "*", "result", msgspec.json.encode((number, result)))
        self._server.call("EXPIRE", results, _RESULTS_SECONDS)

    def after(self, job_id: str, last: str, seconds: float) -> tuple[str, int, Result] | None:
        """Return the result after the place ``last``, with its place and number; ``None`` if none comes in ``seconds``.

        The first one is after ``0``.
        """
        found = self._server.call(
            *("XREAD", "COUNT", 1, "BLOCK", round(seconds * 1000)),
            *("STREAMS", self._key(job_id, "results"), last),
            seconds=seconds + self._server.address.timeout,
        )
        if not found:
            return None
        [[_, [[place, [_, value]]]]] = found
        return (place.decode(), *_decoder.decode(value))

    def keep(self, job_id: str) -> bool:
        """Keep a job for some minutes more. Return whether it exists."""
        return bool(self._server.call("EXPIRE", self._key(job_id, "audio"), _KEPT_SECONDS))

    def drop(self, job_id: str) -> None:
        """Forget a job that nobody needs any more. If the store cannot be reached, it forgets it later by itself."""
        with suppress(StateFailed):
            self._server.call("DEL", self._key(job_id, "audio"), self._key(job_id, "results"))

    def exists(self, job_id: str) -> bool:
        """Return whether somebody needs a job."""
        return bool(self._server.call("EXISTS", self._key(job_id, "audio")))

    def sign_of_life(self, worker: str, now: float) -> None:
        """Note that a worker lives, at the real time ``now`` in seconds since 1970."""
        self._server.call("ZADD", self._workers, f"{now:.3f}", worker)
        self._server.call("ZREMRANGEBYSCORE", self._workers, "-inf", f"({now - 10 * _ALIVE_SECONDS:.3f}")

    def leave(self, worker: str) -> None:
        """Note that a worker ends."""
        self._server.call("ZREM", self._workers, worker)

    def workers(self, now: float) -> int:
        """Return the number of workers that live."""
        return int(self._server.call("ZCOUNT", self._workers, f"{now - _ALIVE_SECONDS:.3f}", "+inf"))

    def _key(self, job_id: str, part: str) -> str:
        return self._server.key(QUEUE, job_id, part)


def results_of(jobs: Jobs, job_id: str, seconds: float) -> Iterator[Result | None]:
    """Yield the results of a job in order, each once; ``None`` when none has come for ``seconds``.

    Raises ``EngineFailed`` if Redis has forgotten the job, and ``StateFailed``.
    """
    expected, last = 0, "0"
    while True:
        found = jobs.after(job_id, last, seconds)
        if found is None:
            if not jobs.keep(job_id):
                raise EngineFailed("the store has lost the transcription. Send the request again")
            yield None
            continue
        last, number, result = found
        if number == expected:
            expected += 1
            yield result


def namespace_of(server: RedisServer) -> str:
    """Return what the keys of the queue begin with."""
    return server.key("dramatiq")
