"""What stubs, faults and verifications can call an endpoint."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from mockserver.catalog.paths import calls_of, openai_calls, path_pattern, shape, without_version

if TYPE_CHECKING:
    from mockserver.pipeline.operation import Operation


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
