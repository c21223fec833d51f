"""The registry of stubs: stores them by account and id, and finds those that may match a request."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from mockserver.replicas import Replicated, replicated
from mockserver.scripting.stubs.checks import StubChecks
from mockserver.scripting.stubs.index import StubIndex, merged
from mockserver.scripting.stubs.stub import Stub, StubError
from mockserver.scripting.switching import switched

if TYPE_CHECKING:
    from mockserver.matching.facts import LiveRequest
    from mockserver.matching.patterns import Pattern
    from mockserver.scripting.stubs.files import StubDocument

log = logging.getLogger(__name__)

_MAX_STUBS = 100_000


class StubRegistry(StubChecks, Replicated):
    """The stubs of one server. Thread-safe.

    Every process reads the stubs of files itself. Which of them were removed or switched is replicated, like the other
    stubs.
    """

    def __init__(
        self,
        endpoints: Mapping[str, frozenset[str]],
        reply_kinds: Mapping[str, frozenset[str]],
        check_error: Callable[[str], None],
        on_gone: Callable[[Stub], None] = lambda stub: None,
    ) -> None:
        """Take the arguments of ``StubChecks``. ``on_gone`` is called with each stub that is removed or replaced."""
        super().__init__(endpoints, reply_kinds, check_error)
        self._on_gone = on_gone
        self._lock = threading.Lock()
        self._added: OrderedDict[tuple[str | None, str], Stub] = OrderedDict()
        self._files: dict[str, Stub] = {}  # the stubs of files, by id
        self._removed: set[str] = set()  # the counters of those that were removed
        self._switched: dict[str, bool] = {}  # whether those that were switched are enabled, by id
        # Those that are neither removed nor replaced.
        self._stubs: OrderedDict[tuple[str | None, str], Stub] = OrderedDict()
        self._indexes: dict[str | None, StubIndex] = {}  # of those that are enabled
        self._last_order = 0
        self._last_id = 0

    def __bool__(self) -> bool:
        """Return whether there are any stubs."""
        return bool(self._stubs)

    def add(self, document: Mapping[str, Any], account_id: str | None, *, may_read: bool = False) -> Stub:
        """Add a stub, or replace the one with the same id. Raises ``ValueError`` as ``check`` does."""
        stub, before = self._add(document, account_id, may_read)
        for doubt in self.doubts(stub.pattern):
            log.warning("a new stub: %s", doubt)
        if before is not None:
            self._on_gone(before)
        return stub

    def load(self, documents: Iterable[StubDocument]) -> None:
        """Replace the stubs that came from files; those that did not change keep their counters.

        At equal priority the first in the files answers; stubs from files come after all others.
        """
        stubs = [
            Stub(
                row.document["id"],
                row.document,
                self.check(row.document),
                None,
                -number,
                f"file:{row.document['id']}:{_digest(row.document)}",
                row.source,
                row.folder,
                enabled=row.document.get("enabled", True),
            )
            for number, row in enumerate(documents, 1)
        ]
        for stub in stubs:
            for doubt in self.doubts(stub.pattern):
                log.warning("%s: %s", stub.source, doubt)
        with self._lock:
            before, self._files = self._files, {stub.id: stub for stub in stubs}
            self._rebuild()
        self.note_change()
        now = {stub.counter for stub in stubs}
        for stub in before.values():
            if stub.counter not in now:
                self._on_gone(stub)

    def visible(self, account_id: str | None) -> list[Stub]:
        """Return the stubs that apply to an account (``None``: all stubs), in the order they are tried."""
        with self._lock:
            found = [
                s for s in self._stubs.values() if account_id is None or s.account_id in (None, account_id)
            ]
        return sorted(found, key=lambda stub: (-stub.priority, -stub.order))

    def get(self, id_: str, account_id: str | None) -> Stub | None:
        """Return the stub with that id; an account's own takes precedence over one for all accounts."""
        with self._lock:
            return self._find(id_, account_id)

    def remove(self, id_: str, account_id: str | None) -> Stub | None:
        """Remove and return the stub with that id; an account can remove only its own."""
        stub = self.get(id_, account_id)
        if stub is None or account_id not in (None, stub.account_id):
            return None
        removed = self._remove_of_file(stub.counter) if stub.source else self._remove(id_, stub.account_id)
        if not removed:
            return None
        self._on_gone(stub)
        return stub

    def switch(self, id_: str, account_id: str | None, enabled: bool) -> None:
        """Enable or disable the stub with that id, which keeps its counters; an account can switch only its own.

        One of a file stays switched when the file is loaded again.
        """
        stub = self.get(id_, account_id)
        if stub is None or account_id not in (None, stub.account_id):
            return
        if stub.source:
            self._switch_of_file(id_, enabled)
        else:
            self._switch(id_, stub.account_id, enabled)

    def candidates(self, facts: LiveRequest, account_id: str) -> Iterator[Stub]:
        """Return the stubs that may match a request of an account, in the order to try them."""
        indexes = [self._indexes[id_] for id_ in (account_id, None) if id_ in self._indexes]
        if len(indexes) == 1:
            return indexes[0].candidates(facts)
        return merged([index.candidates(facts) for index in indexes])

    @replicated
    def clear(self, account_id: str | None) -> None:
        """Remove the stubs of an account, or of every account; those from files are as their files define them."""
        with self._lock:
            if account_id is None:
                self._added.clear()
                self._switched.clear()
                self._rebuild()
                return
            for key in [key for key in self._added if key[0] == account_id]:
                del self._added[key], self._stubs[key]
            self._indexes.pop(account_id, None)

    def rows(self, account_id: str | None) -> list[dict[str, Any]]:
        """Return the stubs of an account, or all, that are not from files, as JSON values, oldest first."""
        with self._lock:
            return [
                {"account_id": stub.account_id, "document": {**stub.document, "id": stub.id}}
                for stub in sorted(self._added.values(), key=lambda stub: stub.order)
                if account_id in (None, stub.account_id)
            ]

    def switches(self, account_id: str | None) -> dict[str, bool]:
        """Return whether the stubs of files that were switched are enabled, by id. An account has switched none."""
        with self._lock:
            return dict(self._switched) if account_id is None else {}

    @replicated
    def restore_definitions(self, state: Mapping[str, Any], account_id: str | None) -> None:
        """Replace the stubs of an account, or of all, by those of a snapshot, without their counters.

        Raises ``ValueError`` as ``check`` does, and then changes nothing.
        """
        for row in state["stubs"]:
            self.check(row["document"], may_read=True)
        self.clear(account_id)
        for row in state["stubs"]:
            self._add(row["document"], account_id or row["account_id"], True)
        if account_id is None and state.get("switched"):  # an account cannot switch the stubs of files
            with self._lock:
                self._switched = dict(state["switched"])
                self._rebuild()

    def replica_state(self) -> dict[str, Any]:
        """Return the stubs that are not from files, and the numbers that were given."""
        with self._lock:
            return {
                "stubs": [
                    [stub.id, dict(stub.document), stub.account_id, stub.order]
                    for stub in self._added.values()
                ],
                "removed": sorted(self._removed),
                "switched": dict(self._switched),
                "last": [self._last_order, self._last_id],
            }

    def set_replica_state(self, state: Mapping[str, Any]) -> None:
        """Have the stubs of another registry, and those of the files."""
        stubs = [
            _made(id_, document, self.check(document), account_id, order)
            for id_, document, account_id, order in state["stubs"]
        ]
        with self._lock:
            self._added = OrderedDict(((stub.account_id, stub.id), stub) for stub in stubs)
            self._removed = set(state["removed"])
            self._switched = dict(state.get("switched", {}))
            self._last_order, self._last_id = state["last"]
            self._rebuild()

    @replicated
    def _add(
        self, document: Mapping[str, Any], account_id: str | None, may_read: bool
    ) -> tuple[Stub, Stub | None]:
        """Add a stub. Return it, and the one that it replaces."""
        pattern = self.check(document, may_read=may_read)
        with self._lock:
            id_ = document.get("id") or self._new_id(account_id)
            before = self._added.get((account_id, id_))
            if len(self._added) >= _MAX_STUBS and before is None:
                raise StubError(f"there are {_MAX_STUBS} stubs already. Delete some.")
            self._last_order += 1
            stub = _made(id_, document, pattern, account_id, self._last_order)
            self._put(stub)
        return stub, before

    @replicated
    def _switch(self, id_: str, owner: str | None, enabled: bool) -> None:
        """Enable or disable a stub that was added."""
        with self._lock:
            stub = self._added.get((owner, id_))
            if stub is not None:
                self._put(replace(stub, document=switched(stub.document, enabled), enabled=enabled))

    @replicated
    def _switch_of_file(self, id_: str, enabled: bool) -> None:
        """Enable or disable a stub of a file."""
        with self._lock:
            self._switched[id_] = enabled
            self._rebuild()

    @replicated
    def _remove(self, id_: str, owner: str | None) -> bool:
        """Remove a stub that was added. Return whether there was one."""
        with self._lock:
            stub = self._added.get((owner, id_))
            if stub is not None:
                self._drop(stub)
            return stub is not None

    @replicated
    def _remove_of_file(self, counter: str) -> bool:
        """Remove a stub of a file, until that is changed. Return ``True``."""
        with self._lock:
            self._removed.add(counter)
            self._rebuild()
            return True

    def _new_id(self, account_id: str | None) -> str:
        while True:
            self._last_id += 1
            id_ = f"stub-{self._last_id}"
            if (account_id, id_) not in self._added:
                return id_

    def _find(self, id_: str, account_id: str | None) -> Stub | None:
        if account_id is not None:
            return self._stubs.get((account_id, id_)) or self._stubs.get((None, id_))
        of_all = self._stubs.get((None, id_))
        return of_all or next((stub for stub in self._stubs.values() if stub.id == id_), None)

    def _rebuild(self) -> None:
        """Find the stubs that are neither removed nor replaced, and index those that are enabled."""
        of_files = (
            replace(stub, enabled=self._switched.get(stub.id, stub.enabled))
            for stub in self._files.values()
            if stub.counter not in self._removed and (None, stub.id) not in self._added
        )
        stubs = (*self._added.values(), *of_files)
        by_owner: dict[str | None, list[Stub]] = {}
        for stub in stubs:
            by_owner.setdefault(stub.account_id, []).extend([stub] if stub.enabled else [])
        self._stubs = OrderedDict(((stub.account_id, stub.id), stub) for stub in stubs)
        self._indexes = {owner: StubIndex(owned) for owner, owned in by_owner.items()}

    def _put(self, stub: Stub) -> None:
        key = stub.account_id, stub.id
        before = self._stubs.get(key)
        index = self._indexes.setdefault(stub.account_id, StubIndex())
        if before is not None:
            index.remove(before)
        self._added.pop(key, None)
        self._added[key] = self._stubs[key] = stub
        if stub.enabled:
            index.add(stub)

    def _drop(self, stub: Stub) -> None:
        key = stub.account_id, stub.id
        del self._added[key], self._stubs[key]
        self._indexes[stub.account_id].remove(stub)
        if stub.account_id is None and stub.id in self._files:
            self._rebuild()


def _made(
    id_: str, document: Mapping[str, Any], pattern: Pattern, account_id: str | None, order: int
) -> Stub:
    """Return a stub that was added."""
    enabled = document.get("enabled", True)
    return Stub(id_, dict(document), pattern, account_id, order, str(order), enabled=enabled)


def _digest(document: Mapping[str, Any]) -> str:
    """Return a hash of what a stub does; switching it on or off in its file changes nothing."""
    members = {name: value for name, value in document.items() if name != "enabled"}
    written = json.dumps(members, sort_keys=True, default=str)  # dates of YAML have no JSON form
    return hashlib.blake2b(written.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
