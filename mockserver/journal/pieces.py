"""The pieces of a stream, as the journal keeps them: their times, their sizes, and what they say."""

from __future__ import annotations

import re
import time
from itertools import accumulate, pairwise, zip_longest
from typing import TYPE_CHECKING

from mockserver.journal.record import Piece

if TYPE_CHECKING:
    from mockserver.accounts.redaction import Secrets

MAX_PIECES = 500
MAX_TEXT = 1 << 15  # bytes
_LONG = 1024  # bytes of a piece that may contain audio
_AUDIO = re.compile(rb'"[A-Za-z0-9+/]{256,}={0,2}"')  # in base64
# The members of events whose texts continue in the next event.
_CONTINUED = ("content", "delta", "text", "arguments", "transcript", "refusal", "reasoning_content")
_TEXTS = {name: re.compile(rf'"{name}": ?"((?:[^"\\]|\\.)*)') for name in _CONTINUED}


class Pieces:
    """The first pieces of a stream. One thread notes them, any thread reads them.

    ``began`` is the arrival of the request by ``time.perf_counter``. The ``secrets`` of the request are hidden, also
    those that are divided among events, unless the pieces are known to have none (``are_plain``).
    Pieces of a stream that is no ``is_text`` have no text, nor have those that exceed ``MAX_TEXT``.
    """

    def __init__(self, began: float, secrets: Secrets, *, is_text: bool) -> None:
        self._began = int(began * 1e6)  # in microseconds, like the times below
        self._secrets = secrets
        self._room = MAX_TEXT if is_text else -1  # bytes of text
        self._noted: list[tuple[int, int, bytes | None]] = []  # times, sizes in bytes, texts
        self.are_plain = False
        self.dropped = 0

    def note(self, piece: bytes) -> None:
        """Note a piece that is sent now."""
        noted, size = self._noted, len(piece)
        if len(noted) == MAX_PIECES:
            self.dropped += 1
            return
        kept = piece if size < _LONG or self._room < 0 else _AUDIO.sub(_facts, piece)
        self._room -= len(kept)
        noted.append((time.perf_counter_ns() // 1000, size, kept if self._room >= 0 else None))

    def shown(self) -> list[Piece]:
        """Return the pieces for a record."""
        noted, began = self._noted[:], self._began
        if not noted:
            return []
        texts = [str(kept, "utf-8", "replace") for _, _, kept in noted if kept is not None]
        shown = texts if self.are_plain else hidden(texts, self._secrets)
        return [Piece((at - began) / 1000, size, text) for (at, size, _), text in zip_longest(noted, shown)]


def hidden(texts: list[str], secrets: Secrets) -> list[str]:
    """Return the texts of pieces with secrets hidden, also those that go on in the next piece or event."""
    whole = "".join(texts)
    present = [name for name in _CONTINUED if f'"{name}":' in whole]  # a search is faster than an expression
    continued = [name for name in present if secrets.may_be_in(_value(whole, name))]
    if not continued and not secrets.may_be_in(whole):
        return texts
    shown = list(whole)
    for places in (range(len(whole)), *(_places(whole, name) for name in continued)):
        for start, end, replacement in secrets.places("".join(map(whole.__getitem__, places))):
            for place in places[start:end]:
                shown[place] = ""
            shown[places[start]] = replacement
    ends = [*accumulate(map(len, texts))]
    return ["".join(shown[start:end]) for start, end in pairwise([0, *ends])]


def _facts(found: re.Match[bytes]) -> bytes:
    """Return what replaces audio in base64."""
    data = found[0].strip(b'"')
    return b'{"base64_bytes":%d}' % (len(data) * 3 // 4 - data.count(b"="))


def _value(whole: str, name: str) -> str:
    """Return the texts of a member of all events, together."""
    return "".join(_TEXTS[name].findall(whole))


def _places(whole: str, name: str) -> list[int]:
    """Return the place of each character of ``_value`` in the whole."""
    return [place for found in _TEXTS[name].finditer(whole) for place in range(*found.span(1))]
