"""Requests that deliver a body: to allowed hosts only, within their time, and without following redirects."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from mockserver.remote.post import Posted, Poster
from mockserver.remote.targets import AllowedHosts, FetchError, NotAllowed
from tests.receiver import Receiver, receiving
from tests.waiting import eventually

HERE = AllowedHosts((), "webhook_hosts", "called", "Add it there.", loopback=True)
NOWHERE = AllowedHosts((), "webhook_hosts", "called", "Add it there.")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


def test_headers_are_sent_in_their_order_and_the_answer_is_returned(receiver: Receiver) -> None:
    receiver.statuses = [418]
    posted = Poster(20).post(receiver.url + "?a=b c", {"x-one": "1", "A-Two": "2"}, b"body", HERE)
    assert posted == Posted(418, "")
    (received,) = receiver.received
    assert [name for name, _ in received.headers] == [
        "Host",
        "x-one",
        "A-Two",
        "content-length",
        "connection",
    ]
    assert (received.path, received.body) == ("/webhook?a=b%20c", b"body")


def test_only_the_beginning_of_an_answer_is_read(receiver: Receiver) -> None:
    receiver.answer = b"x" * 1_000_000
    posted = Poster(20).post(receiver.url, {}, b"", HERE)
    assert posted.status == 200
    assert 0 < len(posted.body) <= 1024


def test_a_host_that_is_not_allowed_is_not_called(receiver: Receiver) -> None:
    with pytest.raises(NotAllowed, match="the setting webhook_hosts does not allow 127"):
        Poster(20).post(receiver.url, {}, b"", NOWHERE)
    assert receiver.received == []


@pytest.mark.parametrize(
    ("address", "message"), [("10.0.0.1", "not public"), ("93.184.215.14", "which is not of this machine")]
)
def test_a_local_name_must_have_a_local_address(address: str, message: str) -> None:
    with pytest.raises(NotAllowed, match=message):
        Poster(20, lambda *_: [address]).post("http://hooks.localhost:9/", {}, b"", HERE)


def test_a_public_name_with_a_private_address_is_not_called() -> None:
    hosts = AllowedHosts(("hooks.example.com",), "webhook_hosts", "called", "", loopback=True)
    for address in ("127.0.0.1", "10.0.0.1", "169.254.169.254", "::1"):
        with pytest.raises(NotAllowed, match="which is not public"):
            Poster(20, lambda *_, address=address: [address]).post(
                "http://hooks.example.com/", {}, b"", hosts
            )


def test_an_answer_that_does_not_begin_in_time(receiver: Receiver) -> None:
    receiver.hangs = True
    with pytest.raises(FetchError, match=r"did not answer within 0\.2 seconds"):
        Poster(0.2).post(receiver.url, {}, b"", HERE)


def test_a_receiver_that_is_not_there(receiver: Receiver) -> None:
    with receiving() as gone:
        url = gone.url
    with pytest.raises(FetchError, match="cannot be reached: ConnectionRefusedError"):
        Poster(20).post(url, {}, b"", HERE)


def test_closing_ends_requests_in_progress_and_refuses_others(receiver: Receiver) -> None:
    receiver.hangs = True
    poster, failures = Poster(60), list[FetchError]()

    def post() -> None:
        try:
            poster.post(receiver.url, {}, b"", HERE)
        except FetchError as error:
            failures.append(error)

    thread = threading.Thread(target=post)
    thread.start()
    eventually(lambda: receiver.received)
    began = time.monotonic()
    poster.close()
    thread.join()
    assert time.monotonic() - began < 50
    assert "cannot be reached" in str(failures[0])
    with pytest.raises(FetchError, match="the server stops"):
        poster.post(receiver.url, {}, b"", HERE)
