"""Incoming telephone calls: their states, and what each allows."""

from __future__ import annotations

import threading

import pytest

from mockserver.clock import Clock
from mockserver.ids import Ids
from mockserver.telephone import IncomingCall, Telephone, TelephoneError, Wires


@pytest.fixture
def telephone() -> Telephone:
    return Telephone(Clock(frozen_at=1.8e9), Ids())


@pytest.fixture
def call(telephone: Telephone) -> IncomingCall:
    return telephone.ring("ann", [("From", "sip:a@b")])


class Session:
    """What an answered call is connected to."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.pressed: list[str] = []
        self.ended = threading.Event()
        self.wires = Wires(self.heard.append, self.pressed.append, self.ended.set)


def test_an_answered_call_is_heard(call: IncomingCall) -> None:
    session = Session()
    call.answer(session.wires)
    call.say(b"12")
    call.press("4#")
    assert (session.heard, session.pressed, call.status) == ([b"12"], ["4", "#"], "answered")
    call.hang_up()
    call.hang_up()
    assert session.ended.is_set()
    assert call.status == "ended"
    with pytest.raises(TelephoneError, match="Nobody is on the line: the call is ended"):
        call.say(b"")


def test_a_call_that_does_not_ring_cannot_be_answered(call: IncomingCall) -> None:
    call.reject(486)
    assert (call.status, call.status_code) == ("rejected", 486)
    with pytest.raises(TelephoneError, match="it is rejected"):
        call.answer(Session().wires)
    with pytest.raises(TelephoneError, match="it is rejected"):
        call.reject(603)


def test_the_caller_hears_what_was_not_cut_off(call: IncomingCall) -> None:
    call.play(bytes(48_000))
    call.play(b"\1" * 48_000)
    call.stop_playing(500)
    assert call.heard == bytes(48_000) + b"\1" * 24_000
    call.stop_playing(10_000)
    assert call.heard == b""


def test_the_end_of_the_session_ends_the_call(call: IncomingCall) -> None:
    call.answer(Session().wires)
    call.close()
    assert call.status == "ended"
    with pytest.raises(TelephoneError):
        call.refer("tel:+1")


def test_an_answer_wakes_who_waits(call: IncomingCall) -> None:
    threading.Timer(0.05, call.answer, [Session().wires]).start()
    assert call.wait(10) == "answered"


def test_waiting_ends_in_time_or_when_it_is_over(call: IncomingCall) -> None:
    assert call.wait(0) == "ringing"
    assert call.wait(60, lambda: True) == "ringing"


def test_calls_belong_to_accounts(telephone: Telephone, call: IncomingCall) -> None:
    other = telephone.ring("bob", [])
    assert telephone.find("ann", call.id) is telephone.find(None, call.id) is call
    assert telephone.find("bob", call.id) is None
    assert telephone.calls(None) == [call, other]
    telephone.reset("ann")
    assert telephone.calls(None) == [other]
    assert call.status == "ended"


def test_the_oldest_calls_are_forgotten(telephone: Telephone, call: IncomingCall) -> None:
    for _ in range(1000):
        telephone.ring("bob", [])
    assert telephone.find("ann", call.id) is None
    assert call.status == "ended"
