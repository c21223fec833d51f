"""The comparisons of conditions.

Each function takes the name of the condition, for error messages, and the wanted value. It returns a test: a function
of the value found that returns the difference, or ``None`` if there is none.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from mockserver.accounts.redaction import is_secret
from mockserver.matching import hashed_secrets
from mockserver.matching.allowance import scripts
from mockserver.matching.expressions import Expression, ExpressionError, compiled
from mockserver.matching.hashed_secrets import digest, is_digest
from mockserver.wording import cut

Difference = str | None  # ``None`` if the condition holds
Test = Callable[[Any], Difference]

_OPERATORS = frozenset({"equals", "contains", "matches", "present", "sha256"})
_CHARACTERS_A_STEP = 64  # of a text that is searched
_SHOWN = 80  # characters of a text in a difference
_TOLERANCE = 0.05  # seconds


class PatternError(ValueError):
    """An invalid pattern. The message names the condition and what is wrong with it."""


def like(_name: str, wanted: str | list[str]) -> Test:
    """Test that a text matches one of the wildcard patterns (``*``, ``?``), or has one of the SHA-256 digests."""

    def test(found: str) -> Difference:
        for pattern in listed(wanted):
            if fnmatch.fnmatchcase(found, pattern) or (is_digest(pattern) and digest(found) == pattern):
                return None
        return differs(wanted, found)

    return test


def any_like(_name: str, wanted: str | list[str]) -> Test:
    """Test that one of several names, if any, matches one of the wildcard patterns."""

    def test(found: str | Sequence[str] | None) -> Difference:
        names = listed(found or ())
        if any(fnmatch.fnmatchcase(name, each) for name in names for each in listed(wanted)):
            return None
        return differs(wanted, names[0] if names else None)

    return test


def one_of(_name: str, wanted: Any) -> Test:
    """Test that a value is one of the wanted ones."""
    values = frozenset(wanted if isinstance(wanted, list) else [wanted])
    return lambda found: None if found in values else differs(wanted, found)


def method(_name: str, wanted: str | list[str]) -> Test:
    """Test that an HTTP method, in upper case, is one of the wanted ones, which may be in any case."""
    methods = frozenset(each.upper() for each in listed(wanted))
    return lambda found: None if found in methods else differs(wanted, found)


def shares_one(_name: str, wanted: str | list[str]) -> Test:
    """Test that one of the wanted values is among the values found."""
    return lambda found: None if set(listed(wanted)) & set(found) else differs(wanted, ", ".join(found))


def same_hash(_name: str, wanted: str) -> Test:
    """Test that a hash in lower-case hex equals the wanted one, which may be in upper case."""
    return partial(_equal, wanted.lower())


def flag(_name: str, wanted: bool) -> Test:
    """Test that a boolean equals the wanted one."""
    return lambda found: None if found == wanted else differs(wanted, found)


def status(_name: str, wanted: int | str | list[int | str]) -> Test:
    """Test that an HTTP status, if any, is one of the wanted ones; ``x`` stands for any digit."""
    statuses = wanted if isinstance(wanted, list) else [wanted]
    patterns = [str(each).lower().replace("x", "?") for each in statuses]

    def test(found: int | None) -> Difference:
        return (
            None
            if any(fnmatch.fnmatchcase(str(found), each) for each in patterns)
            else differs(wanted, found)
        )

    return test


def number(name: str, wanted: int | Mapping[str, int]) -> Test:
    """Test that a number, if any, is the wanted one or within bounds."""
    if isinstance(wanted, Mapping):
        least, most = wanted.get("at_least", 0), wanted.get("at_most", float("inf"))
        if least > most:
            raise PatternError(f"{name}: at_least must not be more than at_most.")
    else:
        least = most = wanted

    def test(found: int | None) -> Difference:
        return None if found is not None and least <= found <= most else differs(wanted, found)

    return test


def duration(name: str, wanted: float | Mapping[str, float]) -> Test:
    """Test that seconds are approximately the wanted number, or within bounds."""
    if isinstance(wanted, Mapping):
        least, most = wanted.get("at_least", 0.0), wanted.get("at_most", float("inf"))
        if least > most:
            raise PatternError(f"{name}: at_least must not be more than at_most.")
    else:
        least, most = wanted - _TOLERANCE, wanted + _TOLERANCE
    return lambda found: None if least <= found <= most else differs(wanted, round(found, 3))


def account(_name: str, wanted: str) -> Test:
    """Test that one of the names of an account is the wanted one, or has that SHA-256 digest."""
    names, hashed = {wanted, digest(wanted)}, is_digest(wanted)

    def test(found: frozenset[str]) -> Difference:
        if names & found or (hashed and wanted in map(digest, found)):
            return None
        return "is another account"

    return test


def headers(name: str, wanted: Mapping[str, Any]) -> Test:
    """Test the values of headers, by name in lower case."""
    tests = {each.lower(): _header(name, each.lower(), value) for each, value in wanted.items()}

    def test(found: Mapping[str, str]) -> Difference:
        for each, test_of_one in tests.items():
            if difference := test_of_one(found.get(each)):
                return f"{each}: {difference}"
        return None

    return test


def _header(name: str, header: str, wanted: Any) -> Test:
    """Return the test of a header; the difference of a secret one shows no value."""
    test = value(f"{name}.{header}", wanted)
    if not is_secret("headers", header):
        return test
    return lambda found: (
        None if test(found) is None else "is missing" if found is None else "has another value"
    )


def value(place: str, wanted: Any) -> Test:
    """Test that a value equals the wanted one, or satisfies an object of operators."""
    if isinstance(wanted, Mapping) and wanted and set(wanted) <= _OPERATORS:
        return _operators(place, wanted)
    return partial(_equal, wanted)


def text(place: str, wanted: Any) -> Test:
    """Test that a text matches a regular expression somewhere, case ignored, or satisfies an object of operators."""
    return _operators(place, wanted if isinstance(wanted, Mapping) else {"matches": wanted})


def _operators(place: str, wanted: Mapping[str, Any]) -> Test:
    makers: dict[str, Callable[[Any], Test]] = {
        "equals": lambda value: partial(_equal, value),
        "contains": lambda text: partial(_contains, text),
        "matches": lambda text: partial(_found, _compiled(place, text)),
        "present": lambda present: partial(_present, present),
        "sha256": lambda wanted: _hash_test(place, wanted),
    }
    tests = [makers[name](value) for name, value in wanted.items()]
    return lambda found: next((each for test in tests if (each := test(found)) is not None), None)


def _compiled(place: str, text: str) -> Expression:
    try:
        return compiled(text, re.IGNORECASE | re.DOTALL)
    except ExpressionError as error:
        raise PatternError(f"{place}: {shortened(text)!r} {str(error).rstrip('.')}.") from error


def _equal(wanted: Any, found: Any) -> Difference:
    if wanted == found and isinstance(wanted, bool) == isinstance(found, bool):
        return None
    return differs(wanted, found)


def _contains(wanted: str, found: Any) -> Difference:
    if isinstance(found, str | list) and _is_among(wanted, found):
        return None
    return f"wanted a value containing {_shown(wanted)}, got {_shown(found)}"


def _is_among(wanted: str, found: str | list[Any]) -> bool:
    with scripts().texts as allowance:
        allowance.spend(1 + len(found) // _CHARACTERS_A_STEP)
        return wanted in found


def _found(wanted: Expression, found: Any) -> Difference:
    if isinstance(found, str) and _is_in(wanted, found):
        return None
    return f"wanted /{wanted.pattern}/, got {_shown(found)}"


def _is_in(expression: Expression, text: str) -> bool:
    with scripts().texts as allowance:
        allowance.spend_on_search(expression, text)
        return expression.found_in(text)


def is_all_of(expression: Expression, text: str) -> bool:
    """Return whether an expression matches the whole of a text. Raises ``Exhausted``."""
    with scripts().texts as allowance:
        allowance.spend_on_search(expression, text)
        return expression.is_all_of(text)


def _present(wanted: bool, found: Any) -> Difference:
    if (found is not None) == wanted:
        return None
    return "is missing" if wanted else f"is present: {_shown(found)}"


def _hash_test(place: str, wanted: Any) -> Test:
    try:
        hashed_secrets.check(wanted)
    except ValueError as error:
        raise PatternError(f"{place}: {error}") from error

    def test(found: Any) -> Difference:
        with scripts().texts as allowance:
            return None if hashed_secrets.matches(wanted, found, allowance) else "has another SHA-256"

    return test


def differs(wanted: Any, found: Any) -> str:
    """Return a difference with the wanted value and the one found."""
    return f"wanted {_shown(wanted)}, got {_shown(found)}"


def _shown(value: Any) -> str:
    """Return the beginning of the ``repr`` of a value, without building all of it."""
    if value is None:
        return "nothing"
    written = ""
    for piece in _written(value):
        written += piece
        if len(written) > _SHOWN:
            break
    return shortened(written)


def _written(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield repr(value[: _SHOWN + 1])
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield ", " if number else "["
            yield from _written(each)
        yield "]" if value else "[]"
    elif isinstance(value, Mapping):
        for number, (name, each) in enumerate(value.items()):
            yield ", " if number else "{"
            yield f"{_shown(name)}: "
            yield from _written(each)
        yield "}" if value else "{}"
    else:
        yield repr(value)


def shortened(text: str) -> str:
    """Return the beginning of a text for a message."""
    return cut(text, _SHOWN)


def listed(wanted: str | Iterable[str]) -> list[str]:
    """Return one name or several as a list."""
    return [wanted] if isinstance(wanted, str) else list(wanted)
