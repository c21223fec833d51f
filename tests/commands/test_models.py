"""`mockserver models`, `models NAME` and `models pull NAME`."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import Result

from mockserver.catalog.tables import Catalog

Run = Callable[..., Result]


def test_models_lists_them_all(run: Run) -> None:
    result = run("models")
    assert result.exit_code == 0
    assert [model.id for model in Catalog().models if f" {model.id} " not in result.stdout] == []
    assert "`mockserver models NAME` shows everything known about one." in result.stdout
    assert "`mockserver doctor` says which Whisper listens." in result.stdout


@pytest.mark.parametrize("arguments", [["gpt-4o-mini-tts"], ["show", "gpt-4o-mini-tts"]])
def test_a_model_is_shown_with_all_that_is_known(run: Run, arguments: list[str]) -> None:
    result = run("models", *arguments)
    assert result.exit_code == 0
    assert result.stdout.startswith("id: gpt-4o-mini-tts\n")
    assert "endpoints: v1/audio/speech\n" in result.stdout
    assert "None" not in result.stdout


@pytest.mark.parametrize("model", [model.id for model in Catalog().models])
def test_every_model_can_be_shown(run: Run, model: str) -> None:
    assert f"id: {model}\n" in run("models", model).stdout


def test_an_unknown_model_is_named_with_a_remedy(run: Run) -> None:
    result = run("models", "gpt-9")
    assert result.exit_code == 1
    assert result.stderr == "mockserver: there is no model 'gpt-9'. `mockserver models` lists them.\n"


def test_pulling_without_a_network_fails_and_says_why(run: Run) -> None:
    result = run("models", "pull", "tiny")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "mockserver: cannot find the Whisper model 'tiny': " in result.stderr
    assert "Traceback" not in result.stderr


def test_pulling_what_is_no_model_fails_and_says_what_is(run: Run) -> None:
    result = run("models", "pull", "enormous")
    assert result.exit_code == 1
    assert "mockserver: cannot find the Whisper model 'enormous': " in result.stderr
    assert "tiny" in result.stderr
