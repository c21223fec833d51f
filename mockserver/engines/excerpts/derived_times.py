"""Times of words that are known only as a text: nothing is said in pauses, and sentences end at them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec.structs import replace

from mockserver.engines.excerpts.fingerprints import time_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mockserver.engines.transcription import Segment

_PAUSE = 6  # silent frames at which a sentence can end, 0.1 s
_REACH = 60  # frames by which the length of a text may be wrong, a second


def spread(segments: Sequence[Segment], active: NDArray[np.bool_]) -> Iterator[Segment]:
    """Yield the segments of a sound, whose times are in proportion to their letters, with better ones.

    ``active`` are the frames of the sound's fingerprint that are not silent.
    """
    import numpy as np

    frames = np.flatnonzero(active)
    if not len(frames) or not segments or not segments[-1].end:
        return
    pauses = _pauses(frames)
    shares = [segment.end / segments[-1].end for segment in segments[:-1]]
    ends = [_nearest(pauses, int(frames[int(share * len(frames))])) for share in shares]
    limits = np.maximum.accumulate([int(frames[0]), *ends, int(frames[-1]) + 1])
    for segment, (begin, end) in zip(segments, pairwise(limits), strict=True):
        yield _within(segment, frames[(frames >= begin) & (frames < end)], int(begin))


def _pauses(frames: NDArray[np.int_]) -> list[tuple[int, int]]:
    """Return the pauses between active frames: the frames at which they begin and end."""
    return [(int(one), int(next_one)) for one, next_one in pairwise(frames) if next_one - one > _PAUSE]


def _nearest(pauses: Sequence[tuple[int, int]], frame: int) -> int:
    """Return the middle of the pause nearest to a frame, or the frame if none is near. Long pauses count as nearer."""

    def distance(pause: tuple[int, int]) -> int:
        return max(pause[0] - frame, frame - pause[1], 0)

    near = [pause for pause in pauses if distance(pause) <= _REACH]
    best = min(near, key=lambda pause: distance(pause) - (pause[1] - pause[0]), default=(frame, frame))
    return sum(best) // 2


def _within(segment: Segment, frames: NDArray[np.int_], begin: int) -> Segment:
    """Return a segment that is said in some active frames."""
    length = segment.end - segment.start

    def moved(seconds: float) -> float:
        if not len(frames) or not length:
            return round(max(time_of(begin), 0.0), 3)
        share = (seconds - segment.start) / length
        frame = frames[min(int(share * len(frames)), len(frames) - 1)]
        return round(max(time_of(float(frame)), 0.0), 3)

    words = tuple(replace(word, start=moved(word.start), end=moved(word.end)) for word in segment.words or ())
    return replace(segment, start=moved(segment.start), end=moved(segment.end), words=words)
