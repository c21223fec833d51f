"""`mockserver models`, `models NAME` and `models pull NAME`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from mockserver.catalog.tables import Catalog

Run = Callable[..., Result]


def test_models_lists_them_all(run: Run) -> None:
    result = run("models")
    assert result.exit_code == 0
    assert [model.id for model in Catalog().models if f" {model.id} " not in result.stdout] == []
    assert "`mockserver models NAME` shows everything known about one." in result.stdout
    assert "`mockserver doctor` names the Whisper model in use." in result.stdout


@pytest.mark.parametrize("arguments", [["gpt-4o-mini-tts"], ["show", "gpt-4o-mini-tts"]])
def test_a_model_is_shown_with_all_that_is_known(run: Run, arguments: list[str]) -> None:
    result = run("models", *arguments)
    assert result.exit_code == 0
    assert result.stdout.startswith("id: gpt-4o-mini-tts\n")
    assert "endpoints: v1/audio/speech\n" in result.stdout
    assert "None" not in result.stdout


@pytest.mark.slow
@pytest.mark.parametrize("model", [model.id for model in Catalog().models])
def test_every_model_can_be_shown(run: Run, model: str) -> None:
    assert f"id: {model}\n" in run("models", model).stdout


def test_the_models_that_retire_soon_are_listed_by_date(run: Run) -> None:
    result = run("models", "--retiring", "90", "--from", "2026-11-28")
    rows = [line.split()[1:6:2] for line in result.stdout.splitlines() if line.startswith("│")]
    assert ["2026-12-11", "13", "gpt-5"] in rows
    assert ["2027-02-26", "90", "whisper-1"] in rows
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    assert {"gpt-4", "gpt-5.1"}.isdisjoint(row[2] for row in rows)  # gone already; later


def test_retirements_are_printed_as_json_too(run: Run) -> None:
    found = json.loads(run("models", "--retiring", "0", "--from", "2026-05-07", "--format", "json").stdout)
    assert "gpt-4o-audio-preview" in [each["id"] for each in found]
    assert {each["shutdown_date"] for each in found} == {"2026-05-07"}
    assert found[0]["conflicts"] == {"shutdown_date": "2027-01-20: deprecations page, read on 2026-11-20"}
    everything = json.loads(run("models", "--format", "json").stdout)
    assert [each["id"] for each in everything] == [model.id for model in Catalog().models]


def test_days_on_which_nothing_retires_are_reported(run: Run) -> None:
    result = run("models", "--retiring", "3", "--from", "2030-01-01")
    assert result.stdout == "No model shuts down from 2030-01-01 to 2030-01-04.\n"
    refused = run("models", "--retiring", "3", "--from", "soon")
    assert (refused.exit_code, refused.stderr) == (
        1,
        "mockserver: --from: 'soon' is not a date. Write it as YYYY-MM-DD.\n",
    )
    assert "takes no options before it" in run("models", "--retiring", "3", "gpt-4o").stderr


def test_more_days_than_there_are_lead_to_the_last(run: Run) -> None:
    for days in ("100", "99999999999"):
        result = run("models", "--retiring", days, "--from", "9999-12-30")
        assert result.exit_code == 0
        assert "No model shuts down from 9999-12-30 to 9999-12-31." in result.stdout


def test_an_unknown_model_is_named_with_a_remedy(run: Run) -> None:
    result = run("models", "gpt-9")
    assert result.exit_code == 1
    assert result.stderr == "mockserver: unknown model 'gpt-9'. `mockserver models` lists them.\n"


@pytest.mark.slow
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


def test_models_of_the_settings_file_are_listed_and_shown(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mockserver.toml"
    file.write_text(
        '[[models]]\nid = "my-own"\nlike = "gpt-4o"\nshutdown_date = "2029-01-02"\n'
        "[limits.gpt-4o]\nrequests_per_minute = 3\n",
        "utf-8",
    )
    config = ("--config", str(file))
    assert json.loads(run("models", *config, "--format", "json").stdout)[-1]["id"] == "my-own"
    assert "summary: Configured, like gpt-4o.\n" in run("models", *config, "my-own").stdout
    retiring = run("models", *config, "--retiring", "1", "--from", "2029-01-01")
    assert ["2029-01-02", "1", "my-own", "configuration"] in [
        line.split()[1:8:2] for line in retiring.stdout.splitlines()
    ]
    monkeypatch.chdir(tmp_path)
    assert "id: my-own\n" in run("models", "my-own").stdout


def test_a_settings_file_that_makes_no_sense_ends_the_command(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "mockserver.toml"
    file.write_text('[[models]]\nid = "my-own"\nlike = "gpt-4oo"\n', "utf-8")
    for command in ("models", "limits"):
        result = run(command, "--config", str(file))
        assert result.exit_code == 1
        assert result.stderr == (
            f"mockserver: {file}: models[0].like: unknown model 'gpt-4oo'. Did you mean 'gpt-4o'?\n"
        )
