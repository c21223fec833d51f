"""Verification counts exchanges and names the nearest ones."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.journal.record import Record
from mockserver.journal.verification import Verdict, report, summary, verify, wait
from mockserver.matching.comparisons import PatternError
from tests.journal.journal_records import HELLO, chat, journal_of, record

ANN = "org-ann/proj_ann"


def verdict_on(*records: Record, when: Any = None, **numbers: Any) -> Verdict:
    return verify(journal_of(*records), None, when or {}, **numbers)


@pytest.mark.parametrize(
    ("numbers", "ok"),
    [
        ({}, True),
        ({"exactly": 2}, True),
        ({"exactly": 1}, False),
        ({"exactly": 3}, False),
        ({"at_least": 2}, True),
        ({"at_least": 3}, False),
        ({"at_most": 2}, True),
        ({"at_most": 1}, False),
        ({"at_least": 1, "at_most": 2}, True),
        ({"at_least": 3, "at_most": 4}, False),
    ],
)
def test_the_number_that_came_is_compared_with_what_was_wanted(numbers: dict[str, int], ok: bool) -> None:
    verdict = verdict_on(record(id="a"), chat("Hi."), record(id="b"), when={"file": "*"}, **numbers)
    assert (verdict.ok, verdict.count, verdict.entries) == (ok, 2, ["a", "b"])


def test_without_a_number_one_is_enough_and_none_is_not() -> None:
    assert verdict_on(record()).ok
    assert not verdict_on(record(), when={"endpoint": "speech"}).ok


def test_none_can_be_wanted() -> None:
    assert verdict_on(record(), when={"endpoint": "speech"}, exactly=0).ok


@pytest.mark.parametrize(
    ("numbers", "wanted"),
    [
        ({"exactly": 2}, "exactly 2 requests"),
        ({"at_least": 1}, "at least 1 request"),
        ({"at_most": 3}, "at most 3 requests"),
        ({"at_least": 2, "at_most": 3}, "at least 2 requests and at most 3 requests"),
    ],
)
def test_the_headline_says_what_was_wanted_and_what_came(numbers: dict[str, int], wanted: str) -> None:
    verdict = verdict_on(record(), when={"file": "Größe.wav"}, **numbers)
    assert verdict.headline == f'Wanted {wanted} with {{"file": "Größe.wav"}}, got 0.'


def test_that_nothing_came_at_all_is_said() -> None:
    assert verdict_on().headline.endswith("got 0. No request arrived.")


def test_that_the_journal_is_off_is_said() -> None:
    verdict = verify(journal_of(entries=0), None, {})
    assert verdict.headline.endswith("The journal is off: journal_entries is 0.")


def test_that_entries_were_dropped_is_said() -> None:
    verdict = verify(journal_of(record(), record(), entries=1), None, {}, exactly=2)
    assert verdict.headline.endswith("The journal is full and has dropped 1 older entries.")


def test_near_misses_come_nearest_first_and_are_three_at_most() -> None:
    verdict = verdict_on(
        record(id="two", status=429, model="gpt-4o-transcribe"),
        record(id="one", status=429),
        chat("Hi.", id="another endpoint"),
        record(id="one, later", status=429),
        record(id="two, later", status=503, model="gpt-4o-transcribe"),
        when={"endpoint": "transcriptions", "status": 200, "model": "whisper-1"},
    )
    assert [miss.id for miss in verdict.near_misses] == ["one, later", "one", "two, later"]
    assert verdict.near_misses[0].differences == ["status: wanted 200, got 429"]


def test_a_request_to_another_endpoint_is_farther_than_one_with_more_differences() -> None:
    verdict = verdict_on(
        chat("Hi.", id="chat"),
        record(id="transcription", status=429, model="gpt-4o-transcribe"),
        when={"endpoint": "transcriptions", "status": 200, "model": "*"},
    )
    assert verdict.near_misses[0].id == "transcription"


def test_too_many_have_no_near_misses() -> None:
    assert verdict_on(record(), record(), chat("Hi."), when={"file": "*"}, at_most=1).near_misses == []


def test_the_message_tells_all_of_it() -> None:
    verdict = verdict_on(record(), when={"file": "meeting*.wav"})
    assert verdict.message == (
        'Wanted at least 1 request with {"file": "meeting*.wav"}, got 0.\n'
        "  near miss: 08:00:00.000 POST /v1/audio/transcriptions whisper-1 → 200, by fixture; name=hello\n"
        "    file: wanted 'meeting*.wav', got 'hello.wav'"
    )


def test_only_the_requests_of_the_account_count() -> None:
    journal = journal_of(record(id="a"), record(id="b", account_id="org-bob/proj_bob"))
    assert verify(journal, ANN, {}, exactly=1).entries == ["a"]


def test_a_stream_in_flight_counts() -> None:
    assert verdict_on(record(in_flight=True)).ok


@pytest.mark.parametrize(
    "numbers", [{"exactly": 1, "at_least": 1}, {"exactly": 1, "at_most": 1}, {"at_least": 2, "at_most": 1}]
)
def test_numbers_that_cannot_all_be_meant_are_refused(numbers: dict[str, int]) -> None:
    with pytest.raises(PatternError, match=r"exactly: cannot be combined|at_least: must not be more"):
        verdict_on(record(), **numbers)


def test_waiting_ends_in_a_verdict() -> None:
    journal = journal_of(record(id="a"))
    assert wait(journal, None, {"file": "hello.wav"}, timeout=600).entries == ["a"]
    missed = wait(journal, None, {"file": "hallo.wav"}, timeout=0)
    assert not missed.ok
    assert missed.near_misses[0].differences == ["file: wanted 'hallo.wav', got 'hello.wav'"]


def test_a_report_has_a_line_for_each_exchange_and_each_audio_file() -> None:
    limited = record(status=429, error="rate_limit_requests", answered_by=None, audio=[])
    exchanges = [
        record(stub="stub_1", answered_by="stub"),
        limited,
        chat("How is the weather?", hung_up=True),
    ]
    stubbed, audio, refused, left = report(exchanges).splitlines()
    assert stubbed == "08:00:00.000 POST /v1/audio/transcriptions whisper-1 → 200, by stub, stub stub_1"
    assert audio.startswith("    file: hello.wav, 99634 bytes, sha256 abababababab…")
    assert audio.endswith(', wav pcm_s16le 2.070 s 24000 Hz 1 ch heard "Hello world."')
    assert refused == "08:00:00.000 POST /v1/audio/transcriptions whisper-1 → 429, rate_limit_requests"
    assert left.startswith('08:00:00.000 POST /v1/chat/completions gpt-4o-mini "How is the weather?" → 200')
    assert left.endswith("by fixed reply, the client disconnected")


def test_a_report_says_no_more_of_audio_than_is_known() -> None:
    unknown = {**HELLO, "container": None, "heard": None}
    assert report([record(audio=[unknown])]).splitlines()[1] == (
        "    file: hello.wav, 99634 bytes, sha256 abababababab…"
    )


def test_a_summary_names_the_fault_and_shortens_what_is_long() -> None:
    fault = {"id": "fault_1", "kind": "connection_reset", "occasion": 1}
    line = summary(chat("word " * 100, fault=fault, in_flight=True))
    assert line.endswith('…" → 200, by fixed reply, fault connection_reset, in flight')
    assert len(line) < 250


def test_a_summary_says_that_there_was_no_answer() -> None:
    assert summary(record(status=None, answered_by=None)).endswith("→ no answer")


def test_entries_of_the_journal_can_be_reported() -> None:
    journal = journal_of()
    journal.add(record())
    assert report(journal.records(ANN)).count("\n") == 1
