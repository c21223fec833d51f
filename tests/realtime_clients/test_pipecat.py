"""Pipecat: its service of streamed transcription."""

from __future__ import annotations

import asyncio

import pytest
from pipecat.frames.frames import (
    EndFrame,
    ErrorFrame,
    InputAudioRawFrame,
    TranscriptionFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.runner import PipelineRunner
from pipecat.pipeline.task import PipelineParams, PipelineTask
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.openai.stt import OpenAIRealtimeSTTService

from mockserver.testing.audio_api import AudioApi
from tests.realtime_clients.conftest import Say

PIECE = 4_800  # bytes, 0.1 seconds


class Transcripts(FrameProcessor):
    """Keeps transcripts and errors."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.errors: list[str] = []
        self.arrived = asyncio.Event()

    async def process_frame(self, frame: object, direction: FrameDirection) -> None:
        """Keep what is a transcript or an error, and pass everything on."""
        await super().process_frame(frame, direction)
        if isinstance(frame, TranscriptionFrame):
            self.texts.append(frame.text)
            self.arrived.set()
        if isinstance(frame, ErrorFrame):
            self.errors.append(frame.error)
            self.arrived.set()
        await self.push_frame(frame, direction)


@pytest.mark.parametrize("model", ["gpt-4o-transcribe", "gpt-transcribe"])
def test_transcripts_of_turns(audio_api: AudioApi, say: Say, model: str) -> None:
    async def run() -> Transcripts:
        service = OpenAIRealtimeSTTService(
            api_key=audio_api.api_key,
            base_url=audio_api.base_url.replace("http", "ws", 1) + "/realtime",
            turn_detection=None,  # the server's
            settings=OpenAIRealtimeSTTService.Settings(model=model),
        )
        kept = Transcripts()
        task = PipelineTask(
            Pipeline([service, kept]),
            params=PipelineParams(audio_in_sample_rate=24_000),
            idle_timeout_secs=None,
        )
        running = asyncio.create_task(PipelineRunner(handle_sigint=False).run(task))
        speech = say("What is the weather like in Paris?")
        await asyncio.sleep(0.5)  # the service drops audio before it is connected
        for start in range(0, len(speech), PIECE):
            await task.queue_frame(InputAudioRawFrame(speech[start : start + PIECE], 24_000, 1))
        async with asyncio.timeout(30):
            await kept.arrived.wait()
        await task.queue_frame(EndFrame())
        await running
        return kept

    kept = asyncio.run(run())
    assert kept.errors == []
    assert [text.strip() for text in kept.texts] == ["What is the weather like in Paris?"]
