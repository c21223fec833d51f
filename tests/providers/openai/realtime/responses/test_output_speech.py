"""The speech of a response, taken piece by piece."""

from __future__ import annotations

import math
import struct
from collections.abc import Generator

import pytest

from mockserver.audio.telephony import Law, decode_g711
from mockserver.engines.speech import SpeechChunk, SpokenWord
from mockserver.engines.spoken import SpokenMemory
from mockserver.providers.openai.realtime.configuration.parts import AudioFormat
from mockserver.providers.openai.realtime.responses.output_speech import OutputSpeech
from mockserver.providers.openai.realtime.sounds import Sounds

PCM = AudioFormat("audio/pcm", 24_000)


def tone(ms: int) -> bytes:
    """Return a tone of 440 Hz at 24 kHz."""
    samples = [round(8000 * math.sin(2 * math.pi * 440 * n / 24_000)) for n in range(24 * ms)]
    return struct.pack(f"<{len(samples)}h", *samples)


def chunks(pcm: bytes, size: int) -> Generator[SpeechChunk]:
    for start in range(0, len(pcm), size):
        yield SpeechChunk(pcm[start : start + size])


def taken(speech: OutputSpeech, ms: float) -> list[bytes]:
    pieces = []
    while not speech.is_ended():
        pieces.append(speech.take(ms))
    return pieces


@pytest.mark.parametrize("size", [2, 4802, 1_000_000])
def test_pcm_comes_as_it_is_in_equal_pieces(size: int) -> None:
    pcm = tone(620)
    speech = OutputSpeech(chunks(pcm, size), PCM)
    pieces = taken(speech, 250)
    assert b"".join(pieces) == pcm
    assert [len(piece) for piece in pieces] == [12_000, 12_000, 5_760]
    assert speech.ms == 620


@pytest.mark.parametrize(("kind", "law"), [("audio/pcmu", "mu"), ("audio/pcma", "a")])
def test_g711_has_the_same_duration_and_sound_however_it_is_made(kind: str, law: Law) -> None:
    telephone = AudioFormat(kind, 8_000)  # type: ignore[arg-type]
    results = {
        b"".join(taken(OutputSpeech(chunks(tone(620), size), telephone), 250)) for size in (2, 4802, 100_000)
    }
    (encoded,) = results
    assert len(encoded) == 8 * 620
    heard = struct.unpack(f"<{len(encoded)}h", decode_g711(encoded, law))
    wanted = [8000 * math.sin(2 * math.pi * 440 * n / 8_000) for n in range(len(heard))]
    middle = range(100, len(heard) - 100)
    assert max(abs(heard[n] - wanted[n]) for n in middle) < 400


def test_what_was_taken_is_kept_and_remembered() -> None:
    words = (SpokenWord("one", 0.0, 0.2), SpokenWord("two", 0.2, 0.5))
    speech = OutputSpeech(iter([SpeechChunk(tone(500), words)]), PCM)
    speech.take(250)
    memory = SpokenMemory(4)
    speech.remember(memory, "en")
    (kept,) = memory.sounds()
    assert [word.text for word in kept.spoken.words] == ["one"]
    assert (kept.pcm, kept.rate, kept.spoken.duration) == (tone(500)[:12_000], 24_000, 0.25)
    sound = speech.sound(Sounds())
    assert (sound.ms, sound.data(), sound.encoding) == (250, tone(500)[:12_000], "pcm16")


def test_closing_ends_the_synthesis() -> None:
    source = chunks(tone(500), 4800)
    speech = OutputSpeech(source, PCM)
    speech.take(100)
    speech.close()
    assert next(source, None) is None
