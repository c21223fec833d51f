"""The table of conditions agrees with the schemas, the Python API and the guides."""

from __future__ import annotations

import pytest

from mockserver.matching.comparisons import PatternError
from mockserver.matching.conditions import CONDITIONS, Subject
from mockserver.matching.patterns import Pattern
from mockserver.testing import keywords
from mockserver.validation.schemas import Schemas
from tests.docs.guides import DOCS, table


def names_of(subject: Subject) -> list[str]:
    return [name for name, condition in CONDITIONS.items() if subject in condition.subjects]


def described(guide: str) -> set[str]:
    """Return the names in the first column of the table of conditions of a guide."""
    return {name.strip("`") for row in table(DOCS / guide, "condition") for name in row[0].split(", ")}


@pytest.mark.parametrize(
    ("subject", "schema", "keywords_of"),
    [
        ("request", "mock/when", keywords.Conditions),
        ("entry", "mock/journal_when", keywords.JournalConditions),
    ],
)
def test_schema_and_keywords_have_every_condition(
    schemas: Schemas, subject: Subject, schema: str, keywords_of: type
) -> None:
    names = set(names_of(subject))
    assert set(schemas.properties(schema)) == names
    assert {"endpoint", *keywords_of.__optional_keys__} == names  # type: ignore[attr-defined]


def test_the_guides_describe_every_condition() -> None:
    of_requests, of_entries = set(names_of("request")), set(names_of("entry"))
    assert described("stubs.md") == of_requests
    assert described("journal.md") == of_entries - of_requests


def test_what_cannot_be_asked_of_a_request_is_refused() -> None:
    with pytest.raises(PatternError, match=r"^status: is for the journal only\. Remove it\.$"):
        Pattern({"status": 200})


def test_what_is_costly_comes_last() -> None:
    names = names_of("request")
    costly = [name for name in names if CONDITIONS[name].needs_transcript]
    assert names[-len(costly) :] == costly
