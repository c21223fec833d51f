"""The guide to Azure OpenAI: its examples run, and its tables agree with the code."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from mockserver.providers.azure import errors
from mockserver.providers.azure.provider import OPERATIONS
from mockserver.providers.azure.table import azure_table
from mockserver.settings.loading import load_settings
from mockserver.settings.model import DeploymentRow, Settings
from mockserver.testing.mock_server import MockServer
from tests.docs.guides import DOCS, RUNNABLE, assert_tests_pass, blocks, program_runner, table

PAGE = DOCS / "azure.md"
GUIDE = PAGE.read_text("utf-8")


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.slow
def test_the_examples_run(tmp_path: Path) -> None:
    with MockServer(Settings(port=0, whisper_model="none", log_level="warning")) as server:
        run = program_runner(server, tmp_path)
        done = [run([sys.executable, "-c"], program) for program in blocks(GUIDE, "python", RUNNABLE)]
    expected = [(0, "Hello world, this is a test.\n"), (0, "")]
    assert [(each.returncode, each.stdout) for each in done] == expected, done


@pytest.mark.slow
def test_the_examples_of_tests_pass(tmp_path: Path) -> None:
    examples = [each for each in blocks(GUIDE, "python") if "def test_" in each]
    assert len(examples) == 2
    (tmp_path / "test_examples.py").write_text("\n\n".join(examples), "utf-8")
    assert_tests_pass(tmp_path)


def test_the_deployments_of_the_example_can_be_declared(tmp_path: Path) -> None:
    (example,) = blocks(GUIDE, "toml")
    file = tmp_path / "mockserver.toml"
    file.write_text(example, "utf-8")
    limits = (("requests_per_minute", 6), ("tokens_per_minute", 1000))
    small = DeploymentRow("chat-small", "gpt-4o-mini", limits)
    assert load_settings(file).deployments == (DeploymentRow("chat-prod", "gpt-4o-mini"), small)


def test_the_classic_paths_are_those_of_the_table() -> None:
    deployed, other, _, foundry = table(PAGE, "paths")
    assert {f"/{path}" for path in code(foundry[0])[1:]} == set(azure_table().foundry)
    assert {f"/{path}" for path in code(deployed[0])[1:]} == {
        path for path, called in azure_table().calls.items() if called.deployed
    }
    named = {
        path.split("/")[2]
        for each in OPERATIONS
        if (path := each.path).startswith("/openai/") and "<deployment>" not in path
    } - {"v1"}
    listed = set(code(other[0])[1:])
    assert listed <= named
    assert named - listed == {"chat"}  # stored chats


def test_the_names_of_models_are_all_named() -> None:
    (sentence,) = re.findall(r"Azure's own names are known, too: (.+?)\. Others", GUIDE, re.DOTALL)
    assert sorted(code(sentence)) == sorted(azure_table().model_names)


def test_the_versions_are_those_of_the_table() -> None:
    first, last = azure_table().versions.dated[0], azure_table().versions.dated[-1]
    assert f"`{first}` to `{last}`" in GUIDE
    audio, newer, responses = (code(row[1])[0] for row in table(PAGE, "what"))
    calls = azure_table().calls
    assert audio == calls["/audio/transcriptions"].since == calls["/audio/translations"].since
    assert newer == calls["/audio/speech"].models["gpt-"] == calls["/audio/transcriptions"].models["gpt-"]
    assert set(azure_table().since.values()) == {responses}


def test_the_categories_of_the_filter_are_those_of_the_table() -> None:
    rows = {code(row[0])[0]: code(row[1]) for row in table(PAGE, "Azure's category")}
    rules = azure_table().filter
    for category, members in rules.categories.items():
        assert set(rows.pop(category)) == {category, *members}
    assert list(rows) == [*rules.in_prompts, rules.in_answers[0]]


def test_every_code_of_the_table_of_errors_is_listed() -> None:
    listed = {code for row in table(PAGE, "case") for code in code_of(row[2])}
    assert listed == {row.code for row in errors._rows()}


def code_of(cell: str) -> list[str]:
    return [each for each in code(cell) if "/" not in each]
