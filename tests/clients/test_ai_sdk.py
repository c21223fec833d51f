"""The AI SDK for JavaScript calls the Responses API, unless a model is made by `openai.chat()`."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from mockserver.resources import data_folder
from mockserver.testing.audio_api import AudioApi

HELLO = data_folder("fixtures") / "hello.wav"  # says "Hello world, this is a test."
SESSION = Path(__file__).parent / "npm" / "ai_sdk.mjs"


def test_it_chats_calls_a_tool_transcribes_speaks_and_is_refused_responses(audio_api: AudioApi) -> None:
    audio_api.on_chat(user_text="Hi.").reply("Hello.")
    environment = {**os.environ, "CLIP": str(HELLO)}
    session = subprocess.run(
        ["node", str(SESSION)], capture_output=True, text=True, env=environment, check=False
    )
    assert session.returncode == 0, session.stderr
    seen: dict[str, Any] = json.loads(session.stdout)
    assert seen["text"] == "Hello."
    assert seen["tool"]["called"] == ["get_weather"]
    assert "18 degrees" in seen["tool"]["answer"]
    assert seen["heard"] == "Hello world, this is a test."
    assert seen["spoken"] == "RIFF"
    assert seen["byDefault"]["status"] == 404
    assert "openai.chat() in the AI SDK" in seen["byDefault"]["message"]
