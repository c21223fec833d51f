"""What one process has spoken is recognised by others."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

import pytest

from mockserver.audio.clip import Clip
from mockserver.audio.encode import write_wav
from mockserver.engines.spoken import MAX_PCM_BYTES, Spoken, SpokenMemory
from mockserver.engines.transcription import TranscriptionOptions, Word
from mockserver.state.shared import open_shared
from tests.audio.containers import pcm_hash

RATE = 24_000
HELLO = Spoken((Word("Hello.", 0.0, 0.4), Word("You?", 0.5, 0.7)), "en", 1.0)

OpenMemory = Callable[[], SpokenMemory]


@pytest.fixture
def opened(several: str) -> Iterator[OpenMemory]:
    """Return a function that opens the memory as another process would, for 16 utterances."""
    states = []

    def open_memory() -> SpokenMemory:
        states.append(open_shared(several))
        return SpokenMemory(16, states[-1].open_log)

    yield open_memory
    for state in states:
        state.close()


def sound(number: int) -> bytes:
    return bytes([number, 0]) * RATE


def say(memory: SpokenMemory, number: int, *, size: int = 0, is_reply: bool = False) -> Clip:
    """Have a process say something with a sound of its own; with a ``size`` in bytes, it is kept."""
    pcm = sound(number)
    sent = write_wav(pcm, RATE)
    memory.remember(
        HELLO,
        sha256=hashlib.sha256(sent).hexdigest(),
        pcm_sha256=pcm_hash(pcm, RATE, 1),
        pcm=bytes(size),
        is_reply=is_reply,
    )
    return Clip(sent, "clip.wav", max_seconds=60.0)


def is_known(memory: SpokenMemory, clip: Clip) -> bool:
    return memory.transcribe(clip, TranscriptionOptions()) is not None


def test_a_file_is_recognised_by_each_process(opened: OpenMemory) -> None:
    ann, bob = opened(), opened()
    assert not is_known(bob, Clip(write_wav(sound(1), RATE), "clip.wav", max_seconds=60.0))
    clip = say(ann, 1)
    for memory in (ann, bob, opened()):
        answer = memory.transcribe(clip, TranscriptionOptions())
        assert answer is not None
        assert [segment.words for segment in answer.segments] == [HELLO.words[:1], HELLO.words[1:]]


def test_the_sound_is_read_when_it_is_needed(opened: OpenMemory) -> None:
    ann, bob = opened(), opened()
    before = bob.revision
    say(ann, 1, size=4_000)
    assert bob.revision > before
    (found,) = bob.sounds()
    assert (found.pcm, found.rate, found.spoken) == (b"", RATE, HELLO)
    assert found.take() == bytes(4_000)
    assert [each.take() for each in ann.sounds()] == [bytes(4_000)]


def test_what_is_said_again_has_the_same_sound_and_is_the_latest(opened: OpenMemory) -> None:
    ann, bob = opened(), opened()
    for number in (1, 2):
        say(ann, number, size=number)
    first, second = bob.sounds()
    revision = bob.revision
    say(ann, 1, size=1)
    say(bob, 1, size=1)
    assert bob.sounds() == [second, first]
    assert bob.revision == revision
    assert [len(each.take()) for each in opened().sounds()] == [2, 1]


def test_beyond_the_bytes_the_oldest_sounds_are_lost(opened: OpenMemory) -> None:
    ann, bob = opened(), opened()
    clips = [say(ann, number, size=MAX_PCM_BYTES // 2) for number in (1, 2, 3)]
    taken = [bool(each.take()) for each in bob.sounds()]
    assert taken == [False, True, True]
    assert [each.is_lost for each in bob.sounds()] == [True, False, False]
    assert all(is_known(bob, clip) for clip in clips)


def test_beyond_the_capacity_the_oldest_are_forgotten_by_all(opened: OpenMemory) -> None:
    ann, bob = opened(), opened()
    clips = [say(ann, number) for number in range(18)]
    for memory in (ann, bob):
        assert [is_known(memory, clip) for clip in clips] == [False] * 2 + [True] * 16


def test_replies_of_sessions_do_not_displace_other_speech(opened: OpenMemory) -> None:
    ann, bob = opened(), opened()
    clip = say(ann, 0, size=10)
    for number in range(1, 40):
        say(ann, number, size=20, is_reply=True)
    assert [len(each.take()) for each in bob.sounds()] == [20, 20, 10]
    assert is_known(bob, clip)


def test_a_reply_that_was_also_spoken_counts_once(opened: OpenMemory) -> None:
    ann, bob = opened(), opened()
    say(ann, 1, size=10, is_reply=True)
    say(ann, 1, size=10)
    say(bob, 1, size=10, is_reply=True)
    assert [len(memory.sounds()) for memory in (ann, bob, opened())] == [1, 1, 1]


def test_what_one_process_forgets_all_forget(opened: OpenMemory) -> None:
    ann, bob = opened(), opened()
    clip = say(ann, 1, size=10)
    assert is_known(bob, clip)
    bob.forget()
    for memory in (ann, bob):
        assert not is_known(memory, clip)
        assert memory.sounds() == []
    again = say(ann, 2)
    assert is_known(bob, again)
