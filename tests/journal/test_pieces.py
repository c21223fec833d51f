"""Of a stream the first pieces are recorded, with their times, and without secrets and sounds."""

from __future__ import annotations

import base64
import json
import time

import pytest

from mockserver.accounts.redaction import Secrets
from mockserver.journal.pieces import MAX_PIECES, MAX_TEXT, Pieces

KEY = "sk-mock-tier-5-somebody"
SHOWN = "sk-mock-***********body"


def noted(*pieces: bytes, secrets: tuple[str, ...] = (), is_text: bool = True) -> Pieces:
    """Return the pieces of a stream that was sent."""
    log = Pieces(time.perf_counter(), Secrets(secrets), is_text=is_text)
    for piece in pieces:
        log.note(piece)
    return log


def texts(log: Pieces) -> list[str | None]:
    return [piece.text for piece in log.shown()]


def event(content: str) -> bytes:
    """Return an event of a chat."""
    delta = json.dumps({"choices": [{"delta": {"content": content}}]}, separators=(",", ":"))
    return f"data: {delta}\n\n".encode()


def test_a_piece_has_a_time_a_size_and_a_text() -> None:
    first, second = noted("data: é\n\n".encode(), b"data: [DONE]\n\n").shown()
    assert (first.bytes, first.text) == (10, "data: é\n\n")
    assert 0 <= first.ms <= second.ms


def test_a_binary_piece_has_no_text() -> None:
    (piece,) = noted(b"RIFF", is_text=False).shown()
    assert (piece.bytes, piece.text) == (4, None)


def test_of_many_pieces_the_first_are_recorded() -> None:
    log = noted(*[b"1"] * (MAX_PIECES + 3))
    assert (len(log.shown()), log.dropped) == (MAX_PIECES, 3)


def test_of_long_texts_the_beginning_is_recorded_and_all_sizes() -> None:
    half = b"x y " * (MAX_TEXT // 8)
    log = noted(half, half, b"1", b"")
    assert texts(log) == [half.decode(), half.decode(), None, None]
    assert [piece.bytes for piece in log.shown()] == [MAX_TEXT // 2, MAX_TEXT // 2, 1, 0]


def test_of_audio_in_base64_only_the_size_is_recorded() -> None:
    audio = base64.b64encode(bytes(2_000)).decode()
    log = noted(f'data: {{"delta":"{audio}"}}\n\n'.encode())
    assert texts(log) == ['data: {"delta":{"base64_bytes":2000}}\n\n']
    assert log.shown()[0].bytes > 2_000


def test_a_secret_is_hidden_in_a_piece_and_across_pieces() -> None:
    assert texts(noted(f"a {KEY} b".encode(), b"c", secrets=(KEY,))) == [f"a {SHOWN} b", "c"]
    cut = noted(b"a sk-mock-ti", b"er-5-", b"somebody b", secrets=(KEY,))
    assert texts(cut) == [f"a {SHOWN}", "", " b"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 20])
def test_a_secret_that_events_say_in_parts_is_hidden(size: int) -> None:
    said = f"Your key is {KEY}."
    parts = [said[start : start + size] for start in range(0, len(said), size)]
    shown = texts(noted(*map(event, parts), secrets=(KEY,)))
    contents = [
        json.loads(each.removeprefix("data: "))["choices"][0]["delta"]["content"] for each in shown if each
    ]
    assert "".join(contents) == f"Your key is {SHOWN}."


def test_what_looks_like_a_key_is_hidden_without_being_known() -> None:
    shown = texts(noted(event("sk-proj-"), event("0123456789"), event("abcdef")))
    assert "0123456789" not in "".join(filter(None, shown))


@pytest.mark.parametrize("before", ["\n", '"', "\\", '{"key": "', "\u2028"])
@pytest.mark.parametrize("size", [1, 5, 100])
def test_a_secret_after_an_escape_is_hidden(before: str, size: int) -> None:
    said = f"Your key:{before}sk-proj-0123456789abcdef"
    parts = [said[start : start + size] for start in range(0, len(said), size)]
    assert "abcdef" not in "".join(filter(None, texts(noted(*map(event, parts)))))


def test_the_rest_of_a_stream_with_a_secret_is_unchanged() -> None:
    others = [event("Hello"), b": comment\n\n", "data: é\n\n".encode()]
    assert texts(noted(event(KEY), *others, secrets=(KEY,)))[1:] == [each.decode() for each in others]


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert texts(noted(b"\xff\xc3", b"\xa9")) == ["\ufffd\ufffd", "\ufffd"]
