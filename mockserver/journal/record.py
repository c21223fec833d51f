"""The record of an exchange: the journal's data on a request and its response.

``None`` stands for what is unknown or does not exist. In JSON the members have the order below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from mockserver.journal.audio_records import AudioFile, SaidAudio  # noqa: TC001 - msgspec reads the types

if TYPE_CHECKING:
    from collections.abc import Sequence

# The members that only conditions and findings read.
_UNSHOWN = ("account_id", "account_names", "endpoint_names")


class _Part(msgspec.Struct, forbid_unknown_fields=True):
    """A part of a record; unknown members are refused."""


class HitFault(_Part, kw_only=True):
    """The fault that hit a request. ``error`` is the catalog's name of the error, if it is one."""

    id: str
    kind: str
    error: str | msgspec.UnsetType = msgspec.UNSET
    occasion: int

    @property
    def names(self) -> list[str]:
        """Return all its names, the most specific first."""
        names = (self.kind, self.id)
        return [self.error, *names] if isinstance(self.error, str) else [*names]


class Timing(_Part, kw_only=True):
    """Milliseconds from the request to the first byte of the response, and to its end."""

    first_byte_ms: float | None
    total_ms: float | None


class Piece(_Part, gc=False):
    """A piece of a stream: the milliseconds from the request to it, its size in bytes, and its text.

    ``text`` is ``None`` if it is binary, or beyond what is kept.
    """

    ms: float
    bytes: int
    text: str | None


class RealtimeTurn(_Part, kw_only=True):
    """A response of a Realtime session, or the transcription of what the user said (``kind``).

    Times are in milliseconds of the session. ``turn`` counts from 1 for each kind. ``speech`` are the segments in which
    the user spoke before. ``said`` is the text or transcript of the response, ``tools`` are its calls with their
    arguments. ``heard_until_ms`` is the end of its audio that the client has played, if it says so.
    """

    kind: str
    turn: int
    response: str | None = None
    item: str | None = None
    began_ms: float
    ended_ms: float | None = None
    user_text: str | None = None
    heard: str | None = None
    speech: list[tuple[float, float]] = []
    said: str | None = None
    tools: list[dict[str, Any]] = []
    status: str = "in_progress"
    reason: str | None = None
    interrupted: bool = False
    heard_until_ms: float | None = None
    audio_seconds: float = 0.0
    model: str | None = None
    prompt: str | None = None
    answered_by: str | None = None
    stub: str | None = None
    fault: HitFault | None = None
    error: str | None = None
    usage: dict[str, Any] | None = None
    cost_usd: float | None = None


class Realtime(_Part, kw_only=True):
    """A Realtime session: the events of both sides in order, and its turns.

    ``events_dropped`` and ``turns_dropped`` are the numbers of older ones that are not kept. ``audio_in`` and
    ``audio_out`` are in seconds. ``close`` has the code and the reason with which the server closed it.
    """

    session: str
    kind: str
    events: list[dict[str, Any]]
    events_dropped: int
    event_types: list[str]
    turns: list[RealtimeTurn]
    turns_dropped: int
    audio_in: float
    audio_out: float
    close: dict[str, Any] | None


class Record(_Part, kw_only=True):
    """A request and its response.

    ``time`` is in seconds since 1970 by the server's clock. ``account_names`` and ``endpoint_names`` are all names
    that conditions can use. ``connection`` is the id of the handshake, if the request is a message of a WebSocket.
    ``response`` is the body of the answer: a JSON value, a text, or the size and hash of binary data; ``None`` for a
    stream, whose first ``pieces`` are recorded. ``reply`` is the reply of a chat or response, ``realtime`` the session
    that the request opened, ``said_audio`` the speech in the answer. Members with a default are missing in old
    snapshots.
    """

    id: str
    time: float
    connection: str | None = None
    account_names: list[str]
    account_id: str | None
    account: str | None
    organization: str | None
    project: str | None
    endpoint: str | None
    operation: str | None
    endpoint_names: list[str]
    method: str
    path: str
    query: dict[str, Any]
    headers: dict[str, str]
    model: str | None
    request: dict[str, Any]
    audio: list[AudioFile]
    said_audio: list[SaidAudio] = []
    heard: str | None
    user_text: str | None
    prompt: str | None
    status: int | None
    error: str | None
    answered_by: str | None
    stub: str | None
    fault: HitFault | None
    response_headers: dict[str, str] = {}
    response: Any = None
    reply: dict[str, Any] | None = None
    realtime: Realtime | None = None
    usage: dict[str, Any] | None
    cost_usd: float | None
    limits: dict[str, str]
    timing: Timing
    stream_events: int | None
    stream_pieces: int | None
    pieces: list[Piece] | None = None
    pieces_dropped: int = 0
    bytes_sent: int
    in_flight: bool
    hung_up: bool


# The members that callers see, and those of a session.
SHOWN = tuple(name for name in Record.__struct_fields__ if name not in _UNSHOWN)
OF_SESSION = Realtime.__struct_fields__


def as_json(record: Record) -> dict[str, Any]:
    """Return the record as a JSON value, with all its members."""
    value: dict[str, Any] = msgspec.to_builtins(record)
    return value


def shown(record: Record, members: Sequence[str] | None = None) -> dict[str, Any]:
    """Return the record as a JSON value, with some members of ``SHOWN``, or all."""
    return {
        name: msgspec.to_builtins(getattr(record, name)) for name in (SHOWN if members is None else members)
    }


def shown_session(record: Record, members: Sequence[str]) -> dict[str, Any] | None:
    """Return some members of the session of a record as a JSON value; ``None`` if it has none."""
    session = record.realtime
    if session is None:
        return None
    return {name: msgspec.to_builtins(getattr(session, name)) for name in members}


def records_of(values: object) -> list[Record]:
    """Return the records of JSON values.

    Raises ``ValueError`` naming the place of an invalid one, as in ``entries[2].audio[0].size``.
    """
    try:
        records = msgspec.convert(values, list[Record])
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$")
        raise ValueError(f"entries{place.rstrip('`')}: {what}.") from error
    for number, record in enumerate(records):
        turns = record.realtime.turns if record.realtime else []
        calls = [(record.reply or {}).get("tool_calls") or [], *(turn.tools for turn in turns)]
        if not all(map(_are_tool_calls, calls)):
            raise ValueError(f"entries[{number}]: tool calls need a name and arguments each.")
    return records


def _are_tool_calls(value: Any) -> bool:
    """Return whether a value is a list of tool calls, or the number of those of a very long list."""
    if isinstance(value, list):
        return all(isinstance(each, dict) and {"name", "arguments"} <= each.keys() for each in value)
    return isinstance(value, dict) and value.keys() == {"values"}


def of_account(record: Record, account_id: str) -> Record:
    """Return the record, moved to the account ``account_id``."""
    if account_id == record.account_id:
        return record
    organization, _, project = account_id.rpartition("/")
    return msgspec.structs.replace(
        record,
        account_id=account_id,
        account_names=[account_id, organization, project],
        account=None,
        organization=organization,
        project=project,
    )
