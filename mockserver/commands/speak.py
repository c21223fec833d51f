"""The command ``mockserver speak TEXT -o FILE``."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mockserver.app import build_services
from mockserver.audio.encode import CONTENT_TYPES, encode_speech
from mockserver.commands.failures import exit_with_message, fail
from mockserver.engines.speech import SPEECH_SAMPLE_RATE, Utterance
from mockserver.wording import shown

if TYPE_CHECKING:
    from mockserver.engines.speech import Speaker
    from mockserver.settings.model import Settings

_FORMATS_BY_SUFFIX = {".ogg": "opus", ".oga": "opus"}


@exit_with_message()
def run(
    settings: Settings,
    text: str,
    *,
    output: str,
    voice: str,
    response_format: str | None,
    speed: float,
    instructions: str,
) -> None:
    """Write the speech to ``output``, with a progress bar on standard error."""
    services = build_services(replace(settings, state="", store="memory"))
    chosen = services.catalog.voice(voice)
    if chosen is None:
        names = ", ".join(each.name for each in services.catalog.voices)
        fail(f"unknown voice {shown(voice)}. Choose one of {names}.")
    text = sys.stdin.buffer.read().decode("utf-8", "replace") if text == "-" else text
    utterance = Utterance(text, chosen, speed, settings.speech_language or None, instructions)
    path = Path(output)
    response_format = response_format or _format_of(path)
    seconds = [0.0]
    with contextlib.closing(services), path.open("wb") as file:
        for encoded in encode_speech(_with_progress(services.speaker, utterance, seconds), response_format):
            file.write(encoded)
    sys.stderr.write(f"{path}: {seconds[0]:.1f} s of {response_format}, voice {voice}\n")


def _format_of(path: Path) -> str:
    suffix = path.suffix.lower()
    named = _FORMATS_BY_SUFFIX.get(suffix, suffix.removeprefix("."))
    if named not in CONTENT_TYPES:
        known = ", ".join(CONTENT_TYPES)
        fail(
            f"{path}: {suffix or 'no extension'} is not an audio format of the API. Use {known}, or --response-format."
        )
    return named


def _with_progress(speaker: Speaker, utterance: Utterance, seconds: list[float]) -> Iterator[bytes]:
    """Yield the samples of the speech, show its progress, and add up its length in ``seconds[0]``."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("speaking", total=len(utterance.text.split()))
        for chunk in speaker.speak(utterance):
            seconds[0] += len(chunk.pcm) / (2 * SPEECH_SAMPLE_RATE)
            progress.advance(task, len(chunk.words))
            yield chunk.pcm
