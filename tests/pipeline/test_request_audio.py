"""The audio of a request, and its refusals."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from mockserver.audio.clip import Clip
from mockserver.audio.decode import AudioTooLong, UndecodableAudio
from mockserver.audio.encode import write_wav
from mockserver.engines.answered_by import AnsweredBy
from mockserver.engines.answers import AnswerChain
from mockserver.engines.transcription import (
    EngineBusy,
    EngineFailed,
    Segment,
    Transcription,
    TranscriptionOptions,
    UnknownAudio,
)
from mockserver.errors import ApiError
from mockserver.pipeline.request_audio import RequestAudio, refusals

OPTIONS = TranscriptionOptions()


@pytest.mark.parametrize(
    ("error", "name", "values"),
    [
        (UndecodableAudio("no audio"), "audio_undecodable", {}),
        (AudioTooLong(60), "audio_too_long", {"duration": "over 60.0", "maximum": "60"}),
        (EngineBusy("the queue is full"), "overloaded", {"reason": "the queue is full"}),
        (EngineFailed("no memory"), "overloaded", {"reason": "no memory"}),
        (UnknownAudio("ab12"), "no_transcriber", {"sha256": "ab12"}),
    ],
)
def test_what_speaks_against_a_transcription_is_an_error_of_the_api(
    error: Exception, name: str, values: dict[str, str]
) -> None:
    with pytest.raises(ApiError) as refusal, refusals(ApiError("audio_undecodable")):
        raise error
    assert (refusal.value.name, refusal.value.values) == (name, values)


def test_the_log_has_the_failure_of_an_engine_and_not_that_it_is_busy(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for error in (EngineBusy("the queue is full"), EngineFailed("no memory")):
        with pytest.raises(ApiError), refusals(ApiError("audio_undecodable")):
            raise error
    assert [(record.levelno, record.message) for record in caplog.records] == [(logging.ERROR, "no memory")]


class FailsLater:
    """An engine that fails at its second window, as if memory had run out."""

    def transcribe(self, clip: Clip, options: TranscriptionOptions, look: object) -> Transcription:
        return Transcription(AnsweredBy("an engine"), clip.duration, ("en",), self.segments())

    def segments(self) -> Iterator[Segment]:
        yield Segment("Hello.", 0.0, 1.0)
        raise EngineFailed("no memory")


def test_a_failure_while_the_segments_are_read_is_refused_as_well() -> None:
    audio = RequestAudio(AnswerChain([], FailsLater()), 60.0, lambda: None)
    clip = Clip(write_wav(bytes(2 * 16_000), 16_000), "clip.wav", 60.0)
    with pytest.raises(ApiError) as refusal, refusals(ApiError("audio_undecodable")):
        tuple(audio.transcribe(clip, OPTIONS, unknown_audio="error").segments)
    assert refusal.value.name == "overloaded"
