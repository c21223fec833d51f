"""What happened in a call: who spoke from when to when, the gaps between turns, and what was heard."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field

Party = Literal["caller", "server"]


class CallFailed(AssertionError):
    """The call did not go as its script says."""


class Stretch(Struct, frozen=True):
    """A time in which one party speaks, in milliseconds since the call began."""

    who: Party
    start_ms: float
    end_ms: float
    text: str


class Said(Struct):
    """What the caller has said.

    ``heard`` is what the server understood of it: an item for each turn that it made of it, usually one, and the
    item's transcript, ``None`` until it has come. ``failure`` says why the server could not transcribe it.
    ``is_committed`` says whether its end is in a turn, not only what is before a pause.
    """

    text: str
    start_ms: float
    end_ms: float
    heard: dict[str, str | None] = field(default_factory=dict)
    failure: str | None = None
    is_committed: bool = False

    @property
    def transcript(self) -> str | None:
        """Return what the server understood; ``None`` until it has transcribed all of it."""
        parts = [part for part in self.heard.values() if part is not None]
        return " ".join(filter(None, parts)) if self.heard and len(parts) == len(self.heard) else None


class Reply(Struct):
    """A response of the server, as the caller heard it.

    ``start_ms`` and ``end_ms`` are the times of its sound, or of its text; ``None`` if there was neither.
    ``gap_ms`` is the time from the end of the caller's speech to its start. ``text`` is all of it, ``heard`` what was
    heard of it, which is less if it was ``interrupted``: an estimate, by the time that was played.
    """

    response_id: str
    text: str = ""
    heard: str = ""
    status: str = "in_progress"
    reason: str | None = None
    start_ms: float | None = None
    end_ms: float | None = None
    gap_ms: float | None = None
    interrupted: bool = False
    played_ms: float = 0.0
    error: dict[str, Any] | None = None


class ToolCall(Struct, frozen=True):
    """A function that the server called, and the answer of the caller."""

    name: str
    arguments: Any
    output: str
    at_ms: float


class Timeline(Struct):
    """What happened in a call so far. Times are milliseconds since it began.

    ``errors`` are the server's ``error`` objects; ``closed`` is the code and the reason if the server ended the call.
    """

    said: list[Said] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    tool_calls: list[ToolCall] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    end_ms: float = 0.0
    closed: tuple[int, str] | None = None

    @property
    def stretches(self) -> list[Stretch]:
        """Return who spoke from when to when, in the order of the beginnings."""
        spoken = [Stretch("caller", said.start_ms, said.end_ms, said.text) for said in self.said]
        spoken += [
            Stretch("server", reply.start_ms, reply.end_ms, reply.heard)
            for reply in self.replies
            if reply.start_ms is not None and reply.end_ms is not None and (reply.heard or reply.played_ms)
        ]
        return sorted(spoken, key=lambda each: each.start_ms)

    @property
    def gaps_ms(self) -> list[float]:
        """Return the gaps between the caller's turns and the replies to them."""
        return [reply.gap_ms for reply in self.replies if reply.gap_ms is not None]

    @property
    def interruptions(self) -> list[Reply]:
        """Return the replies that the caller cut off."""
        return [reply for reply in self.replies if reply.interrupted]
