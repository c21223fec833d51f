"""Streams of audio for tests of turn detection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mockserver.audio.decode import pcm_pieces
from mockserver.audio.telephony import encode_g711
from mockserver.engines.turn_detection.audio_input import AudioInput, Codec
from mockserver.engines.turn_detection.turns import WINDOW_MS, Window

FIXTURES = Path(__file__).parents[3] / "fixtures"
SPEECH, SILENCE = 0.9, 0.0
CODECS: dict[Codec, Callable[[bytes], bytes]] = {
    "audio/pcm": lambda pcm: pcm,
    "audio/pcmu": lambda pcm: encode_g711(pcm, "mu"),
    "audio/pcma": lambda pcm: encode_g711(pcm, "a"),
}


def stream(name: str, codec: Codec, before: float = 1.0, after: float = 1.0) -> bytes:
    """Return a fixture in a format of the API, with some seconds of silence around it."""
    rate = 24_000 if codec == "audio/pcm" else 8_000
    speech = b"".join(pcm_pieces((FIXTURES / name).read_bytes(), rate, 60))
    return CODECS[codec](bytes(2 * round(before * rate)) + speech + bytes(2 * round(after * rate)))


def windows_of(data: bytes, codec: Codec, chunk: int, **options: Any) -> Iterator[Window]:
    """Yield the windows of a stream that comes in chunks of some bytes."""
    audio = AudioInput(codec, **options)
    for begin in range(0, len(data), chunk):
        yield from audio.append(data[begin : begin + chunk])


def windows(*runs: tuple[int, float]) -> Iterator[Window]:
    """Yield windows: runs of so many with a probability of speech."""
    end_ms = 0
    for count, probability in runs:
        for _ in range(count):
            end_ms += WINDOW_MS
            yield Window(end_ms, probability)


def turns(vad: Any, heard: Iterator[Window]) -> list[Any]:
    """Return what a detector of turns says of windows, without what is nothing."""
    return [turn for window in heard if (turn := vad.hear(window)) is not None]
