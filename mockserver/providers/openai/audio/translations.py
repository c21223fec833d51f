"""``POST /v1/audio/translations``: the transcript of an audio file in English."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from mockserver.audio.uploads import FORM_FILE
from mockserver.engines.transcription import TranscriptionOptions
from mockserver.pipeline.call import Answer, Call
from mockserver.providers.openai.audio.formats import Transcript, format_of
from mockserver.providers.openai.audio.listening import check_file, listen, refusals
from mockserver.providers.openai.audio.rules import check_temperature, temperature_of
from mockserver.wire import usage

if TYPE_CHECKING:
    from mockserver.providers.openai.contexts import AudioContext


def check_request(context: AudioContext, call: Call) -> None:
    """Raise ``ApiError`` for what the model cannot do."""
    assert call.model is not None
    assert call.model.transcription is not None
    check_temperature(call.document)
    check_file(context.catalog, call.model.transcription, call)


def create_translation(context: AudioContext, call: Call) -> Answer:
    """Translate the uploaded file into English."""
    form = call.document
    options = TranscriptionOptions(
        task="translate", prompt=form.get("prompt", ""), temperature=temperature_of(form)
    )
    translation = listen(call, call.audio.uploaded(), options)
    with refusals(call):
        segments = tuple(translation.segments)
    call.audio.transcripts[FORM_FILE] = replace(translation, segments=segments)
    language = context.catalog.language_name("en")
    transcript = Transcript(segments, translation.duration, options.task, language, options.temperature)
    response_format = format_of(form.get("response_format", "json"), options.task)
    return Answer(
        response_format.render(transcript),
        response_format.content_type,
        translation.answered_by,
        usage=usage.duration(translation.duration),
    )
