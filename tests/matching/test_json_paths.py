"""JSONPath in bounded time: matches, refusals, and paths that are abandoned."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.matching.allowance import Exhausted
from mockserver.matching.json_paths import MAX_CHARACTERS, JsonPathError, finder

DOCUMENT = {
    "model": "a" * 45 + "!",
    "messages": [{"role": "user", "content": f"Order {number}"} for number in range(300)],
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$.messages[7].role", ["user"]),
        ("$.messages[?@.content == 'Order 7'].role", ["user"]),
        ("$.messages[?match(@.content, 'Order [12]')].content", ["Order 1", "Order 2"]),
        ("$.messages[?search(@.content, '29[89]$')].content", ["Order 298", "Order 299"]),
        ("$.messages[?@.content =~ /ORDER 3/i].content", ["Order 3"]),
        ("$..nothing", []),
        ("$.model | $.messages[0].role", [DOCUMENT["model"], "user"]),
        ("$.messages[?count(@.*) > 2]", []),
        ("$.messages[?match(@.content, @.role)]", []),
        ("$[?match(@, '(a+)+$')]", []),
        ("$[?@ =~ /(a+)+$/]", []),
    ],
)
def test_the_values_at_a_path_are_found(path: str, found: list[Any]) -> None:
    assert finder(path)(DOCUMENT) == found


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("$[", "is not a JSONPath"),
        ("$[?@ =~ /(/]", "'(' is not a regular expression: missing )"),
        ("$[?match(@, '(')]", "'(' is not a regular expression: missing )"),
        (r"$[?search(@, '(a)\\1')]", "cannot be used as a regular expression: references to groups"),
        ("$[?@ > 1e999999]", "is not a JSONPath"),
        ("$" + "[?@" * 400, "it is nested too deeply"),
        ("$" + ".a" * MAX_CHARACTERS, f"has more than {MAX_CHARACTERS} characters"),
    ],
    ids=lambda value: value[:20],
)
def test_what_is_no_path_is_refused(path: str, reason: str) -> None:
    with pytest.raises(JsonPathError) as caught:
        finder(path)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    "path", ["$..*..*..*..*", "$..[?(@..[?(@..[?(@..x)])])]", "$.all[?(@ in $.all)]"], ids=str
)
def test_a_path_that_looks_at_everything_over_and_over_is_given_up(path: str) -> None:
    chain: dict[str, Any] = {}
    for _ in range(50):
        chain = {"inner": chain, "other": {}}
    with pytest.raises(Exhausted, match="it takes more than"):
        finder(path)({"all": list(range(10_000)), "chain": chain})


def test_a_document_that_is_nested_too_deeply_is_reported() -> None:
    document: dict[str, Any] = {}
    for _ in range(200):
        document = {"inner": document}
    with pytest.raises(Exhausted, match="nested too deeply"):
        finder("$..x")(document)
