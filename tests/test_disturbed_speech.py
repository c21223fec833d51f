"""The embedded Whisper transcribes speech of the server that went through codecs, noise and cuts."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from typing import Any

import av
import numpy as np
import openai
import pytest
from numpy.typing import NDArray

from mockserver.audio.encode import write_wav
from mockserver.testing.mock_server import MockServer

pytestmark = pytest.mark.slow

Samples = NDArray[np.int16]
Upload = tuple[str, bytes]

RATE = 24_000  # Hz, of the speech
SAYINGS = {
    "alloy": "Please call me back tomorrow at nine.",
    "ash": "My order has not arrived yet.",
    "coral": "Good morning, how are you today?",
    "echo": "Thank you for your help.",
    "nova": "Where is the next train station?",
    "onyx": "Can you help me with this letter?",
    "sage": "The weather is nice and warm today.",
    "verse": "Let us begin again on Monday morning.",
}
MAX_ERRORS = 5  # of the 51 words


@pytest.fixture(scope="module")
def sdk(whisper_server: MockServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=whisper_server.base_url, api_key="sk-mock-me", max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def spoken(sdk: openai.OpenAI) -> dict[str, Samples]:
    """Return the sentences as the server speaks them."""
    return {text: say(sdk, voice, text) for voice, text in SAYINGS.items()}


def say(sdk: openai.OpenAI, voice: str, text: str) -> Samples:
    speech = sdk.audio.speech.create(model="gpt-4o-mini-tts", voice=voice, input=text, response_format="pcm")
    return np.frombuffer(speech.content, "<i2")


def hear(sdk: openai.OpenAI, upload: Upload) -> str:
    """Return the transcript that Whisper makes of a file."""
    raw = sdk.audio.transcriptions.with_raw_response.create(model="whisper-1", file=upload)
    assert raw.headers["x-mock-answered-by"] == "whisper; model=embedded"
    return raw.parse().text


def word_errors(said: str, heard: str) -> int:
    """Return how many words must be inserted, deleted or replaced to turn one text into the other."""
    wanted, found = (re.findall(r"[a-z']+", text.lower()) for text in (said, heard))
    row = list(range(len(found) + 1))
    for number, word in enumerate(wanted, 1):
        before, row[0] = row[0], number
        for place, other in enumerate(found, 1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (word != other))
    return row[-1]


def wav(samples: NDArray[Any]) -> Upload:
    return "speech.wav", write_wav(samples.astype("<i2").tobytes(), RATE)


def encoded(samples: Samples, name: str, codec: str, rate: int, bit_rate: int) -> Upload:
    """Return the file ``name`` of that codec, sample rate (Hz) and bit rate (bit/s)."""
    frame = av.AudioFrame.from_ndarray(samples[None], "s16", "mono")
    frame.sample_rate = RATE
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=name.rpartition(".")[2]) as file:
        stream = file.add_stream(codec, rate=rate, layout="mono", bit_rate=bit_rate)
        assert isinstance(stream, av.AudioStream)
        for each in (frame, None):
            file.mux(stream.encode(each))
    return name, buffer.getvalue()


def as_mp3(samples: Samples) -> Upload:
    return encoded(samples, "speech.mp3", "libmp3lame", RATE, 48_000)


def as_opus(samples: Samples) -> Upload:
    return encoded(samples, "speech.ogg", "libopus", 48_000, 24_000)


def over_the_telephone(samples: Samples) -> Upload:
    return encoded(samples, "speech.wav", "pcm_mulaw", 8_000, 64_000)


def in_noise(samples: Samples) -> Upload:
    """Add white noise, 20 dB below the speech."""
    noise = np.random.default_rng(7).standard_normal(len(samples))
    return wav((samples + noise * 0.1 * np.sqrt(np.mean(samples.astype(float) ** 2))).clip(-32_768, 32_767))


def from_afar(samples: Samples) -> Upload:
    """Lower the level by 12 dB."""
    return wav(samples * 10 ** (-12 / 20))


def trimmed(samples: Samples) -> Upload:
    """Cut off the silence at both ends."""
    loud = np.flatnonzero(abs(samples.astype(int)) > 50)
    return wav(samples[loud[0] : loud[-1]])


@pytest.mark.parametrize("disturb", [as_mp3, as_opus, over_the_telephone, in_noise, from_afar, trimmed])
def test_speech_is_heard_whatever_it_went_through(
    sdk: openai.OpenAI, spoken: dict[str, Samples], disturb: Callable[[Samples], Upload]
) -> None:
    heard = {said: hear(sdk, disturb(samples)) for said, samples in spoken.items()}
    assert sum(word_errors(said, text) for said, text in heard.items()) <= MAX_ERRORS, heard


@pytest.mark.parametrize("level", [-60, -30, -12])  # dB
@pytest.mark.parametrize("seconds", [1, 12, 40])
def test_noise_is_no_text(sdk: openai.OpenAI, level: int, seconds: int) -> None:
    noise = np.random.default_rng(seconds).standard_normal(seconds * RATE)
    assert hear(sdk, wav((32_767 * 10 ** (level / 20) * noise).clip(-32_768, 32_767))) == ""


@pytest.mark.parametrize("seconds", [1, 12, 40])
def test_silence_is_no_text(sdk: openai.OpenAI, seconds: int) -> None:
    assert hear(sdk, wav(np.zeros(seconds * RATE, np.int16))) == ""


def test_errors_are_counted() -> None:
    assert word_errors("Good morning, how are you?", "good morning how ARE you") == 0
    assert word_errors("Good morning, how are you?", "Morning, our are you there?") == 3
