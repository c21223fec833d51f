"""The table of what batches fail with, and what the documentation says of it."""

from __future__ import annotations

import re

from mockserver.batches.lines import BatchErrors
from tests.test_docs import DOCS, table


def test_every_error_without_a_recording_is_confessed() -> None:
    confessed = {row[0].strip("`") for row in table(DOCS / "fidelity.md", "batch error")}
    assert confessed == {name for name, row in BatchErrors().rows.items() if row.get("unverified")}


def test_every_code_that_a_batch_fails_with_is_described() -> None:
    described = re.findall(r"`(\w+)`", " ".join(row[0] for row in table(DOCS / "batches.md", "code")))
    lines = {"batch_expired", "batch_cancelled", "request_timeout", "server_error"}
    assert {row["code"] for row in BatchErrors().rows.values()} - lines <= set(described)
