"""Audio of media, which are 16-bit samples at 24 kHz, in the formats of a session, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.audio.resampling import Resampler
from mockserver.audio.telephony import Law, decode_g711, encode_g711

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RATE = 24_000  # of media, samples a second

_PCM = "audio/pcm"
_LAWS: dict[str, Law] = {"audio/pcmu": "mu", "audio/pcma": "a"}
_FACTOR = 3  # of the rate of media and that of G.711
_FULL_SCALE = 32_768


class Encoder:
    """Makes audio in the format of a session's input."""

    def __init__(self) -> None:
        self._resampler: Resampler | None = None
        self._rest = b""

    def encoded(self, pcm: bytes, kind: str) -> bytes:
        """Return samples in a format."""
        if kind == _PCM:
            return bytes(pcm)
        import numpy as np

        self._resampler = self._resampler or Resampler(1, _FACTOR)
        pcm = self._rest + pcm
        size = len(pcm) // (2 * _FACTOR) * 2 * _FACTOR
        self._rest = pcm[size:]
        if not size:
            return b""
        return encode_g711(_samples(self._resampler.resample(np.frombuffer(pcm[:size], "<i2"))), _LAWS[kind])


class Decoder:
    """Makes samples of audio in the format of a session's output."""

    def __init__(self) -> None:
        self._resampler: Resampler | None = None

    def samples(self, audio: bytes, kind: str) -> bytes:
        """Return the samples of audio in a format."""
        if kind == _PCM:
            return audio
        import numpy as np

        self._resampler = self._resampler or Resampler(_FACTOR, 1)
        return _samples(self._resampler.resample(np.frombuffer(decode_g711(audio, _LAWS[kind]), "<i2")))


def _samples(signal: NDArray[np.float32]) -> bytes:
    """Return a signal, from -1 to 1, as 16-bit samples."""
    import numpy as np

    scaled = np.clip(np.round(signal * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1)
    return bytes(scaled.astype("<i2").data)
