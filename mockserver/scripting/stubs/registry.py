"""The registry of stubs: stores them by account and id, and finds those that may match a request."""

from __future__ import annotations

import itertools
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mockserver.catalog.paths import similar_path, without_version
from mockserver.matching.comparisons import listed
from mockserver.matching.conditions import is_path
from mockserver.matching.patterns import Pattern
from mockserver.scripting.stubs.index import StubIndex, merged
from mockserver.scripting.stubs.replies import check_reply
from mockserver.scripting.stubs.stub import Stub, StubError

if TYPE_CHECKING:
    from mockserver.matching.facts import LiveRequest
    from mockserver.scripting.stubs.files import StubDocument

log = logging.getLogger(__name__)

_MAX_STUBS = 100_000


def _check_size(replies: Iterable[Mapping[str, Any]]) -> None:
    """Raise ``StubError`` if the templates of a stub are too long to compile together."""
    if any(reply.get("template") for reply in replies):
        from mockserver.scripting.stubs.templates import MAX_CHARACTERS, template_characters

        if sum(map(template_characters, replies)) > MAX_CHARACTERS:
            raise StubError(
                f"The templates of a stub have at most {MAX_CHARACTERS} characters together. "
                "Shorten them, or write several stubs."
            )


class StubRegistry:
    """The stubs of one server. Thread-safe.

    ``endpoints`` are the names that patterns can use, with the resources of each; ``reply_kinds`` the kinds of replies
    that each resource can be answered with; ``check_error`` raises ``ValueError`` for an error that is not in the
    catalog. ``on_gone`` is called with each stub that is removed or replaced.
    """

    def __init__(
        self,
        endpoints: Mapping[str, frozenset[str]],
        reply_kinds: Mapping[str, frozenset[str]],
        check_error: Callable[[str], None],
        on_gone: Callable[[Stub], None] = lambda stub: None,
    ) -> None:
        self._endpoints = endpoints
        self._reply_kinds = reply_kinds
        self._check_error = check_error
        self._on_gone = on_gone
        self._lock = threading.Lock()
        self._stubs: OrderedDict[tuple[str | None, str], Stub] = OrderedDict()
        self._indexes: dict[str | None, StubIndex] = {}
        self._orders = itertools.count(1)
        self._ids = itertools.count(1)

    def __bool__(self) -> bool:
        """Return whether there are any stubs."""
        return bool(self._stubs)

    def check(self, document: Mapping[str, Any], *, may_read: bool = True) -> Pattern:
        """Return the pattern of a stub that satisfies its schema. Raises ``ValueError`` if the stub is invalid."""
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

    def doubts(self, pattern: Pattern) -> list[str]:
        """Return probable mistakes in a pattern: paths that are not the API's, but are similar to one that is."""
        paths = [name for name in listed(pattern.when.get("endpoint", ())) if is_path(name)]
        unknown = [path for path in paths if self._endpoints[path] == {without_version(path)}]
        similar = {path: similar_path(path) for path in unknown}
        return [
            f"endpoint: the API has no path {path!r}. Did you mean {near!r}?"
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
        """Add a stub, or replace the one with the same id. Raises ``ValueError`` as ``check`` does."""
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
        """Replace the stubs that came from files; those that did not change keep their counters.

        At equal priority the first in the files answers; stubs from files come after all others.
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
        with self._lock:
            stub = self._find(id_, account_id)
            if stub is None or account_id not in (None, stub.account_id):
                return None
            self._on_gone(stub)
            self._drop(stub)
            return stub

    def candidates(self, facts: LiveRequest, account_id: str) -> Iterator[Stub]:
        """Return the stubs that may match a request of an account, in the order to try them."""
        indexes = [self._indexes[id_] for id_ in (account_id, None) if id_ in self._indexes]
        if len(indexes) == 1:
            return indexes[0].candidates(facts)
        return merged([index.candidates(facts) for index in indexes])

    def clear(self, account_id: str | None) -> None:
        """Remove the stubs of an account, or of every account except those from files."""
        with self._lock:
            if account_id is None:
                self._replace(*(stub for stub in self._stubs.values() if stub.source))
                return
            for key in [key for key in self._stubs if key[0] == account_id]:
                del self._stubs[key]
            self._indexes.pop(account_id, None)

    def rows(self, account_id: str | None) -> list[dict[str, Any]]:
        """Return the stubs of an account, or all, that are not from files, as JSON values, oldest first."""
        with self._lock:
            return [
                {"account_id": stub.account_id, "document": {**stub.document, "id": stub.id}}
                for stub in sorted(self._stubs.values(), key=lambda stub: stub.order)
                if not stub.source and account_id in (None, stub.account_id)
            ]

    def _resources(self, pattern: Pattern) -> frozenset[str] | None:
        """Return the resources of a pattern's ``endpoint``; ``None`` without one, or if it has a ``*``."""
        wanted = pattern.when.get("endpoint")
        if wanted is None:
            return None
        names = listed(wanted)
        if any("*" in name for name in names):
            return None
        return frozenset[str]().union(*(self._endpoints[name] for name in names))

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
        """Replace all stubs by these."""
        by_owner: dict[str | None, list[Stub]] = {}
        for stub in stubs:
            by_owner.setdefault(stub.account_id, []).append(stub)
        self._stubs = OrderedDict(((stub.account_id, stub.id), stub) for stub in stubs)
        self._indexes = {owner: StubIndex(owned) for owner, owned in by_owner.items()}

    def _put(self, stub: Stub) -> None:
        before = self._stubs.get((stub.account_id, stub.id))
        if before is not None:
            self._on_gone(before)
            self._drop(before)
        self._stubs[stub.account_id, stub.id] = stub
        self._indexes.setdefault(stub.account_id, StubIndex()).add(stub)

    def _drop(self, stub: Stub) -> None:
        del self._stubs[stub.account_id, stub.id]
        self._indexes[stub.account_id].remove(stub)
