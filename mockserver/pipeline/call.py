"""A request that is being handled (``Call``) and its answer (``Answer``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from mockserver import json_styles
from mockserver.limits.limiter import Admission
from mockserver.pipeline.charges import Charges
from mockserver.pipeline.request_facts import LiveFacts
from mockserver.transport.streamed_forms import StreamedForm
from mockserver.wire import tokens

if TYPE_CHECKING:
    from mockserver.accounts.accounts import Account
    from mockserver.audio.clip import Clip
    from mockserver.audio.uploads import AudioPlace, FilePart
    from mockserver.catalog.records import ModelCard
    from mockserver.engines.answered_by import AnsweredBy
    from mockserver.engines.transcription import Transcription
    from mockserver.pipeline.operation import Operation
    from mockserver.pipeline.recording import Recording
    from mockserver.pipeline.request import Request
    from mockserver.pipeline.request_audio import RequestAudio
    from mockserver.pipeline.request_facts import Recall
    from mockserver.pipeline.said_audio import SaidAudio
    from mockserver.pipeline.web_socket_adapter import WebSocketAdapter
    from mockserver.scripting.faults.fault import Fault
    from mockserver.scripting.stubs.replies import Scripted
    from mockserver.settings.model import Settings
    from mockserver.transport.bodies import UploadSlot


class Outcome(Struct):
    """The result of a request, for the journal and the headers. If the answer is a stream, it is known at its end.

    ``reply`` is the reply of a chat or response: its ``text``, and the names and arguments of its ``tool_calls``.
    ``said`` is the speech in it.
    """

    usage: Mapping[str, Any] | None = None
    cost_usd: float | None = None
    reply: Mapping[str, Any] | None = None
    said: Sequence[SaidAudio] = ()


@dataclass(slots=True)
class Call:
    """One request that is being handled, with what the pipeline has determined for the handler.

    If it asks for a WebSocket, ``web_socket`` accepts it, and answers its messages. If it opens a session,
    ``recording`` is the journal's record of it, in flight until the session has ended. ``kept`` is stored with a
    response, beside what OpenAI's API shows of it. ``recall`` returns the last text of the user in what the request
    continues. ``find_model`` returns a model by the name that it has at the provider, if that is not the catalog's.
    """

    request: Request
    operation: Operation
    settings: Settings
    account: Account
    slot: UploadSlot
    path: Mapping[str, str]
    audio: RequestAudio
    document: dict[str, Any] = field(default_factory=dict)
    files: Mapping[str, FilePart] = field(default_factory=dict)
    streamed: StreamedForm = field(default_factory=StreamedForm)
    model: ModelCard | None = None
    admission: Admission = Admission()  # noqa: RUF009 - immutable
    outcome: Outcome = field(default_factory=Outcome)
    charges: Charges = field(default_factory=Charges)
    settle: Callable[[Mapping[str, Any]], None] = lambda usage: None
    fault: Fault | None = None
    scripted: Scripted | None = None
    request_id: str = ""
    warning: str = ""
    kept: Mapping[str, Any] = field(default_factory=dict)
    web_socket: WebSocketAdapter | None = None
    recording: Recording | None = None
    recall: Recall | None = None
    find_model: Callable[[str], ModelCard | None] | None = None
    facts: LiveFacts = field(init=False)

    def __post_init__(self) -> None:
        """Make the facts that conditions read."""
        self.facts = LiveFacts(
            self.request, self.operation, self.account, self.document, self.audio, self.recall
        )

    @property
    def clips(self) -> Mapping[AudioPlace, Clip]:
        """Return the audio files that were read so far, by their place."""
        return self.audio.clips

    @property
    def transcripts(self) -> dict[AudioPlace, Transcription]:
        """Return what the endpoint transcribed from the clips, by their place."""
        return self.audio.transcripts

    @property
    def price_share(self) -> float:
        """Return the share of the price that the request costs: 1.0, or less for a line of a batch."""
        inner = self.request.inner
        return inner.price_share if inner else 1.0

    @property
    def vocabulary(self) -> tokens.Vocabulary:
        """Return the vocabulary that counts the model's tokens."""
        return self.model.tokens.vocabulary if self.model else tokens.DEFAULT

    @property
    def strict(self) -> bool:
        """Return whether the real API's rules apply in addition to the documented schema."""
        return self.settings.strictness == "real"


class Answer(Struct):
    """The answer of a handler. ``body`` is whole, or an iterator that is sent while it is made.

    ``usage`` is the answer's usage object; a stream, which knows it only at its end, calls ``Call.settle`` with it.
    ``is_shared`` is true if a whole body is one object for all requests, which takes no memory for this one.
    """

    body: bytes | Iterable[bytes]
    content_type: str
    answered_by: AnsweredBy | None = None
    headers: tuple[tuple[str, str], ...] = ()
    usage: Mapping[str, Any] | None = None
    status: int = 200
    is_shared: bool = False


def json_answer(body: object, style: Callable[[object], bytes] = json_styles.two_spaces_newline) -> Answer:
    """Return a JSON answer; ``style`` renders JSON as the real service does."""
    return Answer(style(body), "application/json")
