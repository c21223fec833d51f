"""LiteLLM transcribes, speaks and chats with audio."""

from __future__ import annotations

import base64

import litellm
import pytest

from mockserver.resources import data_folder
from mockserver.testing.audio_api import AudioApi

HELLO = data_folder("fixtures") / "hello.wav"  # says "Hello world, this is a test."


def test_a_recording_is_transcribed(audio_api: AudioApi) -> None:
    with HELLO.open("rb") as clip:
        heard = litellm.transcription("whisper-1", clip)
    assert heard.text == "Hello world, this is a test."


def test_a_text_is_spoken(audio_api: AudioApi) -> None:
    spoken = litellm.speech("openai/tts-1", "Good morning.", voice="alloy", response_format="wav")
    assert spoken.content.startswith(b"RIFF")
    audio_api.verify_speech(fields={"input": "Good morning."}, times=1)


def test_a_chat_hears_and_speaks(audio_api: AudioApi) -> None:
    audio_api.on_chat(heard="Hello world*").say("Hello yourself.")
    clip = base64.b64encode(HELLO.read_bytes()).decode()
    content = [{"type": "input_audio", "input_audio": {"data": clip, "format": "wav"}}]
    answer = litellm.completion(
        "gpt-audio",
        [{"role": "user", "content": content}],
        modalities=["text", "audio"],
        audio={"voice": "alloy", "format": "wav"},
    )
    audio = answer.choices[0].message.audio
    assert audio.transcript == "Hello yourself."
    assert base64.b64decode(audio.data).startswith(b"RIFF")


def test_a_rate_limit_is_its_error(audio_api: AudioApi) -> None:
    audio_api.fail_next("rate_limit_requests")
    with pytest.raises(litellm.RateLimitError):
        litellm.completion("gpt-4o-mini", [{"role": "user", "content": "Hi."}], max_retries=0)
