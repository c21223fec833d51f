"""The audio of a request: each file is made into a clip once, and listened to once in the same way."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mockserver.audio.clip import Clip
from mockserver.audio.content import Content
from mockserver.audio.uploads import UPLOAD

if TYPE_CHECKING:
    from mockserver.audio.uploads import FilePart
    from mockserver.engines.answers import AnswerChain
    from mockserver.engines.transcription import Look, Transcription, TranscriptionOptions
    from mockserver.transport.streamed_forms import ReceivedFile


class RequestAudio:
    """The audio files of one request, by their place in it: ``file``, ``messages[0].content[1].input_audio``.

    ``transcribers`` listen to them; each may last ``max_seconds``. ``heard`` is what an endpoint heard at each
    place. ``received`` are files that are kept and not listened to.
    ``look`` raises when the client has left.
    """

    def __init__(self, transcribers: AnswerChain, max_seconds: float, look: Look) -> None:
        self._transcribers = transcribers
        self._max_seconds = max_seconds
        self._look = look
        self._listened: dict[tuple[str, TranscriptionOptions], Transcription] = {}
        self.files: Mapping[str, FilePart] = {}
        self.received: Collection[ReceivedFile] = ()
        self.clips: dict[str, Clip] = {}
        self.heard: dict[str, str] = {}

    def uploaded(self) -> Clip:
        """The file of a form; an empty one where none came."""
        clip = self.clips.get(UPLOAD)
        if clip is None:
            part = self.files.get(UPLOAD)
            name, content = (part.filename, part.content) if part else ("", Content())
            clip = self.clips[UPLOAD] = self._clip(content, name, keep_samples=True)
        return clip

    def spoken(self, audio: Mapping[str, Any], place: str, *, keep_samples: bool) -> Clip:
        """The ``input_audio`` part of a chat at ``place``. Raises ``ValueError`` unless its data is base64."""
        clip = self.clips.get(place)
        if clip is None:
            import pybase64

            content = Content.aside(pybase64.b64decode(audio.get("data") or "", validate=True))
            name = f"audio.{audio.get('format')}"
            clip = self.clips[place] = self._clip(content, name, keep_samples=keep_samples)
        return clip

    def listen(self, clip: Clip, options: TranscriptionOptions) -> Transcription | None:
        """All that is said in a clip, for matching. Raises as ``AnswerChain.hear`` does."""
        answer = self.recall(clip, options) or self.hear(clip, options)
        if answer is not None:
            answer = replace(answer, segments=tuple(answer.segments))
            self._listened[clip.sha256, options] = answer
        return answer

    def recall(self, clip: Clip, options: TranscriptionOptions) -> Transcription | None:
        """What is known of a clip without hearing it anew. Raises as ``AnswerChain.recall`` does."""
        known = self._listened.get((clip.sha256, options)) if self._listened else None
        return known or self._transcribers.recall(clip, options)

    def hear(self, clip: Clip, options: TranscriptionOptions) -> Transcription | None:
        """What an engine hears, as long as the client is there. Raises as ``AnswerChain.hear`` does."""
        return self._transcribers.hear(clip, options, self._look)

    def _clip(self, content: Content, name: str, *, keep_samples: bool) -> Clip:
        keep_samples = keep_samples and self._transcribers.hears
        return Clip(content, name, self._max_seconds, keep_samples=keep_samples, look=self._look)
