"""A request on its way, and what the pipeline must know of the endpoint that it is for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from mockserver.double.live_facts import LiveFacts
from mockserver.gateway.streamed_forms import FileField, StreamedForm
from mockserver.limits.limiter import Admission
from mockserver.wire import tokens

if TYPE_CHECKING:
    from mockserver.audio.clip import Clip
    from mockserver.catalog.records import ModelCard
    from mockserver.double.fault_definition import Fault
    from mockserver.double.replies import Scripted
    from mockserver.gateway.accounts import Account
    from mockserver.gateway.body import Place
    from mockserver.gateway.clips import RequestAudio
    from mockserver.gateway.forms import FilePart
    from mockserver.gateway.inner_calls import InnerCall
    from mockserver.services import Services
    from mockserver.settings import Settings


@dataclass(frozen=True, slots=True)
class Operation:
    """What the pipeline must know of an endpoint.

    ``endpoint`` is its path as the catalog's models name it (``v1/audio/speech``); ``schema`` the request
    schema under ``schemas/openai``; ``explains`` how its service words a schema violation. ``estimate`` gives the
    tokens a request is charged beforehand, ``images`` counts its images; ``tells_tokens`` is whether answers have
    token-limit headers.
    ``rules`` names the function below ``mockserver.endpoints`` that refuses what the model cannot do.

    The body ``either`` is a form or JSON; JSON may name the URL of the audio, where ``provider`` is another than
    OpenAI. That is whose operation it is: whose models it serves, and in whose words and shape it refuses.

    ``audio_field`` is the part of a form that has the audio, whether or not it comes with a file name.
    ``file_field`` is the file of a form that is kept while it arrives; such a form needs no ``body``.

    ``resource`` is the short name of what a model creates (``transcriptions``, ``chat``), else the operation's;
    ``names`` are all that stubs and faults can call it.

    A call that no endpoint answers is an operation, too, of the body ``any`` and without a ``name``;
    ``is_versioned`` is whether the real path is below ``/v1``, ``asks_for_bearer`` how it refuses keys.
    """

    name: str
    method: str
    path: str
    body: Literal["none", "json", "multipart", "either", "any"] = "none"
    schema: str = ""
    endpoint: str = ""
    explains: Literal["house", "pydantic", "zod", "files"] = "house"
    estimate: Callable[[Mapping[str, Any]], int] | None = None
    images: Callable[[Mapping[str, Any]], int] | None = None
    tells_tokens: bool = False
    rules: str = ""
    provider: Literal["openai", "aimlapi"] = "openai"
    audio_field: str = "file"
    file_field: FileField | None = None
    resource: str = ""
    is_versioned: bool = True
    asks_for_bearer: bool = False
    names: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Names the operation."""
        resource = self.path.removeprefix("/audio").split("/")[1] if self.endpoint else self.name
        resource = self.resource or resource
        names = {resource, self.name, self.path, f"/v1{self.path}", f"v1{self.path}"} - {""}
        object.__setattr__(self, "resource", resource)
        object.__setattr__(self, "names", frozenset(names))

    @property
    def is_audio(self) -> bool:
        """Whether this is one of the endpoints below ``/v1/audio``."""
        return self.path.startswith("/audio/")


@dataclass(slots=True)
class Outcome:
    """What became of a request: known late where the answer is a stream.

    ``reply`` is what a chat was replied: its ``text``, and the names and arguments of its ``tool_calls``.
    """

    usage: Mapping[str, Any] | None = None
    reply: Mapping[str, Any] | None = None


@dataclass(slots=True)
class Call:
    """One request on its way: what the pipeline found out, for the handler to use."""

    operation: Operation
    settings: Settings
    account: Account
    place: Place
    path: Mapping[str, str]
    audio: RequestAudio
    document: dict[str, Any] = field(default_factory=dict)
    files: Mapping[str, FilePart] = field(default_factory=dict)
    streamed: StreamedForm = field(default_factory=StreamedForm)
    model: ModelCard | None = None
    admission: Admission = field(default_factory=Admission)
    outcome: Outcome = field(default_factory=Outcome)
    settle: Callable[[Mapping[str, Any]], None] = lambda usage: None
    fault: Fault | None = None
    scripted: Scripted | None = None
    inner: InnerCall | None = None
    request_id: str = ""
    warning: str = ""
    facts: LiveFacts = field(init=False)

    def __post_init__(self) -> None:
        """Has the request looked at as matchers do."""
        self.facts = LiveFacts(self.operation, self.account, self.document, self.audio)

    @property
    def clips(self) -> Mapping[str, Clip]:
        """The audio files that were looked at, by their place."""
        return self.audio.clips

    @property
    def heard(self) -> Mapping[str, str]:
        """What the endpoint heard in them, by their place."""
        return self.audio.heard

    @property
    def usage(self) -> Mapping[str, Any] | None:
        """The usage that was settled, once it was."""
        return self.outcome.usage

    @property
    def price_share(self) -> float:
        """Which share of the price the request costs."""
        return self.inner.price_share if self.inner else 1.0

    @property
    def vocabulary(self) -> tokens.Vocabulary:
        """Return the vocabulary in which the model's text is counted."""
        return self.model.tokens.vocabulary if self.model else tokens.DEFAULT

    @property
    def strict(self) -> bool:
        """Whether the real API's own rules apply, beyond the documented schema."""
        return self.settings.strictness == "real"


@dataclass(slots=True)
class Answer:
    """What a handler answers. ``body`` is whole, or an iterator that is sent as it is made.

    ``usage`` is the answer's usage object; a stream, which knows it late, calls ``Call.settle`` with it.
    ``is_shared`` is whether a whole body is the same object for all requests, and takes no memory for this one.
    """

    body: bytes | Iterable[bytes]
    content_type: str
    answered_by: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    usage: Mapping[str, Any] | None = None
    status: int = 200
    is_shared: bool = False


Handler = Callable[["Services", Call], Answer]
Rules = Callable[["Services", Call], None]


class Route(NamedTuple):
    """An operation, the handler that answers it, and the rules that its requests must obey (if any)."""

    operation: Operation
    handler: Handler
    rules: Rules | None = None
