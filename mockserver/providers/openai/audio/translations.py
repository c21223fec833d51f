"""``POST /v1/audio/translations``: what is said in an audio file, in English."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver import json_styles
from mockserver.audio.uploads import UPLOAD
from mockserver.engines.transcription import TranscriptionOptions
from mockserver.pipeline.call import Answer, Call
from mockserver.providers.openai.audio.listening import check_file, listen, refusals
from mockserver.providers.openai.audio.rules import check_temperature, temperature_of
from mockserver.wire import subtitles, transcripts, usage

if TYPE_CHECKING:
    from mockserver.services import Services


def check_request(services: Services, call: Call) -> None:
    """Raises ``ApiError`` for what the model cannot do."""
    assert call.model is not None
    assert call.model.transcription is not None
    check_temperature(call.document)
    check_file(services.catalog, call.model.transcription, call)


def create_translation(services: Services, call: Call) -> Answer:
    """Translates the uploaded file into English."""
    form = call.document
    temperature = temperature_of(form)
    options = TranscriptionOptions(task="translate", prompt=form.get("prompt", ""), temperature=temperature)
    heard = listen(call, call.audio.uploaded(), options)
    with refusals(call):
        segments = tuple(heard.segments)
    text = call.audio.heard[UPLOAD] = transcripts.text_of(segments)
    used = usage.duration(heard.duration)
    match form.get("response_format", "json"):
        case "text":
            return Answer(f"{text}\n".encode(), "text/plain; charset=utf-8", heard.answered_by, usage=used)
        case "srt":
            return Answer(
                subtitles.srt(segments).encode(), "text/plain; charset=utf-8", heard.answered_by, usage=used
            )
        case "vtt":
            return Answer(
                subtitles.vtt(segments).encode(), "text/plain; charset=utf-8", heard.answered_by, usage=used
            )
        case "verbose_json":
            body = transcripts.verbose_json(
                task="translate",
                language="english",
                duration=heard.duration,
                segments=segments,
                granularities=("segment",),
                temperature=temperature,
                usage=used,
            )
        case _:
            body = {"text": text}
    return Answer(json_styles.compact(body), "application/json", heard.answered_by, usage=used)
