"""The documentation is correct: settings, commands, tables, links, and examples that run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mockserver.catalog.records import ModelCard
from mockserver.catalog.tables import Catalog
from mockserver.cli import main
from mockserver.control.operations import OPERATIONS as CONTROL_OPERATIONS
from mockserver.errors import ErrorTable
from mockserver.settings.loading import load_settings
from mockserver.settings.model import OPTIONS, AccountRow, LimitRow, Settings
from mockserver.settings.values import kind_of
from mockserver.testing.mock_server import MockServer
from mockserver.validation.schemas import Schemas
from tests.conftest import ROOT
from tests.docs.guides import (
    DOCS,
    NEEDS_SHELL,
    README,
    RUNNABLE,
    TUTORIAL,
    Newcomer,
    blocks,
    program_runner,
    run_in_python,
    run_in_shell,
    table,
)

PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md")])
CONTROL = (DOCS / "control.md").read_text("utf-8")
FILES, BATCHES, VOICES = ((DOCS / f"{name}.md").read_text("utf-8") for name in ("files", "batches", "voices"))
INSTALL = (DOCS / "install.md").read_text("utf-8")
GUIDES = (
    README,
    TUTORIAL,
    CONTROL,
    FILES,
    BATCHES,
    VOICES,
    INSTALL,
)  # pages with Python examples that are run here
SHELL_GUIDES = (README, TUTORIAL, (DOCS / "commands.md").read_text("utf-8"))


def written(option: Any) -> list[str]:
    """Return the row of an option in the table of settings: key, variable, flags, header, default."""
    words = option.name.replace("_", "-")
    flags = f"`--{words}`, `--no-{words}`" if kind_of(option) is bool else f"`--{words}`"
    header = f"`x-mock-{words}`" if option.metadata["per_request"] else ""
    variable = f"`MOCKSERVER_{option.name.upper()}`"
    return [f"`{option.name}`", variable, flags, header, f"`{json.dumps(option.default)}`"]


def test_the_table_of_settings_lists_each_with_its_spellings_and_default() -> None:
    rows = table(DOCS / "configuration.md", "file key")
    assert [row[:5] for row in rows] == [written(option) for option in OPTIONS]
    assert all(row[5] for row in rows)


def test_the_readme_is_short_and_links_every_guide() -> None:
    assert len(README.splitlines()) <= 150
    linked = set(re.findall(r"\]\(docs/([\w-]+\.md)", README))
    assert linked == {page.name for page in DOCS.glob("*.md")}


def test_the_index_of_the_guides_has_each_once() -> None:
    index = (DOCS / "README.md").read_text("utf-8")
    listed = [
        cell.partition("](")[2].rstrip(")") for cell in re.findall(r"^\| (\[.*?) \|", index, re.MULTILINE)
    ]
    pages = [name for name in listed if name.endswith(".md") and not name.startswith("..")]
    assert sorted(pages) == sorted(page.name for page in DOCS.glob("*.md") if page.name != "README.md")


def test_the_settings_file_of_the_documentation_can_be_loaded(tmp_path: Path) -> None:
    example, models = blocks((DOCS / "configuration.md").read_text("utf-8"), "toml")
    file = tmp_path / "mockserver.toml"
    file.write_text(example + models, "utf-8")
    settings = load_settings(file)
    assert [row["id"] for row in settings.models] == ["gpt-7", "ft:gpt-4o-mini-2024-07-18:acme::abc123"]
    assert settings.fixtures == ("my-clips", "more-clips")
    assert settings.accounts[0] == AccountRow("sk-test-alpha", "org-alpha", "proj_alpha", "tier-3")
    assert settings.accounts[1].limits == (LimitRow("whisper-1", None, (("requests_per_minute", 5),)),)
    assert settings.limit_rows == (
        LimitRow("gpt-4o-mini-tts", None, (("tokens_per_minute", 1000),)),
        LimitRow("gpt-4o-mini-tts", "tier-1", (("requests_per_minute", 2), ("tokens_per_minute", None))),
    )


def test_every_command_is_documented_with_an_example() -> None:
    rows = {name.strip("`"): example for name, example in table(DOCS / "commands.md", "command")}
    assert set(rows) == {f"mockserver {name}" for name in main.commands}
    assert all(f"`{command}" in example for command, example in rows.items())


def test_the_voices_of_the_guide_exist_with_its_settings_file(tmp_path: Path) -> None:
    (example,) = blocks(VOICES, "toml")
    (tmp_path / "mockserver.toml").write_text(example, "utf-8")
    assert load_settings(tmp_path / "mockserver.toml").custom_voices == "voice_1234, voice_5678"


def test_every_error_without_a_recording_is_confessed() -> None:
    rows = {row[0].strip("`"): int(row[1]) for row in table(DOCS / "fidelity.md", "error")}
    errors = ErrorTable().rows
    assert rows == {name: row["status"] for name, row in errors.items() if row.get("unverified")}


def test_the_formats_of_each_model_are_those_of_the_catalog() -> None:
    formats = ("json", "text", "srt", "vtt", "verbose_json", "diarized_json")
    rows = {
        row[0].strip("`"): [cell == "yes" for cell in row[1:]]
        for row in table(DOCS / "endpoints.md", "model")
    }
    rules = {card.id: card.transcription for card in Catalog().models if not card.alias_of}
    assert rows == {
        name: [*(each in rule.response_formats for each in formats), rule.streams]
        for name, rule in rules.items()
        if rule is not None
    }


def test_the_chat_models_and_what_they_do_are_those_of_the_catalog() -> None:
    rows = {row[0].strip("`"): row[1:] for row in table(DOCS / "chat.md", "model")}
    cards = [card for card in Catalog().models if card.chat is not None and not card.alias_of]
    assert rows == {card.id: chat_cells(card) for card in cards}


def chat_cells(card: ModelCard) -> list[str]:
    """Return the row of a chat model in the guide."""
    rules = card.chat
    assert rules is not None
    yes = ["yes" if each else "no" for each in (rules.audio, rules.images, rules.structured_outputs)]
    efforts = [f"**{each}**" if each == rules.effort else each for each in rules.efforts]
    refused = [[f"`{name}`" for name in names] for names in (rules.refuses, rules.refuses_reasoning)]
    return [*yes, ", ".join(efforts), f"{card.max_output_tokens:,}", *(" ".join(names) for names in refused)]


def test_every_parameter_of_chats_is_described(schemas: Schemas) -> None:
    page = (DOCS / "chat.md").read_text("utf-8").replace("`prompt_cache_*`", "")
    parameters = set(schemas.properties("openai/create_chat_completion.request"))
    undescribed = {name for name in parameters if f"`{name}`" not in page}
    assert {name for name in undescribed if not name.startswith("prompt_cache_")} == set()


def test_the_voices_are_those_of_the_catalog() -> None:
    rows = [[cell.strip("`") for cell in row] for row in table(DOCS / "engines.md", "voice")]
    assert rows == [[each.name, each.base, each.variant, str(each.pitch)] for each in Catalog().voices]


def test_the_example_of_a_fixture_has_every_member_and_is_valid(schemas: Schemas) -> None:
    page = (DOCS / "fixtures.md").read_text("utf-8")
    (example,) = blocks(page, "json")
    assert schemas.violations("mock/fixture", json.loads(example)) == []
    for member, schema in schemas.properties("mock/fixture").items():
        properties = schema.get("properties") or schema.get("items", {}).get("properties") or {}
        for name in (member, *properties):
            assert f'"{name}":' in example


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path) if path else page
        assert linked.exists(), f"{page.name}: {target}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", linked.read_text("utf-8"), re.MULTILINE)
            assert anchor in [re.sub(r"[^\w-]", "", each.lower().replace(" ", "-")) for each in headings]


def test_every_path_of_the_control_api_is_described() -> None:
    described = [cell.strip("`") for cell, _ in table(DOCS / "control.md", "path")]
    assert sorted(described) == sorted(each.name for each in CONTROL_OPERATIONS)


def test_every_part_of_a_reset_is_described(schemas: Schemas) -> None:
    parts = [cell.strip("`") for cell, _ in table(DOCS / "control.md", "part")]
    assert parts == schemas.properties("mock/reset")["what"]["items"]["enum"]


def test_every_metric_is_described_with_its_labels(frozen: MockServer) -> None:
    with urllib.request.urlopen(f"{frozen.url}/_mock/metrics") as response:
        families = {family.name for family in text_string_to_metric_families(response.read().decode())}
    described = {
        name.removesuffix("_total")
        for cell, _, _ in table(DOCS / "control.md", "metric")
        for name in re.findall(r"`(\w+)`", cell)
    }
    assert described == {name for name in families if name.startswith("mockserver_")}


@pytest.mark.parametrize("change", ["limits", "clock"])
def test_every_member_of_a_change_is_described(schemas: Schemas, change: str) -> None:
    _, _, section = CONTROL.partition(f"`PUT /_mock/{change}` takes")
    rows = re.findall(r"^\| (.*?) \|", section.partition("\n\n|")[2].partition("\n\n")[0], re.MULTILINE)
    described = {name for row in rows for name in re.findall(r"`(\w+)[`:]", row)}
    assert described == set(schemas.properties(f"mock/{change}"))


def test_the_rooms_of_the_architecture_have_the_modules_that_it_names() -> None:
    rows = table(DOCS / "architecture.md", "room")
    package = ROOT / "mockserver"
    for rooms, text in rows:
        named = re.findall(r"`([\w/]+(?:\.py|/))`", rooms)
        folders = [each for base in (package, ROOT) for name in named if (each := base / name).is_dir()]
        assert folders or all((package / name).is_file() for name in named), rooms
        for module in re.findall(r"`([\w/]+(?:\.py|/))`", text):
            assert any((base / module).exists() for base in (*folders, package, ROOT)), (rooms, module)
    rooms_there = {path.name for path in package.iterdir() if (path / "__init__.py").is_file()}
    assert rooms_there <= {name.split("/")[0] for row in rows for name in re.findall(r"`([\w/]+)/`", row[0])}


def first_line(program: str) -> str:
    return program.partition("\n")[0]


@pytest.fixture(scope="module")
def hosted() -> Iterator[MockServer]:
    """Yield the server that a reader of the tutorial has started."""
    settings = Settings(port=0, whisper_model="embedded", whisper_cpu_threads=1, log_level="error")
    with MockServer(settings) as running:
        yield running


@pytest.fixture
def frozen() -> Iterator[MockServer]:
    """Yield the server of the examples of the control API."""
    settings = Settings(port=0, whisper_model="none", log_level="warning", frozen_time=1_800_000_000)
    with MockServer(settings) as running:
        yield running


@pytest.fixture
def newcomer(hosted: MockServer, tmp_path: Path) -> Newcomer:
    """Return a function that runs a program as the reader of the tutorial would, with the server and the fixtures."""
    hosted.reset()
    return program_runner(hosted, tmp_path)


@pytest.mark.slow
def test_python_examples_run(newcomer: Newcomer) -> None:
    run_in_python(newcomer, [program for page in GUIDES for program in blocks(page, "python", RUNNABLE)])


@pytest.mark.slow
@NEEDS_SHELL
@pytest.mark.parametrize(
    "program", [program for page in SHELL_GUIDES for program in blocks(page, "sh", RUNNABLE)], ids=first_line
)
def test_shell_examples_run(newcomer: Newcomer, program: str) -> None:
    done = run_in_shell(newcomer, program)
    assert done.stderr.count("HTTP ") >= program.count("curl ")  # every request was answered


@pytest.mark.slow
@NEEDS_SHELL
def test_the_first_example_of_the_tutorial_is_really_heard(newcomer: Newcomer) -> None:
    program, documented = re.findall(
        rf"{RUNNABLE}```sh\n(.*?)^```\n.*?^```\n(.*?)^```$", TUTORIAL, re.MULTILINE | re.DOTALL
    )[0]
    answered_by, _, answer = documented.rstrip().partition("\n\n")
    answers = run_in_shell(newcomer, program).stdout
    assert answered_by == "x-mock-answered-by: whisper; model=embedded"
    assert answered_by in answers.splitlines()
    known, heard = map(json.loads, re.findall(r'{"text":.*}}', answers))
    assert known["text"] == "Hello world."
    assert heard == json.loads(answer)


@NEEDS_SHELL
def test_the_control_api_answers_as_documented(frozen: MockServer, tmp_path: Path) -> None:
    newcomer = program_runner(frozen, tmp_path)
    examples = re.findall(
        rf"{RUNNABLE}```sh\n(.*?)^```\n\n```json\n(.*?)^```$", CONTROL, re.MULTILINE | re.DOTALL
    )
    assert len(examples) == len(blocks(CONTROL, "sh", RUNNABLE)) > 5
    for program, documented in examples:
        answered = "{" + run_in_shell(newcomer, program).stdout.rpartition("\n{")[2].removeprefix("{")
        assert shown_of(json.loads(answered), json.loads(documented)) == json.loads(documented)


def shown_of(answer: Any, shown: Any) -> Any:
    """Return the members of an answer that the documentation shows."""
    if isinstance(answer, dict) and isinstance(shown, dict):
        return {name: shown_of(value, shown[name]) for name, value in answer.items() if name in shown}
    if isinstance(answer, list) and isinstance(shown, list) and len(answer) == len(shown):
        return [shown_of(*pair) for pair in zip(answer, shown, strict=True)]
    return answer


def test_there_are_examples_to_run() -> None:
    assert (len(blocks(TUTORIAL, "python", RUNNABLE)), len(blocks(TUTORIAL, "sh", RUNNABLE))) == (3, 5)
    assert blocks(README, "sh", RUNNABLE)
    assert blocks(FILES, "python", RUNNABLE)
    assert blocks(BATCHES, "python", RUNNABLE)
    assert blocks(VOICES, "python", RUNNABLE)


@pytest.mark.slow
def test_the_example_of_a_conversation_hears_what_was_answered(
    newcomer: Newcomer, hosted: MockServer, tmp_path: Path
) -> None:
    example = str(DOCS / "examples" / "talk.py")
    done = newcomer([sys.executable, example, hosted.base_url], "Is anybody there?")
    assert done.stdout.splitlines() == [
        "question:  Is anybody there?",
        "answer:    I heard you say: Is anybody there?",
        "heard:     I heard you say: Is anybody there?",
    ]
    assert (tmp_path / "answer.wav").stat().st_size > 24_000


@pytest.mark.slow
def test_the_example_of_an_assistant_hears_calls_and_speaks(newcomer: Newcomer, tmp_path: Path) -> None:
    done = newcomer([sys.executable], str(DOCS / "examples" / "assistant.py"))
    assert done.stdout.splitlines() == [
        "heard:   Good morning, can you hear me?",
        "answer:  Loud and clear.",
        "answer:  What would you like to know?",
        "heard:   How is the weather in Rome?",
        'tool:    get_weather({"city":"Rome"})',
        "answer:  It is sunny.",
        "answer:  Take a hat.",
    ]
    assert (tmp_path / "answer.wav").stat().st_size > 4 * 24_000


@pytest.mark.slow
def test_the_example_of_an_assistant_works_with_any_server(newcomer: Newcomer, hosted: MockServer) -> None:
    example = str(DOCS / "examples" / "assistant.py")
    done = newcomer([sys.executable, example, hosted.base_url], "Is anybody there?")
    assert done.stdout.splitlines() == [
        "heard:   Is anybody there?",
        "answer:  You wrote: Is anybody there?",
    ]


@pytest.mark.slow
def test_the_tour_is_heard_by_the_whisper_that_ships(tmp_path: Path) -> None:
    nothing_fetched = os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_CACHE": str(tmp_path)}
    program = [sys.executable, str(DOCS / "examples" / "tour.py")]
    done = subprocess.run(
        program, env=nothing_fetched, capture_output=True, text=True, timeout=100, check=True
    )
    assert done.stdout.count("whisper; model=embedded") == 10 + 10 + 3  # spoken, transcribed, telephoned
    assert done.stderr == ""
