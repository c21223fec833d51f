"""Reading request bodies: bounded, whole, and never for ever."""

from __future__ import annotations

import io
import threading

import flask
import pytest
from werkzeug.test import create_environ

from mockserver.gateway.body import LARGE, BodyReader, ClientGone, Readable, announced_length, drain
from mockserver.gateway.errors import ApiError


class Breaking(io.BytesIO):
    """A stream that breaks once it is empty."""

    def __init__(self, data: bytes, error: Exception) -> None:
        super().__init__(data)
        self._error = error

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(size)
        if not piece:
            raise self._error
        return piece


def read(stream: Readable, length: int | None, limit: int = 100) -> bytes:
    bodies = BodyReader(limit, patience=10)
    with bodies.place() as place:
        return bodies.read(stream, length, place)


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
    with pytest.raises(ClientGone, match=r"^5 of 10 bytes came$"):
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
    """A stream of 3 MiB that asks, before each piece, whether its reader may go on."""

    def __init__(self, *, allowed: int) -> None:
        super().__init__(bytes(3 << 20))
        self._allowed = allowed

    def read(self, size: int | None = -1, /) -> bytes:
        assert self.tell() <= self._allowed, "a chunked body was read on without a place"
        return super().read(size)


@pytest.mark.parametrize("length", [LARGE + 1, None])
def test_only_some_large_bodies_are_held_at_once(length: int | None) -> None:
    bodies = BodyReader(1 << 30, patience=10)
    reading, release = threading.Semaphore(0), threading.Event()

    def hold() -> None:
        with bodies.place() as place:
            bodies.read(io.BytesIO(bytes(LARGE + 1)), length, place)
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


def test_who_waits_too_long_for_a_place_is_refused() -> None:
    bodies = BodyReader(1 << 30, patience=0)
    held = [bodies.place() for _ in range(16)]
    for place in held:
        place.take()
    with bodies.place() as another, pytest.raises(ApiError) as refusal:
        bodies.read(io.BytesIO(bytes(LARGE + 1)), LARGE + 1, another)
    assert refusal.value.name == "overloaded"
    with bodies.place() as another, pytest.raises(ApiError, match=r"^overloaded$"):
        bodies.read(Chunks(allowed=LARGE + (1 << 16)), None, another)
    held[0].release()
    with bodies.place() as another:
        assert len(bodies.read(io.BytesIO(bytes(LARGE + 1)), LARGE + 1, another)) == LARGE + 1


def test_small_bodies_need_no_place() -> None:
    bodies = BodyReader(1 << 30, patience=0)
    held = [bodies.place() for _ in range(16)]
    for place in held:
        place.take()
    for length in (0, LARGE, None):
        with bodies.place() as another:
            assert bodies.read(io.BytesIO(bytes(LARGE)), length, another) == bytes(
                LARGE if length != 0 else 0
            )


def test_a_place_can_be_given_back_early_and_only_once() -> None:
    bodies = BodyReader(1 << 30, patience=0)
    held = [bodies.place() for _ in range(16)]
    for place in held:
        place.take()
        place.take()
    with held[0]:
        held[0].release()
    with bodies.place() as another:
        another.take()


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
    assert announced_length(flask.Request(create_environ() | headers)) == length


def test_draining_a_body_of_unknown_length_reads_it_to_its_end() -> None:
    stream = io.BytesIO(bytes(1 << 20))
    assert drain(stream) == 1 << 20
