"""The journal's entry of a session: its events, its turns, and patterns that find them."""

from __future__ import annotations

import base64
import hashlib
import io
import socket
import struct
import time
import wave
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from mockserver.resources import data_folder
from mockserver.settings.model import Settings
from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer
from tests.providers.openai.realtime.conftest import Connect, Talk, kinds, silence
from tests.waiting import eventually

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


def test_what_only_the_responder_heard_is_in_the_journal(talk: Talk, api: AudioApi, hello: bytes) -> None:
    talk.append(hello + silence(600), 9_600)
    talk.until("response.output_audio.delta")
    api.wait_for_realtime(heard="hello world", said="I heard", timeout=10)  # before the response is done
    talk.until("rate_limits.updated")
    api.verify_realtime(heard="hello world", times=1)


@pytest.mark.parametrize("stub", ["say", "fail", "events"])
def test_known_speech_is_heard_for_the_journal_only(
    talk: Talk, api: AudioApi, hello: bytes, stub: str
) -> None:
    answer = api.on_realtime(turn=1)
    if stub == "say":
        answer.say("Fine.")
    elif stub == "fail":
        answer.fail("model_not_found")
    else:
        answer.reply_events([{"type": "error", "error": {}}])
    talk.is_checked = False
    talk.append(hello + silence(600))
    talk.until("response.done", "error")
    api.wait_for_realtime(heard="hello world", turn=1, timeout=10)
    ((begins, ends),) = session_of(api)["turns"][0]["speech"]
    assert 0 <= begins < ends


def test_the_result_of_a_tool_is_answered_in_a_turn_with_the_same_words(
    talk: Talk, api: AudioApi, hello: bytes
) -> None:
    api.on_realtime(turn=1).call_tool("look")
    talk.append(hello + silence(600))
    (call,) = talk.until("response.done")[-1]["response"]["output"]
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "sun"}
    talk.send("conversation.item.create", item=output)
    talk.send("response.create")
    talk.until("response.done")
    api.verify_realtime(heard="hello world", times=2)
    api.verify_realtime(heard="hello world", tool="look", times=1)


def test_what_was_said_to_a_client_that_hung_up_is_known(
    connect: Connect, api: AudioApi, hello: bytes
) -> None:
    api.on_realtime(turn=1).say("One, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve.")
    talk = connect()
    talk.append(hello + silence(600))
    talk.until("response.output_audio.delta")
    talk.socket.close()
    api.wait_for_realtime(hung_up=True, said="^One, two", heard="hello", timeout=10)
    (turn,) = session_of(api)["turns"]
    assert (turn["status"], turn["interrupted"]) == ("abandoned", False)
    assert "twelve" not in turn["said"]


def test_the_usage_of_a_session_is_that_of_its_turns(talk: Talk, api: AudioApi, hello: bytes) -> None:
    transcription = {"model": "gpt-transcribe"}
    talk.update(audio={"input": {"transcription": transcription}}, output_modalities=["text"])
    talk.append(hello + silence(600))
    seen = talk.until("rate_limits.updated")
    if not any(kind.endswith("transcription.completed") for kind in kinds(seen)):
        talk.until("conversation.item.input_audio_transcription.completed")
    talk.say("Hello.")
    talk.until("rate_limits.updated")
    (entry,) = api.journal
    turns = entry["realtime"]["turns"]
    assert len(turns) == 3
    assert entry["cost_usd"] == pytest.approx(sum(turn["cost_usd"] for turn in turns))
    assert entry["usage"]["seconds"] == 3
    written = [turn["usage"] for turn in turns if turn["kind"] == "response"]
    assert entry["usage"]["output_tokens"] == sum(usage["output_tokens"] for usage in written)
    details = [usage["input_token_details"]["text_tokens"] for usage in written]
    assert entry["usage"]["input_token_details"]["text_tokens"] == sum(details)


def test_a_response_that_is_late_keeps_its_record(talk: Talk, api: AudioApi) -> None:
    api.on_realtime(turn=1).say("Late.", delay=60)
    talk.say("First.", output_modalities=["text"])
    apart = {"conversation": "none", "output_modalities": ["text"], "instructions": "Apart."}
    talk.send("response.create", response=apart)
    talk.until("response.done")
    talk.until("response.done")
    said = {turn["turn"]: turn["said"] for turn in session_of(api)["turns"]}
    assert said[1] == "Late."
    assert said[2] != "Late."


def test_a_transcription_session_has_no_unanswered_turn(
    transcribing: Talk, api: AudioApi, hello: bytes
) -> None:
    heard = {"transcription": {"model": "gpt-transcribe"}}
    transcribing.send("session.update", session={"type": "transcription", "audio": {"input": heard}})
    transcribing.append(hello + silence(600))
    transcribing.until("conversation.item.input_audio_transcription.completed")
    api.wait_for_realtime(heard="hello", timeout=10)
    (turn,) = session_of(api)["turns"]
    assert turn["kind"] == "transcription"
    assert len(turn["speech"]) == 1


def test_a_near_miss_names_the_turn(talk: Talk, api: AudioApi) -> None:
    for text in ("One.", "Two."):
        talk.say(text, output_modalities=["text"])
        talk.until("rate_limits.updated")
    with pytest.raises(
        AssertionError, match=r"in flight, turn 2\n    said: wanted /Three/, got 'You wrote: Two"
    ):
        api.verify_realtime(user_text="Two", said="Three")


def test_a_client_that_leaves_before_it_is_answered_is_not_in_flight(
    server: MockServer, api: AudioApi, api_key: str
) -> None:
    lines = [
        "GET /v1/realtime?model=gpt-realtime HTTP/1.1",
        "Host: localhost",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        f"Authorization: Bearer {api_key}",
    ]
    address = urlsplit(server.base_url)
    for _ in range(20):
        with socket.create_connection((address.hostname or "", address.port or 0)) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
            client.sendall("\r\n".join([*lines, "", ""]).encode())
    api.wait_for_realtime(hung_up=True, timeout=10)
    assert eventually(lambda: not any(entry["in_flight"] for entry in api.journal))


def test_the_turns_of_a_long_session_are_bounded(talk: Talk, api: AudioApi) -> None:
    events = [{"type": "input_audio_buffer.cleared"}]
    api.on_realtime().reply_events(events)
    for _ in range(510):
        talk.send("response.create")
        talk.receive()
    api.verify_realtime(turn=510, times=1)
    with pytest.raises(AssertionError, match="Long sessions have dropped 10 older turns"):
        api.verify_realtime(turn=10)


def downloaded(server: MockServer, path: str) -> httpx.Response:
    return httpx.get(f"{server.url}/_mock/journal/{path}")


def test_what_the_user_and_the_model_said_can_be_heard_again(connect: Connect, hello: bytes) -> None:
    settings = Settings(port=0, whisper_model="none", log_level="warning", keep_audio=1 << 22)
    with MockServer(settings) as server:
        talk = connect(at=server)
        talk.append(silence(400) + hello + silence(1_000), 9_600)
        talk.until("response.done")
        [entry] = server.journal
        [heard], [said] = entry["audio"], entry["said_audio"]
        [turn] = [each for each in entry["realtime"]["turns"] if each["kind"] == "response"]
        assert heard["at_ms"] == turn["speech"][0][0]
        assert heard["place"] in {event.get("item_id") for event in talk.events}
        audio = downloaded(server, f"{entry['id']}/audio/0")
        with wave.open(io.BytesIO(audio.content)) as file:
            assert bytes(file.readframes(24_000)) in silence(400) + hello
        assert said["place"] == turn["response"]
        assert turn["began_ms"] < said["at_ms"] < turn["ended_ms"]
        assert said["text"] == turn["said"]
        kept = downloaded(server, f"{entry['id']}/said/0")
        assert kept.headers["x-mock-said"] == "kept"
        deltas = (event["delta"] for event in talk.events if event["type"] == "response.output_audio.delta")
        assert kept.content[44:] == b"".join(map(base64.b64decode, deltas))


def test_what_was_cut_off_is_spoken_again_up_to_there(talk: Talk, api: AudioApi, server: MockServer) -> None:
    api.on_realtime().say("One, two, three, four, five, six, seven, eight, nine, ten. " * 5)
    talk.say("Count.")
    talk.until("response.output_audio.delta")
    talk.send("response.cancel")
    talk.until("response.done")
    entry = api.journal[-1]
    [said] = entry["said_audio"]
    assert entry["audio"] == []
    assert (said["sha256"], said["size"]) == (None, None)
    assert said["text"].split() == [word["word"] for word in said["transcript"]["words"]]
    again = downloaded(server, f"{entry['id']}/said/0")
    assert again.headers["x-mock-said"] == "spoken-again"
    with wave.open(io.BytesIO(again.content)) as file:
        assert file.getnframes() / file.getframerate() == pytest.approx(said["duration"], abs=0.5)
