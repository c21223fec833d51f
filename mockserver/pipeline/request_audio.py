"""The audio files of a request as clips, and their transcription."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from mockserver.audio.clip import Clip
from mockserver.audio.content import Content
from mockserver.audio.decode import AudioTooLong, UndecodableAudio
from mockserver.audio.uploads import FORM_FILE, UPLOAD, AudioPlace
from mockserver.engines.transcription import EngineBusy, EngineUnavailable, UnknownAudio
from mockserver.errors import ApiError

if TYPE_CHECKING:
    from mockserver.audio.uploads import FilePart
    from mockserver.engines.answers import AnswerChain
    from mockserver.engines.transcription import Look, Transcription, TranscriptionOptions
    from mockserver.transport.streamed_forms import ReceivedFile

log = logging.getLogger(__name__)


class RequestAudio:
    """The audio files of one request. A clip is made once for each, and transcribed once with the same options.

    ``transcribers`` transcribe clips of at most ``max_seconds``; ``look`` raises when the client has left.
    ``clips`` are the clips made so far, and ``transcripts`` the complete transcriptions of those that the endpoint
    transcribed, both by place. ``received`` are files that were stored while they arrived and are not transcribed.
    """

    def __init__(self, transcribers: AnswerChain, max_seconds: float, look: Look) -> None:
        self._transcribers = transcribers
        self._max_seconds = max_seconds
        self._look = look
        self._transcriptions: dict[tuple[str, TranscriptionOptions], Transcription] = {}
        self.files: Mapping[str, FilePart] = {}
        self.received: Collection[ReceivedFile] = ()
        self.clips: dict[AudioPlace, Clip] = {}
        self.transcripts: dict[AudioPlace, Transcription] = {}

    def uploaded(self) -> Clip:
        """Return the clip of a form's file, an empty one if there is none."""
        clip = self.clips.get(FORM_FILE)
        if clip is None:
            part = self.files.get(UPLOAD)
            name, content = (part.filename, part.content) if part else ("", Content())
            clip = self.clips[FORM_FILE] = self._clip(content, name, keep_samples=True)
        return clip

    def input_audio(self, audio: Mapping[str, Any], place: AudioPlace, *, keep_samples: bool) -> Clip:
        """Return the clip of a chat's ``input_audio`` part. Raises ``ValueError`` unless its data is base64."""
        clip = self.clips.get(place)
        if clip is None:
            import pybase64

            content = Content.aside(pybase64.b64decode(audio.get("data") or "", validate=True))
            name = f"audio.{audio.get('format')}"
            clip = self.clips[place] = self._clip(content, name, keep_samples=keep_samples)
        return clip

    def listen(self, clip: Clip, options: TranscriptionOptions) -> Transcription:
        """Return the complete transcription of a clip, for matching. Raises as ``AnswerChain.transcribe`` does."""
        answer = self.lookup(clip, options) or self.transcribe(clip, options, unknown_audio="error")
        answer = replace(answer, segments=tuple(answer.segments))
        self._transcriptions[clip.sha256, options] = answer
        return answer

    def lookup(self, clip: Clip, options: TranscriptionOptions) -> Transcription | None:
        """Return the transcription of a clip that is known without an engine. Raises as ``AnswerChain.lookup`` does."""
        known = self._transcriptions.get((clip.sha256, options)) if self._transcriptions else None
        return known or self._transcribers.lookup(clip, options)

    def transcribe(self, clip: Clip, options: TranscriptionOptions, *, unknown_audio: str) -> Transcription:
        """Return the transcription of a clip, made by an engine. Raises as ``AnswerChain.transcribe`` does.

        The work stops when the client leaves.
        """
        return self._transcribers.transcribe(clip, options, self._look, unknown_audio=unknown_audio)

    def _clip(self, content: Content, name: str, *, keep_samples: bool) -> Clip:
        keep_samples = keep_samples and self._transcribers.can_listen
        return Clip(content, name, self._max_seconds, keep_samples=keep_samples, look=self._look)


@contextlib.contextmanager
def refusals(undecodable: ApiError, *, param: str | None = None) -> Iterator[None]:
    """Raise ``ApiError`` for what fails within: looking up a clip, transcribing it, or reading its segments.

    ``undecodable`` is the refusal of a damaged file, which differs by endpoint. ``param`` is the clip's place in the
    request, if refusals name it.
    """
    try:
        yield
    except UndecodableAudio as error:
        raise undecodable from error
    except AudioTooLong as error:
        maximum = error.max_seconds
        raise ApiError(
            "audio_too_long", param=param, duration=f"over {maximum:.1f}", maximum=f"{maximum:.0f}"
        ) from error
    except EngineUnavailable as error:
        if not isinstance(error, EngineBusy):
            log.error("%s", error)
        raise ApiError("overloaded", reason=str(error)) from error
    except UnknownAudio as error:
        raise ApiError("no_transcriber", sha256=error.sha256) from error
