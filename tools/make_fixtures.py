"""Makes the clips under ``fixtures/`` with the server's own voices, and the transcripts that go with them.

    python tools/make_fixtures.py

The same versions of the speech engine give the same bytes; run it again when those change.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import asdict, replace

from mockserver.audio.clip import Clip
from mockserver.audio.encode import encode_speech, write_wav
from mockserver.catalog.tables import Catalog
from mockserver.engines.derive import segments_of_words
from mockserver.engines.espeak.speaker import Pyttsx3Speaker
from mockserver.engines.speech import SPEECH_SAMPLE_RATE, Utterance
from mockserver.engines.transcription import Segment, Word

FIXTURES = Path(__file__).parent.parent / "fixtures"
PAUSE = 0.35  # seconds between two turns of a conversation


@dataclass(frozen=True)
class Turn:
    """A speaker and a text."""

    voice: str
    text: str
    language: str | None = None


CLIPS: dict[str, tuple[Turn, ...]] = {
    "hello": (Turn("alloy", "Hello world, this is a test."),),
    "fox": (Turn("sage", "The quick brown fox jumps over the lazy dog."),),
    "support-call": (
        Turn("coral", "Thanks for calling our support line."),
        Turn("onyx", "Hello, I would like to know when my parcel arrives."),
        Turn("coral", "It will be with you tomorrow morning."),
        Turn("onyx", "Wonderful, thank you very much."),
    ),
    "bonjour": (Turn("shimmer", "Bonjour, comment allez-vous aujourd'hui?", "fr"),),
}
TRANSLATIONS = {"bonjour": "Hello, how are you today?"}
CONTAINERS = {"fox": "mp3"}


def main() -> None:
    """Write every clip and its transcript."""
    catalog = Catalog()
    speaker = Pyttsx3Speaker()
    try:
        for name, turns in CLIPS.items():
            write(name, *spoken(speaker, catalog, turns), turns[0].language or "en")
    finally:
        speaker.close()


def spoken(speaker: Pyttsx3Speaker, catalog: Catalog, turns: Iterable[Turn]) -> tuple[bytes, list[Segment]]:
    """Return the PCM of a conversation and its segments, with a speaker each if there are several."""
    pcm = bytearray()
    segments: list[Segment] = []
    voices = list(dict.fromkeys(turn.voice for turn in turns))
    for turn in turns:
        voice = catalog.voice(turn.voice)
        assert voice is not None
        offset = len(pcm) / (2 * SPEECH_SAMPLE_RATE)
        words = []
        for chunk in speaker.speak(Utterance(turn.text, voice, language=turn.language)):
            pcm += chunk.pcm
            words += [
                Word(word.text, _milliseconds(word.start + offset), _milliseconds(word.end + offset))
                for word in chunk.words
            ]
        speaker_label = chr(ord("A") + voices.index(turn.voice)) if len(voices) > 1 else None
        segments += [replace(segment, speaker=speaker_label) for segment in segments_of_words(tuple(words))]
        if len(voices) > 1:
            pcm += bytes(2 * round(PAUSE * SPEECH_SAMPLE_RATE))
    return bytes(pcm), segments


def _milliseconds(seconds: float) -> float:
    """Cut off the rest instead of rounding, so that no word ends after its clip."""
    return math.floor(seconds * 1000) / 1000


def write(name: str, pcm: bytes, segments: list[Segment], language: str) -> None:
    """Write the audio file and its fixture."""
    container = CONTAINERS.get(name, "wav")
    audio = (
        write_wav(pcm, SPEECH_SAMPLE_RATE, 1)
        if container == "wav"
        else b"".join(encode_speech(iter([pcm]), container))
    )
    (FIXTURES / f"{name}.{container}").write_bytes(audio)
    fixture: dict[str, object] = {
        "audio": f"{name}.{container}",
        "language": language,
        "text": " ".join(segment.text for segment in segments),
        "sha256": hashlib.sha256(audio).hexdigest(),
        "facts": asdict(Clip(audio, name, max_seconds=600.0).facts),
        "segments": [_row(segment) for segment in segments],
    }
    if name in TRANSLATIONS:
        fixture["translation"] = TRANSLATIONS[name]
    (FIXTURES / f"{name}.json").write_text(json.dumps(fixture, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _row(segment: Segment) -> dict[str, object]:
    row: dict[str, object] = {"text": segment.text, "start": segment.start, "end": segment.end}
    if segment.speaker:
        row["speaker"] = segment.speaker
    row["words"] = [{"word": word.text, "start": word.start, "end": word.end} for word in segment.words or ()]
    return row


if __name__ == "__main__":
    main()
