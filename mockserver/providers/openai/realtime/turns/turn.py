"""A turn of a session: how a response, or the transcription of what the user said, is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mockserver.catalog.records import ModelCard
    from mockserver.engines.answered_by import AnsweredBy
    from mockserver.errors import ApiError
    from mockserver.pipeline.call import Call
    from mockserver.pipeline.said_audio import SaidAudio
    from mockserver.scripting.faults.fault import Fault
    from mockserver.scripting.stubs.replies import Scripted

Kind = Literal["response", "transcription"]

SERVER_ERROR = "server_error"
FAILED = "The server had an error while processing your request. Sorry about that!"


class Failure(NamedTuple):
    """The error with which a response or a transcription fails."""

    type: str
    code: str | None
    message: str


class Turn(Struct, eq=False):
    """A response, or the transcription of what the user said.

    One of these says how it is answered; without any, the engines answer:

    - ``refusal``: an ``error`` event is sent in its place (of a transcription: its failure).
    - ``failure``: it is created, has no output, and fails.
    - ``events``: they are sent in its place, by ``Turns.send_events``.
    - ``scripted``: the stub's words, tool calls, audio or transcript are its output. With ``scripted.failure`` a
      response fails after them, or at once if ``scripted.only_fails``.

    ``delay_ms`` passes on the timeline before it begins, ``first_delta_ms`` more before its first delta, ``delta_ms``
    more before each other delta of text. ``is_silent``: it begins, and nothing more is sent of it. ``answered_by`` is
    for the journal; who answers without a stub sets it. ``item_id`` is the item that is transcribed, ``spoken_items``
    are those of the user that a response answers, ``response_id`` is its own. ``said`` is its speech, for the journal,
    which began at ``speaks_from_ms`` on the timeline.
    """

    kind: Kind
    number: int
    call: Call
    model: ModelCard
    item_id: str = ""
    spoken_items: Sequence[str] = ()
    response_id: str = ""
    refusal: ApiError | None = None
    failure: Failure | None = None
    events: Sequence[object] | None = None
    scripted: Scripted | None = None
    fault: Fault | None = None
    delay_ms: float = 0.0
    first_delta_ms: float = 0.0
    delta_ms: float = 0.0
    is_silent: bool = False
    speaks_from_ms: float = 0.0
    said: SaidAudio | None = None
    answered_by: AnsweredBy | None = None
    error: str = ""
    tokens: int = 0
    began: float = 0.0
    is_settled: bool = False

    @property
    def is_refused(self) -> bool:
        """Return whether nothing is made of it."""
        return self.refusal is not None
