"""A release needs a tag, a version and a changelog that agree."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tools.check_release import notes, problems

CHANGELOG = """\
# Changelog

## [1.2.0] - 2030-01-31

### Added

- Something.

## [1.1.0] - 2029-12-01

- Before.
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Make a checkout that can be released as v1.2.0."""
    (tmp_path / "mockserver").mkdir()
    (tmp_path / "mockserver" / "version.py").write_text('__version__ = "1.2.0"\n', "utf-8")
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG, "utf-8")
    (tmp_path / "js").mkdir()
    (tmp_path / "js" / "package.json").write_text(json.dumps({"version": "1.2.0"}), "utf-8")
    return tmp_path


def test_what_agrees_can_be_released(checkout: Path) -> None:
    assert problems(checkout, "v1.2.0") == []
    assert notes(checkout) == "### Added\n\n- Something.\n"


def test_the_package_for_javascript_is_optional(checkout: Path) -> None:
    (checkout / "js" / "package.json").unlink()
    assert problems(checkout, "v1.2.0") == []


@pytest.mark.parametrize("tag", ["1.2.0", "v1.2", "v1.2.1", "main", ""])
def test_another_tag_is_refused(checkout: Path, tag: str) -> None:
    (problem,) = problems(checkout, tag)
    assert problem == f"the tag {tag} is not v1.2.0. Set __version__ in mockserver/version.py, or the tag."


def test_a_version_that_is_not_in_the_changelog_is_refused(checkout: Path) -> None:
    (checkout / "CHANGELOG.md").write_text(CHANGELOG.replace("[1.2.0]", "[1.2.1]"), "utf-8")
    assert problems(checkout, "v1.2.0") == ["CHANGELOG.md has no section [1.2.0]. Add it."]


def test_a_section_without_a_date_is_refused(checkout: Path) -> None:
    (checkout / "CHANGELOG.md").write_text(CHANGELOG.replace("2030-01-31", "Unreleased"), "utf-8")
    (problem,) = problems(checkout, "v1.2.0")
    assert problem.startswith("CHANGELOG.md says 'Unreleased' for 1.2.0.")


def test_another_version_for_javascript_is_refused(checkout: Path) -> None:
    (checkout / "js" / "package.json").write_text(json.dumps({"version": "1.1.0"}), "utf-8")
    assert problems(checkout, "v1.2.0") == ["js/package.json has version 1.1.0, not 1.2.0. Set it."]


def test_the_command_says_what_is_wrong() -> None:
    command = [sys.executable, "-m", "tools.check_release", "v0.0.0"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("cannot release: the tag v0.0.0 is not v")
    shown = subprocess.run([*command[:-1], "--notes"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert shown.stdout.startswith("### Added\n")
