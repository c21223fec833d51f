"""Formats transcripts: the response formats, whole and streamed.

Values that an engine does not provide (token ids, probabilities) are derived deterministically from the text.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from mockserver.wire import sse, tokens

if TYPE_CHECKING:
    from mockserver.engines.transcription import Segment, Word

Logprob = dict[str, object]

_TIMESTAMP_ZERO = 50_364  # id of <|0.00|> in Whisper's multilingual vocabulary; each further id adds 20 ms
_WINDOW = 30.0  # seconds that Whisper decodes at a time
_EDGES = ' \t\n.,!?;:"“”„«»()[]{}…—–¿¡。，！？、；：「」『』'


def text_of(segments: Iterable[Segment]) -> str:
    """Return the text of the segments, joined."""
    return " ".join(segment.text for segment in segments if segment.text)


def verbose_json(
    *,
    task: str,
    language: str,
    duration: float,
    segments: Sequence[Segment],
    granularities: Sequence[str],
    temperature: float,
    usage: dict[str, object],
) -> dict[str, object]:
    """Return the ``verbose_json`` body; ``language`` is the English name ("english")."""
    body: dict[str, object] = {
        "task": task,
        "language": language,
        "duration": _float32(round(duration, 2)),
        "text": text_of(segments),
    }
    if "segment" in granularities:
        body["segments"] = [
            _segment(number, segment, temperature, duration) for number, segment in enumerate(segments)
        ]
    if "word" in granularities:
        body["words"] = [_word(word, duration) for segment in segments for word in segment.words or ()]
    body["usage"] = usage
    return body


def diarized_segment(number: int, segment: Segment) -> dict[str, object]:
    """Return a segment with its speaker, in the form of ``diarized_json`` and its stream."""
    return {
        "type": "transcript.text.segment",
        "text": " " + segment.text,
        "speaker": segment.speaker,
        "start": round(segment.start, 3),
        "end": round(segment.end, 3),
        "id": f"seg_{number}",
    }


def deltas(
    segments: Iterable[Segment], vocabulary: tokens.Vocabulary = tokens.DEFAULT
) -> Iterator[tuple[str, list[Logprob]]]:
    """Yield the tokens of the text with their log probabilities, as soon as each segment arrives.

    Tokens that are parts of one character are yielded together.
    """
    first = True
    for segment in segments:
        if not segment.text:
            continue
        if segment.logprobs is not None:
            yield from (
                (token, [tokens.logprob(token.encode(), logprob)]) for token, logprob in segment.logprobs
            )
            continue
        text = segment.text if first else " " + segment.text
        first = False
        offset = len(segment.text) - len(text)
        for piece, parts in tokens.whole(tokens.split(text, vocabulary)):
            yield piece, [tokens.logprob(part, _token_logprob(piece, segment, offset)) for part in parts]
            offset += len(piece)


def delta_event(token: str, logprobs: list[Logprob] | None) -> bytes:
    """Return ``transcript.text.delta``."""
    payload: dict[str, object] = {"type": "transcript.text.delta", "delta": token}
    if logprobs is not None:
        payload["logprobs"] = logprobs
    return sse.event(payload)


def done_event(text: str, **members: object) -> bytes:
    """Return ``transcript.text.done``. Members that are ``None`` are left out."""
    payload: dict[str, object] = {"type": "transcript.text.done", "text": text}
    payload.update((name, value) for name, value in members.items() if value is not None)
    return sse.event(payload)


def _segment(number: int, segment: Segment, temperature: float, duration: float) -> dict[str, object]:
    window = _WINDOW * (segment.start // _WINDOW)
    temperature = segment.temperature if segment.temperature is not None else temperature
    ratio = (
        segment.compression_ratio
        if segment.compression_ratio is not None
        else _compression_ratio(segment.text)
    )
    logprob = segment.avg_logprob if segment.avg_logprob is not None else -0.1 - 0.25 * _derived(segment.text)
    silence = segment.no_speech_prob
    return {
        "id": number,
        "seek": segment.seek if segment.seek is not None else int(window * 100),
        "start": _float32(round(segment.start, 2)),
        "end": _float32(round(min(segment.end, duration), 2)),
        "text": " " + segment.text,
        "tokens": list(segment.tokens if segment.tokens is not None else _token_ids(segment, window)),
        "temperature": _float32(temperature),
        "avg_logprob": _float32(logprob),
        "compression_ratio": _float32(ratio),
        "no_speech_prob": _float32(
            silence if silence is not None else 0.02 * _derived("silence" + segment.text)
        ),
    }


def _word(word: Word, duration: float) -> dict[str, object]:
    return {
        "word": word.text.strip(_EDGES) or word.text.strip(),
        "start": _float32(round(word.start, 2)),
        "end": _float32(round(min(word.end, duration), 2)),
    }


def _token_logprob(token: str, segment: Segment, offset: int) -> float:
    """Return the log probability of the word at ``offset`` of the segment's text, else one derived from the token."""
    end = 0
    middle = offset + len(token) / 2
    for word in segment.words or ():
        end = segment.text.find(word.text.strip(), end) + len(word.text.strip())
        if middle <= end:
            if word.probability is None:
                break
            return math.log(min(max(word.probability, 1e-9), 1.0))
    return -0.2 * _derived(token + segment.text) ** 4


def _token_ids(segment: Segment, window: float) -> Iterator[int]:
    yield _TIMESTAMP_ZERO + round((segment.start - window) * 50)
    text = " " + segment.text
    exact = tokens.ids(text, "whisper")
    yield from exact or (256 + zlib.crc32(token) % 50_000 for token in tokens.split(text, "whisper"))
    yield _TIMESTAMP_ZERO + min(round((segment.end - window) * 50), 1500)


def _compression_ratio(text: str) -> float:
    data = text.encode()
    return len(data) / len(zlib.compress(data))


def _derived(text: str) -> float:
    """Return a number from 0 to 1 that depends only on ``text``."""
    return zlib.crc32(text.encode()) / 0xFFFFFFFF


def _float32(value: float) -> float:
    """Return ``value`` in single precision, as the API computes it: it prints all digits of such numbers."""
    single: float = struct.unpack("f", struct.pack("f", value))[0]
    return single
