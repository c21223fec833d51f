"""Speech on its way through a telephone, a bad line, or a client that resamples, for tests of excerpts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO

import av
import numpy as np
from numpy.typing import NDArray

from mockserver.audio.decode import pcm_pieces
from mockserver.audio.resampling import resampled
from mockserver.audio.telephony import Law, decode_g711, encode_g711

RATE = 24_000
Samples = NDArray[np.int16]
Heard = tuple[Samples, int]  # samples and their rate


def padded(speech: Samples, before: float = 0.317, after: float = 0.25) -> Samples:
    """Return speech with seconds of silence around it, as turn detection cuts it."""
    return np.pad(speech, (round(before * RATE), round(after * RATE)))


def at_rate(speech: Samples, rate: int) -> Samples:
    return np.round(np.clip(resampled(speech, RATE, rate), -1, 1) * 32_767).astype(np.int16)


def _telephone(law: Law) -> Callable[[Samples], Heard]:
    def call(speech: Samples) -> Heard:
        coded = encode_g711(at_rate(speech, 8_000).tobytes(), law)
        return np.frombuffer(decode_g711(coded, law), "<i2"), 8_000

    return call


def _louder(factor: float) -> Callable[[Samples], Heard]:
    return lambda speech: (np.clip(speech * factor, -32_768, 32_767).astype(np.int16), RATE)


def _opus(speech: Samples) -> Heard:
    file = BytesIO()
    with av.open(file, "w", format="ogg") as container:
        stream = container.add_stream("libopus", 48_000)
        assert isinstance(stream, av.AudioStream)
        stream.layout, stream.bit_rate = "mono", 24_000
        frame = av.AudioFrame.from_ndarray(speech.reshape(1, -1), "s16", "mono")
        frame.sample_rate = RATE
        resampler = av.AudioResampler("s16", "mono", 48_000)
        for resampled_frame in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(resampled_frame))
        container.mux(stream.encode(None))
    return np.frombuffer(b"".join(pcm_pieces(file.getvalue(), RATE, 60)), "<i2"), RATE


def _noisy(speech: Samples) -> Heard:
    loudness = float(np.sqrt(np.mean(np.square(speech.astype(float)))))
    noise = np.random.default_rng(4).normal(0, loudness * 10 ** (-30 / 20), len(speech))
    return np.clip(speech + noise, -32_768, 32_767).astype(np.int16), RATE


WAYS: Mapping[str, Callable[[Samples], Heard]] = {
    "as it is": lambda speech: (speech, RATE),
    "16 kHz": lambda speech: (at_rate(speech, 16_000), 16_000),
    "mu-law": _telephone("mu"),
    "A-law": _telephone("a"),
    "soft": _louder(0.1),
    "too loud": _louder(2.5),
    "Opus": _opus,
    "noise of -30 dB": _noisy,
}
