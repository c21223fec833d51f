"""Derives the missing parts of a transcript: segments from text, words from segments, confidences.

Times are distributed in proportion to the length of the written words, which is accurate to a few tenths of a second.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from mockserver.engines.transcription import Segment, Word

# A full stop after one of these, or after single letters ("p.m."), does not end a sentence.
_ABBREVIATION = re.compile(
    r"(?:mr|mrs|ms|dr|prof|st|jr|sr|vs|approx|dept|est|(?:[a-z]\.)*[a-z])\.", re.IGNORECASE
)
# Marks that end a sentence: the first kind before a space or the end of the text, the second kind anywhere.
_ENDS = re.compile(r"([.!?…]++)[\"'”»)]*+|[。！？]++")
_MIN_CONFIDENCE, _MAX_CONFIDENCE = 0.85, 0.9995  # range of derived confidences


def segments_of(text: str, duration: float) -> tuple[Segment, ...]:
    """Return one segment per sentence; together they last ``duration`` seconds."""
    sentences = _sentences(text)
    letters = sum(len(sentence) for sentence in sentences)
    segments = []
    start = 0.0
    for sentence in sentences:
        end = start + duration * len(sentence) / letters
        segments.append(Segment(sentence, round(start, 3), round(end, 3)))
        start = end
    return tuple(segments)


def with_words(segment: Segment) -> Segment:
    """Return the segment with word times; existing ones are kept."""
    if segment.words is not None:
        return segment
    written = segment.text.split()
    letters = sum(len(word) for word in written)
    length = segment.end - segment.start
    words = []
    start = segment.start
    for word in written:
        end = start + length * len(word) / letters
        words.append(Word(word, round(start, 3), round(end, 3)))
        start = end
    return replace(segment, words=tuple(words))


def segments_of_words(words: tuple[Word, ...]) -> tuple[Segment, ...]:
    """Return one segment per sentence, from the words of a text in order."""
    segments = []
    sentence: list[Word] = []
    for number, word in enumerate(words):
        sentence.append(word)
        if number + 1 == len(words) or ends_sentence(word.text):
            text = " ".join(each.text for each in sentence)
            segments.append(Segment(text, sentence[0].start, sentence[-1].end, words=tuple(sentence)))
            sentence = []
    return tuple(segments)


def confidence_of_word(word: Word) -> float:
    """Return the confidence of a word, from 0 to 1: the engine's, or one that is derived from the text."""
    if word.probability is not None:
        return round(min(max(word.probability, 0.0), 1.0), 7)
    share = zlib.crc32(word.text.encode()) / 0xFFFFFFFF
    return round(_MIN_CONFIDENCE + (_MAX_CONFIDENCE - _MIN_CONFIDENCE) * share, 7)


def confidence_of_words(words: Sequence[Word]) -> float:
    """Return the confidence of a transcript: the mean of its words; 0 without words."""
    return round(sum(map(confidence_of_word, words)) / len(words), 7) if words else 0.0


def ends_sentence(word: str) -> bool:
    """Return whether a sentence ends with this word, as it is written with its punctuation."""
    word = word.strip("\"'“”„«»()")
    return word.endswith((".", "!", "?", "…", "。", "！", "？")) and not _ABBREVIATION.fullmatch(word)


def _sentences(text: str) -> list[str]:
    sentences: list[list[str]] = []  # each as its pieces; a piece that ends in an abbreviation is continued
    for piece in map(str.strip, _cut(text.strip())):
        if sentences and not ends_sentence(sentences[-1][-1].rpartition(" ")[2]):
            sentences[-1].append(piece)
        elif piece:
            sentences.append([piece])
    return [" ".join(pieces) for pieces in sentences]


def _cut(text: str) -> Iterator[str]:
    """Yield the text in pieces that end at sentence marks, each including its mark."""
    begin = 0
    for found in _ENDS.finditer(text):
        end = found.end()
        is_end = found[1] is None or end == len(text) or text[end].isspace()
        if is_end and (found.start() > begin or len(found[1] or found[0]) > 1):
            yield text[begin:end]
            begin = end
    if begin < len(text):
        yield text[begin:]
