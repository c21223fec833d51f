"""The pieces of texts: what texts have in common."""

from __future__ import annotations

import pytest

from mockserver.engines.embedding.pieces import Pieces

ENDINGS = ["ing", "en", "es", "s", "e"]


def shared(one: str, other: str, common: tuple[str, ...] = ()) -> int:
    """Return the weight of the pieces of ``other`` that ``one`` has, too."""
    pieces = Pieces(common, ENDINGS)
    of_one = {piece for piece, _ in pieces.of(one)}
    return sum(weight for piece, weight in pieces.of(other) if piece in of_one)


@pytest.mark.parametrize("text", ["", " ", "\n\t", "?", "🙂", "…", "\ud800", "a" * 10_000])
def test_every_text_has_pieces(text: str) -> None:
    assert list(Pieces((), ENDINGS).of(text))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cats", "cat"),
        ("booking", "bookings"),
        ("running", "run"),
        ("Straße", "STRASSE"),
        ("Café", "cafe"),
        ("weather", "weatherman"),
        ("天気予報", "天気"),
    ],
)
def test_forms_and_compounds_of_a_word_share_pieces_with_it(one: str, other: str) -> None:
    assert shared(one, other) >= 8


def test_other_words_share_none() -> None:
    assert shared("parcel", "museum") == 0


def test_common_words_weigh_little() -> None:
    assert shared("the parcel", "the museum", common=("the",)) < shared("parcel", "my parcel") / 10


def test_the_order_of_words_counts() -> None:
    assert shared("dog bites man", "dog bites man") > shared("dog bites man", "man bites dog")


def test_a_piece_weighs_more_the_more_often_it_occurs_but_not_in_proportion() -> None:
    once, often = shared("cat", "cat"), shared("cat", "cat " * 100)
    assert once < often < 10 * once


@pytest.mark.parametrize(
    ("letters", "most"), [("parcels", 300), ("parc\u0327els", 300), ("天気予報", 140_000)]
)
def test_very_long_words_have_few_pieces(letters: str, most: int) -> None:
    word = letters * 100_000
    assert 200 < len(list(Pieces((), ENDINGS).of(word))) < most
    assert shared(word, letters * 50_000) > 200
    assert shared(word + "a", word + "b") < shared(word, word)


def test_words_of_usual_lengths_are_divided_to_their_end() -> None:
    assert shared("a" * 200 + "weather", "b" * 200 + "weather") > 8


def test_very_long_texts_have_few_pieces() -> None:
    text = " ".join(map(str, range(1_000_000, 1_200_000)))
    assert 32_768 < len(list(Pieces((), ENDINGS).of(text))) < 500_000
    assert shared(text, text + " 7") < shared(text, text)
