"""What tests of transcription share: the models, the speech, and the events of a commit."""

from __future__ import annotations

import wave
from typing import Any

from mockserver.resources import data_folder
from tests.providers.openai.realtime.conftest import RATE, Body, Talk

EVENT = "conversation.item.input_audio_transcription"
COMMITTED = ["input_audio_buffer.committed", "conversation.item.added", "conversation.item.done"]
LOGPROBS = ["item.input_audio_transcription.logprobs"]
HELLO = "Hello world, this is a test."  # the fixture ``hello``, of 2.07 seconds

OF_TOKENS = ("gpt-4o-transcribe", "gpt-4o-mini-transcribe", "gpt-4o-mini-transcribe-2025-12-15")
OF_SECONDS = ("whisper-1", "gpt-transcribe", "gpt-live-transcribe", "gpt-realtime-whisper")
DIARIZES = "gpt-4o-transcribe-diarize"
LIVE = ("gpt-live-transcribe", "gpt-realtime-whisper")
MODELS = (*OF_TOKENS, *OF_SECONDS, DIARIZES)


def pcm_of(fixture: str) -> bytes:
    """Return the samples of a fixture."""
    with wave.open(str(data_folder("fixtures") / f"{fixture}.wav")) as file:
        assert (file.getframerate(), file.getnchannels()) == (RATE, 1)
        return bytes(file.readframes(file.getnframes()))


def configure(talk: Talk, model: str, *, include: list[str] | None = None, **audio_input: Any) -> None:
    """Have what is committed by hand transcribed by a model."""
    wanted = {"turn_detection": None, **audio_input}
    wanted["transcription"] = {"model": model} | audio_input.get("transcription", {})
    more: dict[str, Any] = {} if include is None else {"include": include}
    talk.update(type="transcription", audio={"input": wanted}, **more)


def commit(talk: Talk, pcm: bytes, chunk: int | None = None) -> list[Body]:
    """Append and commit audio. Return the events up to the end of its transcription."""
    talk.append(pcm, chunk)
    talk.send("input_audio_buffer.commit")
    return talk.until(f"{EVENT}.completed", f"{EVENT}.failed")


def of_kind(events: list[Body], kind: str) -> list[Body]:
    """Return the events of transcriptions of a kind, such as ``delta``."""
    return [event for event in events if event["type"] == f"{EVENT}.{kind}"]


def joined(events: list[Body]) -> str:
    """Return the text of the deltas."""
    return "".join(event["delta"] for event in of_kind(events, "delta"))
