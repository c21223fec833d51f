"""The journal's entry of a session: its events, its turns, and patterns that find them."""

from __future__ import annotations

import base64
import hashlib
import time
import wave
from collections.abc import Iterator
from typing import Any

import pytest

from mockserver.resources import data_folder
from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer
from tests.providers.openai.realtime.conftest import Connect, Talk, kinds, silence

Body = dict[str, Any]
HELLO = "Hello world, this is a test."


@pytest.fixture
def hello() -> bytes:
    """Return speech of 2.07 s, 24 kHz."""
    with wave.open(str(data_folder("fixtures") / "hello.wav")) as file:
        return bytes(file.readframes(file.getnframes()))


def session_of(api: AudioApi) -> Body:
    """Return the session of the latest entry."""
    session: Body = api.journal[-1]["realtime"]
    return session


def rows(session: Body, kind: str) -> Iterator[Body]:
    return (row for row in session["events"] if row["type"] == kind)


def test_a_call_is_one_entry_with_what_was_heard_and_said(talk: Talk, api: AudioApi, hello: bytes) -> None:
    stub = api.on_realtime(heard="hello world").say("Hello to you, too.")
    talk.update(audio={"input": {"transcription": {"model": "gpt-4o-transcribe"}}})
    talk.append(silence(400) + hello + silence(1_000), 9_600)
    talk.until("rate_limits.updated")
    if "conversation.item.input_audio_transcription.completed" not in kinds(talk.events):
        talk.until("conversation.item.input_audio_transcription.completed")
    (entry,) = api.journal
    assert (entry["in_flight"], entry["status"], entry["model"]) == (True, 101, "gpt-realtime")
    session = entry["realtime"]
    (turn,) = [each for each in session["turns"] if each["kind"] == "response"]
    assert turn["heard"] == HELLO
    assert turn["said"] == "Hello to you, too."
    assert turn["stub"] == stub.id
    ((begins, ends),) = turn["speech"]
    started = next(event for event in talk.events if event["type"].endswith("speech_started"))
    stopped = next(event for event in talk.events if event["type"].endswith("speech_stopped"))
    assert (begins, ends) == (started["audio_start_ms"], stopped["audio_end_ms"])
    assert turn["began_ms"] >= ends
    pcm = b"".join(
        base64.b64decode(event["delta"])
        for event in talk.events
        if event["type"] == "response.output_audio.delta"
    )
    assert turn["audio_seconds"] == pytest.approx(len(pcm) / 48_000, abs=0.001)
    (spoken,) = rows(session, "response.output_audio.delta")
    assert spoken["sha256"] == hashlib.sha256(pcm).hexdigest()
    assert sum(row["count"] for row in rows(session, "input_audio_buffer.append")) >= 15
    assert session["audio_in"] == pytest.approx(len(silence(1_400) + hello) / 48_000, abs=0.001)
    assert session["audio_out"] == turn["audio_seconds"]


def test_events_are_in_order_with_times_of_the_timeline(talk: Talk, api: AudioApi) -> None:
    talk.say("Hello.", output_modalities=["text"])
    talk.until("rate_limits.updated")
    session = session_of(api)
    received = [row["type"] for row in session["events"] if row["direction"] == "out"]
    unfolded = [each["type"] for each in talk.events if not each["type"].endswith(".delta")]
    assert [each for each in received if not each.endswith(".delta")] == unfolded
    times = [row["at_ms"] for row in session["events"]]
    assert times == sorted(times)
    (text,) = rows(session, "response.output_text.delta")
    done = next(event for event in talk.events if event["type"] == "response.output_text.done")
    assert text["delta"] == done["text"]
    assert [row["type"] for row in session["events"] if row["direction"] == "in"] == [
        "conversation.item.create",
        "response.create",
    ]
    assert {"session.created", "response.create"} <= set(session["event_types"])


def test_an_interruption_is_noted_and_verified(talk: Talk, api: AudioApi, hello: bytes) -> None:
    api.on_realtime(turn=1).say("One, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve.")
    talk.append(hello + silence(600))
    talk.until("response.output_audio.delta")
    talk.append(hello)
    talk.until("response.done")
    api.wait_for_realtime(interrupted=True, turn=1, said="^One, two", timeout=10)
    with pytest.raises(AssertionError, match="got 1"):
        api.verify_realtime(interrupted=True, times=2)
    turn = session_of(api)["turns"][0]
    assert (turn["status"], turn["reason"]) == ("cancelled", "turn_detected")


def test_what_was_truncated_was_heard_until_then(talk: Talk, api: AudioApi) -> None:
    talk.say("Hello.")
    item = talk.until("response.done")[-1]["response"]["output"][0]["id"]
    talk.send("conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=300)
    talk.until("conversation.item.truncated")
    api.verify_realtime(interrupted=True, event="conversation.item.truncate", times=1)
    (turn,) = session_of(api)["turns"]
    assert (turn["status"], turn["heard_until_ms"]) == ("completed", 300)


def test_turns_are_counted_or_sessions(connect: Connect, api: AudioApi) -> None:
    stub = api.on_realtime(user_text="tool").call_tool("look", at="sky")
    for _ in range(2):
        talk = connect()
        for text in ("One.", "Use the tool."):
            talk.say(text, output_modalities=["text"])
            talk.until("rate_limits.updated")
    api.verify_realtime(times=2)
    api.verify_realtime(event="response.done", times=2)
    api.verify_realtime(user_text=".", times=4)
    api.verify_realtime(turn=2, tool="look", stub=stub.id, times=2)
    api.verify_realtime(interrupted=False, times=4)
    api.verify_realtime(user_text="One", said={"contains": "One"}, times=2)
    with pytest.raises(AssertionError) as failed:
        api.verify_realtime(user_text="One", tool="look")
    assert "near miss" in str(failed.value)
    assert "tool: wanted" in str(failed.value)
    assert "response 2" in api.exchanges()


def test_speech_that_nothing_answers_is_in_the_journal_too(talk: Talk, api: AudioApi, hello: bytes) -> None:
    detection = {"type": "server_vad", "create_response": False}
    talk.update(audio={"input": {"transcription": {"model": "whisper-1"}, "turn_detection": detection}})
    talk.append(hello + silence(600))
    talk.until("conversation.item.input_audio_transcription.completed")
    api.verify_realtime(heard="hello", times=1)
    assert session_of(api)["turns"][-1]["status"] == "unanswered"


def test_a_client_that_leaves_in_a_turn_has_hung_up(connect: Connect, api: AudioApi) -> None:
    early, late = connect(), connect()
    early.say("Hello.")
    early.until("response.created")
    early.socket.close()
    late.socket.close()
    api.wait_for_realtime(hung_up=True, timeout=10)
    for _ in range(100):
        if not any(entry["in_flight"] for entry in api.journal):
            break
        time.sleep(0.1)
    assert [(entry["in_flight"], entry["hung_up"]) for entry in api.journal] == [
        (False, True),
        (False, False),
    ]
    assert api.journal[0]["realtime"]["turns"][0]["status"] == "abandoned"


def test_the_record_of_a_long_session_is_bounded(talk: Talk, api: AudioApi) -> None:
    for number in range(2_500):
        talk.send("input_audio_buffer.clear", event_id=f"e{number}" + "x" * 300)
    for _ in range(2_500):
        talk.receive()
    session = session_of(api)
    assert len(session["events"]) <= 2_000
    assert session["events_dropped"] >= 3_000
    assert session["events"][-1]["type"] == "input_audio_buffer.cleared"


def test_secrets_are_hidden_and_long_texts_are_cut(connect: Connect, api: AudioApi, api_key: str) -> None:
    talk = connect()
    talk.update(instructions=f"My key is {api_key}. " + "x" * 5_000)
    text = str(session_of(api)["events"])
    assert api_key not in text
    assert "x" * 5_000 not in text


def test_a_snapshot_has_the_session(talk: Talk, api: AudioApi, server: MockServer) -> None:
    talk.say("Hello.", output_modalities=["text"])
    talk.until("rate_limits.updated")
    before = session_of(api)
    journal = server._context.journal
    state = journal.snapshot(None)
    journal.restore(state, None)
    assert session_of(api) == before
