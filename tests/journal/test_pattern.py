"""Patterns of the journal: conditions on a request and on its outcome."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.journal.entries import EntryFacts, JournalPattern
from mockserver.matching.comparisons import PatternError
from mockserver.validation.schemas import Schemas
from tests.journal.journal_records import HELLO, chat, record

RESET = {"id": "fault_1", "kind": "connection_reset", "occasion": 1}
LIMITED = {"id": "fault_2", "kind": "error", "error": "rate_limit_requests", "occasion": 1}


@pytest.mark.parametrize(
    "when",
    [
        {},
        {"endpoint": "transcriptions"},
        {"endpoint": ["speech", "create_transcription"]},
        {"account": "org-ann"},
        {"model": "whisper-*"},
        {"headers": {"User-Agent": "test"}},
        {"fields": {"language": "en"}},
        {"fields": {"$.language": {"present": True}}},
        {"file": "hel*.wav"},
        {"sha256": "AB" * 32},
        {"pcm_sha256": "cd" * 32},
        {"container": ["mp3", "wav"], "codec": "pcm_s16le", "channels": 1, "sample_rate": 24_000},
        {"duration": 2.1},
        {"duration": {"at_least": 2, "at_most": 3}},
        {"heard": "hello"},
        {"heard": {"equals": "Hello world."}},
        {"status": 200},
        {"status": "2xx"},
        {"status": [429, "20x", "200"]},
        {"answered_by": "fixture*"},
        {"hung_up": False, "in_flight": False},
    ],
)
def test_a_request_is_found_by_what_was_known_of_it(when: dict[str, Any]) -> None:
    facts = EntryFacts(record())
    assert JournalPattern(when).matches(facts)
    assert JournalPattern(when).differences(facts) == []


@pytest.mark.parametrize(
    ("when", "difference"),
    [
        ({"endpoint": "speech"}, "endpoint: wanted 'speech', got 'transcriptions'"),
        ({"file": "meeting*.wav"}, "file: wanted 'meeting*.wav', got 'hello.wav'"),
        ({"heard": "weather"}, "heard: wanted /weather/, got 'Hello world.'"),
        ({"status": "4xx"}, "status: wanted '4xx', got 200"),
        ({"status": [429, 503]}, "status: wanted [429, 503], got 200"),
        ({"error": "*"}, "error: wanted '*', got nothing"),
        ({"stub": "stub_1"}, "stub: wanted 'stub_1', got nothing"),
        ({"fault": "hang"}, "fault: wanted 'hang', got nothing"),
        ({"answered_by": "stub*"}, "answered_by: wanted 'stub*', got 'fixture; name=hello'"),
        ({"hung_up": True}, "hung_up: wanted True, got False"),
        ({"in_flight": True}, "in_flight: wanted True, got False"),
    ],
)
def test_the_difference_is_reported(when: dict[str, Any], difference: str) -> None:
    facts = EntryFacts(record())
    assert not JournalPattern(when).matches(facts)
    assert JournalPattern(when).differences(facts) == [difference]


def test_a_request_that_got_no_answer_has_no_status() -> None:
    (difference,) = JournalPattern({"status": "2xx"}).differences(EntryFacts(record(status=None)))
    assert difference == "status: wanted '2xx', got nothing"


@pytest.mark.parametrize("wanted", ["connection_reset", "fault_1", "connection_*", ["hang", "fault_?"]])
def test_a_fault_is_found_by_kind_and_id(wanted: str | list[str]) -> None:
    assert JournalPattern({"fault": wanted}).matches(EntryFacts(record(fault=RESET)))


@pytest.mark.parametrize("wanted", ["rate_limit_requests", "error", "fault_2"])
def test_a_fault_that_is_an_error_is_found_by_the_errors_name(wanted: str) -> None:
    assert JournalPattern({"fault": wanted}).matches(EntryFacts(record(fault=LIMITED)))


def test_a_chat_is_found_by_what_the_user_wrote() -> None:
    facts = EntryFacts(chat("How is the weather?"))
    assert JournalPattern({"user_text": "weather", "fields": {"messages[0].role": "user"}}).matches(facts)


def test_audio_that_was_not_decoded_is_no_match_and_the_difference_says_so() -> None:
    undecoded = {**HELLO, "container": None, "duration": None}
    facts = EntryFacts(record(audio=[undecoded]))
    (difference,) = JournalPattern({"duration": {"at_least": 0}}).differences(facts)
    assert "decoded" in difference
    assert JournalPattern({"sha256": HELLO["sha256"]}).matches(facts)


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ({"language": "en"}, "language: the journal does not record it"),
        ({"heard": "("}, r"heard: '\(' is not a regular expression"),
        ({"endpoint": "transcription"}, "endpoint: unknown endpoint 'transcription'"),
    ],
)
def test_a_pattern_that_can_never_hold_is_refused(when: dict[str, Any], message: str) -> None:
    with pytest.raises(PatternError, match=message):
        JournalPattern(when, ["transcriptions"])


@pytest.mark.parametrize(
    ("when", "valid"),
    [
        ({"status": 429}, True),
        ({"status": "42x"}, False),
        ({"status": "4xx"}, True),
        ({"status": 42}, False),
        ({"status": ["4xx", 503]}, True),
        ({"status": []}, False),
        ({"hung_up": "yes"}, False),
        ({"tatus": 200}, False),
    ],
)
def test_the_schema_refuses_what_makes_no_sense(schemas: Schemas, when: dict[str, Any], valid: bool) -> None:
    assert schemas.is_valid("mock/journal_when", when) is valid
