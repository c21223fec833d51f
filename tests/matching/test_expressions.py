"""Regular expressions of callers mean the same as in Python, and end soon for any text."""

from __future__ import annotations

import re
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.matching.expressions import MAX_CHARACTERS, ExpressionError, compiled

PATTERNS = [
    r"weather in (paris|rome)",
    r"^(system|developer)$",
    r"order ([0-9]+)",
    r"\bécole\b",
    r"\bfoo\b\s*\b\.",
    r"(\b\w)(\w*)",
    r"[^\W\d_]+",
    r"[\W\d]+x",
    r"a\Z",
    r"^(?!.*foo).*b",
    r"\A(?=.*b)(?=.*a)(a|é)",
    r"\S+@\S+\.\w{2,}",
    r"(?m)^b$",
    r"(?-i:A)b",
    r"(?a:\w+)",
    r"(?P<name>x)|(y)?",
    r".+?b",
    r"[\s\S]*x",
    r"[a-c^]]",
    r"[é-ü]{1,3}",
    r"\.\*\[",
    r"",
]


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("flags", [0, re.IGNORECASE | re.DOTALL], ids=["plain", "as in stubs"])
@settings(max_examples=10, deadline=None)
@given(
    text=st.lists(st.sampled_from([*"abxAyé.ü_1 \n@ß-", "foo", "école", "order "]), max_size=8).map("".join)
)
def test_a_pattern_finds_what_it_finds_in_python(pattern: str, flags: int, text: str) -> None:
    theirs, ours = re.compile(pattern, flags), compiled(pattern, flags)
    found = theirs.search(text)
    assert ours.search(text) == (None if found is None else [found[0], *found.groups()])
    assert ours.is_all_of(text) == (theirs.fullmatch(text) is not None)


def test_the_end_is_before_a_last_line_break_too() -> None:
    assert compiled("a$").found_in("a\n")
    assert not compiled("a$").found_in("a\n\n")


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "is not a regular expression: missing ), unterminated subpattern at position 0."),
        (r"\p{L}", r"is not a regular expression: bad escape \p at position 0."),
        (r"(a)\1", r"cannot be used as a regular expression: references to groups"),
        (r"(?<=a)b", "look-ahead and look-behind are supported only right after ^ at the beginning"),
        (r"a(?!b)", "look-ahead and look-behind are supported only right after ^ at the beginning"),
        (r"(?m)^(?!b)", "look-ahead and look-behind are supported only right after ^ at the beginning"),
        (r"^(?=(?!b))", "look-ahead and look-behind are supported only right after ^ at the beginning"),
        (r"\Ba", r"\B is not supported"),
        (r"a++", "repetitions of the form *+ are not supported"),
        (r"(?>a)", "groups of the form (?>…) are not supported"),
        (r"(a)?(?(1)b|c)", "conditions on groups are not supported"),
        ("a{1001}", "it repeats more than 1000 times"),
        (r"\w{900}", "it is too large"),
        ("(?:(?:a{99}){99}){99}", "it is too large"),
        ("(" * 150 + ")" * 150, "its groups are more than 100 deep"),
        ("(" * 9_000, "its groups are more than 100 deep"),
        ("a" * (MAX_CHARACTERS + 1), "it has more than 10000 characters"),
    ],
    ids=lambda value: value[:20],
)
def test_what_cannot_be_run_in_bounded_time_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compiled(pattern)
    assert reason in str(caught.value)


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(a|aa)+$", r"(.*a){20}b", r"\w+(?:-\w+)*$", r"^(?=(a+)+$)"])
def test_no_pattern_takes_long(pattern: str) -> None:
    for text in ("a" * 45 + "!", "a" * 1_000_000 + "!", "é" * 1_000_000 + "!"):
        assert not compiled(pattern).found_in(text)


def test_other_threads_run_while_a_pattern_does() -> None:
    """Let another thread take the interpreter's lock while each of these patterns runs."""
    text = "ab" * 2_000_000
    ended, turns = threading.Event(), []

    def search() -> None:
        compiled(r"a(?:a|b){19}c").found_in(text)
        ended.set()

    thread = threading.Thread(target=search)
    thread.start()
    while not ended.wait(0.001):
        turns.append(1)
    thread.join()
    assert turns


def test_half_a_surrogate_pair_is_a_character_like_others() -> None:
    assert compiled("a.b").found_in("a\ud800b")
