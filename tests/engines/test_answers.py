"""The source of a transcript: a stub, a fixture, an engine, a placeholder, or a refusal."""

from __future__ import annotations

import hashlib

import pytest

from mockserver.audio.clip import Clip
from mockserver.audio.decode import UndecodableAudio
from mockserver.audio.encode import write_wav
from mockserver.engines.answered_by import AnsweredBy
from mockserver.engines.answers import AnswerChain
from mockserver.engines.spoken import Spoken, SpokenMemory
from mockserver.engines.transcription import Transcription, TranscriptionOptions, UnknownAudio, Word

OPTIONS = TranscriptionOptions()
SILENCE = write_wav(bytes(2 * 16_000), 16_000)
HELLO = Spoken((Word("Hello.", 0.0, 1.0),), "en", 1.0)


class Engine:
    """An engine that gives any clip the same transcript, and counts the clips."""

    calls = 0

    def transcribe(self, clip: Clip, options: TranscriptionOptions, look: object) -> Transcription:
        self.calls += 1
        return Transcription(AnsweredBy("an engine"), clip.duration, ("en",))


def clip(data: bytes = SILENCE) -> Clip:
    return Clip(data, "clip.wav", max_seconds=60)


def transcribe(
    chain: AnswerChain, data: bytes = SILENCE, unknown_audio: str = "placeholder"
) -> Transcription:
    it = clip(data)
    known = chain.lookup(it, OPTIONS)
    return known or chain.transcribe(it, OPTIONS, lambda: None, unknown_audio=unknown_audio)


def test_a_known_clip_is_answered_without_the_engine() -> None:
    spoken, engine = SpokenMemory(capacity=1), Engine()
    spoken.remember(HELLO, sha256=hashlib.sha256(SILENCE).hexdigest(), pcm_sha256="")
    answer = transcribe(AnswerChain([spoken], engine), unknown_audio="error")
    assert (str(answer.answered_by), engine.calls) == ("spoken", 0)


def test_an_unknown_clip_is_transcribed_by_the_engine_whatever_the_setting() -> None:
    chain = AnswerChain([SpokenMemory(capacity=1)], Engine())
    assert chain.can_listen
    assert transcribe(chain, unknown_audio="error").answered_by == AnsweredBy("an engine")


def test_without_an_engine_an_unknown_clip_gets_a_placeholder() -> None:
    chain = AnswerChain([], None)
    assert not chain.can_listen
    assert transcribe(chain).answered_by == AnsweredBy("placeholder")


def test_without_an_engine_an_unknown_clip_is_refused_if_so_set() -> None:
    with pytest.raises(UnknownAudio) as refusal:
        transcribe(AnswerChain([], None), unknown_audio="error")
    assert refusal.value.sha256 == hashlib.sha256(SILENCE).hexdigest()


def test_a_damaged_clip_gets_no_placeholder() -> None:
    with pytest.raises(UndecodableAudio):
        transcribe(AnswerChain([], None), b"no audio")
