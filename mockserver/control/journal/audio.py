"""``/_mock/journal/<id>/audio`` and ``/said``: the audio that was sent in an exchange, and what was said in it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import flask

from mockserver.audio.containers import container_of
from mockserver.audio.content import Content
from mockserver.audio.encode import write_wav
from mockserver.catalog.voices import voice_of
from mockserver.control.journal.entries import record_of
from mockserver.control.operation import NotFound
from mockserver.engines.speech import SPEECH_SAMPLE_RATE, SpeechFailed, Utterance

if TYPE_CHECKING:
    from mockserver.control.contexts import JournalContext
    from mockserver.control.operation import Call
    from mockserver.journal.audio_records import SaidAudio

_UNNAMED = "audio"  # file name of a download whose upload had none
_TYPES = {  # by container, those that differ from audio/CONTAINER
    "mp3": "audio/mpeg",
    "mp4-video": "video/mp4",
    "mpeg": "video/mpeg",
}
_SOURCE = "x-mock-said"
_MAX_SPOKEN = 600 * 2 * SPEECH_SAMPLE_RATE  # bytes of speech that is spoken again


def sent(context: JournalContext, call: Call) -> flask.Response:
    """Return an audio file of an entry, if it was kept."""
    files, number = record_of(context.journal, call).audio, call.path["number"]
    if number >= len(files):
        raise NotFound(f"Entry {call.path['id']!r} has {len(files)} audio files, numbered from 0.")
    file = files[number]
    data = context.journal.audio(file.sha256)
    if data is None:
        raise NotFound(f"The audio was not kept, or was evicted. {_remedy(context)}")
    return _file(data, container_of(Content(data)), file.file or _UNNAMED)


def said(context: JournalContext, call: Call) -> flask.Response:
    """Return speech in the answer of an entry: as it was sent, if it was kept, otherwise spoken again as WAV."""
    files, number = record_of(context.journal, call).said_audio, call.path["number"]
    if number >= len(files):
        raise NotFound(f"The answer of {call.path['id']!r} has {len(files)} audio files, numbered from 0.")
    file = files[number]
    data = context.journal.audio(file.sha256) if file.sha256 is not None else None
    if data is None:
        response = _file(_spoken_again(context, file), "wav", "speech.wav")
        response.headers[_SOURCE] = "spoken-again"
        return response
    if file.container == "raw":
        response = _file(write_wav(data, file.sample_rate), "wav", "speech.wav")
    else:
        response = _file(data, file.container, file.file)
    response.headers[_SOURCE] = "kept"
    return response


def _spoken_again(context: JournalContext, file: SaidAudio) -> bytes:
    """Return the recorded text as WAV, in the voice in which it was spoken. Raises ``NotFound``."""
    if file.voice is None:
        raise NotFound(
            "The audio was not kept, or was evicted, and it cannot be spoken again: a stub answered with a sound. "
            f"{_remedy(context)}"
        )
    utterance = Utterance(
        file.text,
        voice_of(context.catalog, file.voice),
        file.speed,
        file.language,
        file.instructions or "",
    )
    pcm = bytearray()
    try:
        for chunk in context.speaker.speak(utterance):
            pcm += chunk.pcm
            if len(pcm) >= _MAX_SPOKEN:
                break
    except SpeechFailed as error:
        raise NotFound(f"The audio was not kept, and cannot be spoken again: {error}.") from error
    return write_wav(bytes(pcm), SPEECH_SAMPLE_RATE)


def _remedy(context: JournalContext) -> str:
    return f"Raise the setting keep_audio, now {context.settings.keep_audio} bytes."


def _file(data: bytes, container: str | None, name: str) -> flask.Response:
    kind = _TYPES.get(container, f"audio/{container}") if container else "application/octet-stream"
    return flask.send_file(io.BytesIO(data), kind, as_attachment=True, download_name=name)
