"""An exchange becomes a journal entry: a whole answer before it is sent, a stream when it begins."""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Generator, Iterable, Iterator
from typing import Any

import pytest
from werkzeug.test import create_environ

from mockserver.accounts.accounts import abbreviated
from mockserver.engines.answered_by import AnsweredBy
from mockserver.journal.journal import Journal
from mockserver.journal.record import HitFault, Record, as_json
from mockserver.pipeline.adapters.wsgi_adapter import request_of
from mockserver.pipeline.exchanges.exchange import Exchange, begin
from mockserver.pipeline.responses import Reply
from tests.journal.journal_records import NOON, journal_of

JSON = "application/json"
EVENTS = "text/event-stream; charset=utf-8"


RESET = HitFault(id="fault_1", kind="connection_reset", occasion=1)


@pytest.fixture
def journal() -> Journal:
    return journal_of()


def exchange(journal: Journal, **environ: Any) -> Exchange:
    return begin(
        journal, "req_1", request_of({**create_environ("/unheard", "http://localhost/v1"), **environ})
    )


def only(journal: Journal) -> Record:
    (record,) = journal.records(None)
    return record


def first_byte_ms(record: Record) -> float:
    assert record.timing.first_byte_ms is not None
    return record.timing.first_byte_ms


def total_ms(record: Record) -> float:
    assert record.timing.total_ms is not None
    return record.timing.total_ms


def pieces(journal: Journal) -> list[tuple[int, str | None]]:
    """Return the sizes and texts of the recorded pieces."""
    return [(each.bytes, each.text) for each in only(journal).pieces or ()]


def streamed(journal: Journal, body: Iterable[bytes], content_type: str = EVENTS) -> Any:
    """Return the body that the server sends."""
    return exchange(journal).answered(Reply(body, 200, content_type)).body


def test_a_whole_answer_is_written_down_before_it_is_sent(journal: Journal) -> None:
    headers = {"x-ratelimit-limit-requests": "3", "retry-after": "20", "x-mock-answered-by": "caf%C3%A9"}
    exchange(journal).answered(Reply(b"12345", 429, JSON, headers.items()))
    record = only(journal)
    assert (record.id, record.time, record.status, record.bytes_sent) == ("req_1", NOON, 429, 5)
    assert record.limits == {"x-ratelimit-limit-requests": "3", "retry-after": "20"}
    assert record.answered_by == "café"
    assert record.stream_events is record.stream_pieces is None
    assert not record.in_flight
    assert 0 <= first_byte_ms(record) <= total_ms(record)


def test_of_a_request_of_nobody_to_nowhere_the_rest_is_unknown(journal: Journal) -> None:
    exchange(journal, PATH_INFO="/gr\u00c3\u00bc\u00c3\u009fe").answered(Reply(b"", 404, JSON))
    record = only(journal)
    assert record.path == "/v1/grüße"
    unknown = ("account", "organization", "project", "endpoint", "operation", "model", "usage", "fault")
    assert [getattr(record, name) for name in unknown] == [None] * len(unknown)
    assert (record.request, record.audio) == ({}, [])


def test_what_the_pipeline_found_out_is_written_down(journal: Journal) -> None:
    mine = exchange(journal)
    mine.stub, mine.error, mine.answered_by = "stub_1", "server_error", AnsweredBy("stub")
    mine.fault = HitFault(id="fault_1", kind="error", error="server_error", occasion=1)
    mine.answered(Reply(b"", 500, JSON))
    record = only(journal)
    assert (record.stub, record.error, record.answered_by) == ("stub_1", "server_error", "stub")
    assert record.fault == mine.fault


@pytest.mark.parametrize(
    ("content_type", "body", "response"),
    [
        (JSON, b'{"text": "Hello."}', {"text": "Hello."}),
        ("application/problem+json", b"[1]", [1]),
        (JSON, b'{"text": "Hel', '{"text": "Hel'),
        (JSON, b"[" * 100_000, {"length": 100_000, "starts": "[" * 80}),
        (JSON, b"", None),
        (JSON, b"null", None),
        ("text/vtt; charset=utf-8", "WEBVTT é".encode(), "WEBVTT é"),
        ("text/plain", b"\xff", "\ufffd"),
        ("text/plain", b"x" * 5_000, {"length": 5_000, "starts": "x" * 80}),
        ("application/sdp", b"v=0", "v=0"),
        ("audio/mpeg", b"ID3", {"bytes": 3, "sha256": hashlib.sha256(b"ID3").hexdigest()}),
    ],
)
def test_the_body_of_a_whole_answer_is_written_down(
    journal: Journal, content_type: str, body: bytes, response: object
) -> None:
    exchange(journal).answered(Reply(body, 200, content_type))
    assert only(journal).response == response


def test_of_a_large_answer_only_the_size_is_written_down(journal: Journal) -> None:
    large = json.dumps(["x" * 4_000] * 20).encode()
    exchange(journal).answered(Reply(large, 200, JSON))
    assert only(journal).response == {"bytes": len(large) - 19}
    huge = b'"' + b"x" * (1 << 20) + b'"'
    exchange(journal).answered(Reply(huge, 200, JSON))
    assert journal.records(None)[-1].response == {
        "bytes": len(huge),
        "sha256": hashlib.sha256(huge).hexdigest(),
    }


def test_the_headers_of_an_answer_are_written_down(journal: Journal) -> None:
    headers = [("X-Request-ID", "req_1"), ("vary", "a"), ("Vary", "b"), ("set-cookie", "id=1")]
    exchange(journal).answered(Reply(b"1", 200, JSON, headers))
    written = {"x-request-id": "req_1", "vary": "a, b", "set-cookie": "***"}
    assert only(journal).response_headers == written | {"content-type": JSON, "content-length": "1"}


def test_the_pieces_of_a_stream_are_written_down_while_it_is_sent(journal: Journal) -> None:
    body = streamed(journal, iter([b"data: 1\n\n", b"data: 2\n\n"]))
    seen = [pieces(journal)]
    for _ in body:
        seen.append(pieces(journal))  # noqa: PERF401
    one, two = (9, "data: 1\n\n"), (9, "data: 2\n\n")
    assert seen == [[], [one], [one, two]]
    times = [each.ms for each in only(journal).pieces or ()]
    assert times == sorted(times)
    assert 0 <= times[0] <= times[1] <= total_ms(only(journal)) + 0.001
    assert (only(journal).response, only(journal).pieces_dropped) == (None, 0)


def test_a_stream_of_sound_has_pieces_without_text(journal: Journal) -> None:
    list(streamed(journal, iter([b"RIFF", b"WAVE"]), "audio/wav"))
    assert pieces(journal) == [(4, None), (4, None)]


def test_the_key_of_a_request_is_hidden_in_its_answer(journal: Journal) -> None:
    key = "my-own-key-0123456789"
    mine = exchange(journal, HTTP_AUTHORIZATION=f"Bearer {key}")
    mine.answered(Reply(f'{{"echo": "{key}"}}'.encode(), 200, JSON, [("x-echo", key)]))
    assert key not in str(as_json(only(journal)))
    assert only(journal).response == {"echo": abbreviated(key)}


def test_a_stream_is_counted_before_it_is_handed_out(journal: Journal) -> None:
    body = streamed(journal, iter([b"data: 1\r\n\r\n", b"data: [DONE]\r\n\r\n"]))
    seen = [(only(journal).in_flight, only(journal).stream_events)]
    for _ in body:
        seen.append((only(journal).in_flight, only(journal).stream_events))  # noqa: PERF401
    assert seen == [(True, 0), (True, 1), (True, 2)]
    record = only(journal)
    assert (record.in_flight, record.hung_up) == (False, False)
    assert (record.stream_pieces, record.bytes_sent) == (2, 27)
    assert first_byte_ms(record) <= total_ms(record)


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n"])
@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_events_are_counted_however_they_are_cut(journal: Journal, end: bytes, size: int) -> None:
    whole = b"".join(b"data: %d" % number + end for number in range(5))
    pieces = [whole[start : start + size] for start in range(0, len(whole), size)]
    list(streamed(journal, iter(pieces)))
    assert (only(journal).stream_events, only(journal).stream_pieces) == (5, len(pieces))


def test_what_is_no_event_stream_has_pieces_only(journal: Journal) -> None:
    list(streamed(journal, iter([b"RIFF", b"WAVE"]), "audio/wav"))
    assert (only(journal).stream_events, only(journal).stream_pieces) == (None, 2)


def test_a_stream_that_is_closed_before_its_end_was_left_and_its_source_is_closed(journal: Journal) -> None:
    closed = []

    def source() -> Generator[bytes]:
        try:
            yield b"1"
            yield b"2"
        finally:
            closed.append(True)

    body = streamed(journal, source())
    next(body)
    body.close()
    assert closed == [True]
    assert (only(journal).hung_up, only(journal).in_flight) == (True, False)
    assert only(journal).bytes_sent == 1


def test_a_stream_that_is_closed_after_its_end_was_not_left(journal: Journal) -> None:
    body = streamed(journal, iter([b"1"]))
    list(body)
    body.close()
    assert only(journal).hung_up is False


def test_a_stream_that_breaks_has_ended_and_nobody_hung_up(journal: Journal) -> None:
    def source() -> Iterator[bytes]:
        yield b"1"
        raise ValueError("out of words")

    body = streamed(journal, source())
    with pytest.raises(ValueError, match="out of words"):
        list(body)
    body.close()
    assert (only(journal).in_flight, only(journal).hung_up) == (False, False)


@pytest.mark.parametrize("fault", [None, RESET])
def test_who_leaves_while_a_stream_waits_has_hung_up_but_for_those_thrown_out(
    journal: Journal, fault: HitFault | None
) -> None:
    def source() -> Iterator[bytes]:
        yield b"1"
        raise ConnectionResetError("the client left while it was kept waiting")

    here, there = socket.socketpair()
    with here:
        there.close()
        left = exchange(journal, **{"mockserver.socket": here})
        left.fault = fault
        body: Any = left.answered(Reply(source(), 200, EVENTS)).body
        with pytest.raises(ConnectionResetError):
            list(body)
        body.close()
    assert (only(journal).in_flight, only(journal).hung_up) == (False, fault is None)


def test_nothing_is_taken_from_a_stream_before_it_is_sent(journal: Journal) -> None:
    begun = []

    def source() -> Iterator[bytes]:
        begun.append(True)
        yield b"1"

    streamed(journal, source())
    assert begun == []


@pytest.mark.parametrize("leaves", [True, False])
def test_who_left_before_a_whole_answer_has_hung_up(journal: Journal, leaves: bool) -> None:
    here, there = socket.socketpair()
    with here, there:
        if leaves:
            there.close()
        exchange(journal, **{"mockserver.socket": here}).answered(Reply(b"late", 200, JSON))
    assert only(journal).hung_up is leaves


def test_who_sends_the_next_request_already_has_not_hung_up(journal: Journal) -> None:
    here, there = socket.socketpair()
    with here, there:
        there.sendall(b"GET")
        exchange(journal, **{"mockserver.socket": here}).answered(Reply(b"", 200, JSON))
        assert here.recv(3) == b"GET"
    assert only(journal).hung_up is False


def test_a_connection_that_is_closed_on_this_side_counts_as_hung_up(journal: Journal) -> None:
    here, there = socket.socketpair()
    here.close()
    there.close()
    exchange(journal, **{"mockserver.socket": here}).answered(Reply(b"", 200, JSON))
    assert only(journal).hung_up is True


def test_a_request_that_gets_no_answer_is_written_down(journal: Journal) -> None:
    here, there = socket.socketpair()
    with here:
        there.close()
        exchange(journal, **{"mockserver.socket": here}).unanswered()
    record = only(journal)
    assert (record.status, record.hung_up, record.bytes_sent) == (None, True, 0)


def test_who_was_thrown_out_by_a_fault_has_not_hung_up(journal: Journal) -> None:
    here, there = socket.socketpair()
    with here:
        there.close()
        reset = exchange(journal, **{"mockserver.socket": here})
        reset.fault = RESET
        reset.unanswered()
    assert only(journal).hung_up is False
