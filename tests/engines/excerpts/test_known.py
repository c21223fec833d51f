"""Turns that were cut from a stream have the words of the fixture or the utterance that they are a part of."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mockserver.audio.clip import Clip
from mockserver.audio.encode import write_wav
from mockserver.catalog.tables import Catalog
from mockserver.engines.espeak.speaker import Pyttsx3Speaker
from mockserver.engines.excerpts.known import Excerpt, KnownSpeech
from mockserver.engines.fixtures import FixtureTranscriber, load_fixtures
from mockserver.engines.speech import Utterance
from mockserver.engines.spoken import MAX_PCM_BYTES, Spoken, SpokenMemory
from mockserver.engines.transcription import TranscriptionOptions, Word
from mockserver.engines.turn_detection.audio_input import AudioInput, Codec
from mockserver.engines.turn_detection.server_vad import ServerVad
from mockserver.engines.turn_detection.turns import SpeechStarted
from tests.engines.excerpts.calls import RATE, WAYS, Samples, at_rate, padded
from tests.engines.turn_detection.streams import CODECS, FIXTURES

VOICES = {voice.name: voice for voice in Catalog().voices}
TABLE = "Book a table for two at seven, please."
SENTENCES = (
    TABLE,
    "Yes.",
    "I would like to cancel my subscription.",
    "Hello, my name is Anna. I am calling about the invoice that I received yesterday.",
    "What is the weather in Paris?",
)


class Library:
    """Known speech: the fixtures of this project, and what was said to it."""

    def __init__(self, speaker: Pyttsx3Speaker) -> None:
        self.memory = SpokenMemory(100)
        self.fixtures = FixtureTranscriber(load_fixtures([FIXTURES], Catalog(), lambda row: None))
        self.known = KnownSpeech(self.fixtures, self.memory)
        self._speaker = speaker

    def say(self, text: str, voice: str = "alloy", *, known: bool = True) -> Samples:
        """Return a text as a voice of the server says it; it is ``known`` afterwards."""
        chunks = list(self._speaker.speak(Utterance(text, VOICES[voice])))
        pcm = b"".join(chunk.pcm for chunk in chunks)
        words = tuple(Word(word.text, word.start, word.end) for chunk in chunks for word in chunk.words)
        if known:
            spoken = Spoken(words, "en", len(pcm) / 2 / RATE)
            self.memory.remember(spoken, sha256=f"{voice}:{text}", pcm_sha256=f"pcm {voice}:{text}", pcm=pcm)
        return np.frombuffer(pcm, "<i2")

    def text(self, samples: Samples, rate: int = RATE) -> str | None:
        excerpt = self.known.find(samples, rate)
        return None if excerpt is None else excerpt.text


@pytest.fixture(scope="module")
def speaker() -> Iterator[Pyttsx3Speaker]:
    speaker = Pyttsx3Speaker()
    yield speaker
    speaker.close()


@pytest.fixture(scope="module")
def library(speaker: Pyttsx3Speaker) -> Library:
    library = Library(speaker)
    for voice in ("alloy", "marin", "echo"):
        for sentence in SENTENCES:
            library.say(sentence, voice)
    return library


def fixture_samples(name: str) -> Samples:
    from mockserver.audio.decode import pcm_pieces

    return np.frombuffer(b"".join(pcm_pieces((FIXTURES / name).read_bytes(), RATE, 60)), "<i2")


@pytest.mark.parametrize("way", WAYS)
def test_utterances_are_recognised_whatever_their_way(library: Library, way: str) -> None:
    for voice in ("alloy", "marin", "echo"):
        for sentence in SENTENCES:
            heard, rate = WAYS[way](padded(library.say(sentence, voice, known=False)))
            assert library.text(heard, rate) == sentence


@pytest.mark.parametrize("way", ["16 kHz", "mu-law", "Opus"])
def test_fixtures_are_recognised_whatever_their_way(library: Library, way: str) -> None:
    for fixture in library.fixtures.fixtures:
        assert fixture.audio is not None
        heard, rate = WAYS[way](padded(fixture_samples(fixture.audio.name)))
        excerpt = library.known.find(heard, rate)
        assert excerpt is not None
        assert (excerpt.text, excerpt.language, excerpt.is_whole) == (fixture.text, fixture.language, True)
        assert str(excerpt.answered_by) == f"fixture; name={fixture.name}"


@pytest.mark.parametrize("codec", ["audio/pcm", "audio/pcmu", "audio/pcma"])
def test_the_turns_of_a_call_have_all_of_its_words_once(library: Library, codec: Codec) -> None:
    sentences = [SENTENCES[number] for number in (3, 1, 0, 2, 4, 0)]
    voices = ["alloy", "echo", "marin", "alloy", "marin", "echo"]
    said = [
        padded(library.say(text, voice, known=False), before=0.2 + 0.131 * number)
        for number, (text, voice) in enumerate(zip(sentences, voices, strict=True))
    ]
    stream = np.concatenate(said)
    if codec != "audio/pcm":
        stream = at_rate(stream, 8_000)
    audio, vad, heard, started_ms = AudioInput(codec), ServerVad(), [], 0
    for window in audio.append(CODECS[codec](stream.tobytes() + bytes(48_000))):
        turn = vad.hear(window)
        if isinstance(turn, SpeechStarted):
            started_ms = turn.at_ms
        elif turn is not None:
            samples = np.frombuffer(audio.cut(started_ms, window.end_ms), "<i2")
            heard.append(library.text(samples, audio.rate))
    assert len(heard) > len(sentences)  # there are pauses within sentences, too
    assert " ".join(filter(None, heard)) == " ".join(sentences)


def test_a_part_has_its_words_at_their_times(library: Library) -> None:
    speech = library.say(SENTENCES[3], "alloy", known=False)
    whole = library.known.find(padded(speech, before=1.0), RATE)
    assert whole is not None
    assert [segment.text for segment in whole.segments] == [
        "Hello, my name is Anna.",
        "I am calling about the invoice that I received yesterday.",
    ]
    second = whole.segments[1]
    begin = round((second.start - 1.0) * RATE)
    part = library.known.find(padded(speech[begin:], before=0.3), RATE)
    assert part is not None
    assert part.text == second.text
    assert part.segments[0].words is not None
    assert abs(part.segments[0].words[0].start - 0.3) < 0.05
    assert part.is_whole
    first = library.known.find(speech[:begin], RATE)
    assert first is not None
    assert (first.text, first.is_whole) == ("Hello, my name is Anna.", False)


def test_unknown_speech_in_a_known_voice_is_not_guessed(library: Library) -> None:
    for text in (
        "Book a table for three at seven, please.",
        "I would like to change my subscription.",
        "What is the weather in Rome?",
        "Please cancel the table.",
    ):
        assert library.text(padded(library.say(text, "alloy", known=False))) is None


def test_a_known_sentence_in_another_voice_is_unknown(library: Library) -> None:
    assert library.text(padded(library.say(TABLE, "sage", known=False))) is None


def test_noise_and_tones_are_unknown_and_silence_has_no_words(library: Library) -> None:
    noise = np.random.default_rng(2).normal(0, 3_000, 2 * RATE).astype(np.int16)
    tone = (8_000 * np.sin(np.arange(2 * RATE) / 9)).astype(np.int16)
    for samples in (noise, tone, np.zeros(RATE, np.int16), np.zeros(0, np.int16), np.ones(3, np.int16)):
        assert library.known.find(samples, RATE) is None


def test_what_is_said_later_is_known_then_and_forgotten_with_the_memory(speaker: Pyttsx3Speaker) -> None:
    library = Library(speaker)
    speech = library.say(TABLE, known=False)
    assert library.text(speech) is None
    library.say(TABLE)
    assert library.text(speech) == TABLE
    library.memory.forget()
    assert library.text(speech) is None


def test_samples_are_released_once_they_are_known(speaker: Pyttsx3Speaker) -> None:
    library = Library(speaker)
    speech = library.say(TABLE)
    assert [len(sound.pcm) for sound in library.memory.sounds()] == [2 * len(speech)]
    assert library.text(speech) == TABLE
    assert [len(sound.pcm) for sound in library.memory.sounds()] == [0]
    assert library.text(speech) == TABLE


def test_the_memory_of_samples_is_bounded() -> None:
    memory = SpokenMemory(3)
    for number in range(5):
        memory.remember(
            Spoken((), "en", 1.0), sha256=str(number), pcm_sha256=f"p{number}", pcm=bytes(MAX_PCM_BYTES // 2)
        )
    assert [len(sound.pcm) for sound in memory.sounds()] == [0, MAX_PCM_BYTES // 2, MAX_PCM_BYTES // 2]


def test_a_clip_is_transcribed(library: Library) -> None:
    speech = padded(library.say(TABLE, "marin", known=False))
    clip = Clip(write_wav(speech.tobytes(), RATE), "turn.wav", 60.0)
    answer = library.known.transcribe(clip, TranscriptionOptions())
    assert answer is not None
    assert [segment.text for segment in answer.segments] == [TABLE]
    assert (answer.languages, str(answer.answered_by)) == (("en",), "spoken")
    assert answer.duration == len(speech) / RATE
    assert library.known.transcribe(clip, TranscriptionOptions(task="translate")) is None


def test_derived_word_times_leave_pauses_out(tmp_path: Path, speaker: Pyttsx3Speaker) -> None:
    source = Library(speaker)
    one, other = source.say("It is sunny in Paris.", known=False), source.say(TABLE, known=False)
    whole = np.concatenate((one, np.zeros(5 * RATE, np.int16), other))
    (tmp_path / "two.wav").write_bytes(write_wav(whole.tobytes(), RATE))
    (tmp_path / "two.txt").write_text("It is sunny in Paris. " + TABLE)
    fixtures = FixtureTranscriber(load_fixtures([tmp_path], Catalog(), lambda row: None))
    known = KnownSpeech(fixtures, SpokenMemory(0))

    def words(found: Excerpt | None) -> str:
        assert found is not None
        return found.text

    assert words(known.find(padded(one), RATE)) == "It is sunny in Paris."
    assert words(known.find(padded(other), RATE)) == TABLE


def test_fixtures_that_cannot_be_decoded_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "broken.wav").write_bytes(b"no sound")
    (tmp_path / "broken.txt").write_text("No sound.")
    fixtures = FixtureTranscriber(load_fixtures([tmp_path], Catalog(), lambda row: None))
    assert KnownSpeech(fixtures, SpokenMemory(9)).find(fixture_samples("hello.wav"), RATE) is None


def test_many_threads_get_the_same_words(speaker: Pyttsx3Speaker) -> None:
    library = Library(speaker)
    speech = [library.say(text) for text in SENTENCES]
    found: list[str | None] = []

    def ask(number: int) -> None:
        found.append(library.text(padded(speech[number])))

    threads = [threading.Thread(target=ask, args=[number % len(speech)]) for number in range(15)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found, key=str) == sorted(SENTENCES * 3)
