"""The parameters of faults, and the messages about invalid ones."""

from __future__ import annotations

import re
from typing import Any

import pytest

from mockserver.errors import ErrorTable
from mockserver.scripting.faults.definition import define
from mockserver.scripting.faults.fault import ERROR, Fault
from mockserver.scripting.faults.header import document_of
from mockserver.scripting.faults.kinds import KINDS, PARAMETERS, concerns, job_failure
from mockserver.testing.keywords import BreakOptions, ErrorOptions, Occasions
from mockserver.validation.schemas import Schemas
from tests.matching.test_conditions import KnownFacts

CHAT = frozenset({"chat"})
ERRORS = ErrorTable()


def fault(**document: Any) -> Fault:
    return define(document, "it", seed="seed", errors=ERRORS, endpoints={"chat", "speech"})


def own_names(keywords: type) -> set[str]:
    """Return the keywords that only some faults have."""
    return set(keywords.__annotations__) - set(Occasions.__annotations__)


def test_the_kinds_and_their_parameters_are_those_of_the_schema_and_of_the_python_api(
    schemas: Schemas,
) -> None:
    properties = schemas.properties("mock/fault")
    assert {*properties["fault"]["enum"], ERROR} == set(KINDS)
    assert set(properties) >= PARAMETERS
    assert own_names(ErrorOptions) == set(KINDS[ERROR].takes)
    broken = [kind.takes for name, kind in KINDS.items() if name != ERROR]
    assert own_names(BreakOptions) == set().union(*broken)
    assert set(Fault.__struct_fields__) >= PARAMETERS


def test_every_kind_does_something() -> None:
    assert [each.name for each in KINDS.values()] == list(KINDS)
    effects = ("before", "breaks", "fails_job", "of_session", "fails_turn")
    assert [
        name for name, each in KINDS.items() if not any(getattr(each, effect) for effect in effects)
    ] == []


def test_the_default_that_the_schema_tells_is_the_one_that_holds(schemas: Schemas) -> None:
    properties = schemas.properties("mock/fault")
    by = fault(fault="hang").by
    assert f"Default: {by}." in properties["by"]["description"]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, r"^Give either 'error' or 'fault'"),
        ({"error": "conflict", "fault": "hang"}, r"^Give either 'error' or 'fault'"),
        ({"fault": "error"}, r"^fault: unknown fault kind 'error'. Did you mean 'sse_error'\?$"),
        (
            {"error": "rate_limit_token"},
            r"^error: .*'rate_limit_token'.* Did you mean 'rate_limit_tokens'\?$",
        ),
        ({"error": 418}, r"^error: none has the status 418. Known: 400, 401, "),
        (
            {"fault": "latency", "at": "before"},
            r"^at: latency does not take it. These do: connection_reset.$",
        ),
        ({"error": 500, "seconds": 1}, r"^seconds: error does not take it. These do: latency, hang, "),
        ({"fault": "hang", "from": 10, "until": 10}, r"^until: must be after 'from'.$"),
        ({"fault": "hang", "when": {"endpoint": "songs"}}, r"^endpoint: unknown endpoint 'songs'"),
        ({"fault": "hang", "when": {"heard": "("}}, r"^heard: '\(' is not a regular expression"),
    ],
)
def test_what_makes_no_sense_is_named(document: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fault(**document)


def test_numbers_with_nothing_behind_the_point_are_whole() -> None:
    assert repr(fault(fault="truncated_body", after=3.0).after) == "3"
    assert repr(fault(fault="wrong_content_length", by=-16.0, times=1.0).by) == "-16"


@pytest.mark.parametrize(("status", "name"), [(401, "invalid_api_key"), (429, "rate_limit_requests")])
def test_an_error_can_be_given_by_its_status(status: int, name: str) -> None:
    assert fault(error=status).error == name


def test_every_status_of_an_error_means_one() -> None:
    for status in {row["status"] for row in ERRORS.rows.values()}:
        assert ERRORS.rows[fault(error=status).error]["status"] == status


def test_faults_of_events_hit_only_who_asks_for_events() -> None:
    cut = fault(fault="sse_cut")
    assert not concerns(cut, KnownFacts())
    assert concerns(cut, KnownFacts(asks_for=frozenset({"events"})))


def test_corrupt_audio_hits_only_who_asks_for_sound() -> None:
    corrupt = fault(fault="corrupt_audio")
    assert not concerns(corrupt, KnownFacts(CHAT))
    assert concerns(corrupt, KnownFacts(CHAT, asks_for=frozenset({"sound"})))


def test_a_fault_hits_only_requests_of_its_pattern() -> None:
    only_wav = fault(fault="hang", when={"file": "*.wav"})
    assert concerns(only_wav, KnownFacts())
    assert not concerns(only_wav, KnownFacts(clips=()))


@pytest.mark.parametrize(
    ("header", "document"),
    [
        ("rate_limit_tokens; after=2", {"error": "rate_limit_tokens", "retry_after": 2}),
        ("503;retry_after=0.5;times=2", {"error": 503, "retry_after": 0.5, "times": 2}),
        ("Connection_Reset; at=before", {"fault": "connection_reset", "at": "before"}),
        ("\xb2", {"error": "\xb2"}),
        (" sse_cut ; after = 3 ; ", {"fault": "sse_cut", "after": 3}),
        ('slow_down; message="Not so fast"', {"error": "slow_down", "message": "Not so fast"}),
        (
            "latency; seconds=0.2; probability=0.5; seed=a7",
            {"fault": "latency", "seconds": 0.2, "probability": 0.5, "seed": "a7"},
        ),
    ],
)
def test_a_header_means_a_fault(header: str, document: dict[str, Any]) -> None:
    assert document_of(header) == document


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("hang; forever", "'forever' does not have the form key=value."),
        ("hang; colour=red", "Unknown parameter: 'colour'."),
        (
            "hang; times=0",
            "Invalid 'times': integer below minimum value. Expected a value >= 1, but got 0 instead.",
        ),
        ("hang; when=now", "Invalid type for 'when': expected a Pattern, but got a string instead."),
        ("hang; seconds=NaN", "Invalid type for 'seconds': expected a decimal, but got a string instead."),
        ("hang;" * 500, "is longer than 1000 characters."),
    ],
)
def test_a_header_that_makes_no_sense_says_why(header: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        document_of(header)


def test_a_job_fails_by_the_fault_that_says_so_and_no_other() -> None:
    failing_job = fault(fault="job_error", message="No speech.")
    assert [
        job_failure(each) for each in (None, fault(fault="hang"), fault(fault="job_error"), failing_job)
    ] == [
        None,
        None,
        "",
        "No speech.",
    ]
    assert concerns(failing_job, KnownFacts(asks_for=frozenset({"job"})))
    assert not concerns(failing_job, KnownFacts(CHAT))
