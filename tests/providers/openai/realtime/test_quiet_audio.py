"""Audio that is heard in the thread that reads it, while nothing else happens."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from websockets.exceptions import ConnectionClosed

from mockserver.engines.turn_detection.audio_input import AudioInput
from mockserver.engines.turn_detection.turns import Window
from mockserver.testing.audio_api import AudioApi
from tests.providers.openai.realtime.conftest import Connect, Talk, silence

CHUNK = 960
READER, SESSION = "web socket", "realtime"


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the threads that hear audio, which are noted."""
    names: list[str] = []
    append = AudioInput.append

    def noted(audio: AudioInput, data: bytes) -> Iterator[Window]:
        names.append(threading.current_thread().name)
        return append(audio, data)

    monkeypatch.setattr(AudioInput, "append", noted)
    return names


def hear(talk: Talk, pcm: bytes) -> None:
    """Append audio, of which all is heard in the end."""
    talk.append(pcm, CHUNK)
    talk.send("input_audio_buffer.clear")
    talk.until("input_audio_buffer.cleared")


def test_silence_is_heard_where_it_is_read(talk: Talk, threads: list[str]) -> None:
    talk.update(instructions="Be brief.")
    hear(talk, silence(1_000))
    assert (READER in threads, len(threads)) == (
        True,
        50,
    )  # on a busy machine, the session's thread hears some


def test_large_messages_are_not(talk: Talk, threads: list[str]) -> None:
    talk.append(silence(1_000))
    talk.send("input_audio_buffer.clear")
    talk.until("input_audio_buffer.cleared")
    assert threads == [SESSION]


def test_what_is_invalid_is_refused_by_the_session(talk: Talk, threads: list[str]) -> None:
    talk.send("input_audio_buffer.append", audio="AAA")
    assert talk.error()["code"] == "invalid_value"
    talk.send("input_audio_buffer.append", audio=[])
    assert talk.error()["param"] == "audio"
    assert threads == []


def test_words_are_listened_for_by_the_session(connect: Connect, threads: list[str]) -> None:
    talk = connect("intent=transcription")
    transcription = {"model": "gpt-realtime-whisper"}
    audio = {"input": {"transcription": transcription, "turn_detection": None}}
    talk.send("session.update", session={"type": "transcription", "audio": audio})
    talk.until("session.updated")
    hear(talk, silence(1_000))
    assert set(threads) == {SESSION}


def test_faults_are_met_by_the_session(connect: Connect, api: AudioApi, threads: list[str]) -> None:
    api.break_next("realtime_expired", audio_seconds=0.5)
    talk = connect()
    with suppress(ConnectionClosed):
        talk.append(silence(1_000), CHUNK)
    assert talk.closed()[0] == 1001
    assert set(threads) == {SESSION}


def test_the_journal_has_all_of_it(talk: Talk, api: AudioApi) -> None:
    hear(talk, silence(1_000))
    [run] = [row for row in api.journal[-1]["realtime"]["events"] if row["type"].endswith(".append")]
    assert (run["count"], run["seconds"]) == (50, 1.0)
