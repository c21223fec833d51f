"""Scripted answers: the stubs of every account, and which of them answers a request."""

from __future__ import annotations

import copy
import itertools
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mockserver.catalog.paths import similar_path, without_version
from mockserver.matching.comparisons import listed
from mockserver.matching.conditions import is_path
from mockserver.matching.patterns import Pattern
from mockserver.scripting.stubs.index import StubIndex, merged
from mockserver.scripting.stubs.replies import Scripted, check_header_values, check_reply
from mockserver.scripting.stubs.stub import Stub, StubError

if TYPE_CHECKING:
    from mockserver.matching.facts import LiveRequest
    from mockserver.scripting.stubs.files import StubDocument

log = logging.getLogger(__name__)

STARTED = "started"  # the state in which every scenario begins
_ACCOUNTS = 4096  # whose counters are kept; those of the one that was not used for longest make room
_MAX_STUBS = 100_000


class NearMiss(NamedTuple):
    """A stub that did not match, and what differed."""

    stub: Stub
    differences: list[str]


@dataclass(slots=True)
class _Counters:
    """What an account has had from the stubs: how often by stub, and the state of each scenario."""

    used: dict[str, int] = field(default_factory=dict)
    scenarios: dict[str, str] = field(default_factory=dict)


def _check_size(replies: Iterable[Mapping[str, Any]]) -> None:
    """Raise ``StubError`` for more text in templates than should be compiled at once."""
    if any(reply.get("template") for reply in replies):
        from mockserver.scripting.stubs.templates import MAX_CHARACTERS, template_characters

        if sum(map(template_characters, replies)) > MAX_CHARACTERS:
            raise StubError(
                f"The templates of a stub have at most {MAX_CHARACTERS} characters together. "
                "Shorten them, or write several stubs."
            )


class Stubs:
    """The stubs of one server. Every method is safe to use from several threads.

    ``endpoints`` are the names that patterns can use, and the resources that each stands for; ``reply_kinds`` the
    kinds of replies that each resource makes an answer of; ``check_error`` raises ``ValueError`` for an error that
    is not in the catalog.
    """

    def __init__(
        self,
        endpoints: Mapping[str, frozenset[str]],
        reply_kinds: Mapping[str, frozenset[str]],
        check_error: Callable[[str], None],
    ) -> None:
        self._endpoints = endpoints
        self._reply_kinds = reply_kinds
        self._check_error = check_error
        self._lock = threading.Lock()
        self._stubs: OrderedDict[tuple[str | None, str], Stub] = OrderedDict()
        self._indexes: dict[str | None, StubIndex] = {}
        self._counters: OrderedDict[str, _Counters] = OrderedDict()
        self._orders = itertools.count(1)
        self._ids = itertools.count(1)

    def __bool__(self) -> bool:
        """Whether there are any stubs."""
        return bool(self._stubs)

    def check(self, document: Mapping[str, Any], *, may_read: bool = True) -> Pattern:
        """The pattern of a stub that satisfies its schema. Raises ``ValueError`` naming what makes no sense."""
        pattern = Pattern(document.get("when", {}), self._endpoints)
        resources = self._resources(pattern)
        sequence = "replies" in document
        replies = document["replies"] if sequence else [document["reply"]]
        _check_size(replies)
        for number, reply in enumerate(replies):
            place = f"replies[{number}]" if sequence else "reply"
            try:
                check_reply(reply, resources, self._reply_kinds, may_read=may_read)
                if "error" in reply:
                    error = reply["error"]
                    self._check_error(error if isinstance(error, str) else error["name"])
                if reply.get("template"):
                    from mockserver.scripting.stubs.templates import check_reply_template

                    check_reply_template(reply)
            except ValueError as error:
                raise StubError(f"{place}: {error}") from error
        return pattern

    def _resources(self, pattern: Pattern) -> frozenset[str] | None:
        """Return what a pattern's ``endpoint`` stands for; ``None`` without one, and where it is left open."""
        wanted = pattern.when.get("endpoint")
        if wanted is None:
            return None
        names = listed(wanted)
        if any("*" in name for name in names):
            return None
        return frozenset[str]().union(*(self._endpoints[name] for name in names))

    def doubts(self, pattern: Pattern) -> list[str]:
        """Return what is probably a mistake in a pattern: paths that are not the API's, but look like one that is."""
        paths = [name for name in listed(pattern.when.get("endpoint", ())) if is_path(name)]
        unknown = [path for path in paths if self._endpoints[path] == {without_version(path)}]
        similar = {path: similar_path(path) for path in unknown}
        return [
            f"endpoint: {path!r} is no path of the API. Did you mean {near!r}?"
            for path, near in similar.items()
            if near
        ]

    def add(
        self,
        document: Mapping[str, Any],
        account_id: str | None,
        *,
        may_read: bool = False,
        folder: Path | None = None,
    ) -> Stub:
        """Adds a stub, or replaces the one of the same id. Raises ``ValueError`` as ``check`` does."""
        pattern = self.check(document, may_read=may_read)
        for doubt in self.doubts(pattern):
            log.warning("a new stub: %s", doubt)
        with self._lock:
            id_ = document.get("id") or self._new_id(account_id)
            if len(self._stubs) >= _MAX_STUBS and (account_id, id_) not in self._stubs:
                raise StubError(f"there are {_MAX_STUBS} stubs already. Delete some.")
            stub = Stub(id_, dict(document), pattern, account_id, next(self._orders), folder=folder)
            self._put(stub)
        return stub

    def load(self, documents: Iterable[StubDocument]) -> None:
        """Replaces the stubs of files; those that are still the same keep their counters.

        Of several in the same place of the order the first in the files answers, and those of files after
        all others.
        """
        rows = list(documents)
        stubs = [
            Stub(
                row.document["id"],
                row.document,
                self.check(row.document),
                None,
                -number,
                row.source,
                row.folder,
            )
            for number, row in enumerate(rows, 1)
        ]
        for stub in stubs:
            for doubt in self.doubts(stub.pattern):
                log.warning("%s: %s", stub.source, doubt)
        with self._lock:
            before = [stub for stub in self._stubs.values() if stub.source]
            self._replace(*(stub for stub in self._stubs.values() if not stub.source), *stubs)
            now = {stub.id: stub.document for stub in stubs}
            for stub in before:
                if now.get(stub.id) != stub.document:
                    self._forget(stub)

    def visible(self, account_id: str | None) -> list[Stub]:
        """The stubs that concern an account (all of them for ``None``), in the order they are tried."""
        with self._lock:
            found = [
                s for s in self._stubs.values() if account_id is None or s.account_id in (None, account_id)
            ]
        return sorted(found, key=lambda stub: (-stub.priority, -stub.order))

    def get(self, id_: str, account_id: str | None) -> Stub | None:
        """The stub of that id which an account sees first."""
        with self._lock:
            return self._find(id_, account_id)

    def remove(self, id_: str, account_id: str | None) -> Stub | None:
        """Removes the stub of that id, of an account only its own; the one removed."""
        with self._lock:
            stub = self._find(id_, account_id)
            if stub is None or account_id not in (None, stub.account_id):
                return None
            self._forget(stub)
            self._drop(stub)
            return stub

    def used(self, stub: Stub, account_id: str | None) -> int:
        """How often a stub has answered, an account or all of them."""
        with self._lock:
            counters = self._counters.values() if account_id is None else [self._counted(account_id)]
            return sum(each.used.get(stub.counter, 0) for each in counters)

    def scenarios(self, account_id: str) -> dict[str, str]:
        """The scenarios of an account that are not in their first state, and their states."""
        with self._lock:
            return dict(self._counted(account_id).scenarios)

    def set_scenario(self, account_id: str, name: str, state: str) -> None:
        """Puts a scenario of an account into a state."""
        with self._lock:
            self._counters_of(account_id).scenarios[name] = state

    def answer(self, facts: LiveRequest, account_id: str) -> tuple[Stub, int] | None:
        """The stub that answers this request, and how often it has before; it is counted."""
        if not self._stubs:
            return None
        for stub in self._matching(facts, account_id):
            used = self._take(stub, account_id)
            if used is not None:
                return stub, used
        return None

    def names_method(self, facts: LiveRequest, account_id: str) -> bool:
        """Return whether a stub would answer this request that names its method."""
        return any("method" in stub.pattern.when for stub in self._matching(facts, account_id))

    def give_back(self, id_: str, account_id: str) -> None:
        """A request that the stub was to answer was refused: it has not been used, after all."""
        with self._lock:
            stub = self._find(id_, account_id)
            if stub is None:
                return
            counters, scenario = self._counted(account_id), stub.scenario
            counters.used[stub.counter] = max(counters.used.get(stub.counter, 0) - 1, 0)
            if "state" in scenario and counters.scenarios.get(scenario["name"]) == scenario.get("next"):
                counters.scenarios[scenario["name"]] = scenario["state"]

    def scripted(self, stub: Stub, used: int, context: Mapping[str, Any]) -> Scripted:
        """What ``stub`` replies; ``context`` is what its templates know. Raises ``ValueError``."""
        reply = stub.reply(used)
        if reply.get("template"):
            from mockserver.scripting.stubs.templates import render_reply

            reply = render_reply(reply, context)
            check_header_values(reply)
            return Scripted(stub.id, reply, stub.folder)
        return Scripted(stub.id, reply, stub.folder, stub.bodies)

    def nearest(self, facts: LiveRequest, account_id: str, most: int = 3) -> list[NearMiss]:
        """The stubs that differ least from a request which none matched."""
        misses = []
        for stub in self.visible(account_id):
            differences = stub.pattern.differences(facts, listen=False)
            if not stub.answers(facts):
                differences.append("reply: cannot answer this endpoint")
            if not self._is_due(stub, account_id):
                differences.append(self._why_not(stub, account_id))
            if not differences:  # so it was listened to: what was heard differs
                differences = stub.pattern.differences(facts)
            misses.append(NearMiss(stub, differences))
        return sorted(misses, key=lambda miss: len(miss.differences))[:most]

    def reset(self, account_id: str | None) -> None:
        """Removes an account's stubs and sets its counters back; of every account for ``None``.

        Stubs of files stay.
        """
        with self._lock:
            if account_id is None:
                self._replace(*(stub for stub in self._stubs.values() if stub.source))
                self._counters.clear()
            else:
                for key in [key for key in self._stubs if key[0] == account_id]:
                    del self._stubs[key]
                self._indexes.pop(account_id, None)
                self._counters.pop(account_id, None)

    def snapshot(self, account_id: str | None) -> dict[str, Any]:
        """The stubs that did not come from files, and all counters, as JSON values."""
        with self._lock:
            stubs = [
                {"account_id": stub.account_id, "document": {**stub.document, "id": stub.id}}
                for stub in sorted(self._stubs.values(), key=lambda stub: stub.order)
                if not stub.source and account_id in (None, stub.account_id)
            ]
            counters = {
                id_: {"used": dict(each.used), "scenarios": dict(each.scenarios)}
                for id_, each in self._counters.items()
                if account_id in (None, id_)
            }
        return copy.deepcopy({"stubs": stubs, "counters": counters})

    def restore(self, state: Mapping[str, Any], account_id: str | None) -> None:
        """Puts back what ``snapshot`` told; of one account it fits another, too.

        Raises ``ValueError`` as ``check`` does, and changes nothing then.
        """
        for row in state["stubs"]:
            self.check(row["document"], may_read=True)
        self.reset(account_id)
        for row in state["stubs"]:
            self.add(row["document"], account_id or row["account_id"], may_read=True)
        with self._lock:
            for id_, row in state["counters"].items():
                self._counters[account_id or id_] = _Counters(dict(row["used"]), dict(row["scenarios"]))

    def _candidates(self, facts: LiveRequest, account_id: str) -> Iterator[Stub]:
        indexes = [self._indexes[id_] for id_ in (account_id, None) if id_ in self._indexes]
        if len(indexes) == 1:
            return indexes[0].candidates(facts)
        return merged([index.candidates(facts) for index in indexes])

    def _matching(self, facts: LiveRequest, account_id: str) -> Iterator[Stub]:
        """Yield the stubs that could answer this request now, the first of which does."""
        for stub in self._candidates(facts, account_id):
            if stub.answers(facts) and self._is_due(stub, account_id) and stub.pattern.matches(facts):
                yield stub

    def _is_due(self, stub: Stub, account_id: str) -> bool:
        """Whether its scenario is in the right state, and it has not answered as often as it may."""
        if "times" not in stub.document and not stub.scenario:
            return True
        counters = self._counters.get(account_id) or _Counters()
        if counters.used.get(stub.counter, 0) >= stub.document.get("times", float("inf")):
            return False
        wanted = stub.scenario.get("state")
        return wanted is None or counters.scenarios.get(stub.scenario["name"], STARTED) == wanted

    def _why_not(self, stub: Stub, account_id: str) -> str:
        times = stub.document.get("times")
        if times is not None and self.used(stub, account_id) >= times:
            return f"times: has answered {times} of {times} times"
        state = self.scenarios(account_id).get(stub.scenario["name"], STARTED)
        return f"scenario: wanted {stub.scenario['state']!r}, is {state!r}"

    def _take(self, stub: Stub, account_id: str) -> int | None:
        """Counts the stub as used; how often it was before, or ``None`` when another request was faster."""
        with self._lock:
            if not self._is_due(stub, account_id):
                return None
            counters = self._counters_of(account_id)
            used = counters.used.get(stub.counter, 0)
            counters.used[stub.counter] = used + 1
            if "next" in stub.scenario:
                counters.scenarios[stub.scenario["name"]] = stub.scenario["next"]
            return used

    def _counters_of(self, account_id: str) -> _Counters:
        counters = self._counters.setdefault(account_id, _Counters())
        self._counters.move_to_end(account_id)
        if len(self._counters) > _ACCOUNTS:
            self._counters.popitem(last=False)
        return counters

    def _counted(self, account_id: str) -> _Counters:
        return self._counters.get(account_id) or _Counters()

    def _new_id(self, account_id: str | None) -> str:
        while True:
            id_ = f"stub-{next(self._ids)}"
            if (account_id, id_) not in self._stubs:
                return id_

    def _find(self, id_: str, account_id: str | None) -> Stub | None:
        if account_id is not None:
            return self._stubs.get((account_id, id_)) or self._stubs.get((None, id_))
        of_all = self._stubs.get((None, id_))
        return of_all or next((stub for stub in self._stubs.values() if stub.id == id_), None)

    def _replace(self, *stubs: Stub) -> None:
        """Has these stubs and no others."""
        by_owner: dict[str | None, list[Stub]] = {}
        for stub in stubs:
            by_owner.setdefault(stub.account_id, []).append(stub)
        self._stubs = OrderedDict(((stub.account_id, stub.id), stub) for stub in stubs)
        self._indexes = {owner: StubIndex(owned) for owner, owned in by_owner.items()}

    def _put(self, stub: Stub) -> None:
        before = self._stubs.get((stub.account_id, stub.id))
        if before is not None:
            self._forget(before)
            self._drop(before)
        self._stubs[stub.account_id, stub.id] = stub
        self._indexes.setdefault(stub.account_id, StubIndex()).add(stub)

    def _drop(self, stub: Stub) -> None:
        del self._stubs[stub.account_id, stub.id]
        self._indexes[stub.account_id].remove(stub)

    def _forget(self, stub: Stub) -> None:
        """Sets its counters back."""
        for account_id, counters in self._counters.items():
            if stub.account_id in (None, account_id):
                counters.used.pop(stub.counter, None)
