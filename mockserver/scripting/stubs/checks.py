"""Checks stubs: their patterns and replies, beyond what their schema says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from mockserver.catalog.paths import similar_path, without_version
from mockserver.matching.comparisons import listed
from mockserver.matching.conditions import is_path
from mockserver.matching.patterns import Pattern
from mockserver.scripting.stubs.replies import check_reply
from mockserver.scripting.stubs.stub import StubError

if TYPE_CHECKING:
    from mockserver.scripting.stubs.stub import Stub


class StubChecks:
    """What a server requires of its stubs.

    ``endpoints`` are the names that patterns can use, with the resources of each; ``reply_kinds`` the kinds of replies
    that each resource can be answered with; ``check_error`` raises ``ValueError`` for an error that is not in the
    catalog.
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

    def can_answer(self, stub: Stub, resource: str) -> bool:
        """Return whether the replies of a stub can answer requests of a resource."""
        return stub.fits(self._reply_kinds.get(resource, ()))

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

    def _resources(self, pattern: Pattern) -> frozenset[str] | None:
        """Return the resources of a pattern's ``endpoint``; ``None`` without one, or if it has a ``*``."""
        wanted = pattern.when.get("endpoint")
        if wanted is None:
            return None
        names = listed(wanted)
        if any("*" in name for name in names):
            return None
        return frozenset[str]().union(*(self._endpoints[name] for name in names))


def _check_size(replies: Iterable[Mapping[str, Any]]) -> None:
    """Raise ``StubError`` if the templates of a stub are too long to compile together."""
    if any(reply.get("template") for reply in replies):
        from mockserver.scripting.stubs.templates import MAX_CHARACTERS, template_characters

        if sum(map(template_characters, replies)) > MAX_CHARACTERS:
            raise StubError(
                f"The templates of a stub have at most {MAX_CHARACTERS} characters together. "
                "Shorten them, or write several stubs."
            )
