"""`uvx` and `pipx` run the wheels in a fresh home.

They find the wheels in a folder and their dependencies in the package index, whose files stay in `build/cache`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.release.distributions import ROOT, Distribution
from tests.release.serving import SENTENCE, served, speak, status_of, transcribe

pytestmark = pytest.mark.timeout(600)  # half a gigabyte is downloaded the first time

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


def folders(built: Mapping[str, Distribution], option: str) -> list[str]:
    """Return the options that let an installer find the wheels by their names."""
    return [part for each in built.values() for part in (option, str(each.wheel.parent))]


def test_uvx_runs_the_server_that_hears(
    built: Mapping[str, Distribution], home: Mapping[str, str], tmp_path: Path
) -> None:
    command = [str(TOOLS / "uvx"), "--quiet", *folders(built, "--find-links")]
    with served([*command, "audio-mockserver", "serve", "--port", "0"], home, tmp_path) as url:
        heard, answered_by = transcribe(url, speak(url))
        assert (heard, answered_by) == (SENTENCE, "whisper; model=embedded")
        assert status_of(url, "/ready") == 200


def test_uvx_runs_the_light_one(
    built: Mapping[str, Distribution], home: Mapping[str, str], tmp_path: Path
) -> None:
    command = [str(TOOLS / "uvx"), "--quiet", *folders(built, "--find-links")]
    with served([*command, "audio-mockserver-light", "serve", "--port", "0"], home, tmp_path) as url:
        assert transcribe(url, speak(url))[1].startswith("placeholder")
        assert status_of(url, "/ready") == 200


def test_pipx_runs_the_wheel(
    built: Mapping[str, Distribution], home: Mapping[str, str], tmp_path: Path
) -> None:
    wheel = str(built["audio-mockserver-light"].wheel)
    command = [str(TOOLS / "pipx"), "run", "--quiet", "--spec", wheel, "audio-mockserver-light"]
    with served([*command, "serve", "--port", "0"], home, tmp_path) as url:
        assert status_of(url, "/ready") == 200
        assert len(speak(url)) > 10_000
