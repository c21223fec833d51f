"""Patterns: which requests, or journal entries, are meant."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from mockserver.logs import Notices
from mockserver.matching.allowance import Exhausted
from mockserver.matching.comparisons import Difference, PatternError, listed
from mockserver.matching.conditions import CONDITIONS, Subject, is_path

if TYPE_CHECKING:
    from mockserver.matching.facts import Facts, Outcome

log = logging.getLogger(__name__)
_notices = Notices()
_TELLING = sorted((each for each in CONDITIONS.values() if each.exact), key=lambda each: each.rank)


class IndexKey(NamedTuple):
    """An exact fact that a pattern asks for, by which it can be found without trying it."""

    condition: str
    value: str


class Pattern:
    """A compiled ``when`` (``schemas/mock/when.json``): conditions by name, all of which must hold.

    ``endpoints`` are the names there are, ``subject`` is what it is asked of. Conditions take of what the block
    allows (``allowance.sharing``); one that would take more does not hold.

    Raises ``PatternError`` for a condition that makes no sense.
    """

    def __init__(
        self, when: Mapping[str, Any], endpoints: Collection[str] = (), subject: Subject = "request"
    ) -> None:
        self.when = dict(when)
        _check_endpoints(listed(when.get("endpoint", ())), endpoints)
        for name in when.keys() & CONDITIONS.keys():
            if subject not in CONDITIONS[name].subjects:
                raise PatternError(f"{name}: {CONDITIONS[name].elsewhere or 'cannot be asked for here.'}")
        self._tests = tuple(
            (condition, condition.test(when[name])) for name, condition in CONDITIONS.items() if name in when
        )
        self.index_key = _index_key(when)

    def matches(self, facts: Facts | Outcome) -> bool:
        """Return whether all conditions hold; the costly ones are tried last."""
        return all(_difference(condition.name, test, facts) is None for condition, test in self._tests)

    def differences(self, facts: Facts | Outcome, *, listen: bool = True) -> list[str]:
        """Return a text for each condition that does not hold; without ``listen`` nothing is transcribed."""
        return [
            f"{condition.name}: {difference}"
            for condition, test in self._tests
            if (listen or not condition.needs_ears)
            and (difference := _difference(condition.name, test, facts)) is not None
        ]


def index_values(facts: Facts, condition: str) -> Iterable[str]:
    """Return the values of ``facts`` under which patterns with an exact ``condition`` are found."""
    return CONDITIONS[condition].values(facts)


def _index_key(when: Mapping[str, Any]) -> IndexKey | None:
    """Return the most telling exact condition of a pattern."""
    for condition in _TELLING:
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
            log.warning("%s. A request for which that is so does not match.", text)
        return str(error)


def _check_endpoints(names: Iterable[str], endpoints: Collection[str]) -> None:
    for name in names:
        if not is_path(name) and name not in endpoints and endpoints:
            raise PatternError(f"endpoint: there is no {name!r}. {_hint(name, endpoints)}")
        if is_path(name) and "?" in name:
            reason = "has a query, which is no part of the path. Leave it out, or ask for it in `fields`."
            raise PatternError(f"endpoint: {name!r} {reason}")


def _hint(name: str, endpoints: Iterable[str]) -> str:
    short = [each for each in endpoints if "/" not in each]
    nearest = difflib.get_close_matches(name, short, n=1)
    meant = f"Did you mean {nearest[0]!r}? " if nearest else ""
    return f"{meant}A path such as '/v1/embeddings' can be any."
