import numpy as np
import pytest
from numpy.typing import NDArray

from mockserver.audio.resampling import Resampler, resampled

RATES = [(24_000, 16_000), (8_000, 16_000), (24_000, 8_000), (16_000, 8_000), (8_000, 24_000)]
LOUD = 16_000


def tone(rate: int, hertz: float, seconds: float = 1.0) -> NDArray[np.int16]:
    times = np.arange(round(rate * seconds)) / rate
    return np.round(LOUD * np.sin(2 * np.pi * hertz * times)).astype(np.int16)


def loudness(samples: NDArray[np.float32]) -> float:
    """Return the loudness of the middle in dB, compared with a loud tone."""
    middle = samples[len(samples) // 4 : -len(samples) // 4]
    return float(10 * np.log10(np.mean(np.square(middle)) / (LOUD / 32_768) ** 2 * 2 + 1e-12))


@pytest.mark.parametrize(("rate", "wanted"), RATES)
def test_speech_stays_the_same_without_delay(rate: int, wanted: int) -> None:
    made = resampled(tone(rate, 440), rate, wanted)
    times = np.arange(len(made)) / wanted
    expected = LOUD / 32_768 * np.sin(2 * np.pi * 440 * times)
    assert len(made) == wanted
    assert np.abs(made - expected)[100:-100].max() < 2e-4


@pytest.mark.parametrize(("rate", "wanted"), RATES)
def test_tones_that_the_lower_rate_cannot_carry_disappear(rate: int, wanted: int) -> None:
    hertz = 0.6 * min(rate, wanted)
    if hertz < rate / 2:
        assert loudness(resampled(tone(rate, hertz), rate, wanted)) < -70
    below = 0.35 * min(rate, wanted)
    assert abs(loudness(resampled(tone(rate, below), rate, wanted))) < 0.1


def test_the_division_into_blocks_changes_no_bit() -> None:
    samples = np.random.default_rng(1).integers(-32_768, 32_767, 3 * 5_000).astype(np.int16)
    whole = Resampler(2, 3).resample(samples)
    resampler = Resampler(2, 3)
    pieces = [resampler.resample(piece) for piece in np.split(samples, [3, 300, 768, 9_000])]
    assert np.concatenate(pieces).tobytes() == whole.tobytes()


def test_nothing_becomes_nothing() -> None:
    assert len(resampled(np.zeros(0, np.int16), 24_000, 8_000)) == 0
    assert resampled(np.array([16_384], np.int16), 8_000, 8_000).tolist() == [0.5]
