"""Scripted answers: which of the stubs answers a request, and what it replies."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from mockserver.scripting.stubs.registry import StubRegistry
from mockserver.scripting.stubs.replies import Scripted, check_header_values
from mockserver.scripting.stubs.use import StubUse

if TYPE_CHECKING:
    from mockserver.matching.facts import LiveRequest
    from mockserver.scripting.stubs.stub import Stub


class NearMiss(NamedTuple):
    """A stub that did not match, and what differed."""

    stub: Stub
    differences: list[str]


class Stubs(StubRegistry):
    """The stubs of one server, and how accounts have used them. Every method is safe to use from several threads."""

    def __init__(
        self,
        endpoints: Mapping[str, frozenset[str]],
        reply_kinds: Mapping[str, frozenset[str]],
        check_error: Callable[[str], None],
    ) -> None:
        """Take what a ``StubRegistry`` takes."""
        self.use = StubUse()
        super().__init__(endpoints, reply_kinds, check_error, on_gone=self.use.forget)

    def answer(self, facts: LiveRequest, account_id: str) -> tuple[Stub, int] | None:
        """Return the stub that answers this request, which is counted, and how often it has answered before."""
        if not self:
            return None
        for stub in self._matching(facts, account_id):
            used = self.use.take(stub, account_id)
            if used is not None:
                return stub, used
        return None

    def names_method(self, facts: LiveRequest, account_id: str) -> bool:
        """Return whether a stub would answer this request that names its method."""
        return any("method" in stub.pattern.when for stub in self._matching(facts, account_id))

    def give_back(self, id_: str, account_id: str) -> None:
        """Take back that the stub of that id has answered a request, which was refused after all."""
        stub = self.get(id_, account_id)
        if stub is not None:
            self.use.give_back(stub, account_id)

    def scripted(self, stub: Stub, used: int, context: Mapping[str, Any]) -> Scripted:
        """Return what ``stub`` replies; ``context`` is what its templates know. Raises ``ValueError``."""
        reply = stub.reply(used)
        if reply.get("template"):
            from mockserver.scripting.stubs.templates import render_reply

            reply = render_reply(reply, context)
            check_header_values(reply)
            return Scripted(stub.id, reply, stub.folder)
        return Scripted(stub.id, reply, stub.folder, stub.bodies)

    def nearest(self, facts: LiveRequest, account_id: str, most: int = 3) -> list[NearMiss]:
        """Return the stubs that differ least from a request which none matched."""
        misses = []
        for stub in self.visible(account_id):
            differences = stub.pattern.differences(facts, listen=False)
            if not stub.answers(facts):
                differences.append("reply: cannot answer this endpoint")
            if not self.use.is_due(stub, account_id):
                differences.append(self.use.why_not(stub, account_id))
            if not differences:  # so it was listened to: what was heard differs
                differences = stub.pattern.differences(facts)
            misses.append(NearMiss(stub, differences))
        return sorted(misses, key=lambda miss: len(miss.differences))[:most]

    def reset(self, account_id: str | None) -> None:
        """Remove an account's stubs and set its counters back; of every account for ``None``. Stubs of files stay."""
        self.clear(account_id)
        self.use.clear(account_id)

    def snapshot(self, account_id: str | None) -> dict[str, Any]:
        """Return the stubs that did not come from files, and all counters, as JSON values."""
        return copy.deepcopy({"stubs": self.rows(account_id), "counters": self.use.rows(account_id)})

    def restore(self, state: Mapping[str, Any], account_id: str | None) -> None:
        """Put back what ``snapshot`` told; of one account it fits another, too.

        Raises ``ValueError`` as ``check`` does, and changes nothing then.
        """
        for row in state["stubs"]:
            self.check(row["document"], may_read=True)
        self.reset(account_id)
        for row in state["stubs"]:
            self.add(row["document"], account_id or row["account_id"], may_read=True)
        self.use.restore(state["counters"], account_id)

    def _matching(self, facts: LiveRequest, account_id: str) -> Iterator[Stub]:
        """Yield the stubs that could answer this request now, the first of which does."""
        for stub in self.candidates(facts, account_id):
            if stub.answers(facts) and self.use.is_due(stub, account_id) and stub.pattern.matches(facts):
                yield stub
