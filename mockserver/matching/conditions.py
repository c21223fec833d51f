"""Does a request match? Each condition is a small function that says what differed, or nothing.

A *pattern* is the ``when`` of a stub, fault or verification: conditions by name, all of which must hold.
"""

from __future__ import annotations

import difflib
import fnmatch
import logging
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from mockserver.accounts.redaction import is_secret
from mockserver.catalog.paths import path_expression, without_version
from mockserver.expressions import Expression, ExpressionError, compiled
from mockserver.logs import Notices
from mockserver.matching import hashed_secrets
from mockserver.matching.allowance import Exhausted, scripts
from mockserver.matching.hashed_secrets import digest, is_digest

if TYPE_CHECKING:
    from mockserver.matching.facts import Facts

Difference = str | None  # what differed; ``None`` when the condition holds
Condition = Callable[["Facts"], Difference]
Test = Callable[[Any], Difference]

log = logging.getLogger(__name__)

_OPERATORS = frozenset({"equals", "contains", "matches", "present", "sha256"})
_STEP = re.compile(r"\.?([^.\[\]]+)|\[([0-9]+)\]")
_MAX_DIGITS = 15  # of the number of an item
_CHARACTERS_A_STEP = 64  # of a text in which another is sought
_SHOWN = 80  # characters of a text that a difference shows
_notices = Notices()


class PatternError(ValueError):
    """A pattern that can never be used. The message names the condition and what is wrong with it."""


class IndexKey(NamedTuple):
    """An exact fact that a pattern asks for, by which it can be found without trying it."""

    condition: str
    value: str


class Pattern:
    """A compiled ``when`` (see ``schemas/mock/when.json``). ``endpoints`` are the names there are.

    Conditions take of what the block allows (``allowance.sharing``); one that would take more does not hold.

    Raises ``PatternError`` for a condition that makes no sense.
    """

    def __init__(self, when: Mapping[str, Any], endpoints: Collection[str] = ()) -> None:
        self.when = dict(when)
        for name in listed(when.get("endpoint", ())):
            if not is_path(name) and name not in endpoints and endpoints:
                raise PatternError(f"endpoint: there is no {name!r}. {_hint(name, endpoints)}")
            if is_path(name) and "?" in name:
                reason = "has a query, which is no part of the path. Leave it out, or ask for it in `fields`."
                raise PatternError(f"endpoint: {name!r} {reason}")
        self._conditions = tuple(
            (name, make(when[name])) for name, make in CONDITIONS.items() if name in when
        )
        self.index_key = _index_key(when)

    def matches(self, facts: Facts) -> bool:
        """Whether all conditions hold; the costly ones are tried last."""
        return all(_difference(*each, facts) is None for each in self._conditions)

    def differences(self, facts: Facts, *, listen: bool = True) -> list[str]:
        """What differs, a text per condition that does not hold; without ``listen`` nothing is transcribed."""
        return [
            f"{name}: {difference}"
            for name, condition in self._conditions
            if (listen or name not in NEED_EARS)
            and (difference := _difference(name, condition, facts)) is not None
        ]


def _difference(name: str, condition: Condition, facts: Facts) -> Difference:
    try:
        return condition(facts)
    except Exhausted as error:
        _tell_once(f"{name}: {error}")
        return str(error)


NEED_EARS = frozenset({"heard", "language"})


def is_path(name: str) -> bool:
    """Tell whether the name of an endpoint is a path, which may be any."""
    return name.startswith("/")


def _hint(name: str, endpoints: Iterable[str]) -> str:
    short = [each for each in endpoints if "/" not in each]
    nearest = difflib.get_close_matches(name, short, n=1)
    meant = f"Did you mean {nearest[0]!r}? " if nearest else ""
    return f"{meant}A path such as '/v1/embeddings' can be any."


def _endpoint(wanted: str | list[str]) -> Condition:
    names = frozenset(listed(wanted))
    paths = [_path(name) for name in names if is_path(name)]

    def condition(facts: Facts) -> Difference:
        if names & facts.endpoint_names or any(_is_all_of(path, facts.path) for path in paths):
            return None
        return _differs(
            wanted, f"/v1{facts.path}" if paths else min(facts.endpoint_names, key=len, default="")
        )

    return condition


def _path(name: str) -> Expression:
    try:
        return compiled(path_expression(without_version(name)))
    except ExpressionError as error:
        raise PatternError(f"endpoint: {_shortened(name)!r} {error}") from error


def _method(wanted: str | list[str]) -> Condition:
    methods = frozenset(each.upper() for each in listed(wanted))
    return lambda facts: None if facts.method in methods else _differs(wanted, facts.method)


def _account(wanted: str) -> Condition:
    names, hashed = {wanted, digest(wanted)}, is_digest(wanted)

    def condition(facts: Facts) -> Difference:
        found = facts.account_names
        if names & found or (hashed and wanted in map(digest, found)):
            return None
        return "is another account"

    return condition


def _model(wanted: str | list[str]) -> Condition:
    return lambda facts: _glob(wanted, facts.model)


def _headers(wanted: Mapping[str, Any]) -> Condition:
    tests = {name.lower(): _header_test(name.lower(), value) for name, value in wanted.items()}

    def condition(facts: Facts) -> Difference:
        for name, test in tests.items():
            if difference := test(facts.headers.get(name)):
                return f"{name}: {difference}"
        return None

    return condition


def _header_test(name: str, wanted: Any) -> Test:
    """The test of a header; of one that is secret it tells neither what was wanted nor what was found."""
    test = _value_test(f"headers.{name}", wanted)
    if not is_secret("headers", name):
        return test
    return lambda found: (
        None if test(found) is None else "is not there" if found is None else "has another value"
    )


def _fields(wanted: Mapping[str, Any]) -> Condition:
    tests = {path: _value_test(f"fields.{path}", value) for path, value in wanted.items()}
    finders = {path: finder(path) for path in wanted}

    def condition(facts: Facts) -> Difference:
        for path, test in tests.items():
            try:
                difference = _of_all(test, finders[path](facts.document))
            except Exhausted as error:
                raise Exhausted(f"{path}: {error}") from error
            if difference is not None:
                return f"{path}: {difference}"
        return None

    return condition


def _prompt(wanted: Any) -> Condition:
    test = _text_test("prompt", wanted)
    return lambda facts: test(facts.prompt)


def _user_text(wanted: Any) -> Condition:
    test = _text_test("user_text", wanted)
    return lambda facts: test(facts.user_text)


def _heard(wanted: Any) -> Condition:
    test = _text_test("heard", wanted)
    return lambda facts: test(facts.heard)


def _language(wanted: str | list[str]) -> Condition:
    def condition(facts: Facts) -> Difference:
        spoken = facts.languages
        return None if set(listed(wanted)) & set(spoken) else _differs(wanted, ", ".join(spoken))

    return condition


def _file(wanted: str | list[str]) -> Condition:
    return lambda facts: _any_clip(facts, lambda clip: _glob(wanted, clip.name))


def _sha256(wanted: str) -> Condition:
    return lambda facts: _any_clip(facts, lambda clip: _equal(wanted.lower(), clip.sha256))


def _pcm_sha256(wanted: str) -> Condition:
    return _clip_fact("pcm_sha256", wanted.lower())


def _clip_fact(name: str, wanted: Any) -> Condition:
    wanted_values = frozenset(wanted if isinstance(wanted, list) else [wanted])

    def differs(clip: Any) -> Difference:
        found = getattr(clip.facts, name)
        return None if found in wanted_values else _differs(wanted, found)

    return lambda facts: _any_clip(facts, differs)


def _duration(wanted: float | Mapping[str, float]) -> Condition:
    if isinstance(wanted, Mapping):
        least, most = wanted.get("at_least", 0.0), wanted.get("at_most", float("inf"))
        if least > most:
            raise PatternError("duration: at_least is more than at_most.")
    else:
        least, most = wanted - 0.05, wanted + 0.05

    def differs(clip: Any) -> Difference:
        seconds = clip.facts.duration
        return None if least <= seconds <= most else _differs(wanted, round(seconds, 3))

    return lambda facts: _any_clip(facts, differs)


# By name, the cheap ones first: a pattern tries them in this order.
CONDITIONS: Mapping[str, Callable[[Any], Condition]] = {
    "endpoint": _endpoint,
    "method": _method,
    "account": _account,
    "model": _model,
    "headers": _headers,
    "fields": _fields,
    "prompt": _prompt,
    "user_text": _user_text,
    "file": _file,
    "sha256": _sha256,
    "container": partial(_clip_fact, "container"),
    "codec": partial(_clip_fact, "codec"),
    "channels": partial(_clip_fact, "channels"),
    "sample_rate": partial(_clip_fact, "sample_rate"),
    "duration": _duration,
    "pcm_sha256": _pcm_sha256,
    "language": _language,
    "heard": _heard,
}


def index_values(facts: Facts, condition: str) -> Iterable[str]:
    """The values of ``facts`` under which patterns with an exact ``condition`` are found."""
    if condition == "user_text":
        return (facts.user_text,)
    if condition == "prompt":
        return (facts.prompt,)
    if condition == "file":
        return (clip.name for clip in facts.clips)
    if condition == "sha256":
        return (clip.sha256 for clip in facts.clips)
    return _decodable(facts)


def _decodable(facts: Facts) -> Iterable[str]:
    from mockserver.audio.decode import AudioTooLong, UndecodableAudio

    for clip in facts.clips:
        try:
            yield clip.facts.pcm_sha256
        except (UndecodableAudio, AudioTooLong):
            continue


def _index_key(when: Mapping[str, Any]) -> IndexKey | None:
    """The most telling exact condition of a pattern. What is heard is none: other conditions come before it."""
    for name in ("sha256", "file", "user_text", "prompt", "pcm_sha256"):
        wanted = when.get(name)
        if isinstance(wanted, Mapping):
            wanted = wanted.get("equals") if set(wanted) == {"equals"} else None
        elif name in ("user_text", "prompt"):
            continue
        is_open = (
            name == "file" and isinstance(wanted, str) and (set(wanted) & set("*?[") or is_digest(wanted))
        )
        if isinstance(wanted, str) and not is_open:
            return IndexKey(name, wanted.lower() if name.endswith("sha256") else wanted)
    return None


def finder(path: str) -> Callable[[Any], list[Any]]:
    """What finds the values at a path: JSONPath (``$.messages[*].role``) or dotted (``messages[0].role``).

    Raises ``PatternError`` for a path that is none. What it returns raises ``Exhausted``.
    """
    if path.startswith("$"):
        from mockserver.matching import json_paths

        try:
            return json_paths.finder(path)
        except json_paths.JsonPathError as error:
            raise PatternError(f"fields.{_shortened(path)}: {error}") from error
    found = [name or number for name, number in _STEP.findall(path)]
    if not found or any(step.isdecimal() and len(step) > _MAX_DIGITS for step in found):
        raise PatternError(
            f"fields.{_shortened(path)}: leads nowhere. Write a path such as 'messages[0].role', "
            "or JSONPath, which begins with '$'."
        )
    return partial(_walk, found)


def _walk(steps: list[str], document: Any) -> list[Any]:
    for step in steps:
        if isinstance(document, list) and step.isdecimal() and int(step) < len(document):
            document = document[int(step)]
        elif isinstance(document, Mapping) and step in document:
            document = document[step]
        else:
            return []
    return [document]


def _of_all(test: Test, found: list[Any]) -> Difference:
    """What differs in the first of the values that were found, unless one of them is as it should be."""
    differences = [test(value) for value in found or [None]]
    return None if None in differences else differences[0]


def _tell_once(text: str) -> None:
    if _notices.is_new(text):
        log.warning("%s. A request for which that is so does not match.", text)


def _any_clip(facts: Facts, differs: Callable[[Any], Difference]) -> Difference:
    from mockserver.audio.decode import AudioTooLong, UndecodableAudio

    difference: Difference = "there is no audio"
    for clip in facts.clips:
        try:
            difference = differs(clip)
        except (UndecodableAudio, AudioTooLong) as error:
            difference = f"the audio cannot be decoded: {error}"
        if difference is None:
            break
    return difference


def _glob(wanted: str | list[str], found: str) -> Difference:
    for pattern in listed(wanted):
        if fnmatch.fnmatchcase(found, pattern) or (is_digest(pattern) and digest(found) == pattern):
            return None
    return _differs(wanted, found)


def _value_test(place: str, wanted: Any) -> Test:
    """For headers and fields: a value is equal, or an object of operators says how it should be."""
    if isinstance(wanted, Mapping) and wanted and set(wanted) <= _OPERATORS:
        return _operators(place, wanted)
    return partial(_equal, wanted)


def _text_test(place: str, wanted: Any) -> Test:
    """For texts: a regular expression to be found in it, case ignored, or an object of operators."""
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
        raise PatternError(f"{place}: {_shortened(text)!r} {str(error).rstrip('.')}.") from error


def _equal(wanted: Any, found: Any) -> Difference:
    if wanted == found and isinstance(wanted, bool) == isinstance(found, bool):
        return None
    return _differs(wanted, found)


def _contains(wanted: str, found: Any) -> Difference:
    if isinstance(found, str | list) and _is_among(wanted, found):
        return None
    return f"wanted it to contain {_shown(wanted)}, got {_shown(found)}"


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


def _is_all_of(expression: Expression, text: str) -> bool:
    with scripts().texts as allowance:
        allowance.spend_on_search(expression, text)
        return expression.is_all_of(text)


def _present(wanted: bool, found: Any) -> Difference:
    if (found is not None) == wanted:
        return None
    return "is not there" if wanted else f"is there: {_shown(found)}"


def _hash_test(place: str, wanted: Any) -> Test:
    try:
        hashed_secrets.check(wanted)
    except ValueError as error:
        raise PatternError(f"{place}: {error}") from error

    def test(found: Any) -> Difference:
        with scripts().texts as allowance:
            return None if hashed_secrets.is_meant(wanted, found, allowance) else "has another SHA-256"

    return test


def _differs(wanted: Any, found: Any) -> str:
    return f"wanted {_shown(wanted)}, got {_shown(found)}"


def _shown(value: Any) -> str:
    """Return the beginning of a value as Python writes it, without writing all of it."""
    if value is None:
        return "nothing"
    written = ""
    for piece in _written(value):
        written += piece
        if len(written) > _SHOWN:
            break
    return _shortened(written)


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


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def listed(wanted: str | Iterable[str]) -> list[str]:
    """Return the names of a condition that takes one or several."""
    return [wanted] if isinstance(wanted, str) else list(wanted)
