"""The command ``mockserver transcribe FILE``."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mockserver.app import build_services
from mockserver.audio.clip import Clip
from mockserver.audio.decode import UnusableAudio
from mockserver.commands.failures import exit_with_message, fail
from mockserver.engines.speakers import with_speakers
from mockserver.engines.transcription import TranscriptionOptions, UnknownAudio
from mockserver.providers.openai.audio.transcriptions import TranscriptionRequest, render

if TYPE_CHECKING:
    from mockserver.catalog.tables import Catalog
    from mockserver.engines.answers import AnswerChain
    from mockserver.engines.transcription import Segment, Transcription
    from mockserver.settings.model import Settings

_MODEL = "whisper-1"
_DIARIZING_MODEL = "gpt-4o-transcribe-diarize"


@exit_with_message()
def run(
    settings: Settings, file: str, *, response_format: str, language: str | None, prompt: str, translate: bool
) -> None:
    """Write the transcript to standard output, with a progress bar on standard error."""
    options = TranscriptionOptions(
        task="translate" if translate else "transcribe",
        languages=(language,) if language else (),
        prompt=prompt,
        words=response_format == "verbose_json",
    )
    with contextlib.closing(build_services(replace(settings, state="", store="memory"))) as services:
        request = _request(services.catalog, options, response_format)
        try:
            transcription = _transcribe(services.transcribers, settings, Path(file), request)
            segments = tuple(_with_progress(transcription))
        except UnusableAudio as error:
            fail(f"{file}: {error}")
        except UnknownAudio:
            fail(
                "no Whisper model was found. Name one with --whisper-model; `mockserver doctor` reports more."
            )
        answer = render(services.catalog, request, transcription, segments)
    sys.stderr.write(f"answered by: {transcription.answered_by}\n")
    assert isinstance(answer.body, bytes)
    sys.stdout.buffer.write(answer.body if answer.body.endswith(b"\n") else answer.body + b"\n")


def _transcribe(
    chain: AnswerChain, settings: Settings, path: Path, request: TranscriptionRequest
) -> Transcription:
    clip = Clip(path.read_bytes(), path.name, settings.max_audio_seconds, keep_samples=chain.can_listen)
    transcription = chain.lookup(clip, request.options) or chain.transcribe(
        clip, request.options, lambda: None, unknown_audio=settings.unknown_audio
    )
    return with_speakers(transcription, clip, ()) if request.diarizes else transcription


def _request(catalog: Catalog, options: TranscriptionOptions, response_format: str) -> TranscriptionRequest:
    model = catalog.model(_DIARIZING_MODEL if response_format == "diarized_json" else _MODEL)
    assert model is not None
    assert model.transcription is not None
    granularities = ("word", "segment")
    return TranscriptionRequest(
        model.transcription,
        options,
        response_format,
        granularities,
        logprobs=False,
        stream=False,
        vocabulary=model.tokens.vocabulary,
    )


def _with_progress(transcription: Transcription) -> Iterator[Segment]:
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("transcribing", total=transcription.duration)
        for segment in transcription.segments:
            progress.update(task, completed=segment.end)
            yield segment
