"""What is heard in calls: turns of known speech, unknown speech in known voices, and the CPU time of both.

A call has five utterances of four voices, at changing loudness with pauses between them, and comes as PCM or G.711. Its
turns are found by ``server_vad``.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmarks.report import Row
from mockserver.audio.resampling import resampled
from mockserver.audio.telephony import encode_g711
from mockserver.catalog.tables import Catalog
from mockserver.engines.espeak.speaker import Pyttsx3Speaker
from mockserver.engines.excerpts.known import KnownSpeech
from mockserver.engines.fixtures import FixtureTranscriber
from mockserver.engines.speech import SPEECH_SAMPLE_RATE, Utterance
from mockserver.engines.spoken import Spoken, SpokenMemory
from mockserver.engines.transcription import Word
from mockserver.engines.turn_detection.audio_input import AudioInput
from mockserver.engines.turn_detection.server_vad import ServerVad
from mockserver.engines.turn_detection.turns import SpeechStarted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from benchmarks.report import Options
    from mockserver.engines.turn_detection.audio_input import Codec

    Samples = NDArray[np.int16]

_VOICES = ("alloy", "marin", "sage", "echo")
_CALLS = 80  # of each format and silence
_TEXTS = (
    *("Yes.", "No.", "Hello.", "Okay.", "Thank you.", "Stop!", "Two.", "Ten.", "Tomorrow at nine."),
    *(
        f"Book a table for {number} at {hour}, please."
        for number in ("two", "ten", "three", "four")
        for hour in ("six", "seven", "eleven")
    ),
    "What is the weather in Paris?",
    "What is the weather in Berlin today?",
    "Yes, please book it.",
    "My order number is four five nine two.",
    "My order number is four five nine three.",
    "I would like to cancel my subscription.",
    "I would like to change my subscription.",
    "Hello, my name is Anna, and I am calling about the invoice that I received yesterday.",
    "Transfer fifty dollars to my savings account.",
    "Transfer fifteen dollars to my savings account.",
    "I'm sorry, I did not catch that. Could you say it once more?",
    "It is sunny and warm in Paris today, with a light wind from the west.",
    "Guten Tag, ich möchte einen Termin vereinbaren.",
    "Wait, stop, that is wrong.",
)


class _Utterance(NamedTuple):
    text: str
    spoken: Spoken
    samples: Samples

    def remember(self, memory: SpokenMemory) -> None:
        key = f"{id(self)}"
        memory.remember(self.spoken, sha256=key, pcm_sha256=f"pcm {key}", pcm=self.samples.tobytes())


def run(options: Options) -> Iterator[Row]:
    """Measure known speech first, then unknown speech."""
    voices = [_speech(voice) for voice in _VOICES]
    said = [utterance for voice in voices for utterance in voice]
    known = _known(said)
    for codec in ("audio/pcm", "audio/pcmu", "audio/pcma"):
        yield from _calls(known, said, codec)
    wrong = [found for voice in voices for found in _guesses(voice)]
    note = f"{len(said)} utterances: " + "; ".join(f"{one!r} for {other!r}" for other, one in wrong)
    yield Row("unknown speech of a known voice with wrong words", "", len(wrong), len(said), 0.02, note)


def _speech(name: str) -> list[_Utterance]:
    """Return the texts as a voice says them."""
    voice = Catalog().voice(name)
    assert voice is not None
    speaker, found = Pyttsx3Speaker(), []
    try:
        for text in _TEXTS:
            chunks = list(speaker.speak(Utterance(text, voice)))
            samples = np.frombuffer(b"".join(chunk.pcm for chunk in chunks), "<i2")
            words = tuple(Word(word.text, word.start, word.end) for chunk in chunks for word in chunk.words)
            spoken = Spoken(words, "en", len(samples) / SPEECH_SAMPLE_RATE)
            found.append(_Utterance(text, spoken, samples))
    finally:
        speaker.close()
    return found


def _known(said: list[_Utterance]) -> KnownSpeech:
    memory = SpokenMemory(len(said))
    known = KnownSpeech(FixtureTranscriber(()), memory)
    for utterance in said:
        utterance.remember(memory)
        known.find(utterance.samples[:100], SPEECH_SAMPLE_RATE)  # so that its samples are not dropped
    return known


def _calls(known: KnownSpeech, said: list[_Utterance], codec: Codec) -> Iterator[Row]:
    rng = random.Random(1)
    inexact = seconds = detecting = finding = 0.0
    for number in range(2 * _CALLS):
        call = [rng.choice(said) for _ in range(5)]
        samples = np.concatenate(
            [_softer(utterance, rng) for utterance in call] + [np.zeros(30_000, np.int16)]
        )
        seconds += len(samples) / SPEECH_SAMPLE_RATE
        began = time.process_time()
        turns = _turns(samples, codec, silence_ms=200 if number % 2 else 500)
        detecting += time.process_time() - began
        began = time.process_time()
        found = [known.find(np.frombuffer(pcm, "<i2"), rate) for pcm, rate in turns]
        finding += time.process_time() - began
        words = " ".join("?" if excerpt is None else excerpt.text for excerpt in found)
        inexact += words != " ".join(utterance.text for utterance in call)
    note = f"of five utterances each, {seconds / 60:.0f} minutes of audio"
    yield Row(f"{codec}: calls with a word too few or wrong", "", inexact, 2 * _CALLS, 0.02, note)
    yield Row(f"{codec}: CPU time of turn detection", "s", detecting, seconds, 0.01)
    yield Row(f"{codec}: CPU time of finding words", "s", finding, seconds, 0.02)


def _softer(utterance: _Utterance, rng: random.Random) -> Samples:
    """Return an utterance after a pause, at one of three loudnesses."""
    softer = (utterance.samples * rng.choice([1.0, 0.5, 0.2])).astype(np.int16)
    return np.pad(softer, (rng.randrange(3_000, 30_000), 0))


def _turns(samples: Samples, codec: Codec, silence_ms: int) -> list[tuple[bytes, int]]:
    """Return the PCM of the turns of a call, and its rate."""
    data = samples.tobytes()
    if codec != "audio/pcm":
        slower = np.clip(resampled(samples, SPEECH_SAMPLE_RATE, 8_000), -1, 1) * 32_767
        data = encode_g711(slower.astype("<i2").tobytes(), "mu" if codec == "audio/pcmu" else "a")
    audio, vad, start_ms = AudioInput(codec), ServerVad(silence_duration_ms=silence_ms), 0
    turns = []
    for window in audio.append(data):
        turn = vad.hear(window)
        if isinstance(turn, SpeechStarted):
            start_ms = turn.at_ms
        elif turn is not None:
            turns.append((audio.cut(start_ms, window.end_ms), audio.rate))
    return turns


def _guesses(voice: list[_Utterance]) -> Iterator[tuple[str, str]]:
    """Yield utterances that are not known, with the other words that were found for them."""
    for number, utterance in enumerate(voice):
        known = _known(voice[:number] + voice[number + 1 :])
        found = known.find(np.pad(utterance.samples, 7_000), SPEECH_SAMPLE_RATE)
        if found is not None and _letters(found.text) != _letters(utterance.text):
            yield utterance.text, found.text


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))
