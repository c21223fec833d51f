"""Changes the sample rate of speech, block by block, with the same result however the blocks are divided.

The filter's taps are integers, and so are samples: sums of their products are exact in float64, in any order and on any
machine.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

from mockserver.audio.products import product

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_HALF_WIDTH = 10  # zero crossings of the sinc on each side of its maximum
_ROLL_OFF = 0.92  # of the lower Nyquist frequency, where the filter has lost half
_BETA = 8.0  # of the Kaiser window: 80 dB of attenuation
_SCALE = 1 << 15  # of the taps
_FULL_SCALE = 32_768.0  # of samples
_BLOCK = 8  # times ``down``: the samples that are computed as one row of a matrix
_PIECE = 24_000  # samples that are computed at a time, at least a row: the overlapping rows take more memory


class Resampler:
    """A change of the rate by the factor ``up / down``, whole numbers without a common divisor, by a causal filter.

    What comes out is delayed by ``delay`` input samples.
    """

    def __init__(self, up: int, down: int) -> None:
        import numpy as np

        self._up, self._down = up, down
        self._filter = _filter(up, down)
        self.delay = _HALF_WIDTH * max(up, down) / up
        self._before: NDArray[np.float64] = np.zeros(len(self._filter) - _BLOCK * down)

    def resample(self, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        """Return the next samples, from -1 to 1. Their number times ``up`` must be a multiple of ``down``."""
        import numpy as np

        size = max(_PIECE // (_BLOCK * self._down), 1) * _BLOCK * self._down
        pieces = (samples[begin : begin + size] for begin in range(0, max(len(samples), 1), size))
        made = [self._resample(piece) for piece in pieces]
        return made[0] if len(made) == 1 else np.concatenate(made)

    def _resample(self, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        """Return the next samples: the products of overlapping rows of samples and the filter."""
        import numpy as np

        size = _BLOCK * self._down
        rows = -(-len(samples) // size)
        signal: NDArray[np.float64] = np.concatenate(
            (self._before, samples, np.zeros(rows * size - len(samples)))
        )
        self._before = signal[len(samples) : len(samples) + len(self._before)]
        step = signal.itemsize
        views = np.lib.stride_tricks.as_strided(signal, (rows, len(self._filter)), (size * step, step))
        made = product(views, self._filter).astype(np.float32).ravel()
        return made[: len(samples) * self._up // self._down]


@cache
def _filter(up: int, down: int) -> NDArray[np.float64]:
    """Return the filter of a block: the weight of each of its samples, and of those before, in each that comes out."""
    import numpy as np

    phases = _taps(up, down)
    reach = phases.shape[1]
    weights = np.zeros((_BLOCK * down + reach - 1, _BLOCK * up))
    for number in range(_BLOCK * up):
        at, phase = divmod(number * down, up)
        weights[at : at + reach, number] = phases[phase]
    weights /= _SCALE * _FULL_SCALE  # a power of two, so that products remain exact
    return weights


@cache
def _taps(up: int, down: int) -> NDArray[np.float64]:
    """Return the filter's taps of each phase, in the order of the samples: float64[phases, taps], whole numbers."""
    import numpy as np

    slower = max(up, down)
    half = _HALF_WIDTH * slower
    times = np.arange(-half, half + 1)
    sinc = np.sinc(times * _ROLL_OFF / slower) * np.kaiser(len(times), _BETA)
    sinc *= up / sinc.sum()
    padded = np.pad(np.round(sinc * _SCALE), (0, -len(sinc) % up))
    return np.ascontiguousarray(padded.reshape(-1, up).T[:, ::-1])


def resampled(samples: NDArray[np.int16], rate: int, wanted: int) -> NDArray[np.float32]:
    """Return whole sounds at another rate, without delay, from -1 to 1."""
    import numpy as np

    if rate == wanted:
        return (samples / _FULL_SCALE).astype(np.float32)
    divisor = math.gcd(rate, wanted)
    up, down = wanted // divisor, rate // divisor
    resampler = Resampler(up, down)
    length = -(-len(samples) * wanted // rate)
    late = round(resampler.delay * wanted / rate)
    after = -(-(length + late) * down // up) - len(samples)
    padded = np.pad(samples, (0, after + -(len(samples) + after) % down))
    return resampler.resample(padded)[late : late + length]
