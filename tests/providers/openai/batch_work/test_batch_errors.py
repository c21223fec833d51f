"""The table of the errors of batches agrees with the documentation."""

from __future__ import annotations

import re

import pytest

from mockserver.providers.openai.batch_work.lines import BatchErrors
from tests.docs.guides import DOCS, table

VALUES = {"file": "file-a", "purpose": "user_data", "size": 5, "most": 4, "reason": "a bug"}
UNVERIFIED = {
    "wrong_purpose": (
        "The file file-a has the purpose 'user_data'. Input files of batches must have the purpose 'batch'."
    ),
    "empty_file": "The input file is empty. Please provide a file with at least one request.",
    "file_too_large": "The input file has 5 bytes. The maximum is 4 bytes.",
    "too_many_tasks": "The number of requests in the input file exceeds the maximum of 4.",
    "too_many_inputs": "The number of embedding inputs in the input file exceeds the maximum of 4.",
    "server_error": "The batch could not be processed: a bug.",
    "batch_cancelled": "The batch was cancelled before this request could be executed.",
    "request_timeout": "The request timed out.",
}


@pytest.mark.parametrize("name", UNVERIFIED)
def test_what_an_error_without_a_recording_says(name: str) -> None:
    assert BatchErrors().error(name, **VALUES)["message"] == UNVERIFIED[name]


def test_every_error_without_a_recording_is_confessed() -> None:
    confessed = {row[0].strip("`") for row in table(DOCS / "fidelity.md", "batch error")}
    unverified = {name for name, row in BatchErrors().rows.items() if row.get("unverified")}
    assert confessed == unverified == set(UNVERIFIED)


def test_every_code_that_a_batch_fails_with_is_described() -> None:
    described = re.findall(r"`(\w+)`", " ".join(row[0] for row in table(DOCS / "batches.md", "code")))
    lines = {"batch_expired", "batch_cancelled", "request_timeout", "server_error"}
    assert {row["code"] for row in BatchErrors().rows.values()} - lines <= set(described)
