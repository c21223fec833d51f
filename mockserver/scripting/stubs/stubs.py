"""Chooses the stub that answers a request, and its reply."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from mockserver.replicas import replicated
from mockserver.scripting.stubs.registry import StubRegistry
from mockserver.scripting.stubs.replies import Scripted, check_header_values
from mockserver.scripting.stubs.use import StubUse

if TYPE_CHECKING:
    from mockserver.matching.facts import LiveRequest
    from mockserver.scripting.stubs.stub import Stub
    from mockserver.state.protocols import Counters


_OWN = "own:"  # before the ids of stubs of one account: one of all accounts may have the same id


class NearMiss(NamedTuple):
    """A stub that did not match, and what differed."""

    stub: Stub
    differences: list[str]


class Stubs(StubRegistry):
    """The stubs of one server, and their use by accounts. Thread-safe."""

    def __init__(
        self,
        endpoints: Mapping[str, frozenset[str]],
        reply_kinds: Mapping[str, frozenset[str]],
        check_error: Callable[[str], None],
        counters: Counters,
    ) -> None:
        """Take the arguments of ``StubRegistry``, and the counters of the server."""
        self.use = StubUse(counters)
        super().__init__(endpoints, reply_kinds, check_error, on_gone=self.use.forget)

    def set_scenario(self, account_id: str, name: str, state: str) -> None:
        """Set the state of an account's scenario. It counts as a change of the stubs, in every process."""
        self.use.set_scenario(account_id, name, state)
        self._note_scenario()

    @replicated
    def _note_scenario(self) -> None:
        """Note that a state was set, which itself is in the store that all processes share."""

    def answer(self, facts: LiveRequest, account_id: str) -> tuple[Stub, int] | None:
        """Return the stub that answers this request, and how often it has answered before; count this use."""
        if not self:
            return None
        for stub in self._matching(facts, account_id):
            used = self.use.take(stub, account_id)
            if used is not None:
                return stub, used
        return None

    def names_method(self, facts: LiveRequest, account_id: str) -> bool:
        """Return whether a stub with the condition ``method`` would answer this request."""
        return any("method" in stub.pattern.when for stub in self._matching(facts, account_id))

    def give_back(self, id_: str, account_id: str) -> None:
        """Undo the count of a use of the stub with that id, because the request was refused."""
        stub = self.get(id_, account_id)
        if stub is not None:
            self.use.give_back(stub, account_id)

    def scripted(self, stub: Stub, used: int, context: Mapping[str, Any]) -> Scripted:
        """Return the reply of ``stub``; ``context`` are the variables of its templates. Raises ``ValueError``."""
        reply = stub.reply(used)
        if reply.get("template"):
            from mockserver.scripting.stubs.templates import render_reply

            reply = render_reply(reply, context)
            check_header_values(reply)
            return Scripted(stub.id, reply, stub.folder)
        return Scripted(stub.id, reply, stub.folder, stub.bodies)

    def nearest(self, facts: LiveRequest, account_id: str, limit: int = 3) -> list[NearMiss]:
        """Return up to ``limit`` enabled stubs with the fewest differences from a request that none matched."""
        misses = []
        for stub in (each for each in self.visible(account_id) if each.enabled):
            differences = stub.pattern.differences(facts, listen=False)
            if not stub.answers(facts):
                differences.append("reply: cannot answer this endpoint")
            if not self.use.is_due(stub, account_id):
                differences.append(self.use.why_not(stub, account_id))
            if not differences:  # the difference is in the transcript, which was made to match the stub
                differences = stub.pattern.differences(facts)
            misses.append(NearMiss(stub, differences))
        return sorted(misses, key=lambda miss: len(miss.differences))[:limit]

    def reset(self, account_id: str | None) -> None:
        """Remove an account's stubs and reset its counters (``None``: all accounts'). Stubs from files stay."""
        self.clear(account_id)
        self.use.clear(account_id)

    def snapshot(self, account_id: str | None) -> dict[str, Any]:
        """Return the stubs that are not from files, the switches of the others, and all counters, as JSON values."""
        return copy.deepcopy(
            {
                "stubs": self.rows(account_id),
                "switched": self.switches(account_id),
                "counters": self.use.rows(account_id, self._names()),
            }
        )

    def restore(self, state: Mapping[str, Any], account_id: str | None) -> None:
        """Restore a ``snapshot``; one account's can be restored to another.

        Raises ``ValueError`` as ``check`` does, and then changes nothing.
        """
        self.restore_definitions(state, account_id)
        self.restore_counts(state, account_id)

    def restore_counts(self, state: Mapping[str, Any], account_id: str | None) -> None:
        """Replace the counters of an account, or of all, by those of a ``snapshot``, whose stubs are restored."""
        self.use.restore(state["counters"], account_id, self._counter_of)

    def _names(self) -> dict[str, str]:
        """Return the names of the counters in snapshots: the ids of the stubs, marked if they belong to one account."""
        return {
            stub.counter: stub.id if stub.account_id is None else _OWN + stub.id
            for stub in self.visible(None)
        }

    def _counter_of(self, account_id: str, name: str) -> str | None:
        """Return the counter of the stub that ``name`` names in a snapshot of the account."""
        owner = account_id if name.startswith(_OWN) else None
        stub = self.get(name.removeprefix(_OWN), owner)
        return stub.counter if stub is not None and stub.account_id == owner else None

    def _matching(self, facts: LiveRequest, account_id: str) -> Iterator[Stub]:
        """Yield the stubs that can answer this request now, in the order of precedence."""
        for stub in self.candidates(facts, account_id):
            if stub.answers(facts) and self.use.is_due(stub, account_id) and stub.pattern.matches(facts):
                yield stub
