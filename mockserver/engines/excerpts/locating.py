"""Finds a sound's parts in known sounds, by their fingerprints.

The constants were chosen with the voices of this server; the benchmark ``ears`` measures what they achieve.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from mockserver.audio.products import product
from mockserver.engines.excerpts.fingerprints import FULL, VALUES, Fingerprint

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PROBE = 25  # frames that are looked for first, 0.4 s
_PROBE_DISTANCE = 0.2  # of candidates
_CANDIDATES = 48  # places that are compared further
_SMOOTH = 19  # frames, 0.3 s, whose mean distance must be small everywhere
_FEW = 5  # active frames, of which no distance is computed
_DISTANCE = 0.15  # half of one minus the cosine; another word in the same voice has more
_BATCH = 16_000  # frames that are searched at a time
_PAUSE = 6  # silent frames at which a part may begin and end, 0.1 s
_EDGE = 3  # frames by which the activity of two recordings of a sound may differ
_LIMIT = (
    8  # silent frames at most, before the first sound of an audio that begins with it, and after the last
)
_CUT_OFF = 14  # active frames that may be unknown at the end, after speech
_CLICK = 8  # active frames that may be unknown, 0.13 s
_LONG = 47  # active frames of a part, 0.75 s, that may begin or end within a known word
_SHORTEST = 10  # active frames of a part, 0.16 s
_SHORTEST_CUT = 16  # of one that is cut off at the begin or end of the audio
_WHOLE = 0.8  # the share of a known sound that is all of it
_MUTED = 0.15  # the share of a part's known speech that may be silent in the sound


class Part(NamedTuple):
    """Frames ``begin`` to ``end`` of a sound, which are the known sound ``number`` from its frame ``at``."""

    number: int
    begin: int
    end: int
    at: int


class _Match(NamedTuple):
    """A place of a known sound that a part of a sound is compared with."""

    part: Part
    heard: int  # active frames of the part
    distance: float
    of_known: float  # the share of the known sound's active frames


class Library:
    """Known sounds, searched together."""

    def __init__(self, sounds: Sequence[Fingerprint]) -> None:
        import numpy as np

        self._sounds = sounds
        gap = np.zeros((_PROBE, VALUES), np.int8)  # a probe does not fit two sounds at once
        rows = [rows for sound in sounds for rows in (sound.values, gap)]
        self._values = np.concatenate([*rows, gap])
        self._begins = np.cumsum([0, *(len(sound.values) + _PROBE for sound in sounds)])

    def locate(self, sound: Fingerprint, shifted: Fingerprint) -> list[Part] | None:
        """Return the parts of a sound in their order, or ``None`` if not all that is heard in it is known.

        ``shifted`` is the fingerprint of the same sound, of frames that begin half a hop later.
        """
        parts: list[Part] = []
        end = 0
        while (begin := _next(sound.active, end)) is not None:
            match = self._best(sound, shifted, begin)
            if match is not None:
                parts.append(match.part)
                end = match.part.end + _EDGE  # less than a pause
            elif (length := _short_length(sound.active, begin, bool(parts))) is not None:
                end = begin + length
            else:
                return None
        return parts if len(parts) == 1 or all(map(self._can_be_joined, parts)) else None

    def _can_be_joined(self, part: Part) -> bool:
        """Return whether a part may stand beside others: short ones could be pieced together to other words."""
        active = self._sounds[part.number].active
        heard = active[part.at : part.at + part.end - part.begin].sum()
        return bool(heard >= min(_LONG, _WHOLE * active.sum()))

    def _best(self, sound: Fingerprint, shifted: Fingerprint, begin: int) -> _Match | None:
        """Return the best part that begins with an active frame."""
        matches = [
            match
            for heard in (sound, shifted)
            for number, at in self._candidates(heard, begin)
            if (match := self._match(heard, number, begin, at)) is not None
        ]
        if not matches:
            return None
        most = max(match.heard for match in matches)
        longest = [match for match in matches if match.heard >= most - _PAUSE]
        return min(longest, key=lambda match: (round(match.distance, 2), -match.of_known, -match.part.number))

    def _candidates(self, sound: Fingerprint, begin: int) -> Iterator[tuple[int, int]]:
        """Yield known sounds, and their frames, that are similar to the sound from a frame on."""
        import numpy as np

        distances = self._distances(sound.values[begin : begin + _PROBE].astype(np.float32))
        count = min(_CANDIDATES, len(distances) - 1)
        nearest = np.argpartition(distances, count)[:count]
        for place in np.sort(nearest[distances[nearest] < _PROBE_DISTANCE]):
            number = int(np.searchsorted(self._begins, place, side="right")) - 1
            yield number, int(place - self._begins[number])

    def _distances(self, probe: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the distance of the probe from each place."""
        import numpy as np

        length, energy = len(probe), float(np.square(probe).sum())
        distances = []
        for begin in range(0, len(self._values) - length + 1, _BATCH):
            rows = self._values[begin : begin + _BATCH + length - 1].astype(np.float32)
            size = len(rows) - length + 1
            products = product(rows, probe.T)
            same = np.sum([products[n : n + size, n] for n in range(length)], axis=0)
            energies = _moving_sum(np.square(rows).sum(axis=1), length) * energy
            distances.append((1 - same / np.sqrt(np.maximum(energies, FULL**4))) / 2)
        return np.concatenate(distances)

    def _match(self, sound: Fingerprint, number: int, begin: int, at: int) -> _Match | None:
        """Return the part of a sound from ``begin`` on that is the known one from ``at`` on, if it is plausible."""
        known = self._sounds[number]
        length = max(min(len(sound.values) - begin, len(known.values) - at), 0)
        heard, active = sound.values[begin : begin + length], sound.active[begin : begin + length]
        of_known = known.values[at : at + length]
        length = _active_length(active, _near_length(heard, of_known, active))
        if length < _SHORTEST:
            return None
        distance = float(_distances_of(heard[:length], of_known[:length], active[:length]).mean())
        part = Part(number, begin, begin + length, at)
        share = known.active[at : at + length].sum() / max(known.active.sum(), 1)
        match = _Match(part, int(active[:length].sum()), distance, float(share))
        return match if _is_plausible(match, sound.active, known.active) else None


def _next(active: NDArray[np.bool_], begin: int) -> int | None:
    """Return the first active frame from a frame on."""
    rest = active[begin:]
    return begin + int(rest.argmax()) if rest.any() else None


def _short_length(active: NDArray[np.bool_], begin: int, follows_speech: bool) -> int | None:
    """Return the length of a click, or of the first sound of a word that was cut off; ``None`` for longer sounds."""
    is_last = follows_speech and len(active) - begin <= _CUT_OFF + _LIMIT
    longest = _CUT_OFF if is_last else _CLICK
    sound = active[begin : begin + longest + _PAUSE]
    length = _active_length(sound, len(sound))
    return length if length <= longest else None


def _active_length(active: NDArray[np.bool_], length: int) -> int:
    """Return the length up to the last active frame."""
    silent = active[:length][::-1].argmax() if active[:length].any() else length
    return length - int(silent)


def _near_length(heard: NDArray[np.int8], known: NDArray[np.int8], active: NDArray[np.bool_]) -> int:
    """Return the number of frames from the first on in which two sounds are the same."""
    far = _distances_of(heard, known, active) > _DISTANCE
    return int(far.argmax()) if far.any() else len(far)


def _distances_of(
    heard: NDArray[np.int8], known: NDArray[np.int8], active: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the distance of two sounds around each frame, from 0 to 1; only active frames count.

    It is 0 where few frames are active.
    """
    import numpy as np

    first, second = heard.astype(np.float32), known.astype(np.float32)
    reach = min(_SMOOTH, len(active)) // 2
    same, of_first, of_second = (
        _moving_sum(np.pad(product.sum(axis=1) * active, reach), 2 * reach + 1)
        for product in (first * second, first * first, second * second)
    )
    count = _moving_sum(np.pad(active.astype(np.float32), reach), 2 * reach + 1)
    distances = (1 - same / np.sqrt(np.maximum(of_first * of_second, FULL**4))) / 2
    return np.where(count < _FEW, 0.0, distances)


def _moving_sum(values: NDArray[np.float32], length: int) -> NDArray[np.float64]:
    import numpy as np

    sums = np.concatenate((np.zeros(1), np.cumsum(values, dtype=np.float64)))
    return sums[length:] - sums[:-length]


def _is_plausible(match: _Match, active: NDArray[np.bool_], known: NDArray[np.bool_]) -> bool:
    """Return whether a part lies between pauses, and is long enough or lies between pauses of the known sound, too.

    The audio can have been cut at one side of a part.
    """
    part = match.part
    length = part.end - part.begin
    if match.distance > _DISTANCE or not all(_pauses(active, part.begin, part.end, 0)):
        return False
    of_known = known[part.at : part.at + length]
    if (of_known & ~active[part.begin : part.end]).sum() > _MUTED * length:
        return False
    before, after = _pauses(known, part.at, part.at + length, _EDGE)
    if match.heard >= _LONG or (before and after):
        return True
    is_cut = part.begin <= _LIMIT if after else before and part.end >= len(active) - _LIMIT
    return is_cut and match.heard >= _SHORTEST_CUT


def _pauses(active: NDArray[np.bool_], begin: int, end: int, tolerance: int) -> tuple[bool, bool]:
    """Return whether at most ``tolerance`` frames are active in the pauses before and after."""
    before, after = active[max(begin - _PAUSE, 0) : begin], active[end : end + _PAUSE]
    return bool(before.sum() <= tolerance), bool(after.sum() <= tolerance)
