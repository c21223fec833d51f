"""Splits texts into tokens: with the models' vocabularies, or, if splintr is not installed, by an estimate.

``splintr`` contains the vocabularies. It is loaded when the first text is counted, or by ``load``.
A special token that is spelled out in a text, such as ``<|endoftext|>``, is ordinary text.
"""

from __future__ import annotations

import re
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from mockserver.installation import origin_of

if TYPE_CHECKING:
    from splintr import AnyTokenizer

Vocabulary = Literal["o200k_base", "cl100k_base", "whisper"]

DEFAULT: Vocabulary = "o200k_base"  # of gpt-4o and later models

# The numbers of ids, including those of special tokens.
_SIZES: Mapping[Vocabulary, int] = {"o200k_base": 200_019, "cl100k_base": 100_277, "whisper": 51_865}

_WINDOW = 65_536  # characters that are tokenized at a time
# A place between a letter and a space or a punctuation mark. No token crosses it, so a window may end there.
_SEAM = re.compile(r".*[^\W\d_](?=[\s.,;:!?。、，！？])", re.DOTALL)

_BYTES = 256  # the first ids are bytes
_COMMON = 10_000  # the following ids are common tokens
_STRIDE = 1_009  # step between the ids of alternatives; a prime
_MARKS = "s,.!?-'abcdefghijklm"

_loading = threading.Lock()
# Tokenizers are immutable once loaded; ``None`` if splintr is not installed.
_tokenizers: dict[Vocabulary, AnyTokenizer | None] = {}


def are_exact() -> bool:
    """Return whether splintr is installed, without loading it."""
    return origin_of("splintr") is not None


def load(vocabulary: Vocabulary = DEFAULT) -> bool:
    """Load the vocabulary. Return whether tokens are exact: ``False`` if splintr is not installed."""
    return _tokenizer(vocabulary) is not None


def count(text: str, vocabulary: Vocabulary = DEFAULT) -> int:
    """Return the number of tokens of ``text``."""
    tokenizer = _tokenizer(vocabulary)
    if tokenizer is None:
        return sum(1 for _ in _estimated(text))
    return sum([len(tokenizer.encode_ordinary(window)) for window in _windows(text)])


def ids(text: str, vocabulary: Vocabulary = DEFAULT) -> list[int] | None:
    """Return the ids of the tokens of ``text``, or ``None`` if splintr is not installed."""
    tokenizer = _tokenizer(vocabulary)
    if tokenizer is None:
        return None
    return [each for window in _windows(text) for each in tokenizer.encode_ordinary(window)]


def text_of_ids(numbers: Sequence[int], vocabulary: Vocabulary = DEFAULT) -> str | None:
    """Return the text of tokens by their ids; ``None`` if splintr is not installed. Raises ``ValueError``."""
    unknown = next((number for number in numbers if not 0 <= number < _SIZES[vocabulary]), None)
    if unknown is not None:
        raise ValueError(f"{unknown} is not a token of {vocabulary}")
    tokenizer = _tokenizer(vocabulary)
    if tokenizer is None:
        return None
    return b"".join(map(tokenizer.decode_token_bytes, numbers)).decode("utf-8", "replace")


def split(text: str, vocabulary: Vocabulary = DEFAULT) -> Iterator[bytes]:
    """Yield the tokens of ``text`` as UTF-8. Joined, they are the text; a token may end within a character."""
    tokenizer = _tokenizer(vocabulary)
    if tokenizer is None:
        yield from (piece.encode("utf-8", "replace") for piece in _estimated(text))
        return
    for window in _windows(text):
        yield from map(tokenizer.decode_token_bytes, tokenizer.encode_ordinary(window))


def others(token: bytes, number: int, vocabulary: Vocabulary = DEFAULT) -> list[bytes]:
    """Return ``number`` other tokens, always the same for a token; they begin a word if ``token`` does."""
    tokenizer = _tokenizer(vocabulary)
    if tokenizer is None:
        return [token + mark.encode() for mark in _MARKS[:number]]
    start = zlib.crc32(token) % _COMMON
    found: dict[bytes, None] = {}
    for place in range(_COMMON):
        other = tokenizer.decode_token_bytes(_BYTES + (start + _STRIDE * place) % _COMMON)
        if other != token and other.startswith(b" ") == token.startswith(b" "):
            found[other] = None
        if len(found) >= number:
            break
    return list(found)[:number]


def whole(tokens: Iterable[bytes]) -> Iterator[tuple[str, tuple[bytes, ...]]]:
    """Yield pieces of text with their tokens: one token, or as many as complete a character.

    An incomplete character at the end is dropped.
    """
    waiting: list[bytes] = []
    for token in tokens:
        waiting.append(token)
        try:
            text = b"".join(waiting).decode()
        except UnicodeDecodeError:
            continue
        yield text, tuple(waiting)
        waiting = []


def first(text: str, count: int, vocabulary: Vocabulary = DEFAULT) -> tuple[bytes, ...]:
    """Return the first ``count`` tokens of ``text``, none for a negative number."""
    return tuple(islice(split(text, vocabulary), max(count, 0)))


def text_of(tokens: Iterable[bytes]) -> str:
    """Return the text of the tokens, without an incomplete character at the end."""
    return "".join(text for text, _ in whole(tokens))


def shown(token: bytes) -> str:
    r"""Return a token as log probabilities show it: bytes of an incomplete character become ``\xf0\x9f``."""
    return token.decode("utf-8", "backslashreplace")


def logprob(token: bytes, value: float) -> dict[str, Any]:
    """Return the log probability of a token in the form of transcripts and chats."""
    return {"token": shown(token), "logprob": value, "bytes": list(token)}


def _tokenizer(vocabulary: Vocabulary) -> AnyTokenizer | None:
    if vocabulary in _tokenizers:
        return _tokenizers[vocabulary]
    with _loading:
        if vocabulary not in _tokenizers:
            _tokenizers[vocabulary] = _loaded(vocabulary)
        return _tokenizers[vocabulary]


def _loaded(vocabulary: Vocabulary) -> AnyTokenizer | None:
    try:
        from splintr import Tokenizer
    except ImportError:
        return None
    tokenizer: AnyTokenizer = Tokenizer.from_pretrained(vocabulary)
    tokenizer.encode_ordinary("Hello")  # the first text takes longer than later ones
    return tokenizer


def _windows(text: str) -> Iterable[str]:
    """Return ``text`` in pieces that can be tokenized independently, which bounds time and memory.

    If more than ``_WINDOW`` characters have no seam, the text is divided elsewhere, which may add a token.
    """
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which is sent as "?"
        text = text.encode("utf-8", "replace").decode()
    return (text,) if len(text) <= _WINDOW else _divided(text)


def _divided(text: str) -> Iterator[str]:
    start = 0
    while len(text) - start > _WINDOW:
        seam = _SEAM.match(text, start, start + _WINDOW)
        end = seam.end() if seam else start + _WINDOW
        yield text[start:end]
        start = end
    if start < len(text):
        yield text[start:]


_PIECE = re.compile(r"\s?[^\W_]+(?:['’][^\W_]+)*|\s?[^\w\s]|\s?_+|\s+")
# Scripts without spaces. Compiled at its first use, because that takes 2 ms.
_UNSPACED = r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
_MAX_PIECE = 8  # characters of an estimated token


def _estimated(text: str) -> Iterator[str]:
    """Yield approximate tokens of ``text``: words with their leading space, and punctuation marks.

    Long words are divided every eight letters, and scripts without spaces at each letter.
    """
    for match in _PIECE.finditer(text):
        piece = match.group()
        if re.search(_UNSPACED, piece):
            yield from piece
            continue
        width = (
            _MAX_PIECE + len(piece) - len(piece.lstrip())
            if len(piece.strip()) > 2 * _MAX_PIECE
            else len(piece)
        )
        for start in range(0, len(piece), width):
            yield piece[start : start + width]
