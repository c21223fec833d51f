"""Transcriptions by workers: a real Redis, and the queue between two threads or processes."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from mockserver.audio.clip import Clip
from mockserver.audio.decode import AudioTooLong, UndecodableAudio
from mockserver.engines.answered_by import AnsweredBy
from mockserver.engines.queued.client import QueuedWhisper
from mockserver.engines.queued.jobs import Ended, Found, Jobs, results_of
from mockserver.engines.queued.worker import TranscriptionWorker
from mockserver.engines.transcription import (
    EngineBusy,
    EngineFailed,
    Look,
    Segment,
    Transcription,
    TranscriptionOptions,
    Word,
)
from mockserver.state.disk import StoreUnreachable
from mockserver.state.redis.opening import connect
from mockserver.state.redis.server import RedisServer
from tests.redis_process import RedisProcess, redis_process
from tests.waiting import eventually

ANSWERED_BY = AnsweredBy("whisper").with_detail("model", "tiny")
OPTIONS = TranscriptionOptions(languages=("en",), prompt="Names: Åse.", words=True)
Listen = Callable[[Clip, TranscriptionOptions, Look], Transcription]


class Engine:
    """An engine whose answer a test decides."""

    def __init__(self, listen: Listen) -> None:
        self.transcribe = listen


def segments(count: int) -> list[Segment]:
    return [
        Segment(
            f"Sentence {number}.", number, number + 1.0, words=(Word("Sentence", number, number + 0.5, 0.9),)
        )
        for number in range(count)
    ]


def answer(found: Iterator[Segment] | list[Segment]) -> Transcription:
    return Transcription(ANSWERED_BY, 3.5, ("en",), found)


@pytest.fixture
def redis(redis_server: RedisProcess) -> Iterator[RedisServer]:
    server = connect(redis_server.url())
    yield server
    server.close()


@pytest.fixture
def whisper(redis: RedisServer) -> Iterator[QueuedWhisper]:
    queued = QueuedWhisper(redis, queue_size=8)
    yield queued
    queued.close()


@contextmanager
def working(redis: RedisServer, whisper: QueuedWhisper, listen: Listen) -> Iterator[TranscriptionWorker]:
    """Run a worker with an engine, until the end of the block."""
    worker = TranscriptionWorker(redis, Engine(listen), threads=1)
    worker.start()
    assert eventually(lambda: whisper.state == "ready")
    yield worker
    worker.close(5.0)


def clip(data: bytes = b"sound") -> Clip:
    return Clip(data, "hello.wav", 60.0)


def test_a_transcription_is_that_of_the_engine(redis: RedisServer, whisper: QueuedWhisper) -> None:
    seen: list[object] = []

    def listen(heard: Clip, options: TranscriptionOptions, _: Look) -> Transcription:
        seen.extend([heard.content.read(), heard.name, heard.max_seconds, options])
        return answer(segments(3))

    with working(redis, whisper, listen):
        made = whisper.transcribe(clip(bytes(3 << 20)), OPTIONS)
        assert (made.answered_by, made.duration, made.languages) == (ANSWERED_BY, 3.5, ("en",))
        assert list(made.segments) == segments(3)
    assert seen == [bytes(3 << 20), "hello.wav", 60.0, OPTIONS]


def test_segments_are_read_while_others_are_made(redis: RedisServer, whisper: QueuedWhisper) -> None:
    is_read = threading.Event()

    def found() -> Iterator[Segment]:
        first, second = segments(2)
        yield first
        assert is_read.wait(30), "the first segment was not read while the second was made"
        yield second

    with working(redis, whisper, lambda *_: answer(found())):
        made = iter(whisper.transcribe(clip(), OPTIONS).segments)
        first = next(made)
        is_read.set()
        assert [first, *made] == segments(2)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (UndecodableAudio("no audio"), "no audio"),
        (AudioTooLong(60.0), "the audio is longer than 60 seconds"),
        (EngineFailed("out of memory"), "out of memory"),
        (EngineBusy("too many clips"), "too many clips"),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("begins", [False, True])
def test_an_error_of_the_engine_is_raised_by_the_server(
    redis: RedisServer, whisper: QueuedWhisper, error: Exception, message: str, begins: bool
) -> None:
    def failing() -> Iterator[Segment]:
        yield from segments(1)
        raise error

    def listen(*_: object) -> Transcription:
        if begins:
            return answer(failing())
        raise error

    with working(redis, whisper, listen), pytest.raises(type(error), match=message):
        list(whisper.transcribe(clip(), OPTIONS).segments)


def test_a_bug_of_the_engine_fails_one_job_only(redis: RedisServer, whisper: QueuedWhisper) -> None:
    attempts = itertools.count()

    def listen(*_: object) -> Transcription:
        if next(attempts) == 0:
            raise ZeroDivisionError("division by zero")
        return answer(segments(1))

    with working(redis, whisper, listen):
        with pytest.raises(EngineFailed, match="division by zero"):
            whisper.transcribe(clip(), OPTIONS)
        assert list(whisper.transcribe(clip(), OPTIONS).segments) == segments(1)


def test_without_a_worker_a_transcription_fails_at_once(whisper: QueuedWhisper) -> None:
    assert whisper.state == "failed"
    with pytest.raises(EngineFailed, match="Start one with `mockserver worker`"):
        whisper.transcribe(clip(), OPTIONS)


def test_a_worker_that_has_ended_is_not_waited_for(redis: RedisServer, whisper: QueuedWhisper) -> None:
    with working(redis, whisper, lambda *_: answer([])):
        pass
    assert whisper.describe()["state"] == "failed"


def test_a_worker_that_ends_finishes_what_it_has_begun(redis: RedisServer, whisper: QueuedWhisper) -> None:
    is_ending = threading.Event()

    def sign_of_life() -> object:
        return redis.call("ZRANGE", redis.key("whisper", "workers"), 0, -1, "WITHSCORES")

    def found() -> Iterator[Segment]:
        first, second = segments(2)
        yield first
        assert is_ending.wait(30)
        last = sign_of_life()
        assert eventually(lambda: sign_of_life() not in (last, []))
        yield second

    with working(redis, whisper, lambda *_: answer(found())) as worker:
        made = iter(whisper.transcribe(clip(), OPTIONS).segments)
        read = [next(made)]
        end = threading.Thread(target=worker.close, args=(30.0,))
        end.start()
        is_ending.set()
        assert [*read, *made] == segments(2)
        end.join()


@pytest.mark.parametrize("is_begun", [False, True])
def test_work_stops_when_nobody_reads_the_segments(
    redis: RedisServer, whisper: QueuedWhisper, is_begun: bool
) -> None:
    stopped = threading.Event()

    def endless(look: Look) -> Iterator[Segment]:
        yield segments(1)[0]
        waiting(look)

    def waiting(look: Look) -> None:
        try:
            while True:
                look()
        finally:
            stopped.set()

    def listen(_: Clip, __: TranscriptionOptions, look: Look) -> Transcription:
        if not is_begun:
            waiting(look)
        return answer(endless(look))

    class ClientLeft(Exception):
        """Raised by ``look``, as when a client hangs up."""

    looks = itertools.count()

    def look() -> None:
        if next(looks):
            raise ClientLeft

    with working(redis, whisper, listen):
        with pytest.raises(ClientLeft):
            list(whisper.transcribe(clip(), OPTIONS, look).segments)
        assert eventually(stopped.is_set)


def test_a_result_that_is_made_twice_is_read_once(redis: RedisServer) -> None:
    jobs = Jobs(redis)
    job = jobs.put(clip().content, "hello.wav", 60.0, OPTIONS)
    one, two = map(Found, segments(2))
    for number, result in ((0, one), (0, one), (1, two), (0, one), (1, two), (2, Ended()), (2, Ended())):
        jobs.add(job.id, number, result)
    read = itertools.takewhile(lambda result: result is not None, results_of(jobs, job.id, 0.05))
    assert list(read) == [one, two, Ended()]


def test_more_jobs_than_may_wait_are_refused(redis: RedisServer) -> None:
    begun, going_on = threading.Event(), threading.Event()

    def listen(*_: object) -> Transcription:
        begun.set()
        assert going_on.wait(60)
        return answer([])

    queued = QueuedWhisper(redis, queue_size=1)
    waiting = Jobs(redis).waiting

    def ask() -> None:
        list(queued.transcribe(clip(), OPTIONS).segments)

    with working(redis, queued, listen):
        threads = [threading.Thread(target=ask) for _ in range(3)]
        for number, thread in enumerate(threads):  # one is made, one waits, and one is about to be taken
            thread.start()
            assert eventually(begun.is_set)
            assert eventually(lambda: waiting() == number)  # noqa: B023
        with pytest.raises(EngineBusy, match="the queue of transcriptions is full"):
            queued.transcribe(clip(), OPTIONS)
        going_on.set()
        for thread in threads:
            thread.join()
        assert waiting() == 0
    queued.close()


def test_redis_forgets_the_audio_and_the_results(redis: RedisServer, whisper: QueuedWhisper) -> None:
    with working(redis, whisper, lambda *_: answer(segments(2))):
        list(whisper.transcribe(clip(), OPTIONS).segments)
        left = redis.call("KEYS", redis.key("whisper", "*"))
    assert left == [redis.key("whisper", "workers").encode()]


def test_a_job_that_redis_has_lost_fails(redis: RedisServer, whisper: QueuedWhisper) -> None:
    def losing(_: Clip, __: TranscriptionOptions, look: Look) -> Transcription:
        for name in redis.call("KEYS", redis.key("whisper", "*", "audio")):
            redis.call("DEL", name)
        while True:
            look()

    with working(redis, whisper, losing), pytest.raises(EngineFailed, match="the store has lost"):
        whisper.transcribe(clip(), OPTIONS)


@pytest.fixture
def own_redis() -> Iterator[RedisProcess]:
    with redis_process() as process:
        yield process


def test_a_redis_that_does_not_answer_is_not_waited_for(own_redis: RedisProcess) -> None:
    server = connect(own_redis.url("queue") + "&timeout=0.5")
    whisper = QueuedWhisper(server, queue_size=8)

    def stopping(*_: object) -> Transcription:
        own_redis.stop()
        return answer(segments(1))

    with working(server, whisper, stopping):
        with pytest.raises(StoreUnreachable):
            whisper.transcribe(clip(), OPTIONS)
        with pytest.raises(StoreUnreachable):
            whisper.transcribe(clip(), OPTIONS)
        assert whisper.state == "failed"
        own_redis.go_on()
        assert eventually(lambda: whisper.state == "ready")
    whisper.close()


def test_a_worker_goes_on_when_redis_was_killed(own_redis: RedisProcess) -> None:
    server, workers = connect(own_redis.url("queue")), connect(own_redis.url("queue"))
    whisper = QueuedWhisper(server, queue_size=8)
    with working(workers, whisper, lambda *_: answer(segments(2))):
        assert list(whisper.transcribe(clip(), OPTIONS).segments) == segments(2)
        own_redis.kill()
        with pytest.raises(StoreUnreachable):
            whisper.transcribe(clip(), OPTIONS)
        own_redis.start()
        assert eventually(lambda: whisper.state == "ready")
        assert list(whisper.transcribe(clip(), OPTIONS).segments) == segments(2)
    whisper.close()


def test_a_job_that_an_outage_has_interrupted_is_made_again(own_redis: RedisProcess) -> None:
    """The worker loses the store, and the server does not notice."""
    server, workers = connect(own_redis.url("queue")), connect(own_redis.url("queue"))
    whisper = QueuedWhisper(server, queue_size=8)
    attempts = itertools.count()

    def found() -> Iterator[Segment]:
        first, second = segments(2)
        yield first
        if next(attempts) == 0:
            raise StoreUnreachable("the store cannot be used")
        yield second

    with working(workers, whisper, lambda *_: answer(found())):
        assert list(whisper.transcribe(clip(), OPTIONS).segments) == segments(2)
    assert next(attempts) == 2
    whisper.close()


def test_a_worker_that_has_no_time_leaves_its_job_to_another(
    redis_server: RedisProcess,
) -> None:
    store = redis_server.url()
    whisper = QueuedWhisper(connect(store), queue_size=8)
    closed = threading.Event()

    def unfinished() -> Iterator[Segment]:
        yield segments(1)[0]
        assert closed.wait(60)
        raise EngineFailed("the engine is closed")

    def engine(found: Callable[[], Iterator[Segment]]) -> Engine:
        return Engine(lambda *_: answer(found()))

    first = TranscriptionWorker(connect(store), engine(unfinished), threads=1)
    first.start()
    assert eventually(lambda: whisper.state == "ready")
    made = iter(whisper.transcribe(clip(), OPTIONS).segments)
    read = [next(made)]
    second = TranscriptionWorker(connect(store), engine(lambda: iter(segments(2))), threads=1)
    second.start()
    first.close(0.0)
    closed.set()
    assert [*read, *made] == segments(2)
    second.close(5.0)
    whisper.close()
