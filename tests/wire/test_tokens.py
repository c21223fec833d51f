"""Text tokens: the vocabularies, compared with ids that OpenAI published, and unusual text."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import get_args

import pytest

from mockserver.wire import tokens

FAMILY = "👩‍👩‍👧"
TEXTS = [
    "",
    " leading and trailing ",
    "It's 5 o'clock, ÄÖÜ – “quoted”.",
    "日本語です。これは文です。",
    "नमस्ते दुनिया",
    f"{FAMILY}{FAMILY} ༀ 𝔘𝔫𝔦",
    "a_b  c\n\nd\t\r\n",
    "\x00\x7f\ufffd\uffff",
    "word " * 20_000,
]


@pytest.mark.parametrize(
    ("vocabulary", "text", "expected"),
    [
        ("o200k_base", "Hello world", [13225, 2375]),
        ("cl100k_base", "Hello world", [9906, 1917]),
        ("cl100k_base", "tiktoken is great!", [83, 1609, 5963, 374, 2294, 0]),
        ("whisper", " Hello world, this is a test.", [2425, 1002, 11, 341, 307, 257, 1500, 13]),
    ],
)
def test_ids_are_those_that_were_published(
    vocabulary: tokens.Vocabulary, text: str, expected: list[int]
) -> None:
    assert tokens.ids(text, vocabulary) == expected


@pytest.mark.parametrize("vocabulary", get_args(tokens.Vocabulary))
@pytest.mark.parametrize("text", TEXTS)
def test_the_tokens_joined_are_the_text(vocabulary: tokens.Vocabulary, text: str) -> None:
    written = list(tokens.split(text, vocabulary))
    assert b"".join(written) == text.encode()
    assert tokens.count(text, vocabulary) == len(written) == len(tokens.ids(text, vocabulary) or [])


def test_a_special_token_in_a_text_is_ordinary_text() -> None:
    text = "a<|endoftext|><|im_start|>b"
    assert tokens.count(text) == len(list(tokens.split(text))) > 10
    assert b"".join(tokens.split(text)) == text.encode()


def test_tokens_that_hold_parts_of_a_character_come_together() -> None:
    pieces = list(tokens.whole(tokens.split(f"Hi {FAMILY}")))
    assert pieces[:2] == [("Hi", (b"Hi",)), (" 👩", (b" \xf0\x9f\x91", b"\xa9"))]
    assert "".join(piece for piece, _ in pieces) == f"Hi {FAMILY}"
    assert [tokens.shown(part) for part in pieces[1][1]] == [r" \xf0\x9f\x91", r"\xa9"]


@pytest.mark.parametrize("vocabulary", get_args(tokens.Vocabulary))
@pytest.mark.parametrize("token", [b" world", b"Hello", b"\xa9", b" \xf0\x9f\x91", b"."])
def test_other_tokens_are_of_the_vocabulary_and_always_the_same(
    vocabulary: tokens.Vocabulary, token: bytes
) -> None:
    others = tokens.others(token, 19, vocabulary)
    assert len({token, *others}) == 20
    assert others == tokens.others(token, 19, vocabulary)
    assert all(other.startswith(b" ") == token.startswith(b" ") for other in others)
    readable = [other.decode() for other in others if tokens.shown(other) == other.decode("utf-8", "replace")]
    assert all(tokens.count(other, vocabulary) == 1 for other in readable)


def test_half_a_character_at_the_end_is_dropped() -> None:
    half = [b"Hi", b" \xf0\x9f\x91"]
    assert tokens.text_of(half) == "Hi"
    assert [piece for piece, _ in tokens.whole(half)] == ["Hi"]


@pytest.mark.parametrize("text", ["\ud83d", "a\udc80b", "x" * 70_000 + "\ud83d"])
def test_half_a_surrogate_pair_is_counted_as_it_is_sent(text: str) -> None:
    sent = text.encode("utf-8", "replace")
    assert b"".join(tokens.split(text)) == sent
    assert tokens.count(text) == tokens.count(sent.decode())


@pytest.mark.parametrize(
    "unit", ["a", " ", "\n", "日本語", "The quick brown fox. ", FAMILY, "<|endoftext|>", "!?"]
)
def test_a_huge_text_is_cut_in_pieces_of_bounded_size(unit: str) -> None:
    """Count ten megabytes of one letter, which at once would take a minute and a gigabyte."""
    text = unit * (2_000_000 // len(unit))
    pieces = list(tokens._windows(text))
    assert "".join(pieces) == text
    assert max(map(len, pieces)) <= 65_536
    assert tokens.count(text) == sum(map(tokens.count, pieces))


@pytest.mark.parametrize("vocabulary", get_args(tokens.Vocabulary))
def test_cutting_a_long_text_changes_no_token(
    vocabulary: tokens.Vocabulary, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [
        "don't",
        "CAN'T ",
        "naïve",
        "日本語",
        "。",
        "  ",
        "\n\n ",
        "1234567",
        "e\u0301",
        "...",
        "x_y",
        "’s ",
        FAMILY,
    ]
    text = "".join(words[number * number % len(words)] + " " * (number % 3) for number in range(4_000))
    whole = tokens.ids(text, vocabulary)
    monkeypatch.setattr(tokens, "_WINDOW", 256)
    assert len(list(tokens._windows(text))) > 50
    assert tokens.ids(text, vocabulary) == whole


def test_threads_count_alike() -> None:
    text = " ".join(TEXTS[:-1]) * 20
    counts: list[int] = []

    def count() -> None:
        counts.extend(tokens.count(text) for _ in range(50))

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [tokens.count(text)] * 400


class TestWithoutSplintr:
    """A light install has no vocabularies: tokens are estimated."""

    @pytest.fixture(autouse=True)
    def _without_splintr(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "splintr", None)
        monkeypatch.setattr(tokens, "_tokenizers", {})

    def test_this_is_said(self) -> None:
        assert not tokens.load()
        assert not tokens.are_exact()
        assert tokens.ids("Hello world") is None

    @pytest.mark.parametrize(
        ("text", "pieces"),
        [
            ("Hello world, this is a test.", ["Hello", " world", ",", " this", " is", " a", " test", "."]),
            ("It's 5 o'clock!", ["It's", " 5", " o'clock", "!"]),
            ("日本語です。", ["日", "本", "語", "で", "す", "。"]),
            ("", []),
        ],
    )
    def test_a_word_with_its_space_is_a_token(self, text: str, pieces: list[str]) -> None:
        assert [token.decode() for token in tokens.split(text)] == pieces
        assert tokens.count(text) == len(pieces)

    @pytest.mark.parametrize("text", TEXTS)
    def test_the_tokens_joined_are_the_text(self, text: str) -> None:
        assert b"".join(tokens.split(text)) == text.encode()

    def test_other_tokens_are_made_up(self) -> None:
        assert len({b"Hello", *tokens.others(b"Hello", 19)}) == 20


@pytest.mark.slow
def test_counting_loads_the_vocabulary_and_importing_does_not() -> None:
    program = (
        "import sys, mockserver.app; from mockserver.wire import tokens; assert 'splintr' not in sys.modules; "
        "print(tokens.count('Hello world')); assert 'splintr' in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=os.environ, check=True
    )
    assert done.stdout == "2\n"


@pytest.mark.parametrize("vocabulary", get_args(tokens.Vocabulary))
@pytest.mark.parametrize("text", TEXTS)
def test_the_ids_of_a_text_are_decoded(vocabulary: tokens.Vocabulary, text: str) -> None:
    assert tokens.text_of_ids(tokens.ids(text, vocabulary) or [], vocabulary) == text


@pytest.mark.parametrize("number", [-1, 100_256, 100_277, 200_000, 10**30])
def test_an_id_of_no_token_is_an_error(number: int) -> None:
    with pytest.raises(ValueError, match=str(number)):
        tokens.text_of_ids([9906, number], "cl100k_base")
