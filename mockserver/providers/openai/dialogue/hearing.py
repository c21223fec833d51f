"""Hears the ``input_audio`` parts of a conversation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from mockserver.audio.decode import UnusableAudio
from mockserver.engines.transcription import TranscriptionOptions
from mockserver.errors import ApiError
from mockserver.pipeline.request_audio import refusals
from mockserver.wire import transcripts, usage

if TYPE_CHECKING:
    from mockserver.audio.clip import Clip
    from mockserver.audio.uploads import AudioPlace
    from mockserver.engines.transcription import Transcription
    from mockserver.pipeline.call import Call

Audio = Mapping[str, Any]

_OPTIONS = TranscriptionOptions()  # conversations have no options for transcription


class Hearing:
    """Transcribes the audio parts of a request, and counts their tokens.

    ``transcribed_by`` names the sources of the transcripts so far: ``whisper/embedded``, ``fixture/hello``.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self.transcribed_by: list[str] = []
        self.audio_tokens = 0

    @property
    def sources(self) -> tuple[str, ...]:
        """Return the sources of the transcripts, each once."""
        return tuple(dict.fromkeys(self.transcribed_by))

    def text(self, audio: Audio, place: AudioPlace, *, transcribe: bool) -> str:
        """Return the transcript of an ``input_audio`` part, empty unless ``transcribe``. Its tokens are always counted.

        Raises ``ApiError``.
        """
        clip = self._clip(audio, place, keep_samples=transcribe)
        bad_audio = ApiError("chat_bad_audio", param=str(place), format=audio["format"])
        with refusals(bad_audio, param=str(place)):
            try:
                answer = self._call.audio.lookup(clip, _OPTIONS)
                self.audio_tokens += usage.input_audio_tokens(clip.duration)
                if self._call.strict and clip.facts.container != audio["format"]:
                    raise bad_audio
                return self._transcript(clip, place, answer) if transcribe else ""
            except UnusableAudio:
                if self._call.strict:
                    raise
                return ""

    def _transcript(self, clip: Clip, place: AudioPlace, known: Transcription | None) -> str:
        """Return the transcript of a clip, ``known`` or made by an engine. Raises the errors of the engine."""
        unknown_audio = self._call.settings.unknown_audio
        answer = known or self._call.audio.transcribe(clip, _OPTIONS, unknown_audio=unknown_audio)
        answer = self._call.audio.transcripts[place] = replace(answer, segments=tuple(answer.segments))
        self.transcribed_by.append(answer.answered_by.mark)
        return transcripts.text_of(answer.segments)

    def _clip(self, audio: Audio, place: AudioPlace, *, keep_samples: bool) -> Clip:
        try:
            return self._call.audio.input_audio(audio, place, keep_samples=keep_samples)
        except ValueError as error:
            if self._call.strict:
                raise ApiError("chat_bad_base64", param=f"{place}.data") from error
            return self._call.audio.input_audio({**audio, "data": ""}, place, keep_samples=keep_samples)
