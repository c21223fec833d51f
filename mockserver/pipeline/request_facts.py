"""The facts of a request that is being handled. Its form or JSON need not be valid."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mockserver.audio.uploads import FORM_FILE, UPLOAD, AudioPlace
from mockserver.catalog.paths import WEBSOCKET, with_version
from mockserver.pipeline.document_facts import DocumentFacts, text_in
from mockserver.pipeline.once import once

if TYPE_CHECKING:
    from mockserver.accounts.accounts import Account
    from mockserver.audio.clip import Clip
    from mockserver.engines.transcription import Transcription
    from mockserver.matching.facts import KnownClip
    from mockserver.pipeline.operation import Operation
    from mockserver.pipeline.request import Request
    from mockserver.pipeline.request_audio import RequestAudio

    Recall = Callable[["LiveFacts"], str]

_BODY = frozenset({"body"})


class LiveFacts:
    """The facts of a request that is being handled; implements ``matching.facts.LiveRequest``."""

    def __init__(
        self,
        request: Request,
        operation: Operation,
        account: Account,
        document: Mapping[str, Any],
        audio: RequestAudio,
        recall: Recall | None = None,
    ) -> None:
        """``recall`` returns the last text of the user in what the request continues."""
        self.request = request
        self.account = account
        self._operation = operation
        self._audio = audio
        self._recall = recall
        self.document = document

    @property
    def endpoint_names(self) -> frozenset[str]:
        """Return all names of the endpoint."""
        return self._operation.names

    @once
    def path(self) -> str:
        """Return the path of the request, with ``/v1`` if it is one of OpenAI's API."""
        path = self.request.path
        return with_version(path) if self._operation.is_versioned else path

    @property
    def method(self) -> str:
        """Return the HTTP method."""
        return self.request.method

    @property
    def turn(self) -> int | None:
        """Return no number: a request is no turn of a session."""
        return None

    @property
    def account_names(self) -> frozenset[str]:
        """Return all names of the account."""
        return self.account.names

    @property
    def model(self) -> str:
        """Return the model as the request names it, or an empty string."""
        return text_in(self.document.get("model"))

    @once
    def headers(self) -> Mapping[str, str]:
        """Return the request headers, with names in lower case."""
        return dict(self.request.headers)

    @once
    def prompt(self) -> str:
        """Return the prompt, the instructions and the system messages, a line each."""
        return self._document_facts.prompt

    @once
    def user_text(self) -> str:
        """Return the text of the last user message, also in what the request continues, or the text to speak."""
        facts = self._document_facts
        if self._recall is None or facts.has_user_text:
            return facts.user_text
        return self._recall(self)

    @property
    def asks_for(self) -> frozenset[str]:
        """Return what the request asks for: a ``body``, ``events``, ``sound``, a ``job``, a ``session``, …"""
        accepted = {"events"} if "text/event-stream" in self.headers.get("accept", "") else frozenset()
        whole = frozenset() if self._operation.method == WEBSOCKET else _BODY
        return self._operation.gives | self._document_facts.asks_for | accepted | whole

    @property
    def reply_kinds(self) -> frozenset[str]:
        """Return the kinds of stub replies that the endpoint makes an answer of."""
        return self._operation.reply_kinds

    @once
    def clips(self) -> Sequence[KnownClip]:
        """Return the audio files, and files of any type that were stored while they arrived."""
        return [*self._by_place.values(), *self._audio.received]

    @property
    def heard(self) -> str | None:
        """Return the transcript of the upload, or of the last user message; ``None`` without audio there."""
        from mockserver.wire.transcripts import text_of

        if not self._clips_to_transcribe:
            return None
        return " ".join(text_of(each.segments) for each in self._transcriptions)

    @property
    def languages(self) -> Sequence[str]:
        """Return the languages that are spoken in that audio."""
        return [language for each in self._transcriptions for language in each.languages]

    @once
    def _document_facts(self) -> DocumentFacts:
        return self._operation.reads(self.document)

    @once
    def _by_place(self) -> dict[AudioPlace, Clip]:
        if UPLOAD in self._audio.files:
            return {FORM_FILE: self._audio.uploaded()}
        return dict(self._input_audio())

    def _input_audio(self) -> Iterator[tuple[AudioPlace, Clip]]:
        facts = self._document_facts
        for place, audio in facts.audio:
            try:
                keep_samples = place.message == facts.latest
                yield place, self._audio.input_audio(audio, place, keep_samples=keep_samples)
            except ValueError:  # not base64
                continue

    @once
    def _clips_to_transcribe(self) -> list[Clip]:
        messages = (None, self._document_facts.latest)
        return [clip for place, clip in self._by_place.items() if place.message in messages]

    @once
    def _transcriptions(self) -> list[Transcription]:
        from mockserver.audio.decode import UnusableAudio
        from mockserver.engines.transcription import EngineUnavailable, TranscriptionOptions, UnknownAudio

        found = []
        for clip in self._clips_to_transcribe:
            try:
                found.append(self._audio.listen(clip, TranscriptionOptions()))
            except (UnusableAudio, EngineUnavailable, UnknownAudio):
                continue  # the endpoint refuses it
        return found
