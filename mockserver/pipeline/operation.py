"""The description of an endpoint for the pipeline, and its names for stubs, faults and verifications."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct
from msgspec.structs import force_setattr

from mockserver.catalog.paths import calls_of, known_calls, path_pattern, shape, without_version
from mockserver.pipeline.document_facts import DocumentFacts
from mockserver.wire import sse

if TYPE_CHECKING:
    from mockserver.catalog.records import ModelCard, Prices
    from mockserver.transport.streamed_forms import FileField


class Operation(Struct, frozen=True):
    """The description of an endpoint for the pipeline.

    ``endpoint`` is its path as the catalog's models name it (``v1/audio/speech``). ``schema`` is the request schema
    under ``schemas``; ``explains`` names the wording of its violations, and ``refuses`` the form of its refusals, if
    the provider has several.
    ``estimate`` returns the tokens that a request is charged beforehand, ``images`` the number of its images,
    ``inputs`` the number of its texts, which batches limit,
    ``cost`` the US dollars for the usage of an answer by the model's prices (``None`` if a price is unknown).
    ``has_limit_headers`` is true if answers have rate-limit headers, ``has_token_headers`` if those of tokens, too.
    ``default_model`` is the model of requests that name none. ``wrong_model`` returns the name of the error that
    refuses a model of other endpoints after it was charged.
    ``handler`` names the function that answers, as ``module.function`` in the provider's package; ``rules`` the
    function that refuses what the model cannot do.

    An unknown model is refused before the document is validated, or after that if ``model_last``.

    The body ``either`` is a form or JSON, with the URL of the audio if the operation ``takes_urls``; ``sdp`` is a form,
    or a description of a WebRTC connection alone, with the rest of the document in the query. Optional
    members of JSON that are null are dropped unless it ``keeps_nulls``; numbers and booleans in strings are parsed
    if it ``reads_texts``.

    ``audio_field`` is the part of a form with the audio, with or without a file name.
    ``file_field`` is the file of a form that is stored while it arrives; such a form needs no ``body``.

    ``from_request`` is true if answers say only what the request and the engines say, nothing that was stored before.

    ``resource`` is the short name of what a model creates (``transcriptions``, ``chat``), else the operation's name;
    ``names`` are all names that stubs and faults can use for the endpoint.

    ``reads`` makes the facts of a document. ``recalls`` names the function, like ``handler``, that returns the last
    text of the user in what a request continues, for requests without one. ``gives`` are the kinds of all answers
    (``sound``, a ``job``), which faults can break; ``reply_kinds`` are the kinds of stub replies, in addition to whole
    bodies and errors, that the handler makes an answer of. ``event`` writes an event of a stub's stream; ``failure``
    returns the events that report an error in the middle of a stream.

    A call that no endpoint serves is an operation without a ``name`` and with the body ``any``. ``is_versioned`` is
    true if the real path is below ``/v1``.
    """

    name: str
    method: str
    path: str
    body: Literal["none", "json", "multipart", "either", "sdp", "any"] = "none"
    schema: str = ""
    endpoint: str = ""
    explains: str = ""
    refuses: str = ""
    estimate: Callable[[Mapping[str, Any]], int] | None = None
    cost: Callable[[Prices, Mapping[str, Any]], float | None] | None = None
    images: Callable[[Mapping[str, Any]], int] | None = None
    inputs: Callable[[Mapping[str, Any]], int] | None = None
    has_limit_headers: bool = True
    has_token_headers: bool = False
    default_model: str = ""
    wrong_model: Callable[[ModelCard], str] | None = None
    handler: str = ""
    rules: str = ""
    model_last: bool = False
    takes_urls: bool = False
    keeps_nulls: bool = False
    reads_texts: bool = False
    audio_field: str = "file"
    file_field: FileField | None = None
    reads: Callable[[Mapping[str, Any]], DocumentFacts] = DocumentFacts
    recalls: str = ""
    gives: frozenset[str] = frozenset()
    reply_kinds: frozenset[str] = frozenset()
    event: Callable[[object], bytes] = sse.scripted
    failure: Callable[[bytes, int, str, str], Iterable[bytes]] = sse.failure
    from_request: bool = False
    resource: str = ""
    is_versioned: bool = True
    names: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Set ``resource`` and ``names``."""
        resource = self.path.removeprefix("/audio").split("/")[1] if self.endpoint else self.name
        resource = self.resource or resource
        versioned = {f"/v1{self.path}", f"v1{self.path}"} if self.is_versioned else set()
        names = {resource, self.name, self.path, *versioned} - {""}
        force_setattr(self, "resource", resource)
        force_setattr(self, "names", frozenset(names))


class EndpointNames(Mapping[str, frozenset[str]]):
    """The names of endpoints in the patterns of stubs, faults and verifications, with the resources of each name.

    ``reply_kinds`` are the kinds of stub replies of each resource (see ``Operation``). Any path is a name, too: that
    of an endpoint that is not served stands for its resource in the catalog, or for itself.
    """

    def __init__(self, operations: Collection[Operation]) -> None:
        """Take the ``operations`` that are served."""
        self.reply_kinds = {each.resource: each.reply_kinds for each in operations if each.reply_kinds}
        self._served: dict[str, frozenset[str]] = {
            name: frozenset(operation.resource for operation in operations if name in operation.names)
            for name in sorted(frozenset[str]().union(*(operation.names for operation in operations)))
        }
        self._served_paths = [(path_pattern(each.path), each.resource) for each in operations]
        self._served_calls = {(each.method, shape(each.path)) for each in operations}

    @cached_property
    def _unserved(self) -> dict[str, frozenset[str]]:
        """Return the resources with calls that are not served, by their names."""
        calls = ((call, (call.method, shape(call.path))) for call in known_calls())
        unserved = (call for call, each in calls if each not in self._served_calls)
        names = {call.resource for call in unserved} - self._served.keys()
        return {name: frozenset({name}) for name in sorted(names)}

    def __getitem__(self, name: str) -> frozenset[str]:
        found = self._served.get(name) or self._unserved.get(name)
        if found is not None:
            return found
        if not name.startswith("/"):
            raise KeyError(name)
        path = without_version(name)
        served = frozenset(resource for pattern, resource in self._served_paths if pattern.fullmatch(path))
        unserved = frozenset(call.resource for call in calls_of(path) if call.resource)
        return served or unserved or frozenset({path})

    def __iter__(self) -> Iterator[str]:
        yield from self._served
        yield from self._unserved

    def __len__(self) -> int:
        return len(self._served) + len(self._unserved)
