"""The guide of Realtime sessions: its examples and tables."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from mockserver.caller.scenario import play_scenario, read_scenarios
from mockserver.catalog.records import LiveTranscriptionRules
from mockserver.catalog.tables import Catalog
from mockserver.resources import data_folder
from mockserver.testing.mock_server import MockServer
from mockserver.validation.schemas import Schemas
from tests.docs.guides import (
    DOCS,
    RUNNABLE,
    assert_tests_pass,
    blocks,
    program_runner,
    run_in_python,
    table,
)

GUIDE = (DOCS / "realtime.md").read_text("utf-8")
_DELTAS = {
    "whole": "one, with the whole text",
    "burst": "a burst after the commit",
    "live": "while the user speaks",
}
_PARAMETERS = ("prompt", "languages", "keywords", "delay", "logprobs")


@pytest.mark.slow
@pytest.mark.parametrize("first", range(3))
def test_python_examples_run(server: MockServer, tmp_path: Path, first: int) -> None:
    run_in_python(program_runner(server, tmp_path), blocks(GUIDE, "python", RUNNABLE)[first::3])


def _first_delta(rules: LiveTranscriptionRules) -> str:
    if rules.deltas != "live":
        return f"{rules.first_delta_ms} ms after the commit"
    lags = ", ".join(str(lag) for lag in rules.lags.values())
    return f"{rules.lags[rules.default_delay]} ms after the first word (`delay`: {lags})"


def test_the_table_of_transcription_has_each_model_and_its_rules() -> None:
    rows = {row[0].strip("`"): row[1:] for row in table(DOCS / "realtime.md", "model")}
    models = [model for model in Catalog().models if model.live_transcription and not model.alias_of]
    assert set(rows) == {model.id for model in models}
    for model in models:
        rules = model.live_transcription
        assert rules is not None
        deltas, first, end, usage, parameters = rows[model.id]
        assert deltas.startswith(_DELTAS[rules.deltas])
        assert first == _first_delta(rules)
        assert end == f"{rules.completed_ms} ms"
        assert usage == {"tokens": "tokens", "duration": "seconds"}[rules.usage]
        accepted = [name for name in _PARAMETERS if getattr(rules, name)]
        assert sorted(parameters.replace("`", "").replace(" ", "").split(",")) == sorted(accepted or [""])


@pytest.mark.slow
def test_the_examples_of_tests_pass(tmp_path: Path) -> None:
    for number, program in enumerate(blocks(GUIDE, "python", "<!-- a test -->\n")):
        (tmp_path / f"test_example_{number}.py").write_text(program, "utf-8")
    assert_tests_pass(tmp_path)


def test_the_scenario_of_a_call_passes(server: MockServer, schemas: Schemas, tmp_path: Path) -> None:
    (example,) = blocks(GUIDE, "yaml")
    path = tmp_path / "weather.yaml"
    path.write_text(example)
    (scenario,) = read_scenarios(path, schemas)
    session = scenario.document["session"]
    result = play_scenario(scenario, lambda _: server.account().caller(session=session))
    assert result.has_passed, [step.message for step in result.steps]


def test_the_steps_of_scenarios_are_those_of_the_schema() -> None:
    named = {name for row in table(DOCS / "realtime.md", "step") for name in re.findall(r"`(\w+)`", row[0])}
    assert named == {name for each in _definition("step")["oneOf"] for name in each["required"]}


def _definition(name: str) -> dict[str, Any]:
    document = json.loads((data_folder("schemas") / "mock" / "call.json").read_text("utf-8"))
    found: dict[str, Any] = document["$defs"][name]
    return found


def test_the_table_of_conversations_has_each_model_and_its_rules() -> None:
    shown = table(DOCS / "realtime.md", "conversations with")
    rows = {name.strip("`"): row[1:] for row in shown for name in row[0].split(", ")}
    models = [model for model in Catalog().models if model.realtime and not model.alias_of]
    assert set(rows) == {model.id for model in models}
    for model in models:
        rules = model.realtime
        assert rules is not None
        voice, silence, context, more = rows[model.id]
        truncated = f"; truncated from {rules.max_input_tokens:,}" if rules.max_input_tokens else ""
        assert (voice, silence) == (rules.voice, f"{rules.silence_duration_ms} ms")
        assert context == f"{model.context_window:,}, {model.max_output_tokens:,} tokens{truncated}"
        assert ("reasoning" in more) == bool(rules.efforts)
        assert ("phase" in more) == rules.phases
        assert ("without marin" in more) == ("marin" not in rules.voices)
