"""Disturbances of a recording, and sounds without speech. Sound is float32[samples] at 16 kHz."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

import numpy as np

from mockserver.audio.decode import decode
from mockserver.engines.speech import SPEECH_SAMPLE_RATE
from tools.whisper_training.features import SAMPLE_RATE

if TYPE_CHECKING:
    from av import AudioStream
    from numpy.typing import NDArray

    Sound = NDArray[np.float32]

LEVELS = (-60, -40, -20, -10)  # dB below full scale
DURATIONS = (0.5, 2, 10, 40)  # seconds


def _coded(sound: Sound, container: str, codec: str, rate: int, bit_rate: int) -> Sound:
    """Encode and decode with a codec, from and to 16 kHz."""
    import av

    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream = cast("AudioStream", file.add_stream(codec, rate=rate, layout="mono"))
        stream.bit_rate = bit_rate
        pcm = np.clip(sound * 32768, -32768, 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        resampler = av.AudioResampler(stream.format, "mono", rate, frame_size=stream.frame_size or None)
        for piece in (frame, None):
            for ready in resampler.resample(piece):
                file.mux(stream.encode(ready))
        file.mux(stream.encode(None))
    heard = decode(out.getvalue(), keep_seconds=3600, max_seconds=3600).samples
    assert heard is not None
    return heard


def _noisy(sound: Sound) -> Sound:
    """Add white noise, 20 dB below the speech."""
    noise = np.random.default_rng(len(sound)).standard_normal(len(sound))
    return np.clip(sound + noise * 0.1 * np.sqrt(np.mean(sound**2)), -1, 1)


def _amplified(sound: Sound, decibels: float) -> Sound:
    return np.clip(sound * 10 ** (decibels / 20), -1, 1)


def _trimmed(sound: Sound) -> Sound:
    """Cut off the silence at both ends."""
    loud = np.flatnonzero(np.abs(sound) > 0.02 * np.abs(sound).max())
    return sound[loud[0] : loud[-1] + 1]


def _played(sound: Sound, factor: float) -> Sound:
    """Play faster by ``factor``, and so higher in pitch."""
    times = np.arange(round(len(sound) / factor)) * factor
    return np.interp(times, np.arange(len(sound)), sound)


DISTURBANCES: dict[str, Callable[[Sound], Sound]] = {
    "mp3, 48 kbit/s": partial(
        _coded, container="mp3", codec="libmp3lame", rate=SPEECH_SAMPLE_RATE, bit_rate=48_000
    ),
    "opus, 24 kbit/s": partial(
        _coded, container="ogg", codec="libopus", rate=SPEECH_SAMPLE_RATE, bit_rate=24_000
    ),
    "8 kHz telephone": partial(_coded, container="wav", codec="pcm_mulaw", rate=8_000, bit_rate=64_000),
    "20 dB noise": _noisy,
    "+3 dB": partial(_amplified, decibels=3),
    "-12 dB": partial(_amplified, decibels=-12),
    "11.025 kHz": partial(_coded, container="wav", codec="pcm_s16le", rate=11_025, bit_rate=176_400),
    "silence trimmed at both ends": _trimmed,
    "played 10 % faster": partial(_played, factor=1.1),
    "played 10 % slower": partial(_played, factor=0.9),
}


def speechless(seed: int, tones: int) -> Iterator[tuple[str, Sound]]:
    """Return silence, noises and some tones, each with its name."""
    rng = np.random.default_rng(seed)
    for seconds in DURATIONS:
        length = round(seconds * SAMPLE_RATE)
        yield f"silence, {seconds} s", np.zeros(length, np.float32)
        for level in LEVELS:
            white = rng.standard_normal(length)
            brown = np.cumsum(white)
            brown = brown - np.convolve(brown, np.ones(801) / 801, "same") if length > 801 else brown
            yield f"white noise, {level} dB, {seconds} s", _at_level(white, level)
            yield f"brown noise, {level} dB, {seconds} s", _at_level(brown, level)
    for _ in range(tones):
        duration, loudness = rng.choice(DURATIONS), rng.choice(LEVELS)
        times = np.arange(round(duration * SAMPLE_RATE)) / SAMPLE_RATE
        pitches = np.exp(rng.uniform(np.log(80), np.log(7000), rng.choice([1, 1, 1, 2, 3]))).round()
        glide = rng.choice([0, 0, 0, 0.02])
        sound = sum(np.sin(2 * np.pi * pitch * times * (1 + glide * times)) for pitch in pitches)
        name = " and ".join(f"{pitch:.0f} Hz" for pitch in pitches) + (", gliding" if glide else "")
        yield f"{name}, {loudness} dB, {duration} s", _at_level(np.asarray(sound), float(loudness))


def _at_level(sound: NDArray[np.float64], level: float) -> Sound:
    loudness = float(np.sqrt(np.mean(sound**2))) or 1.0
    return np.clip(sound * (10 ** (level / 20) / loudness), -1, 1).astype(np.float32)
