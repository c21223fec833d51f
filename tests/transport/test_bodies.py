"""Request bodies are read whole and within bounds of memory and time."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from queue import SimpleQueue

import pytest
from werkzeug.test import create_environ

from mockserver.errors import ApiError
from mockserver.transport.bodies import (
    LARGE,
    BodyMemory,
    BodyReader,
    ClientGone,
    Readable,
    announced_length,
    drain,
)
from tests.waiting import eventually


class Breaking(io.BytesIO):
    """A stream that fails once it is empty."""

    def __init__(self, data: bytes, error: Exception) -> None:
        super().__init__(data)
        self._error = error

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(size)
        if not piece:
            raise self._error
        return piece


def read(stream: Readable, length: int | None, limit: int = 100) -> bytes:
    bodies = BodyReader(limit, timeout=10)
    with bodies.slot() as slot:
        return bodies.read(stream, length, slot)


def test_a_body_is_read_to_its_length_and_not_beyond() -> None:
    stream = io.BytesIO(b"first body|next request")
    assert read(stream, 10) == b"first body"
    assert stream.read() == b"|next request"


def test_no_length_is_no_body() -> None:
    assert read(io.BytesIO(b"next request"), 0) == b""


def test_a_chunked_body_is_read_to_its_end() -> None:
    assert read(io.BytesIO(b"x" * 200_000), None, limit=1 << 20) == b"x" * 200_000


@pytest.mark.parametrize("length", [100, None])
def test_a_body_of_just_the_limit_is_read(length: int | None) -> None:
    assert read(io.BytesIO(bytes(100)), length) == bytes(100)


@pytest.mark.parametrize("length", [101, None])
def test_a_body_over_the_limit_is_skipped_and_refused(length: int | None) -> None:
    stream = io.BytesIO(bytes(101))
    with pytest.raises(ApiError) as refusal:
        read(stream, length)
    assert refusal.value.name == "body_too_large"
    assert refusal.value.values == {"limit": 100, "read": 101}
    assert stream.read() == b""


def test_a_body_that_ends_early_has_nobody_to_answer() -> None:
    with pytest.raises(ClientGone, match=r"^5 of 10 bytes arrived$"):
        read(io.BytesIO(b"first"), 10)


@pytest.mark.parametrize(
    "error", [ValueError("no size"), OSError("invalid chunk"), TimeoutError("timed out")]
)
def test_a_chunked_body_that_breaks_has_nobody_to_answer(error: Exception) -> None:
    with pytest.raises(ClientGone, match=str(error)):
        read(Breaking(b"first", error), None)


def test_draining_says_how_much_there_was() -> None:
    assert drain(io.BytesIO(bytes(200_000)), 1 << 20) == 200_000


def test_draining_goes_no_further_than_it_must() -> None:
    stream = io.BytesIO(bytes(1 << 20))
    assert drain(stream, 100_000) == 100_000
    assert stream.tell() == 100_000


def test_draining_ends_where_the_client_stops() -> None:
    assert drain(Breaking(b"first", TimeoutError("timed out")), 100) == 5


class Chunks(io.BytesIO):
    """A stream of 3 MiB that asks, before each piece, whether its reader may continue."""

    def __init__(self, *, allowed: int) -> None:
        super().__init__(bytes(3 << 20))
        self._allowed = allowed

    def read(self, size: int | None = -1, /) -> bytes:
        assert self.tell() <= self._allowed, "a chunked body was read on without a slot"
        return super().read(size)


@pytest.mark.parametrize("length", [1 << 21, None])
def test_only_some_large_bodies_are_held_at_once(length: int | None) -> None:
    bodies = BodyReader(1 << 21, timeout=10, memory=16 << 21)
    reading, release = threading.Semaphore(0), threading.Event()

    def hold() -> None:
        with bodies.slot() as slot:
            bodies.read(io.BytesIO(bytes(1 << 21)), length, slot)
            reading.release()
            release.wait(10)

    threads = [threading.Thread(target=hold) for _ in range(17)]
    for thread in threads:
        thread.start()
    assert all(reading.acquire(timeout=10) for _ in range(16))
    assert not reading.acquire(blocking=False)
    release.set()
    for thread in threads:
        thread.join(10)
    assert reading.acquire(blocking=False)


@pytest.fixture
def full() -> Iterator[BodyReader]:
    """Yield a reader whose memory for large bodies is used up and that does not wait for any."""
    bodies = BodyReader(1 << 30, timeout=0, memory=8 << 20)
    with bodies.slot() as held:
        held.take(8 << 20)
        yield bodies


def test_a_request_that_waits_too_long_for_memory_is_refused(full: BodyReader) -> None:
    with full.slot() as another, pytest.raises(ApiError) as refusal:
        full.read(io.BytesIO(bytes(LARGE + 1)), LARGE + 1, another)
    assert refusal.value.name == "overloaded"
    with full.slot() as another, pytest.raises(ApiError, match=r"^overloaded$"):
        full.read(Chunks(allowed=LARGE + (1 << 16)), None, another)


def test_small_bodies_need_no_slot(full: BodyReader) -> None:
    for length in (0, LARGE, None):
        with full.slot() as another:
            body = full.read(io.BytesIO(bytes(LARGE)), length, another)
        assert body == bytes(LARGE if length != 0 else 0)


def test_memory_can_be_given_back_early_and_only_once() -> None:
    bodies = BodyReader(1 << 30, timeout=0, memory=8 << 20)
    with bodies.slot() as slot:
        slot.take(8 << 20)
        slot.take(8 << 20)
        slot.release()
    with bodies.slot() as first, bodies.slot() as second:
        first.take(8 << 20)
        with pytest.raises(ApiError):
            second.take(LARGE + 1)


def test_a_body_beyond_the_memory_of_all_is_read_alone() -> None:
    bodies = BodyReader(1 << 30, timeout=0, memory=LARGE + 1)
    with bodies.slot() as slot:
        assert len(bodies.read(io.BytesIO(bytes(3 << 20)), 3 << 20, slot)) == 3 << 20


def test_a_body_takes_memory_for_all_copies_of_it() -> None:
    bodies = BodyReader(1 << 30, timeout=0, memory=8 << 20)
    with bodies.slot() as first, bodies.slot() as second:
        bodies.read(io.BytesIO(bytes(3 << 20)), 3 << 20, first, copies=2)
        with pytest.raises(ApiError, match=r"^overloaded$"):
            bodies.read(io.BytesIO(bytes(3 << 20)), 3 << 20, second)
        first.release()
        assert len(bodies.read(io.BytesIO(bytes(3 << 20)), 3 << 20, second)) == 3 << 20


def test_the_first_request_gets_memory_first() -> None:
    memory, given = BodyMemory(10), SimpleQueue[str]()

    def wait_for(size: int, name: str) -> None:
        assert memory.take(size, timeout=10)
        given.put(name)

    assert memory.take(10, timeout=0)
    large = threading.Thread(target=wait_for, args=(9, "large"))
    large.start()
    assert eventually(lambda: memory.waiting)
    small = threading.Thread(target=wait_for, args=(1, "small"))
    small.start()
    assert eventually(lambda: memory.waiting == 2)
    memory.give_back(5)  # enough for the small one, which arrived later
    memory.give_back(4)
    assert given.get(timeout=10) == "large"
    memory.give_back(1)
    assert given.get(timeout=10) == "small"
    large.join()
    small.join()


@pytest.mark.parametrize(
    ("headers", "length"),
    [
        ({}, 0),
        ({"CONTENT_LENGTH": "7"}, 7),
        ({"CONTENT_LENGTH": "seven"}, 0),
        ({"HTTP_TRANSFER_ENCODING": "Chunked"}, None),
        ({"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": "7"}, None),
    ],
)
def test_the_headers_announce_the_length(headers: dict[str, str], length: int | None) -> None:
    assert announced_length(create_environ() | headers) == length


def test_draining_a_body_of_unknown_length_reads_it_to_its_end() -> None:
    stream = io.BytesIO(bytes(1 << 20))
    assert drain(stream) == 1 << 20
