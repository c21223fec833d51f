"""The clips that the benchmarks send: speech of the project's own speaker."""

from __future__ import annotations

import json
from pathlib import Path

from mockserver.audio.encode import write_wav
from mockserver.catalog.tables import Catalog
from mockserver.engines.espeak.speaker import Pyttsx3Speaker
from mockserver.engines.speech import SPEECH_SAMPLE_RATE, Utterance

PASSAGE = (
    "The quick brown fox jumps over the lazy dog. Good morning, how are you today? "
    "Please call me back tomorrow at nine. The weather is nice and the sun is shining. "
    "My order has not arrived yet, and I would like to know where it is. "
    "Thank you for your help, and have a nice day."
)
_WAV_HEADER_BYTES = 44


def spoken(text: str) -> bytes:
    """Return the spoken text as a WAV file (s16le mono, 24 kHz)."""
    voice = Catalog().voice("alloy")
    assert voice is not None
    speaker = Pyttsx3Speaker()
    try:
        pcm = b"".join(chunk.pcm for chunk in speaker.speak(Utterance(text, voice)))
    finally:
        speaker.close()
    return write_wav(pcm, SPEECH_SAMPLE_RATE)


def seconds_of(clip: bytes) -> float:
    """Return the duration of such a WAV file."""
    return (len(clip) - _WAV_HEADER_BYTES) / (2 * SPEECH_SAMPLE_RATE)


def spoken_bytes(size: int) -> bytes:
    """Return a WAV file of ``size`` bytes (an even number): the passage, repeated."""
    pcm = spoken(PASSAGE)[_WAV_HEADER_BYTES:]
    wanted = size - _WAV_HEADER_BYTES
    return write_wav((pcm * (wanted // len(pcm) + 1))[:wanted], SPEECH_SAMPLE_RATE)


def write_fixture(folder: Path, clip: bytes, text: str) -> None:
    """Make ``clip`` a fixture of ``folder``."""
    (folder / "clip.wav").write_bytes(clip)
    (folder / "clip.json").write_text(json.dumps({"text": text}), "utf-8")
