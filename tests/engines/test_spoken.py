"""The server recognises its own speech."""

from __future__ import annotations

import hashlib

from mockserver.audio.clip import Clip
from mockserver.audio.encode import write_wav
from mockserver.engines.spoken import Spoken, SpokenMemory
from mockserver.engines.transcription import Transcription, TranscriptionOptions, Word
from tests.audio.containers import pcm_hash

RATE = 24_000
HELLO = Spoken((Word("Hello.", 0.0, 0.4), Word("You", 0.5, 0.7), Word("there?", 0.7, 1.0)), "en", 1.0)


def sound(number: int) -> bytes:
    return bytes([number, 0]) * RATE


def clip(data: bytes) -> Clip:
    return Clip(data, "clip.wav", max_seconds=60.0)


def remember(memory: SpokenMemory, number: int, spoken: Spoken = HELLO) -> Clip:
    pcm = sound(number)
    sent = write_wav(pcm, RATE)
    sha256 = hashlib.sha256(sent).hexdigest()
    memory.remember(spoken, sha256=sha256, pcm_sha256=pcm_hash(pcm, RATE, 1))
    return clip(sent)


def recall(memory: SpokenMemory, heard: Clip, task: str = "transcribe") -> Transcription | None:
    return memory.transcribe(
        heard, TranscriptionOptions(task="translate" if task == "translate" else "transcribe")
    )


def test_what_was_sent_is_recognised_with_its_words_and_sentences() -> None:
    memory = SpokenMemory(10)
    answer = recall(memory, remember(memory, 1))
    assert answer is not None
    assert (str(answer.answered_by), answer.duration, answer.languages) == ("spoken", 1.0, ("en",))
    assert [segment.text for segment in answer.segments] == ["Hello.", "You there?"]
    assert [segment.words for segment in answer.segments] == [HELLO.words[:1], HELLO.words[1:]]


def test_the_same_sound_in_another_file_is_recognised_too() -> None:
    memory = SpokenMemory(10)
    sent = remember(memory, 1)
    other = clip(write_wav(sound(1), RATE) + b"LIST\x04\x00\x00\x00INFO")
    assert other.sha256 != sent.sha256
    assert recall(memory, other) is not None


def test_another_sound_is_not() -> None:
    memory = SpokenMemory(10)
    remember(memory, 1)
    assert recall(memory, clip(write_wav(sound(2), RATE))) is None


def test_an_empty_memory_does_not_even_look() -> None:
    assert recall(SpokenMemory(10), clip(b"this would not decode")) is None


def test_the_oldest_is_forgotten_first() -> None:
    memory = SpokenMemory(2)
    first, second = remember(memory, 1), remember(memory, 2)
    remember(memory, 1)  # spoken again, and so the newest
    third = remember(memory, 3)
    assert recall(memory, second) is None
    assert recall(memory, first) is not None
    assert recall(memory, third) is not None


def test_a_memory_of_nothing_remembers_nothing() -> None:
    memory = SpokenMemory(0)
    assert recall(memory, remember(memory, 1)) is None


def test_silence_is_in_no_language() -> None:
    memory = SpokenMemory(10)
    answer = recall(memory, remember(memory, 1, Spoken((), "en", 1.0)))
    assert answer is not None
    assert (answer.languages, tuple(answer.segments)) == ((), ())


def test_other_languages_are_not_translated() -> None:
    memory = SpokenMemory(10)
    bonjour = remember(memory, 1, Spoken((Word("Bonjour.", 0.0, 1.0),), "fr", 1.0))
    assert recall(memory, bonjour, "translate") is None
    assert recall(memory, bonjour) is not None


def test_english_is_its_own_translation() -> None:
    memory = SpokenMemory(10)
    assert recall(memory, remember(memory, 1), "translate") is not None


def test_what_is_forgotten_is_not_recognised() -> None:
    memory = SpokenMemory(10)
    heard = remember(memory, 1)
    memory.forget()
    assert recall(memory, heard) is None


def reply(memory: SpokenMemory, number: int, *, pcm: bytes | None = None) -> Clip:
    """Remember a reply of a session."""
    said = sound(number) if pcm is None else pcm
    sent = write_wav(sound(number), RATE)
    memory.remember(
        HELLO,
        sha256=hashlib.sha256(sent).hexdigest(),
        pcm_sha256=pcm_hash(sound(number), RATE, 1),
        pcm=said,
        is_reply=True,
    )
    return clip(sent)


def test_replies_of_sessions_push_out_only_each_other() -> None:
    memory = SpokenMemory(16)
    prepared = remember(memory, 1)
    replies = [reply(memory, number) for number in range(2, 100)]
    assert recall(memory, prepared) is not None
    assert [recall(memory, each) is not None for each in replies[-3:]] == [False, True, True]
    assert len(memory.sounds()) == 3


def test_what_is_said_again_changes_nothing() -> None:
    memory = SpokenMemory(16)
    reply(memory, 1)
    reply(memory, 2)
    before, sounds = memory.revision, memory.sounds()
    reply(memory, 1)
    assert memory.revision == before
    assert memory.sounds() == sounds[::-1]
    remember(memory, 1)  # not only by sessions
    assert len(memory.sounds()) == 2
    reply(memory, 1)
    assert len(memory.sounds()) == 2


def test_a_sound_that_was_not_kept_is_kept_when_it_is_said_again() -> None:
    memory = SpokenMemory(16)
    reply(memory, 1, pcm=b"")
    reply(memory, 1)
    (kept,) = memory.sounds()
    assert kept.pcm == sound(1)
