"""Jobs of transcription in Redis: the audio, what is transcribed of it so far, and the workers that live.

A job can be made by a second worker if the first one dies: results are numbered, so that the reader takes each once.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from mockserver.engines.answered_by import AnsweredBy  # noqa: TC001 - msgspec reads the types
from mockserver.engines.transcription import Segment, TranscriptionOptions  # noqa: TC001

if TYPE_CHECKING:
    from mockserver.audio.content import Content
    from mockserver.state.redis.server import RedisServer

QUEUE = "whisper"
ACTOR = "transcribe"

_CHUNK = 1 << 20  # bytes of audio in an element of the list
_JOB_SECONDS = 3600  # after which Redis forgets a job that nobody has ended
_ENDED_SECONDS = 60
_ALIVE_SECONDS = 6.0  # since the last sign of life
_DEAD_MS = 5_000  # without a sign of life, after which another worker gets the jobs of a worker
_ALWAYS = 1_000_000  # of a million: each look for a job also looks for workers that died


class Job(Struct, frozen=True):
    """A clip to transcribe: its ``name``, and the most seconds that are decoded of it."""

    id: str
    name: str
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
        job = Job(uuid.uuid4().hex, name, max_seconds, options)
        audio = self._key(job.id, "audio")
        with content.open() as file:
            while chunk := file.read(_CHUNK):
                self._server.call("RPUSH", audio, bytes(chunk))
        self._server.call("EXPIRE", audio, _JOB_SECONDS)
        return job

    def audio(self, job_id: str) -> bytes:
        """Return the audio of a job; empty if it is forgotten."""
        return b"".join(self._server.call("LRANGE", self._key(job_id, "audio"), 0, -1))

    def add(self, job_id: str, number: int, result: Result) -> None:
        """Append the result with this number; the first has 0."""
        results = self._key(job_id, "results")
        self._server.call("RPUSH", results, msgspec.json.encode((number, result)))
        self._server.call("EXPIRE", results, _ENDED_SECONDS if isinstance(result, Ended) else _JOB_SECONDS)

    def next(self, job_id: str, seconds: float) -> tuple[int, Result] | None:
        """Return the next result with its number; ``None`` if there is none within ``seconds``."""
        key = self._key(job_id, "results")
        found = self._server.call(
            "BLPOP", key, f"{seconds:.3f}", seconds=seconds + self._server.address.timeout
        )
        return None if found is None else _decoder.decode(found[1])

    def drop(self, job_id: str) -> None:
        """Note that nobody needs a job any more, and forget its audio and results."""
        self._server.call("SET", self._key(job_id, "dropped"), "1", "EX", _JOB_SECONDS)
        self._server.call("DEL", self._key(job_id, "audio"), self._key(job_id, "results"))

    def is_dropped(self, job_id: str) -> bool:
        """Return whether nobody needs a job any more."""
        return bool(self._server.call("EXISTS", self._key(job_id, "dropped")))

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
    """Yield the results of a job in order, each once; ``None`` when none has come for ``seconds``."""
    expected = 0
    while True:
        found = jobs.next(job_id, seconds)
        if found is None:
            yield None
        elif found[0] == expected:
            expected += 1
            yield found[1]


def queue_of(server: RedisServer) -> Any:
    """Return the broker of the queue. Without middleware: it only gives the jobs of dead workers to others."""
    from dramatiq.brokers.redis import RedisBroker

    broker = RedisBroker(  # type: ignore[no-untyped-call]
        url=server.address.url,
        middleware=[],
        namespace=server.key("dramatiq"),
        heartbeat_timeout=_DEAD_MS,
        maintenance_chance=_ALWAYS,
    )
    broker.declare_queue(QUEUE)
    return broker
