"""The text that a model has sent of speech that goes on: it can be continued, but not taken back."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mockserver.engines.transcription import Segment

_MARKS = "\"'“”„«»()[]{}.,;:!?…—–-¿¡。，！？、；："


class LiveText:
    """The text of an item as far as it was sent."""

    def __init__(self) -> None:
        self.sent = ""

    def more(self, text: str) -> str:
        """Return what continues the sent text to ``text``, and note that it is sent.

        If ``text`` begins with other words, because more was understood since, what follows the words that were sent is
        returned.
        """
        more = text[len(self.sent) :] if text.startswith(self.sent) else _after(self.sent, text)
        self.sent += more
        return more


class SaidText(NamedTuple):
    """Words, and the time at which the last one ended, in seconds; 0 without any."""

    text: str
    end: float


def said_until(segments: Iterable[Segment], seconds: float) -> SaidText:
    """Return the words that ended by a time, without the marks after the last one: they depend on what follows."""
    said, end = [], 0.0
    for segment in segments:
        length = 0
        for word in segment.words or ():
            if word.end > seconds:
                break
            found = segment.text.find(word.text.strip(), length)
            length = found + len(word.text.strip()) if found >= 0 else length
            end = word.end
        said.append(segment.text[:length])
    return SaidText(" ".join(filter(None, said)).rstrip(_MARKS + " "), end)


def _after(sent: str, text: str) -> str:
    """Return the words of ``text`` that follow those that match the end of ``sent``, with a space before them."""
    before, words = sent.split(), text.split()
    matcher = SequenceMatcher(None, _bare(before), _bare(words), autojunk=False)
    blocks = [block for block in matcher.get_matching_blocks() if block.size]
    matched, at = (blocks[-1].a + blocks[-1].size, blocks[-1].b + blocks[-1].size) if blocks else (0, 0)
    rest = words[at + len(before) - matched :]  # one word for each that is understood otherwise now
    return " " + " ".join(rest) if rest else ""


def _bare(words: Iterable[str]) -> list[str]:
    return [word.strip(_MARKS).lower() for word in words]
