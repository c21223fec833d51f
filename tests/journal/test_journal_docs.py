"""The guide to the journal: its tables are complete, and its examples answer as documented."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mockserver.control.operations import OPERATIONS
from mockserver.journal.record import shown
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.docs.guides import DOCS, NEEDS_SHELL, RUNNABLE, blocks, program_runner, table
from tests.journal.journal_records import HELLO, record

GUIDE = DOCS / "journal.md"
TEXT = GUIDE.read_text("utf-8")


@pytest.fixture
def frozen() -> Iterator[MockServer]:
    settings = Settings(port=0, whisper_model="none", log_level="warning", frozen_time=1_800_000_000)
    with MockServer(settings) as running:
        yield running


def first_cells(first_column: str) -> list[str]:
    """Return the names in the first column of a table of the guide."""
    return [row[0].strip("`") for row in table(GUIDE, first_column)]


def test_every_member_of_an_entry_is_described() -> None:
    assert first_cells("member") == list(shown(record()))


def test_the_example_of_an_entry_has_every_member() -> None:
    (entry,) = json.loads(blocks(TEXT, "json")[0])["entries"]
    assert list(entry) == list(shown(record()))
    assert list(entry["audio"][0]) == list(HELLO)


def test_every_call_is_described() -> None:
    ours = ("/_mock/journal", "/_mock/verify", "/_mock/wait")
    assert set(first_cells("path")) == {each.name for each in OPERATIONS if each.path.startswith(ours)}


@NEEDS_SHELL
def test_the_journal_answers_as_documented(frozen: MockServer, tmp_path: Path) -> None:
    newcomer = program_runner(frozen, tmp_path)
    examples = re.findall(
        rf"{RUNNABLE}```sh\n(.*?)^```\n\n```json\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL
    )
    assert len(examples) == len(blocks(TEXT, "sh")) == 7
    for program, documented in examples:
        done = newcomer(["bash", "-euo", "pipefail", "-c"], program)
        expected = json.loads(documented)
        answer = json.loads(done.stdout.replace(frozen.url, "http://127.0.0.1:4010"))
        assert as_shown(answer, expected) == expected


def as_shown(answer: Any, documented: Any) -> Any:
    """Return an answer as the guide shows it: without the members that it leaves out, with shortened texts and lists."""
    if isinstance(answer, list) and isinstance(documented, list) and documented[-1:] == ["…"]:
        shown = documented[:-1]
        return [*as_shown(answer[: len(shown)], shown), "…"] if len(answer) > len(shown) else answer
    if isinstance(answer, dict) and isinstance(documented, dict):
        return {name: as_shown(answer[name], each) for name, each in documented.items() if name in answer}
    if isinstance(answer, list) and isinstance(documented, list) and len(answer) == len(documented):
        return [as_shown(*pair) for pair in zip(answer, documented, strict=True)]
    if isinstance(answer, str) and isinstance(documented, str) and documented.endswith("…"):
        return documented if answer.startswith(documented[:-1]) else answer
    return answer
