"""Speaks for training: the server's own voices, with the exact times of phonemes and words.

The very library, voices, parameters and resamplers that the server speaks with, but within this process and
without pyttsx3, which knows nothing of phonemes.
"""

from __future__ import annotations

import ctypes
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mockserver.audio.decode import RECOGNISER_SAMPLE_RATE
from mockserver.catalog.tables import Catalog
from mockserver.engines.espeak.delivery import FASTEST_RATE, SLOWEST_RATE, USUAL_RATE
from mockserver.engines.espeak.driver import short_data_path
from mockserver.engines.espeak.helper import SAMPLE_RATE
from mockserver.engines.espeak.rendering import Rendering
from mockserver.engines.espeak.words import WordTimes
from mockserver.engines.speech import SPEECH_SAMPLE_RATE, SpokenWord

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Of speak_lib.h:
_SYNCHRONOUS = 2
_PHONEME_EVENTS, _DONT_EXIT = 0x0001, 0x8000
_RATE, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4
_POSITION_CHARACTER = 1
_UTF8, _END_PAUSE = 1, 0x1000
_LIST_TERMINATED, _WORD, _PHONEME = 0, 1, 7
_BUFFER_MS = 1000


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("name", ctypes.c_char * 8),  # a union; of phonemes, their name
    )


_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(frozen=True, slots=True)
class Manner:
    """A way to speak: one of the server's voices, ``speed`` as in the API, a shift of pitch."""

    voice: str
    speed: float = 1.0
    pitch_shift: int = 0


@dataclass(frozen=True, slots=True)
class Speech:
    """Spoken text: int16[samples] at 16 kHz, the words and the phonemes (name, start in seconds)."""

    samples: NDArray[np.int16]
    words: tuple[SpokenWord, ...]
    phonemes: tuple[tuple[str, float], ...]


def random_manner(rng: random.Random) -> Manner:
    """Return a manner for training: any voice, most speeds near 1, sometimes a shifted pitch."""
    speed = rng.triangular(0.7, 1.6, 1.0) if rng.random() < 0.7 else rng.uniform(0.7, 1.65)
    return Manner(rng.choice(voice_names()), speed, rng.randint(-8, 8) if rng.random() < 0.3 else 0)


@cache
def voice_names() -> tuple[str, ...]:
    """Return the names of the server's voices."""
    return tuple(_voices())


def speak(text: str, manner: Manner) -> Speech:
    """Speak ``text``. The noise in breathy voices differs from call to call, as espeak-ng keeps its state."""
    voice = _voices()[manner.voice]
    pcm, events = _Espeak.get().synthesize(
        text,
        f"{voice.base}+{voice.variant}",
        min(max(round(USUAL_RATE * manner.speed), SLOWEST_RATE), FASTEST_RATE),
        min(max(voice.pitch + manner.pitch_shift, 0), 100),
        voice.gain,
    )
    rendering = Rendering(1.0)
    delivered = np.frombuffer(rendering.feed(pcm) + rendering.finish(), "<i2")
    times = WordTimes(text)
    words: tuple[SpokenWord, ...] = ()
    phonemes = []
    for kind, sample, detail in events:
        if kind == _WORD:
            words += times.begin(detail, rendering.time_of(sample))
        else:
            phonemes.append((detail, rendering.time_of(sample)))
    words += times.finish(rendering.duration)
    return Speech(_resample(delivered, SPEECH_SAMPLE_RATE), words, tuple(phonemes))


@cache
def _voices() -> dict[str, Any]:
    return {voice.name: voice for voice in Catalog().voices}


def _resample(samples: NDArray[np.int16], rate: int) -> NDArray[np.int16]:
    """Resample as the server does with an upload: mono s16 at 16 kHz."""
    import av

    resampler = av.AudioResampler("s16", "mono", RECOGNISER_SAMPLE_RATE)
    frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
    frame.sample_rate = rate
    parts = [piece.to_ndarray()[0] for end in (frame, None) for piece in resampler.resample(end)]
    return np.concatenate(parts)


class _Espeak:
    """The espeak-ng library, of which a process has one instance."""

    _instance: _Espeak | None = None

    @classmethod
    def get(cls) -> _Espeak:
        cls._instance = cls._instance or cls()
        return cls._instance

    def __init__(self) -> None:
        import espeakng_loader

        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = short_data_path(Path(espeakng_loader.get_data_path()))
        rate = self._library.espeak_Initialize(
            _SYNCHRONOUS, _BUFFER_MS, str(data).encode(), _PHONEME_EVENTS | _DONT_EXIT
        )
        assert rate == SAMPLE_RATE, "espeak-ng could not be initialised"
        self._pcm: list[bytes] = []
        self._events: list[tuple[int, int, Any]] = []
        self._callback = _CALLBACK(self._on_synth)
        self._library.espeak_SetSynthCallback(self._callback)

    def synthesize(
        self, text: str, voice: str, rate: int, pitch: int, gain: float
    ) -> tuple[bytes, list[tuple[int, int, Any]]]:
        """Return the PCM (s16le at 22,050 Hz) and the events: kind, sample, position in the text or name."""
        library = self._library
        self._pcm, self._events = [], []
        if library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"no such voice: {voice}")
        for parameter, value in ((_RATE, rate), (_PITCH, pitch), (_RANGE, 50), (_VOLUME, round(gain * 100))):
            library.espeak_SetParameter(parameter, value, 0)
        data = text.encode()
        library.espeak_Synth(
            data, ctypes.c_size_t(len(data) + 1), 0, _POSITION_CHARACTER, 0, _UTF8 | _END_PAUSE, None, None
        )
        return b"".join(self._pcm), self._events

    def _on_synth(self, wav: Any, count: int, events: Any) -> int:
        for event in _until_terminator(events):
            if event.type == _WORD and event.length > 0:
                self._events.append((_WORD, event.sample, event.text_position - 1))
            elif event.type == _PHONEME:
                self._events.append((_PHONEME, event.sample, event.name.decode("utf-8", "replace")))
        if count > 0:
            self._pcm.append(ctypes.string_at(wav, count * 2))
        return 0


def _until_terminator(events: Any) -> Iterator[Any]:
    index = 0
    while events[index].type != _LIST_TERMINATED:
        yield events[index]
        index += 1
