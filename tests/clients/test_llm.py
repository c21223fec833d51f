"""The command `llm` calls chat completions for some models and the Responses API for others, such as its default."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from mockserver.testing.audio_api import AudioApi


def llm(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `llm` with separate settings and logs."""
    return subprocess.run(
        [sys.executable, "-m", "llm", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "LLM_USER_PATH": str(home)},
        stdin=subprocess.DEVNULL,
        check=False,
    )


def test_a_model_of_chat_completions_is_answered(audio_api: AudioApi, tmp_path: Path) -> None:
    audio_api.on_chat(user_text="Hi.").reply("Hello.")
    done = llm(tmp_path, "-m", "gpt-4o-mini", "Hi.")
    assert (done.stdout, done.stderr) == ("Hello.\n", "")


def test_its_default_model_calls_responses_which_are_not_served(audio_api: AudioApi, tmp_path: Path) -> None:
    done = llm(tmp_path, "Hi.")
    assert done.returncode == 1
    assert "mock_endpoint_not_served" in done.stderr
    assert "POST /v1/responses is not served" in audio_api.exchanges()
