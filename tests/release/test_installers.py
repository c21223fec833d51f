"""`uvx` and `pipx` run the wheels in a fresh home.

They find the wheels in a folder and their dependencies in the package index, whose files stay in `build/cache`.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.release.distributions import ROOT, Distribution
from tests.release.serving import served, speak, status_of, transcribe

pytestmark = pytest.mark.timeout(600)  # half a gigabyte is downloaded the first time

GUIDE = (ROOT / "docs" / "install.md").read_text("utf-8")
LINES = re.findall(r"^(?:uvx|pipx run) .*$", GUIDE, re.MULTILINE)
CACHE = ROOT / "build" / "cache"
TOOLS = Path(sys.executable).parent
OWN = ("MOCKSERVER_", "OPENAI_", "PIPX_", "UV_TOOL", "VIRTUAL_ENV", "PYTHON", "XDG_")


@pytest.fixture
def home(tmp_path: Path) -> Mapping[str, str]:
    """Return the environment of a user who has installed nothing yet."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OWN)}
    return kept | {
        "HOME": str(tmp_path),
        "UV_CACHE_DIR": str(CACHE / "uv"),
        "UV_PYTHON": sys.executable,
        "UV_PYTHON_DOWNLOADS": "never",
        "PIP_CACHE_DIR": str(CACHE / "pip"),
        "PIPX_DEFAULT_PYTHON": sys.executable,
        "MOCKSERVER_REMEMBER_SPEECH": "0",
        "MOCKSERVER_LOG_LEVEL": "error",
    }


@pytest.fixture(scope="session")
def folder(built: Mapping[str, Distribution], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the wheels in `dist`, as `make build` leaves a checkout."""
    checkout = tmp_path_factory.mktemp("checkout")
    (checkout / "dist").mkdir()
    for each in built.values():
        shutil.copy(each.wheel, checkout / "dist")
    return checkout


def command_of(line: str, version: str) -> list[str]:
    """Return a line of the guide as a command of this environment, for this version and any free port."""
    program, *arguments = shlex.split(re.sub(r"-\d+\.\d+\.\d+-py3", f"-{version}-py3", line), comments=True)
    return [str(TOOLS / program), *arguments, "--port", "0"]


def test_there_are_commands_in_the_guide() -> None:
    assert len(LINES) == 3


@pytest.mark.parametrize("line", LINES)
def test_the_commands_of_the_guide_run_the_server(
    line: str, built: Mapping[str, Distribution], folder: Path, home: Mapping[str, str]
) -> None:
    version = built["audio-mockserver"].metadata["Version"]
    with served(command_of(line, version), home, folder) as url:
        answered_by = transcribe(url, speak(url))[1]
        assert answered_by.startswith("placeholder" if "light" in line else "whisper; model=embedded")
        assert status_of(url, "/health") == 200


def test_uvx_finds_the_light_one_by_its_name(folder: Path, home: Mapping[str, str]) -> None:
    with served(command_of("uvx --find-links dist audio-mockserver-light serve", "0"), home, folder) as url:
        assert transcribe(url, speak(url))[1].startswith("placeholder")
        assert status_of(url, "/ready") == 200
