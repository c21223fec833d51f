"""``mockserver transcribe FILE``."""

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
    from mockserver.engines.transcription import Segment, Transcription
    from mockserver.services import Services
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
    with contextlib.closing(build_services(replace(settings, state=""))) as services:
        request = _request(services, options, response_format)
        try:
            heard = _listen(services, Path(file), request)
            segments = tuple(_with_progress(heard))
        except UnusableAudio as error:
            fail(f"{file}: {error}")
        except UnknownAudio:
            fail(
                "no Whisper model was found. Give one with --whisper-model; "
                "`mockserver doctor` says what is there."
            )
        answer = render(services.catalog, request, heard, segments)
    sys.stderr.write(f"answered by: {heard.answered_by}\n")
    assert isinstance(answer.body, bytes)
    sys.stdout.buffer.write(answer.body if answer.body.endswith(b"\n") else answer.body + b"\n")


def _listen(services: Services, path: Path, request: TranscriptionRequest) -> Transcription:
    settings, chain = services.settings, services.transcribers
    clip = Clip(path.read_bytes(), path.name, settings.max_audio_seconds, keep_samples=chain.can_listen)
    heard = chain.lookup(clip, request.options) or chain.transcribe(
        clip, request.options, lambda: None, unknown_audio=settings.unknown_audio
    )
    return with_speakers(heard, clip, ()) if request.diarizes else heard


def _request(services: Services, options: TranscriptionOptions, response_format: str) -> TranscriptionRequest:
    model = services.catalog.model(_DIARIZING_MODEL if response_format == "diarized_json" else _MODEL)
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


def _with_progress(heard: Transcription) -> Iterator[Segment]:
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("listening", total=heard.duration)
        for segment in heard.segments:
            progress.update(task, completed=segment.end)
            yield segment
