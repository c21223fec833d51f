"""The example suites of the documentation pass, run as their reader would run them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sdk.node import npm_package

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def test_the_pytest_suite_passes(tmp_path: Path) -> None:
    suite = shutil.copytree(EXAMPLES / "pytest_suite", tmp_path / "suite")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=suite,
        env={**os.environ, "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "9 passed" in done.stdout


def test_the_suite_of_nodes_test_runner_passes(tmp_path: Path) -> None:
    node, package = shutil.which("node"), npm_package()
    if node is None or package is None:
        pytest.skip("needs Node, and the npm package openai in NODE_PATH or tests/sdk/node_modules")
    suite = shutil.copytree(EXAMPLES / "node_suite", tmp_path / "suite")
    (suite / "node_modules").mkdir()
    (suite / "node_modules" / "openai").symlink_to(package.resolve(), target_is_directory=True)
    environment = {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    done = subprocess.run(
        [node, "--test"], cwd=suite, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# pass 5" in done.stdout
