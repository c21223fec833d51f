"""The guide to stubs: its examples are valid, and its tables are complete."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from mockserver.app import ENDPOINTS
from mockserver.errors import ErrorTable
from mockserver.scripting.stubs.files import StubFileError, load_stubs
from mockserver.scripting.stubs.stubs import Stubs
from mockserver.scripting.stubs.templates import NAMES
from mockserver.state.memory.counters import MemoryCounters
from mockserver.validation.schemas import Schemas
from tests.docs.guides import DOCS, blocks, table

GUIDE = DOCS / "stubs.md"
EXAMPLES = blocks(GUIDE.read_text("utf-8"), "yaml")


def check(document: dict[str, Any]) -> object:
    """Check a stub beyond the schema, as the server does."""
    return Stubs(ENDPOINTS, ENDPOINTS.reply_kinds, ErrorTable().check_name, MemoryCounters()).check(document)


def first_cells(first_column: str) -> list[str]:
    """Return the names in the first column of a table of the guide."""
    return [name for row in table(GUIDE, first_column) for name in re.findall(r"`(\w+)", row[0])]


def members_of(first_heading: str) -> list[str]:
    """Return the names in the first column of all tables of a section."""
    section = GUIDE.read_text("utf-8").partition(f"\n## {first_heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`(\w+)`", row)]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.partition("\n")[0])
def test_the_examples_can_be_used(tmp_path: Path, example: str) -> None:
    (tmp_path / "example.yaml").write_text(example, "utf-8")
    assert load_stubs([tmp_path], check)


def test_every_condition_is_described(schemas: Schemas) -> None:
    assert first_cells("condition") == list(schemas.properties("mock/when"))


def test_every_member_of_a_reply_is_described(schemas: Schemas) -> None:
    assert set(members_of("What is answered")) == set(schemas.properties("mock/reply"))


def test_every_name_that_templates_know_is_described() -> None:
    assert set(first_cells("name")) == NAMES


def test_the_message_of_a_broken_file_is_as_documented(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (documented,) = re.findall(r"^mockserver: .*$", GUIDE.read_text("utf-8"), re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stubs").mkdir()
    (tmp_path / "stubs" / "meeting.yaml").write_text(EXAMPLES[0].replace("file:", "fil:"), "utf-8")
    with pytest.raises(StubFileError) as refusal:
        load_stubs([Path("stubs")], check)
    assert f"mockserver: {refusal.value}".replace("\\", "/") == documented
