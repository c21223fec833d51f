"""The results of moderation: scores, marks in texts, types of input."""

from __future__ import annotations

import pytest

from mockserver.wire.moderation import judgement, results

CATEGORIES = ("hate", "violence")


@pytest.mark.parametrize(
    ("text", "flagged"),
    [
        ("Hello.", []),
        ("[flag: hate]", ["hate"]),
        ("a [flag: violence, hate] b", ["hate", "violence"]),
        ("[flag: hate] [flag: violence]", ["hate", "violence"]),
        ("[flag:hate] [flag: Hate] [flag hate] flag: hate", []),
        ("[flag: sexual]", []),
    ],
)
def test_marks_flag(text: str, flagged: list[str]) -> None:
    result = judgement(text, CATEGORIES, (), None)
    assert [name for name, found in result["categories"].items() if found] == flagged
    assert result["flagged"] == bool(flagged)
    assert list(result) == ["flagged", "categories", "category_scores"]
    for name, score in result["category_scores"].items():
        assert 0.9 <= score <= 1 if name in flagged else 0 < score <= 0.001


def test_scores_depend_on_the_text_alone() -> None:
    assert judgement("a", CATEGORIES, (), None) == judgement("a", CATEGORIES, (), None)
    assert judgement("a", CATEGORIES, (), None) != judgement("b", CATEGORIES, (), None)


def test_a_category_that_is_not_judged_has_the_score_0_unless_it_is_flagged() -> None:
    types = {"hate": [], "violence": ["image"]}
    scores = judgement("", CATEGORIES, (), types)["category_scores"]
    assert scores["hate"] == 0 < scores["violence"]
    assert judgement("", CATEGORIES, ("hate",), types)["category_scores"]["hate"] > 0.9


def test_results_in_chats_have_marks_and_models_too() -> None:
    written = results("omni-moderation-latest", ["[flag: illicit]", "b"], ("hate",))
    first, second = written["results"]
    assert first["categories"]["illicit"]
    assert first["categories"]["hate"]
    assert not second["categories"]["illicit"]
    assert list(first)[:2] == ["type", "model"]
