"""Reading request bodies: bounded, whole, and never for ever."""

from __future__ import annotations

import io
import threading

import pytest

from mockserver.gateway.body import LARGE, BodyReader, ClientGone, drain
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


def test_a_body_is_read_to_its_length_and_not_beyond() -> None:
    stream = io.BytesIO(b"first body|next request")
    assert BodyReader(100).read(stream, 10) == b"first body"
    assert stream.read() == b"|next request"


def test_no_length_is_no_body() -> None:
    assert BodyReader(100).read(io.BytesIO(b"next request"), 0) == b""


def test_a_chunked_body_is_read_to_its_end() -> None:
    assert BodyReader(1 << 20).read(io.BytesIO(b"x" * 200_000), None) == b"x" * 200_000


@pytest.mark.parametrize("length", [100, None])
def test_a_body_of_just_the_limit_is_read(length: int | None) -> None:
    assert BodyReader(100).read(io.BytesIO(bytes(100)), length) == bytes(100)


@pytest.mark.parametrize("length", [101, None])
def test_a_body_over_the_limit_is_skipped_and_refused(length: int | None) -> None:
    stream = io.BytesIO(bytes(101))
    with pytest.raises(ApiError) as refusal:
        BodyReader(100).read(stream, length)
    assert refusal.value.name == "body_too_large"
    assert refusal.value.values == {"limit": 100, "read": 101}
    assert stream.read() == b""


def test_a_body_that_ends_early_has_nobody_to_answer() -> None:
    with pytest.raises(ClientGone, match=r"^5 of 10 bytes came$"):
        BodyReader(100).read(io.BytesIO(b"first"), 10)


@pytest.mark.parametrize(
    "error", [ValueError("no size"), OSError("invalid chunk"), TimeoutError("timed out")]
)
def test_a_chunked_body_that_breaks_has_nobody_to_answer(error: Exception) -> None:
    with pytest.raises(ClientGone, match=str(error)):
        BodyReader(100).read(Breaking(b"first", error), None)


def test_draining_says_how_much_there_was() -> None:
    assert drain(io.BytesIO(bytes(200_000)), 1 << 20) == 200_000


def test_draining_goes_no_further_than_it_must() -> None:
    stream = io.BytesIO(bytes(1 << 20))
    assert drain(stream, 100_000) == 100_000
    assert stream.tell() == 100_000


def test_draining_ends_where_the_client_stops() -> None:
    assert drain(Breaking(b"first", TimeoutError("timed out")), 100) == 5


def test_only_some_large_bodies_are_held_at_once() -> None:
    bodies = BodyReader(1 << 30)
    holding, release = threading.Semaphore(0), threading.Event()

    def hold() -> None:
        with bodies.slot(LARGE + 1):
            holding.release()
            release.wait(10)

    threads = [threading.Thread(target=hold) for _ in range(17)]
    for thread in threads:
        thread.start()
    assert all(holding.acquire(timeout=10) for _ in range(16))
    assert not holding.acquire(blocking=False)
    with bodies.slot(LARGE), bodies.slot(0):  # small ones need not wait
        release.set()
    for thread in threads:
        thread.join(10)
    assert holding.acquire(blocking=False)


def test_a_chunked_body_may_turn_out_large() -> None:
    bodies = BodyReader(1 << 30)
    with bodies.slot(None):
        assert bodies.read(io.BytesIO(b"x"), None) == b"x"
