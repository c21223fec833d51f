"""Reads the guides in ``docs/`` and runs their examples."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mockserver.resources import data_folder
from mockserver.testing.mock_server import MockServer
from tests.conftest import ROOT

DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text("utf-8")
TUTORIAL = (DOCS / "tutorial.md").read_text("utf-8")
SERVED_AT = "http://127.0.0.1:4010"  # in the examples
RUNNABLE = "<!-- runnable -->\n"
NEEDS_SHELL = pytest.mark.skipif(
    not (shutil.which("bash") and shutil.which("curl")), reason="needs bash and curl"
)

Finished = subprocess.CompletedProcess[str]
Newcomer = Callable[[list[str], str], Finished]


def blocks(text: str, language: str, marker: str = "") -> list[str]:
    """Return the code blocks of a page in a language, only those after a line ``marker`` if one is given."""
    return re.findall(rf"^{re.escape(marker)}```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def table(page: Path, first_column: str) -> list[list[str]]:
    """Return the rows of the page's table whose header begins with ``first_column``, each a list of cells."""
    lines = iter(page.read_text("utf-8").splitlines())
    for line in lines:
        if line.startswith(f"| {first_column} |"):
            break
    next(lines)
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def program_runner(server: MockServer, tmp_path: Path) -> Newcomer:
    """Copy the fixtures; return a function that runs a program beside them, with the server."""
    shutil.copytree(data_folder("fixtures"), tmp_path / "fixtures")
    environment = os.environ | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "PYTHONPATH": str(ROOT),
        "MOCKSERVER_WHISPER_MODEL": "none",
        "MOCKSERVER_PORT": server.url.rpartition(":")[2],
    }

    def run(command: list[str], program: str) -> Finished:
        return subprocess.run(
            [*command, program.replace(SERVED_AT, server.url)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    return run


def run_in_python(newcomer: Newcomer, programs: list[str]) -> None:
    """Run programs one after another, in one process, which imports the SDK only once."""
    runs = [
        f"exec(compile({program!r}, 'example {number}', 'exec'), {{'__name__': '__main__'}})"
        for number, program in enumerate(programs)
    ]
    assert runs
    done = newcomer([sys.executable, "-c"], "\n".join(runs))
    assert done.returncode == 0, done.stderr


def run_in_shell(newcomer: Newcomer, program: str) -> Finished:
    """Run a script in which every request succeeds, except those that it calls a 429."""
    curl = "curl --silent --show-error --write-out '%{stderr}HTTP %{http_code}\\n' "
    done = newcomer(["bash", "-euo", "pipefail", "-c"], program.replace("curl ", curl))
    assert done.returncode == 0, done.stderr
    refusals = [
        status for status in re.findall(r"^HTTP (\d+)$", done.stderr, re.MULTILINE) if status[0] != "2"
    ]
    assert refusals == re.findall(r"\b429\b", program), done.stdout
    return done


def assert_tests_pass(folder: Path) -> None:
    """Run the tests in a folder with pytest, in a process of their own, without plugins that they do not need."""
    plugins = ["-p", "no:cacheprovider", "-p", "anyio", "-p", "mockserver.testing.pytest_plugin"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugins, "--rootdir", str(folder)],
        cwd=folder,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
