"""The facts of a turn that stubs and faults read: a response, or the transcription of what the user said."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from mockserver.pipeline.once import once
from mockserver.pipeline.request_facts import LiveFacts

if TYPE_CHECKING:
    from mockserver.audio.decode import ClipFacts
    from mockserver.matching.facts import KnownClip
    from mockserver.pipeline.call import Call
    from mockserver.pipeline.operation import Operation

_PATH = "/v1/realtime"
_ASKS_FOR = frozenset({"turn"})


class Said(Struct, frozen=True):
    """What the user did in a turn. ``text`` is what was written, ``heard`` returns what was said, ``None`` for nothing.

    ``pcm`` is the audio, s16le mono at ``rate``, of the spoken ``items``.
    """

    text: str = ""
    heard: Callable[[], str | None] = lambda: None
    pcm: bytes = b""
    rate: int = 24_000
    items: Sequence[str] = ()


class SpokenClip(Struct, frozen=True):
    """The audio of a turn, as conditions read it (``matching.facts.KnownClip``)."""

    pcm: bytes
    rate: int

    @property
    def name(self) -> str:
        """Return no file name."""
        return ""

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of the samples, in hex."""
        return hashlib.sha256(self.pcm).hexdigest()

    @property
    def facts(self) -> ClipFacts:
        """Return duration and the like."""
        from mockserver.audio.decode import ClipFacts

        duration = len(self.pcm) / 2 / self.rate
        return ClipFacts("raw", "pcm_s16le", duration, 1, self.rate, self.sha256)


class TurnFacts(LiveFacts):
    """The facts of a turn; implements ``matching.facts.LiveRequest``.

    ``document`` are the parameters of the response or transcription, ``instructions`` are matched as the prompt.
    """

    def __init__(
        self,
        handshake: Call,
        operation: Operation,
        document: Mapping[str, Any],
        said: Said,
        instructions: str,
        turn: int,
        names: frozenset[str],
        reply_kinds: frozenset[str],
    ) -> None:
        super().__init__(handshake.request, operation, handshake.account, document, handshake.audio)
        self._said = said
        self._instructions = instructions
        self._names = names
        self._reply_kinds = reply_kinds
        self._turn = turn

    @property
    def turn(self) -> int:
        """Return the number of the turn, from 1."""
        return self._turn

    @property
    def endpoint_names(self) -> frozenset[str]:
        """Return all names of the endpoint."""
        return self._names

    @property
    def path(self) -> str:
        """Return the path of the endpoint."""
        return _PATH

    @property
    def prompt(self) -> str:
        """Return the instructions of the response, or the prompt of the transcription."""
        return self._instructions

    @property
    def user_text(self) -> str:
        """Return what the user wrote."""
        return self._said.text

    @property
    def asks_for(self) -> frozenset[str]:
        """Return the kinds of answer that a turn asks for."""
        return _ASKS_FOR

    @property
    def reply_kinds(self) -> frozenset[str]:
        """Return the kinds of stub replies that answer the turn."""
        return self._reply_kinds

    @once
    def clips(self) -> Sequence[KnownClip]:
        """Return the audio of the turn."""
        return [SpokenClip(self._said.pcm, self._said.rate)] if self._said.pcm else []

    @once
    def heard(self) -> str | None:
        """Return what the user said; ``None`` if nothing was said."""
        return self._said.heard()

    @property
    def languages(self) -> Sequence[str]:
        """Return no languages: they are not known."""
        return []
