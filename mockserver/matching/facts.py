"""What is known about a request, for matchers to look at: while it is on its way, or in the journal."""

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
    """A request as matchers see it. What is costly to know is found out when it is first asked for."""

    @property
    def endpoint_names(self) -> frozenset[str]:
        """Return all names of its endpoint: ``transcriptions``, ``create_transcription``, its path."""
        ...

    @property
    def path(self) -> str:
        """Return the path of the request, without ``/v1``."""
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
        """Return the model as the request names it; empty for none."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Return the request headers, names in lower case."""
        ...

    @property
    def document(self) -> Mapping[str, Any]:
        """Return the request's form or JSON. Nothing in it is sure to satisfy the schema."""
        ...

    @property
    def prompt(self) -> str:
        """Return the prompt of a transcription, the instructions of speech, the system messages of a chat."""
        ...

    @property
    def user_text(self) -> str:
        """Return what the user wrote: the text of a chat's last user message, the input of speech."""
        ...

    @property
    def clips(self) -> Sequence[KnownClip]:
        """Return its audio files, in order."""
        ...

    @property
    def heard(self) -> str | None:
        """Return the transcript of its audio (of a chat: of the last user message); ``None`` without any."""
        ...

    @property
    def languages(self) -> Sequence[str]:
        """Return the languages (ISO 639-1) that are spoken in its audio."""
        ...


class Outcome(Facts, Protocol):
    """A request as matchers see it once it was answered, and what became of it. ``None``: there is none."""

    @property
    def status(self) -> int | None:
        """Return the status of the answer."""
        ...

    @property
    def error(self) -> str | None:
        """Return the catalog's name of the error that it was refused with."""
        ...

    @property
    def answered_by(self) -> str | None:
        """Return who answered."""
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
    def hung_up(self) -> bool:
        """Return whether the client left before the end of the answer."""
        ...

    @property
    def in_flight(self) -> bool:
        """Return whether the answer is still being streamed."""
        ...


class LiveRequest(Facts, Protocol):
    """A request on its way: what stubs and faults must know of it, beside what conditions look at."""

    @property
    def asks_for(self) -> frozenset[str]:
        """Return what its answer shall be: ``events``, ``sound``, a ``job``."""
        ...

    @property
    def reply_kinds(self) -> frozenset[str]:
        """Return the kinds of stub replies that its endpoint makes an answer of."""
        ...
