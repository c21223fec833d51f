"""Messages that wait, and what wakes the thread that takes them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from mockserver.providers.openai.realtime.inbox import Inbox
from tests.waiting import eventually

MIB = 1 << 20


@contextmanager
def putting(inbox: Inbox, *messages: str) -> Iterator[threading.Thread]:
    """Put messages in a thread, which must have ended in the end."""

    def put() -> None:
        for message in messages:
            inbox.put(message)

    thread = threading.Thread(target=put)
    thread.start()
    try:
        yield thread
    finally:
        thread.join(20)
        assert not thread.is_alive()


def is_stuck(thread: threading.Thread) -> bool:
    """Return whether a thread has not ended after a while."""
    thread.join(0.05)
    return thread.is_alive()


def test_messages_are_taken_in_their_order() -> None:
    inbox = Inbox()
    inbox.put("one")
    inbox.put(b"two")
    assert [inbox.take(0), inbox.take(None), inbox.take(0)] == ["one", b"two", None]


def test_what_waits_is_bounded() -> None:
    inbox = Inbox()
    with putting(inbox, "x" * MIB, "y", "z") as thread:
        assert is_stuck(thread)
        assert inbox.take(0) == "x" * MIB
        assert [inbox.take(20), inbox.take(20)] == ["y", "z"]


def test_a_large_message_is_waited_for() -> None:
    inbox = Inbox()
    with putting(inbox, "x" * (MIB + 1)) as thread:
        assert is_stuck(thread)
        assert inbox.take(20) == "x" * (MIB + 1)


def test_nothing_is_waited_for_after_the_end() -> None:
    inbox = Inbox()
    with putting(inbox, "x" * (MIB + 1), "y") as thread:
        assert is_stuck(thread)
        inbox.drop()
    assert inbox.take(None) is None


def test_messages_before_the_end_are_taken() -> None:
    inbox = Inbox()
    inbox.put("last")
    inbox.end()
    assert (inbox.take(None), inbox.take(None)) == ("last", None)


def test_waking_ends_a_wait_once() -> None:
    inbox = Inbox()
    inbox.wake()
    assert inbox.take(None) is None  # it was woken before it waited
    taken: list[object] = []
    thread = threading.Thread(target=lambda: taken.append(inbox.take(None)))
    thread.start()
    time.sleep(0.01)
    inbox.wake()
    eventually(lambda: taken == [None])
    thread.join(20)


@contextmanager
def taking(inbox: Inbox) -> Iterator[list[object]]:
    """Take in a thread until ``None`` is taken, and yield what was taken."""
    taken: list[object] = []

    def take() -> None:
        while not taken or taken[-1] is not None:
            taken.append(inbox.take(None))

    thread = threading.Thread(target=take)
    thread.start()
    try:
        yield taken
    finally:
        inbox.end()
        thread.join(20)
        assert not thread.is_alive()


def borrow(inbox: Inbox) -> None:
    """Borrow an inbox as soon as the other thread has nothing to do."""
    eventually(inbox.borrow)


def test_what_another_handles_cannot_be_overtaken() -> None:
    inbox = Inbox()
    assert not inbox.borrow()  # nobody has nothing to do
    with taking(inbox) as taken:
        borrow(inbox)
        inbox.put("later")
        time.sleep(0.02)
        assert taken == []
        inbox.give_back()
        eventually(lambda: taken == ["later"])


def test_what_is_left_to_do_comes_first() -> None:
    def rest() -> None:
        pass

    inbox = Inbox()
    with taking(inbox) as taken:
        borrow(inbox)
        inbox.put("later")
        inbox.give_back(rest)
        assert not inbox.borrow()
        eventually(lambda: taken == [rest, "later"])


def test_a_wait_that_is_over_lasts_until_it_is_given_back() -> None:
    inbox = Inbox()
    taken: list[object] = []
    thread = threading.Thread(target=lambda: taken.append(inbox.take(0.05)))
    thread.start()
    borrow(inbox)
    assert is_stuck(thread)
    thread.join(0.1)
    assert taken == []
    inbox.give_back()
    thread.join(20)
    assert taken == [None]
