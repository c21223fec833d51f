import itertools
import random
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest

from mockserver.audio.clip import Clip
from mockserver.audio.encode import write_wav
from mockserver.audio.samples import Samples
from mockserver.catalog.tables import Catalog
from mockserver.engines.diarization import SpeakerLabels, name_speakers
from mockserver.engines.espeak.speaker import Pyttsx3Speaker
from mockserver.engines.speech import SPEECH_SAMPLE_RATE, Utterance
from mockserver.engines.transcription import Segment

Sound = npt.NDArray[np.float32]

VOICES = {voice.name: voice for voice in Catalog().voices}
LINES = (
    "Thank you very much for calling, how may I help you?",
    "My order has not arrived yet, and I am getting impatient.",
    "Could you please tell me the number of the order?",
    "It is four seven one one, from the second of May.",
)
REFERENCE = "The quick brown fox jumps over the lazy dog, and then it sleeps in the sun."


class Cast:
    """Speaks lines in the voices of the catalog."""

    def __init__(self, speaker: Pyttsx3Speaker) -> None:
        self._speaker = speaker
        self._spoken: dict[tuple[str, str], Sound] = {}

    def says(self, voice: str, line: str) -> Sound:
        if (voice, line) not in self._spoken:
            pcm = b"".join(chunk.pcm for chunk in self._speaker.speak(Utterance(line, VOICES[voice])))
            clip = Clip(write_wav(pcm, SPEECH_SAMPLE_RATE), "line.wav", max_seconds=60)
            self._spoken[voice, line] = clip.samples().stretch(0, 60 * 16_000)
        return self._spoken[voice, line]


@pytest.fixture(scope="module")
def cast() -> Iterator[Cast]:
    speaker = Pyttsx3Speaker()
    yield Cast(speaker)
    speaker.close()


def test_two_voices_that_take_turns_are_distinguished(cast: Cast) -> None:
    labels = SpeakerLabels()
    turns = zip(("nova", "onyx", "nova", "onyx"), LINES, strict=True)
    assert [labels.label(cast.says(voice, line)) for voice, line in turns] == ["A", "B", "A", "B"]


def test_a_voice_alone_is_one_speaker(cast: Cast) -> None:
    labels = SpeakerLabels()
    assert {labels.label(cast.says("alloy", line)) for line in LINES} == {"A"}


@pytest.mark.slow
def test_most_pairs_of_voices_are_distinguished(cast: Cast) -> None:
    right = 0
    pairs = list(itertools.combinations(VOICES, 2))[::2]  # every voice is in some
    assert {voice for pair in pairs for voice in pair} == set(VOICES)
    for first, second in pairs:
        labels = SpeakerLabels()
        heard = [
            labels.label(cast.says(voice, line))
            for voice, line in zip((first, second) * 2, LINES, strict=True)
        ]
        right += heard == ["A", "B", "A", "B"]
    assert right / len(pairs) > 0.9


@pytest.mark.slow
def test_speakers_known_by_a_sample_are_called_by_their_names(cast: Cast) -> None:
    names = random.Random(1).sample(list(VOICES), 4)  # As many as a request may name.
    labels = SpeakerLabels([(name, cast.says(name, REFERENCE)) for name in names])
    turns = list(itertools.product(names, LINES))
    right = sum(labels.label(cast.says(voice, line)) == voice for voice, line in turns)
    assert right / len(turns) > 0.9


def test_a_voice_unlike_all_known_ones_is_a_speaker_of_its_own(cast: Cast) -> None:
    labels = SpeakerLabels([("agent", cast.says("onyx", REFERENCE))])
    assert labels.label(cast.says("nova", LINES[0])) == "A"
    assert labels.label(cast.says("onyx", LINES[1])) == "agent"


def test_a_known_name_is_no_label_for_someone_else(cast: Cast) -> None:
    labels = SpeakerLabels([("A", cast.says("onyx", REFERENCE))])
    assert labels.label(cast.says("nova", LINES[0])) == "B"


def test_loudness_makes_no_other_speaker(cast: Cast) -> None:
    labels = SpeakerLabels()
    assert labels.label(cast.says("ash", LINES[0])) == labels.label(cast.says("ash", LINES[0]) * 0.1)


def test_silence_is_put_down_to_whoever_spoke_last(cast: Cast) -> None:
    labels = SpeakerLabels()
    silence = np.zeros(8000, np.float32)
    heard = [silence, cast.says("nova", LINES[0]), cast.says("onyx", LINES[1]), silence, silence[:0]]
    assert [labels.label(samples) for samples in heard] == ["A", "A", "B", "B", "B"]


@pytest.mark.slow
def test_there_are_more_speakers_than_letters() -> None:
    labels = SpeakerLabels(
        [
            (letter, _hum(pitch))
            for letter, pitch in zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", range(60, 86), strict=True)
        ]
    )
    assert labels.label(_hum(350)) == "AA"


def _hum(pitch: float) -> Sound:
    time = np.arange(32_000) / 16_000
    overtones = [np.sin(2 * np.pi * pitch * number * time) / number for number in range(1, 9)]
    hum: Sound = np.sum(overtones, axis=0).astype(np.float32)
    return hum


def conversation(cast: Cast) -> tuple[Samples, list[Segment]]:
    """Return a clip of two speakers and its transcript, in which they are called A and B."""
    parts, segments, begin = [], [], 0.0
    for label, voice, line in zip("ABAB", ("nova", "onyx") * 2, LINES, strict=True):
        parts.append(cast.says(voice, line))
        end = begin + len(parts[-1]) / 16_000
        segments.append(Segment(line, begin, end, speaker=label))
        begin = end
    return Samples(lambda: iter(parts)), segments


def test_known_names_replace_the_labels_of_a_transcript(cast: Cast) -> None:
    samples, segments = conversation(cast)
    known = [("Max", cast.says("onyx", REFERENCE)), ("Ann", cast.says("nova", REFERENCE))]
    named = name_speakers(samples, segments, known)
    assert [segment.speaker for segment in named] == ["Ann", "Max", "Ann", "Max"]
    assert [segment.text for segment in named] == list(LINES)


def test_a_known_speaker_who_does_not_speak_names_nobody(cast: Cast) -> None:
    samples, segments = conversation(cast)
    named = name_speakers(
        samples, segments, [("Eve", cast.says("fable", REFERENCE)), ("Max", cast.says("onyx", REFERENCE))]
    )
    assert [segment.speaker for segment in named] == ["A", "Max", "A", "Max"]
