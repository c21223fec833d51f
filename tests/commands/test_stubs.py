"""`mockserver stubs check`, and the messages of `serve` about invalid stubs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from mockserver.resources import data_folder

Run = Callable[..., Result]


@pytest.fixture
def folders(tmp_path: Path) -> None:
    """Make two folders of stubs, and a broken one, in the working folder."""
    for name, text in {
        "good/a.yaml": "[{reply: {text: One.}}, {reply: {text: Two.}}]",
        "good/b.json": '{"reply": {"text": "Three."}}',
        "one/c.yaml": "reply: {text: Four.}",
        "bad/d.yaml": "when: {endpoint: chat}\nreply: {txt: Five.}",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")


@pytest.mark.usefixtures("folders")
@pytest.mark.parametrize(
    ("asked", "counted"),
    [
        (["good"], "3 stubs in 2 files.\n"),
        (["one"], "1 stub in 1 file.\n"),
        (["good", "one"], "4 stubs in 3 files.\n"),
    ],
)
def test_stubs_that_can_be_used_are_counted(run: Run, asked: list[str], counted: str) -> None:
    result = run("stubs", "check", *asked)
    assert (result.exit_code, result.stdout) == (0, counted)


def test_a_path_that_is_nearly_one_of_openais_is_doubted(run: Run, tmp_path: Path) -> None:
    (tmp_path / "e.yaml").write_text("when: {endpoint: /v1/respones}\nreply: {json: {}}", "utf-8")
    result = run("stubs", "check", str(tmp_path))
    doubt, count = result.stdout.splitlines()
    assert doubt.endswith(
        "e.yaml:1: endpoint: the API has no path '/v1/respones'. Did you mean '/v1/responses'?"
    )
    assert (result.exit_code, count) == (0, "1 stub in 1 file.")


@pytest.mark.usefixtures("folders")
@pytest.mark.parametrize(
    "command",
    [("stubs", "check", "good", "bad"), ("serve", "--whisper-model", "none", "--stubs", "bad")],
    ids=" ".join,
)
def test_the_first_invalid_stub_is_reported_in_one_line(run: Run, command: tuple[str, ...]) -> None:
    result = run(*command)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"mockserver: {Path('bad', 'd.yaml')}:2: Unknown parameter: 'reply.txt'. Did you mean 'text'? "
        "docs/stubs.md describes the form of a stub.\n"
    )


def test_a_missing_folder_is_reported_in_one_line(run: Run) -> None:
    result = run("stubs", "check", "nowhere")
    assert result.exit_code == 1
    assert result.stderr == "mockserver: No such folder: nowhere. Create it, or choose another.\n"


def test_the_examples_that_ship_can_be_used(run: Run) -> None:
    assert run("stubs", "check", str(data_folder("fixtures") / "stubs")).exit_code == 0


def test_no_folder_is_a_usage_error(run: Run) -> None:
    assert run("stubs", "check").exit_code == 2
