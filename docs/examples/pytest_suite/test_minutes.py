"""Tests of the minutes. No request leaves the machine, and no test waits for a minute to pass."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest
from minutes import Minutes, MinutesFailed, read_aloud, write_minutes, write_minutes_in_background

from mockserver import AudioApi

SAID = "Ada will write to Grace."


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A second of silence; the tests script its transcript."""
    path = tmp_path / "meeting-monday.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(2 * 16_000))
    return path


@pytest.fixture
def meeting(audio_api: AudioApi) -> AudioApi:
    """The API, scripted for a meeting in which Ada takes on a task."""
    audio_api.on_transcription(file="meeting*.wav").reply(SAID)
    audio_api.on_chat(user_text={"equals": SAID}).call_tool("assign", who="Ada", what="write to Grace")
    return audio_api


def test_minutes_have_the_transcript_and_the_tasks(meeting: AudioApi, recording: Path) -> None:
    assert write_minutes(recording) == Minutes(SAID, (("Ada", "write to Grace"),))
    meeting.verify_transcription(file="meeting*.wav", model="gpt-4o-transcribe", times=1)
    meeting.verify_chat(prompt="Assign every task", times=1)


def test_a_meeting_without_tasks_has_none(audio_api: AudioApi, recording: Path) -> None:
    audio_api.on_transcription().reply("Nothing to do.")
    audio_api.on_chat().say("There is no task.")
    assert write_minutes(recording).tasks == ()


def test_a_rate_limit_is_sat_out(meeting: AudioApi, recording: Path) -> None:
    limit = meeting.fail_next("rate_limit_requests", times=2, retry_after=0.01)
    assert write_minutes(recording).transcript == SAID
    assert limit.hits == 2
    meeting.verify_transcription(status=429, times=2)


@pytest.mark.parametrize("error", ["insufficient_quota", "invalid_api_key"])
def test_an_error_that_does_not_pass_names_the_recording(
    audio_api: AudioApi, recording: Path, error: str
) -> None:
    audio_api.fail_next(error, times=None, retry_after=0.01)
    with pytest.raises(MinutesFailed, match=r"meeting-monday\.wav"):
        write_minutes(recording)


def test_a_connection_that_breaks_is_tried_again(meeting: AudioApi, recording: Path) -> None:
    meeting.break_next("connection_reset", at="before", endpoint="chat")
    assert write_minutes(recording).tasks
    meeting.verify_chat(times=2)


@pytest.mark.audio_api(tier="free")
def test_the_free_tier_has_its_requests_again_after_a_minute(meeting: AudioApi, recording: Path) -> None:
    meeting.set_limits("gpt-4o-transcribe", requests_per_minute=1)
    meeting.set_limits("gpt-4o-mini", requests_per_minute=1)
    for _ in range(3):
        assert write_minutes(recording).tasks
        meeting.clock.advance(seconds=61)
    meeting.verify(status=429, times=0)


def test_minutes_are_written_in_the_background(meeting: AudioApi, recording: Path) -> None:
    thread = write_minutes_in_background(recording)
    meeting.wait_for_chat(user_text="Grace", timeout=30)
    thread.join()
    meeting.verify_chat(user_text="Grace", times=1)


def test_the_tasks_are_read_aloud(audio_api: AudioApi) -> None:
    assert read_aloud(Minutes(SAID, (("Ada", "write to Grace"),))).startswith(b"RIFF")
    audio_api.verify_speech(user_text={"equals": "Ada will write to Grace."}, times=1)
