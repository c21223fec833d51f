"""Checks and transcribes the uploaded clip, for transcriptions and translations."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from mockserver.audio.containers import container_of
from mockserver.audio.decode import ClipFacts, UndecodableAudio
from mockserver.audio.uploads import UPLOAD
from mockserver.engines.answers import placeholder
from mockserver.errors import ApiError
from mockserver.pipeline import request_audio
from mockserver.validation import explanations as explain

if TYPE_CHECKING:
    from mockserver.audio.clip import Clip
    from mockserver.catalog.records import TranscriptionRules
    from mockserver.catalog.tables import Catalog
    from mockserver.engines.transcription import Transcription, TranscriptionOptions
    from mockserver.pipeline.call import Call

_QUOTED = 1_000  # bytes of a text field, sent in place of a file, that the refusal quotes

# The facts of a file that is not audio, in strictness schema and off, where any bytes are accepted.
_STAND_IN = ClipFacts("unknown", "unknown", 1.0, 1, 16_000, "")


def check_file(catalog: Catalog, rules: TranscriptionRules, call: Call) -> None:
    """Raise ``ApiError`` for an uploaded file that the model does not accept. The file is not decoded."""
    part, clip = call.files[UPLOAD], call.audio.uploaded()
    if part.is_field:
        text = part.content.part(0, _QUOTED).decode("utf-8", "replace")
        raise ApiError("invalid_request", message=explain.no_file(UPLOAD, text), param=None, code=None)
    _check_name(catalog, rules, clip, part.content_type)


def _check_name(catalog: Catalog, rules: TranscriptionRules, clip: Clip, content_type: str) -> None:
    """Raise ``ApiError`` for a file name that the model does not accept, or content that does not match the name."""
    if rules.containers == "probed":
        if clip.extension not in rules.extensions:
            raise ApiError("audio_bad_extension_whisper", formats=list(rules.extensions))
        return
    extension = clip.extension or catalog.audio_extension_of(content_type) or ""
    if extension not in rules.extensions:
        raise ApiError("audio_bad_extension", extension=clip.extension or clip.name)
    container = container_of(clip.content)
    misnamed = catalog.misnamed(extension, container) if container else None
    if misnamed is not None:
        raise ApiError(misnamed.error)


def listen(call: Call, clip: Clip, options: TranscriptionOptions) -> Transcription:
    """Return the transcription of the clip. The slot of a large body is released before Whisper is waited for.

    Raises ``ApiError`` for a clip that is undecodable, out of the model's bounds, or unknown without an engine, and
    if the engine is unavailable. Read the segments within ``refusals``, because engines transcribe as they are read.
    """
    unknown_audio = call.settings.unknown_audio
    with refusals(call):
        try:
            known = _lookup(call, clip, options)
            _check_bounds(call, clip, options)
            call.slot.release()
            return known or call.audio.transcribe(clip, options, unknown_audio=unknown_audio)
        except UndecodableAudio:
            if call.strict:
                raise
            clip.facts = _STAND_IN
            return _lookup(call, clip, options) or placeholder(clip, _STAND_IN.duration, unknown_audio)


def refusals(call: Call) -> AbstractContextManager[None]:
    """Return a context manager that raises ``ApiError`` for a file that cannot be transcribed."""
    is_whisper = call.model is not None and call.model.error_style == "whisper"
    return request_audio.refusals(
        ApiError("audio_undecodable_whisper" if is_whisper else "audio_undecodable")
    )


def _lookup(call: Call, clip: Clip, options: TranscriptionOptions) -> Transcription | None:
    """Return the transcription of a stub, else the known one of the clip, if any."""
    if call.scripted is not None:
        return call.scripted.transcription(clip.duration, options.languages)
    return call.audio.lookup(clip, options)


def _check_bounds(call: Call, clip: Clip, options: TranscriptionOptions) -> None:
    """Raise ``ApiError`` for a clip out of the model's bounds (see ``TranscriptionRules``)."""
    from mockserver.wire import tokens, usage

    assert call.model is not None
    rules = call.model.transcription
    if not call.strict or rules is None:
        return
    duration = clip.duration
    if duration < rules.min_duration:
        raise ApiError("audio_too_short", minimum=rules.min_duration)
    if rules.max_duration is not None and duration > rules.max_duration:
        raise ApiError(
            "audio_too_long", duration=f"{round(duration, 3)}", maximum=f"{rules.max_duration:.0f}"
        )
    audio_tokens = usage.input_audio_tokens(duration)
    text_tokens = tokens.count(options.prompt, call.vocabulary)
    if rules.max_input_tokens is not None and audio_tokens + text_tokens > rules.max_input_tokens:
        raise ApiError("audio_input_too_large")
    needs_chunks = rules.chunking_required_above is not None and duration > rules.chunking_required_above
    if needs_chunks and call.document.get("chunking_strategy") is None:
        raise ApiError("chunking_strategy_required")
