"""The guide of Realtime sessions: its examples and tables."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mockserver.catalog.records import LiveTranscriptionRules
from mockserver.catalog.tables import Catalog
from mockserver.testing.mock_server import MockServer
from tests.docs.guides import DOCS, RUNNABLE, assert_tests_pass, blocks, program_runner, table

GUIDE = (DOCS / "realtime.md").read_text("utf-8")
_DELTAS = {
    "whole": "one, with the whole text",
    "burst": "a burst after the commit",
    "live": "while the user speaks",
}
_PARAMETERS = ("prompt", "languages", "keywords", "delay", "logprobs")


@pytest.mark.slow
@pytest.mark.parametrize(
    "program",
    [pytest.param(each, id=str(number)) for number, each in enumerate(blocks(GUIDE, "python", RUNNABLE))],
)
def test_python_examples_run(program: str, server: MockServer, tmp_path: Path) -> None:
    done = program_runner(server, tmp_path)([sys.executable, "-c"], program)
    assert done.returncode == 0, done.stderr


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
