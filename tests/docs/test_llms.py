"""``llms.txt`` is up to date, has the format of llmstxt.org, and its examples run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mockserver.guides import llms_file
from mockserver.settings.model import Settings
from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer
from mockserver.testing.stub_builder import StubBuilder
from tests.conftest import ROOT
from tests.docs.guides import NEEDS_SHELL, assert_tests_pass, blocks, program_runner, run_in_shell
from tools import llms

TEXT = (ROOT / "llms.txt").read_text("utf-8")


def test_it_is_up_to_date() -> None:
    assert llms_file() == ROOT / "llms.txt"
    assert llms.text() == TEXT, "Run `make llms`."


def test_it_has_a_title_a_summary_and_lists_of_links() -> None:
    lines = TEXT.splitlines()
    assert lines[0] == "# audio-mockserver"
    assert lines[2].startswith("> ")
    sections = re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]
    assert [section.partition("\n")[0] for section in sections] == ["Use", "Reference", "Optional"]
    for section in sections:
        rows = section.partition("\n")[2].strip().splitlines()
        assert rows
        assert all(re.fullmatch(r"- \[[\w-]+\]\(docs/[\w-]+\.md\): .+", row) for row in rows)


def test_its_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\((.+?)\)", TEXT)
    assert "docs/stubs.md" in targets
    assert [target for target in targets if not (ROOT / target).is_file()] == []


def test_it_is_short() -> None:
    assert len(TEXT) < 10_000


@pytest.mark.slow
def test_its_example_passes(tmp_path: Path) -> None:
    (example,) = blocks(TEXT, "python")
    (tmp_path / "test_example.py").write_text(example, "utf-8")
    assert_tests_pass(tmp_path)


@pytest.mark.slow
@NEEDS_SHELL
def test_its_commands_run(tmp_path: Path) -> None:
    (program,) = blocks(TEXT, "sh")
    with MockServer(Settings(port=0, whisper_model="none", log_level="warning")) as server:
        done = run_in_shell(program_runner(server, tmp_path), program)
    assert "Hello from a stub." in done.stdout
    assert "200, by stub; id=stub-1" in done.stdout


def test_the_methods_that_it_names_exist() -> None:
    named = set(re.findall(r"`(on_\w+|fail_\w+|break_\w+)`", TEXT))
    assert named
    assert [name for name in named if not hasattr(AudioApi, name)] == []
    replies = set(re.findall(r"`\.(\w+)\(", TEXT))
    assert replies
    assert [name for name in replies if not hasattr(StubBuilder, name)] == []
