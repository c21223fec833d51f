"""What the pipeline must know of an endpoint, and what stubs, faults and verifications can call it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from mockserver.catalog.paths import calls_of, openai_calls, path_pattern, shape, without_version
from mockserver.pipeline.document_facts import DocumentFacts

if TYPE_CHECKING:
    from mockserver.catalog.records import Prices
    from mockserver.transport.streamed_forms import FileField


@dataclass(frozen=True, slots=True)
class Operation:
    """What the pipeline must know of an endpoint.

    ``endpoint`` is its path as the catalog's models name it (``v1/audio/speech``); ``schema`` the request
    schema under ``schemas``; ``explains`` names how its service words a violation of that, where the provider has
    several ways. ``estimate`` gives the
    tokens a request is charged beforehand, ``cost`` the US dollars for the usage of an answer by the model's prices
    (``None`` where one is not known), ``images`` counts its images; ``tells_tokens`` is whether answers have
    token-limit headers.
    ``handler`` names the function of its provider's package that answers, as ``module.function``; ``rules`` the one
    that refuses what the model cannot do.

    The body ``either`` is a form or JSON, which names the URL of the audio if the operation ``takes_urls``. Optional
    members of JSON that are null are dropped, unless it ``keeps_nulls``; numbers and booleans that are sent as
    texts are read if it ``reads_texts``.

    ``audio_field`` is the part of a form that has the audio, whether or not it comes with a file name.
    ``file_field`` is the file of a form that is kept while it arrives; such a form needs no ``body``.

    ``resource`` is the short name of what a model creates (``transcriptions``, ``chat``), else the operation's;
    ``names`` are all that stubs and faults can call it.

    ``reads`` finds what matchers look at in a document. ``gives`` is what all answers are (``sound``, a ``job``), which
    faults can break; ``reply_kinds`` are the replies of stubs, beside whole bodies and errors, that an answer can be
    made of.

    A call that no endpoint answers is an operation, too, of the body ``any`` and without a ``name``;
    ``is_versioned`` is whether the real path is below ``/v1``, ``asks_for_bearer`` how it refuses keys.
    """

    name: str
    method: str
    path: str
    body: Literal["none", "json", "multipart", "either", "any"] = "none"
    schema: str = ""
    endpoint: str = ""
    explains: str = ""
    estimate: Callable[[Mapping[str, Any]], int] | None = None
    cost: Callable[[Prices, Mapping[str, Any]], float | None] | None = None
    images: Callable[[Mapping[str, Any]], int] | None = None
    tells_tokens: bool = False
    handler: str = ""
    rules: str = ""
    takes_urls: bool = False
    keeps_nulls: bool = False
    reads_texts: bool = False
    audio_field: str = "file"
    file_field: FileField | None = None
    reads: Callable[[Mapping[str, Any]], DocumentFacts] = DocumentFacts
    gives: frozenset[str] = frozenset()
    reply_kinds: frozenset[str] = frozenset()
    resource: str = ""
    is_versioned: bool = True
    asks_for_bearer: bool = False
    names: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Set the names of the operation."""
        resource = self.path.removeprefix("/audio").split("/")[1] if self.endpoint else self.name
        resource = self.resource or resource
        names = {resource, self.name, self.path, f"/v1{self.path}", f"v1{self.path}"} - {""}
        object.__setattr__(self, "resource", resource)
        object.__setattr__(self, "names", frozenset(names))

    @property
    def is_audio(self) -> bool:
        """Return whether this is one of the endpoints below ``/v1/audio``."""
        return self.path.startswith("/audio/")


class EndpointNames(Mapping[str, frozenset[str]]):
    """What the patterns of stubs, faults and verifications can call an endpoint: the resources of each name.

    ``reply_kinds`` are the kinds of stub replies that each resource makes an answer of.

    A path can be any; that of an endpoint which is not served stands for OpenAI's resource, or for itself.
    """

    def __init__(self, operations: Collection[Operation]) -> None:
        """``operations`` are those that are served."""
        self.reply_kinds = {each.resource: each.reply_kinds for each in operations if each.reply_kinds}
        self._served: dict[str, frozenset[str]] = {
            name: frozenset(operation.resource for operation in operations if name in operation.names)
            for name in sorted(frozenset[str]().union(*(operation.names for operation in operations)))
        }
        self._served_paths = [(path_pattern(each.path), each.resource) for each in operations]
        self._served_calls = {(each.method, shape(each.path)) for each in operations}

    @cached_property
    def _unserved(self) -> dict[str, frozenset[str]]:
        """Return the resources that have calls which are not served, by their names."""
        calls = ((call, (call.method, shape(call.path))) for call in openai_calls())
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
