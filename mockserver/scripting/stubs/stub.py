"""Stubs as values: a pattern of requests and the replies to them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from mockserver.scripting.stubs.replies import content_kinds

if TYPE_CHECKING:
    from mockserver.matching.facts import LiveRequest
    from mockserver.matching.patterns import Pattern

_SPENT: Mapping[str, Any] = {"error": "stub_spent"}


class StubError(ValueError):
    """An invalid stub. The message says where and what is wrong."""


class Stub(Struct, frozen=True, eq=False):
    """A pattern and its replies. ``account_id`` is the account that it answers, ``None``: every account.

    ``order`` grows with time; ``counter`` is the key of its counter, another one whenever the stub is replaced.
    ``source`` is the file and line of a stub from a file; paths in the replies are relative to ``folder``. One that is
    not ``enabled`` answers nothing.
    """

    id: str
    document: Mapping[str, Any]
    pattern: Pattern
    account_id: str | None
    order: int
    counter: str
    source: str = ""
    folder: Path | None = None
    enabled: bool = True
    bodies: dict[int, bytes] = {}  # of its replies; see ``Scripted``

    @property
    def priority(self) -> int:
        """Return the priority: of several stubs that match, the one with the highest answers."""
        return int(self.document.get("priority", 0))

    @property
    def replies(self) -> list[Mapping[str, Any]]:
        """Return the replies, in order."""
        return self.document.get("replies") or [self.document["reply"]]

    @property
    def scenario(self) -> Mapping[str, str]:
        """Return the scenario of the stub; empty for none."""
        return self.document.get("scenario") or {}

    def reply(self, used: int) -> Mapping[str, Any]:
        """Return the reply of a stub that has answered ``used`` times before."""
        replies = self.replies
        if used < len(replies):
            return replies[used]
        then = self.document.get("then", "last")
        if then == "loop":
            return replies[used % len(replies)]
        return replies[-1] if then == "last" else _SPENT

    def answers(self, request: LiveRequest) -> bool:
        """Return whether its replies can answer the request's endpoint."""
        return self.fits(request.reply_kinds)

    def fits(self, reply_kinds: Collection[str]) -> bool:
        """Return whether its replies can answer an endpoint that has such kinds of replies."""
        return content_kinds(self.replies[0]).issubset(reply_kinds)
