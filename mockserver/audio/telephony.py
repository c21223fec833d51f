"""G.711, the 8 kHz codecs of telephony: mu-law and A-law, one byte per sample (ITU-T G.711).

All 256 codes and all 65,536 samples are tables, so that a conversion is one look-up.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TELEPHONY_SAMPLE_RATE = 8_000  # Hz

Law = Literal["mu", "a"]

_BIAS = 132  # of mu-law
_LOUDEST = 0x1FFF  # of mu-law, with the bias: louder samples are clipped


def decode_g711(data: bytes | bytearray | memoryview, law: Law) -> bytes:
    """Return G.711 as s16le mono PCM of the same rate."""
    import numpy as np

    return bytes(_samples_of_codes(law)[np.frombuffer(data, np.uint8)].data)


def encode_g711(pcm: bytes | bytearray | memoryview, law: Law) -> bytes:
    """Return s16le mono PCM as G.711 of the same rate. An odd last byte is ignored."""
    import numpy as np

    samples = np.frombuffer(pcm, "<u2", len(pcm) // 2)
    return bytes(_codes_of_samples(law)[samples].data)


@cache
def _samples_of_codes(law: Law) -> NDArray[np.int16]:
    """Return the sample of each code."""
    import numpy as np

    codes = np.arange(256)
    return (_expand_mu(codes) if law == "mu" else _expand_a(codes)).astype("<i2")


@cache
def _codes_of_samples(law: Law) -> NDArray[np.uint8]:
    """Return the code of each sample, at the index of its 16 bits."""
    import numpy as np

    samples = np.arange(65_536).astype(np.uint16).view(np.int16).astype(np.int32)
    compress: Callable[[NDArray[np.int32]], NDArray[np.int32]] = _compress_mu if law == "mu" else _compress_a
    return compress(samples).astype(np.uint8)


def _expand_mu(codes: NDArray[np.int_]) -> NDArray[np.int_]:
    import numpy as np

    inverted = ~codes & 0xFF
    magnitude = (((inverted & 0x0F) << 3) + _BIAS << (inverted >> 4 & 7)) - _BIAS
    return np.where(inverted & 0x80, -magnitude, magnitude)


def _compress_mu(samples: NDArray[np.int32]) -> NDArray[np.int32]:
    import numpy as np

    magnitude = np.minimum((_magnitude(samples) >> 2) + (_BIAS >> 2), _LOUDEST)  # 14 bits
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 5
    sign = np.where(samples < 0, 0x80, 0)
    codes: NDArray[np.int32] = ~(sign | exponent << 4 | magnitude >> exponent + 1 & 0x0F) & 0xFF
    return codes


def _expand_a(codes: NDArray[np.int_]) -> NDArray[np.int_]:
    import numpy as np

    toggled = codes ^ 0x55
    exponent, mantissa = toggled >> 4 & 7, (toggled & 0x0F) << 4
    magnitude = np.where(exponent, (mantissa + 0x108) << np.maximum(exponent - 1, 0), mantissa + 8)
    return np.where(toggled & 0x80, magnitude, -magnitude)


def _compress_a(samples: NDArray[np.int32]) -> NDArray[np.int32]:
    import numpy as np

    magnitude = _magnitude(samples) >> 3  # 13 bits with the sign
    exponent = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int32) - 4, 0)
    mantissa = magnitude >> np.maximum(exponent, 1) & 0x0F
    sign = np.where(samples < 0, 0, 0x80)
    codes: NDArray[np.int32] = (sign | exponent << 4 | mantissa) ^ 0x55
    return codes


def _magnitude(samples: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the magnitude of samples: of negative ones the complement, as in ITU-T G.191."""
    return samples ^ (samples >> 31)
