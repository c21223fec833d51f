"""Clients of the Realtime API, used as their documentation says; they are only pointed to the server.

`make test-realtime-clients` runs these tests. A client that is not installed is not tested; in continuous integration
it is an error.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import openai
import pytest

from mockserver.testing.audio_api import AudioApi

HERE = Path(__file__).parent
IMPORTS = re.compile(r"^(?:from|import) (\w+)", re.MULTILINE)
SECOND = 48_000  # bytes of PCM at 24 kHz


def missing(module: Path) -> list[str]:
    """Return what a module of tests needs and is not installed: packages, or Node with its packages."""
    text = module.read_text("utf-8")
    packages = sorted({name for name in IMPORTS.findall(text) if find_spec(name) is None})
    has_node = shutil.which("node") is not None and (HERE / "npm" / "node_modules").is_dir()
    return packages if has_node or "tests.realtime_clients.node" not in text else [*packages, "node"]


MISSING = {} if "CI" in os.environ else {module.name: missing(module) for module in HERE.glob("test_*.py")}
collect_ignore = [name for name, packages in MISSING.items() if packages]

os.environ["OPENAI_AGENTS_DISABLE_TRACING"] = "1"  # read at import


def pytest_report_header() -> list[str]:
    """Name the modules that are left out."""
    return [f"left out, not installed: {name} ({', '.join(MISSING[name])})" for name in collect_ignore]


Say = Callable[[str], bytes]


@pytest.fixture
def say(audio_api: AudioApi) -> Say:
    """Return a function that speaks: PCM at 24 kHz, with half a second of silence before and two after it."""

    def spoken(text: str) -> bytes:
        client = openai.OpenAI(base_url=audio_api.base_url, api_key=audio_api.api_key)
        speech = client.audio.speech.create(
            model="tts-1", voice="alloy", input=text, response_format="pcm"
        ).read()
        return bytes(SECOND // 2) + speech + bytes(2 * SECOND)

    return spoken
