"""The facts that conditions read: protocols of a request being handled, and of a journal entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from mockserver.audio.decode import ClipFacts


class KnownClip(Protocol):
    """An audio file of a request. ``name`` is its file name as uploaded; chat audio has none."""

    @property
    def name(self) -> str:
        """Return the file name."""
        ...

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of the file, in hex."""
        ...

    @property
    def facts(self) -> ClipFacts:
        """Return container, codec, duration and the like. Raises ``UndecodableAudio`` and ``AudioTooLong``."""
        ...


class Facts(Protocol):
    """The facts of a request. Costly ones are determined when they are first read."""

    @property
    def endpoint_names(self) -> frozenset[str]:
        """Return all names of its endpoint: ``transcriptions``, ``create_transcription``, its path."""
        ...

    @property
    def path(self) -> str:
        """Return the path of the request, with ``/v1`` if it is one of OpenAI's API."""
        ...

    @property
    def method(self) -> str:
        """Return the HTTP method."""
        ...

    @property
    def account_names(self) -> frozenset[str]:
        """Return all names of its account: id, organization, project and the SHA-256 of its API key."""
        ...

    @property
    def model(self) -> str:
        """Return the model in the request; empty for none."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Return the request headers, names in lower case."""
        ...

    @property
    def document(self) -> Mapping[str, Any]:
        """Return the request's form or JSON, which may not satisfy the schema."""
        ...

    @property
    def turn(self) -> int | None:
        """Return the number of the response or transcription in a Realtime session; ``None`` for other requests."""
        ...

    @property
    def prompt(self) -> str:
        """Return the prompt of a transcription, the instructions of speech, the system messages of a chat."""
        ...

    @property
    def user_text(self) -> str:
        """Return the user's text: that of a chat's last user message, or the input of speech."""
        ...

    @property
    def clips(self) -> Sequence[KnownClip]:
        """Return its audio files, in order."""
        ...

    @property
    def heard(self) -> str | None:
        """Return the transcript of its audio (of a chat: of the last user message); ``None`` without audio."""
        ...

    @property
    def languages(self) -> Sequence[str]:
        """Return the languages (ISO 639-1) that are spoken in its audio."""
        ...


class Outcome(Facts, Protocol):
    """The facts of a request and of its answer. ``None`` stands for what does not exist."""

    @property
    def status(self) -> int | None:
        """Return the status of the response."""
        ...

    @property
    def error(self) -> str | None:
        """Return the catalog's name of the error in the response."""
        ...

    @property
    def answered_by(self) -> str | None:
        """Return the source of the answer."""
        ...

    @property
    def stub(self) -> str | None:
        """Return the id of the stub that answered."""
        ...

    @property
    def fault_names(self) -> Sequence[str]:
        """Return all names of the fault that hit it."""
        ...

    @property
    def said(self) -> str | None:
        """Return the text of the reply of a chat, a response or a turn."""
        ...

    @property
    def tools(self) -> Sequence[str]:
        """Return the names of the tools that the reply calls."""
        ...

    @property
    def interrupted(self) -> bool:
        """Return whether the user interrupted the turn."""
        ...

    @property
    def event_types(self) -> Sequence[str]:
        """Return the types of the events of a Realtime session, of both sides."""
        ...

    @property
    def hung_up(self) -> bool:
        """Return whether the client disconnected before the end of the response."""
        ...

    @property
    def in_flight(self) -> bool:
        """Return whether the response is still being sent."""
        ...


class LiveRequest(Facts, Protocol):
    """The facts of a request being handled, with those that stubs and faults read in addition to conditions."""

    @property
    def asks_for(self) -> frozenset[str]:
        """Return what the client asks for: a ``body``, ``events``, ``sound``, a ``job``, a ``session``, …"""
        ...

    @property
    def reply_kinds(self) -> frozenset[str]:
        """Return the kinds of stub replies that its endpoint can answer with."""
        ...
