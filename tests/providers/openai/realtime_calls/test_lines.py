"""What carries a call: messages in their order, bounds, and the end."""

from __future__ import annotations

import threading

from mockserver.providers.openai.realtime_calls.lines import CallTransport, Heard


class Line:
    """A line that notes what happens to it."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.closed = threading.Event()

    def send(self, text: str) -> None:
        self.sent.append(text)

    def play(self, pcm: bytes) -> None:
        """Play nothing."""

    def stop_playing(self, unheard_ms: float) -> None:
        """Do nothing."""

    def close(self) -> None:
        self.closed.set()


def test_messages_and_sound_come_in_their_order_until_the_caller_leaves() -> None:
    line = Line()
    transport = CallTransport(line)
    for message in ("a", Heard(b"12"), b"\0"):
        transport.put(message)
    transport.end()
    transport.put("after the end")
    received = list(transport.messages())
    assert received == ["a", b"12", b"\0"]
    assert isinstance(received[1], Heard)
    assert not isinstance(received[2], Heard)
    assert line.closed.is_set()


def test_a_caller_that_sends_too_much_is_cut_off() -> None:
    line = Line()
    transport = CallTransport(line)
    for _ in range(40):
        transport.put(Heard(bytes(1 << 20)))
    assert line.closed.is_set()
    assert len(list(transport.messages())) == 16


def test_what_was_sent_before_the_end_is_handled() -> None:
    transport = CallTransport(Line())
    transport.put("a")
    transport.close(1000)
    assert list(transport.messages()) == ["a"]


def test_events_go_to_the_line() -> None:
    line = Line()
    CallTransport(line).send("event")
    assert line.sent == ["event"]
