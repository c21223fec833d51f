"""Patterns: conditions that select requests or journal entries."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from mockserver.logs import Notices
from mockserver.matching.allowance import Exhausted
from mockserver.matching.comparisons import Difference, PatternError, listed
from mockserver.matching.conditions import CONDITIONS, Subject, is_path
from mockserver.wording import suggestion

if TYPE_CHECKING:
    from mockserver.matching.facts import Facts, Outcome

log = logging.getLogger(__name__)
_notices = Notices()
_OF_TURNS = frozenset({"realtime_response", "realtime_transcription", "realtime_transcriptions"})  # endpoints
_BY_RANK = sorted((each for each in CONDITIONS.values() if each.exact), key=lambda each: each.rank)


class IndexKey(NamedTuple):
    """An exact value that a pattern asks for, by which it is indexed."""

    condition: str
    value: str


class Pattern:
    """A compiled ``when`` (``schemas/mock/when.json``): conditions by name, all of which must hold.

    ``endpoints`` are the known names, ``subject`` is what the pattern is applied to. Conditions count against the
    limits of the block (``allowance.sharing``); one that exceeds them does not hold. ``reads_turns`` is whether there
    are conditions on turns of Realtime sessions, ``selects_turns`` whether it is for turns, and not for the requests
    that open sessions.

    Raises ``PatternError`` for an invalid condition.
    """

    def __init__(
        self, when: Mapping[str, Any], endpoints: Collection[str] = (), subject: Subject = "request"
    ) -> None:
        self.when = dict(when)
        _check_endpoints(listed(when.get("endpoint", ())), endpoints)
        for name in when.keys() & CONDITIONS.keys():
            if subject not in CONDITIONS[name].subjects:
                advice = CONDITIONS[name].elsewhere or "is for the journal only. Remove it."
                raise PatternError(f"{name}: {advice}")
        self._tests = tuple(
            (condition, condition.test(when[name])) for name, condition in CONDITIONS.items() if name in when
        )
        self.index_key = _index_key(when)
        self.reads_turns = any(CONDITIONS[name].of_turns for name in when)
        self.selects_turns = self.reads_turns or not _OF_TURNS.isdisjoint(listed(when.get("endpoint", ())))

    def matches(self, facts: Facts | Outcome) -> bool:
        """Return whether all conditions hold; costly ones are tried last."""
        return all(_difference(condition.name, test, facts) is None for condition, test in self._tests)

    def differences(self, facts: Facts | Outcome, *, listen: bool = True) -> list[str]:
        """Return a text for each condition that does not hold; without ``listen`` nothing is transcribed."""
        return [
            f"{condition.name}: {difference}"
            for condition, test in self._tests
            if (listen or not condition.needs_transcript)
            and (difference := _difference(condition.name, test, facts)) is not None
        ]


def index_values(facts: Facts, condition: str) -> Iterable[str]:
    """Return the values of ``facts`` under which patterns with an exact ``condition`` are indexed."""
    return CONDITIONS[condition].values(facts)


def _index_key(when: Mapping[str, Any]) -> IndexKey | None:
    """Return the exact condition of a pattern that has the lowest rank."""
    for condition in _BY_RANK:
        value = condition.exact(when[condition.name]) if condition.exact and condition.name in when else None
        if value is not None:
            return IndexKey(condition.name, value)
    return None


def _difference(
    name: str, test: Callable[[Facts | Outcome], Difference], facts: Facts | Outcome
) -> Difference:
    try:
        return test(facts)
    except Exhausted as error:
        text = f"{name}: {error}"
        if _notices.is_new(text):
            log.warning("%s. The request does not match. Simplify the condition, or raise the limit.", text)
        return str(error)


def _check_endpoints(names: Iterable[str], endpoints: Collection[str]) -> None:
    for name in names:
        if not is_path(name) and name not in endpoints and endpoints:
            short = [each for each in endpoints if "/" not in each]
            hint = suggestion(name, short, "docs/stubs.md lists the names.")
            raise PatternError(
                f"endpoint: unknown endpoint {name!r}. {hint} A path such as '/v1/embeddings' is accepted, too."
            )
        if is_path(name) and "?" in name:
            reason = "has a query, which is not part of the path. Remove it, or put it into `fields`."
            raise PatternError(f"endpoint: {name!r} {reason}")
