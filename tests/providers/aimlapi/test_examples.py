"""Programs as in the provider's documentation, in Python and JavaScript, run a job to its end."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.providers.aimlapi.conftest import Stt
from tests.website import Website

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent


def interpreter(name: str) -> str:
    """Return the program that runs a language; skip without it."""
    if name == "python":
        return sys.executable
    found = shutil.which(name)
    return found or pytest.skip(f"needs {name}")


@pytest.mark.parametrize(
    ("language", "program"), [("python", "create_and_poll.py"), ("node", "create_and_poll.mjs")]
)
def test_a_program_that_creates_and_polls_gets_the_result(
    fetching: Callable[..., Stt], website: Website, hello: tuple[str, bytes], language: str, program: str
) -> None:
    stt = fetching()
    url = website.file("/hello.wav", hello[1])
    arguments = [stt.api.base_url, stt.api.api_key, url, "0.01"]
    with subprocess.Popen(
        [interpreter(language), str(HERE / program), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stderr is not None
        assert running.stderr.readline() in ("Status: queued.\n", "Status: generating.\n")
        website.released.set()
        output, errors = running.communicate(timeout=60)
    assert running.returncode == 0, errors
    assert json.loads(output) == {
        "text": "Hello world, this is a test.",
        "usage": {
            "type": "tokens",
            "total_tokens": 30,
            "input_tokens": 20,
            "input_token_details": {"text_tokens": 0, "audio_tokens": 20},
            "output_tokens": 10,
        },
    }
