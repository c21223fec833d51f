"""The input buffer: what is appended, committed and cleared, and the turns that are detected in it."""

from __future__ import annotations

import base64
import io
import time
import wave
from typing import Any

import pytest

from mockserver.audio.telephony import Law, decode_g711, encode_g711
from mockserver.testing.audio_api import AudioApi
from tests.providers.openai.realtime.conftest import Body, Connect, Talk, kinds, silence

COMMITTED = ["input_audio_buffer.committed", "conversation.item.added", "conversation.item.done"]
TURN = ["input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped", *COMMITTED]
LONG = "This is a long answer, which goes on for some time, until someone interrupts it. " * 4
APPEND = "input_audio_buffer.append"


@pytest.fixture(scope="session")
def spoken(hello: tuple[str, bytes]) -> bytes:
    """Return 2.07 seconds of speech."""
    with wave.open(io.BytesIO(hello[1])) as file:
        return bytes(file.readframes(file.getnframes()))


@pytest.fixture
def turn(spoken: bytes) -> bytes:
    """Return a turn of speech between silence, which begins at 1500 ms."""
    return silence(1460) + spoken + silence(1000)


def detect(talk: Talk, **detection: Any) -> None:
    """Have turns detected in another way."""
    wanted = {"type": "server_vad"} | detection if detection else None
    talk.update(audio={"input": {"turn_detection": wanted}})


def refusal(talk: Talk) -> tuple[str | None, str | None, str]:
    """Return code, param and message of the next event, an error."""
    error = talk.error()
    return error["code"], error["param"], error["message"]


def times(events: list[Body]) -> list[int]:
    """Return the times of the speech in events."""
    members = ("audio_start_ms", "audio_end_ms")
    return [event[name] for event in events for name in members if name in event]


def retrieved(talk: Talk, item_id: str) -> Body:
    """Return the only part of an item, with its audio."""
    talk.send("conversation.item.retrieve", item_id=item_id)
    (part,) = talk.until("conversation.item.retrieved")[-1]["item"]["content"]
    assert isinstance(part, dict)
    return part


def test_a_commit_makes_an_item_and_no_response(talk: Talk) -> None:
    detect(talk)
    talk.append(silence(250), 1_000)
    talk.send("input_audio_buffer.commit")
    committed, added, done = talk.until("conversation.item.done")
    assert kinds([committed, added, done]) == COMMITTED
    assert list(committed) == ["type", "event_id", "previous_item_id", "item_id"]
    item = {
        "id": committed["item_id"],
        "type": "message",
        "status": "completed",
        "role": "user",
        "content": [{"type": "input_audio", "transcript": None}],
    }
    for event in (added, done):
        assert list(event) == ["type", "event_id", "previous_item_id", "item"]
        assert (event["previous_item_id"], event["item"]) == (None, item)
    talk.append(silence(100))
    talk.send("input_audio_buffer.commit")
    assert talk.receive()["previous_item_id"] == item["id"]
    assert kinds(talk.until("conversation.item.done")) == COMMITTED[1:]


@pytest.mark.parametrize(("ms", "shown"), [(0, "0.00"), (99, "99.00"), (12.5, "12.50")])
def test_too_little_audio_is_not_committed(talk: Talk, ms: float, shown: str) -> None:
    detect(talk)
    talk.append(bytes(2 * int(24 * ms)))
    talk.send("input_audio_buffer.commit")
    message = (
        "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, but buffer only has "
        f"{shown}ms of audio."
    )
    assert refusal(talk) == ("input_audio_buffer_commit_empty", None, message)
    talk.append(silence(100))  # what was not committed is still there
    talk.send("input_audio_buffer.commit")
    assert kinds(talk.until("conversation.item.done")) == COMMITTED


def test_a_buffer_is_cleared(talk: Talk) -> None:
    detect(talk)
    talk.append(silence(250))
    talk.send("input_audio_buffer.clear")
    (event,) = talk.until("input_audio_buffer.cleared")
    assert list(event) == ["type", "event_id"]
    talk.send("input_audio_buffer.commit")
    assert refusal(talk)[0] == "input_audio_buffer_commit_empty"


@pytest.mark.parametrize("audio", ["*", "AAA", "AA==A", "é"])
def test_audio_that_is_no_base64_is_refused(talk: Talk, audio: str) -> None:
    talk.send(APPEND, audio=audio)
    message = (
        "Invalid 'audio'. Expected base64-encoded audio bytes (mono PCM16 at 24kHz) but got an invalid value."
    )
    assert refusal(talk) == ("invalid_value", "audio", message)


def test_an_event_has_at_most_15_mib_of_audio(talk: Talk) -> None:
    detect(talk)
    talk.append(bytes(15 << 20))
    talk.send("input_audio_buffer.commit")
    assert kinds(talk.until("conversation.item.done")) == COMMITTED
    talk.append(bytes((15 << 20) + 2))
    assert refusal(talk)[:2] == ("invalid_value", "audio")


def test_speech_is_a_turn_that_is_answered(talk: Talk, api: AudioApi, turn: bytes) -> None:
    api.on("realtime").say("Yes.")
    talk.append(turn, 4_800)
    events = talk.until("rate_limits.updated")
    assert kinds(events)[:6] == [*TURN, "response.created"]
    started, stopped, committed, added, done = events[:5]
    assert list(started) == ["type", "event_id", "audio_start_ms", "item_id"]
    assert list(stopped) == ["type", "event_id", "audio_end_ms", "item_id"]
    ids = {event["item_id"] for event in (started, stopped, committed)} | {added["item"]["id"]}
    assert ids == {done["item"]["id"]}
    start_ms, end_ms = times(events)
    assert ((start_ms + 300) % 32, end_ms % 32) == (0, 0)
    assert 1_460 <= start_ms + 300 <= 1_560
    audio = retrieved(talk, started["item_id"])["audio"]
    assert base64.b64decode(audio) == turn[len(silence(start_ms)) : len(silence(end_ms))]


@pytest.mark.parametrize("chunk", [None, 960, 4_801, 333])
def test_turns_do_not_depend_on_the_chunks(talk: Talk, turn: bytes, chunk: int | None) -> None:
    detect(talk, create_response=False)
    talk.append(turn + turn, chunk)
    events = talk.until("conversation.item.done") + talk.until("conversation.item.done")
    assert kinds(events) == [*TURN, *TURN]
    assert times(events) == [1204, 3488, 5780, 8032]


def test_padding_does_not_begin_before_the_audio(talk: Talk, spoken: bytes) -> None:
    detect(talk, create_response=False, prefix_padding_ms=3_000)
    talk.append(spoken + silence(1_000))
    assert times(talk.until("conversation.item.done"))[0] == 0


def test_a_longer_silence_is_needed_if_the_session_says_so(talk: Talk, spoken: bytes) -> None:
    detect(talk, create_response=False, silence_duration_ms=800)
    talk.append(spoken + silence(300) + spoken + silence(1_500))
    events = talk.until("conversation.item.done")
    assert kinds(events) == TURN
    assert times(events)[1] > 4_000


@pytest.mark.parametrize(("name", "law"), [("audio/pcmu", "mu"), ("audio/pcma", "a")])
def test_telephony_is_heard(talk: Talk, turn: bytes, name: str, law: Law) -> None:
    narrow = b"".join(turn[place : place + 2] for place in range(0, len(turn), 6))
    detection = {"type": "server_vad", "create_response": False}
    talk.update(audio={"input": {"format": {"type": name}, "turn_detection": detection}})
    talk.append(encode_g711(narrow, law), 160)
    events = talk.until("conversation.item.done")
    assert kinds(events) == TURN
    start_ms, end_ms = times(events)
    part = retrieved(talk, events[0]["item_id"])
    assert part["format"] == {"mu": "g711_ulaw", "a": "g711_alaw"}[law]
    sent = encode_g711(narrow, law)[8 * start_ms : 8 * end_ms]
    assert decode_g711(base64.b64decode(part["audio"]), law) == decode_g711(sent, law)


def test_speech_interrupts_the_response(talk: Talk, api: AudioApi, turn: bytes) -> None:
    api.on("realtime").say(LONG)
    talk.append(turn + turn)
    spoken_id = talk.until("response.content_part.added")[-1]["item_id"]
    events = talk.until("response.done")
    place = kinds(events).index("input_audio_buffer.speech_started")
    assert kinds(events)[place + 1 :] == [
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
    ]
    assert events[-1]["response"]["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert events[-1]["response"]["output"][0]["status"] == "incomplete"
    committed = talk.until("input_audio_buffer.committed")[-1]
    assert committed["previous_item_id"] == spoken_id


def test_without_interruption_both_go_on(talk: Talk, api: AudioApi, turn: bytes) -> None:
    detect(talk, interrupt_response=False)
    api.on("realtime").say(LONG)
    talk.append(turn + turn)
    events = talk.until("response.done")
    assert events[-1]["response"]["status"] == "completed"
    later = talk.until("response.done")  # the second turn is answered after the first response
    assert later[-1]["response"]["status"] == "completed"
    assert "input_audio_buffer.speech_started" in kinds(events + later)


def test_a_commit_ends_speech_without_saying_so(talk: Talk, turn: bytes) -> None:
    detect(talk, create_response=False)
    half = turn[: len(silence(2_500))]
    talk.append(half)
    started = talk.until("input_audio_buffer.speech_started")[-1]
    talk.send("input_audio_buffer.commit")
    events = talk.until("conversation.item.done")
    assert kinds(events) == COMMITTED
    assert events[0]["item_id"] == started["item_id"]
    audio = retrieved(talk, started["item_id"])["audio"]
    assert base64.b64decode(audio) == half[len(silence(started["audio_start_ms"])) :]
    talk.append(turn[len(half) :])
    rest = talk.until("conversation.item.done")
    assert kinds(rest) == TURN
    assert times(rest)[0] >= 2_500


def test_clearing_ends_speech(talk: Talk, turn: bytes) -> None:
    detect(talk, create_response=False)
    talk.append(turn[: len(silence(3_400))])  # to the end of the words, before the turn ends
    talk.until("input_audio_buffer.speech_started")
    talk.send("input_audio_buffer.clear")
    talk.until("input_audio_buffer.cleared")
    talk.append(silence(1_000))
    talk.send("input_audio_buffer.commit")
    assert kinds(talk.until("conversation.item.done")) == COMMITTED  # nothing else was sent


def test_switching_detection_off_leaves_the_buffer(talk: Talk, turn: bytes) -> None:
    detect(talk, create_response=False)
    talk.append(turn[: len(silence(2_500))])
    talk.until("input_audio_buffer.speech_started")
    detect(talk)
    talk.append(turn[len(silence(2_500)) :])
    talk.send("input_audio_buffer.commit")
    assert kinds(talk.until("conversation.item.done")) == COMMITTED
    detect(talk, create_response=False)
    talk.append(turn)
    assert kinds(talk.until("conversation.item.done")) == TURN


@pytest.mark.parametrize(
    ("first", "second"), [("server_vad", "semantic_vad"), ("semantic_vad", "server_vad")]
)
def test_the_other_kind_of_detection_continues_the_turn(
    talk: Talk, turn: bytes, first: str, second: str
) -> None:
    detect(talk, type=first, create_response=False)
    talk.append(turn[: len(silence(2_500))])
    started = talk.until("input_audio_buffer.speech_started")[-1]
    detect(talk, type=second, create_response=False)
    talk.append(turn[len(silence(2_500)) :] + silence(4_000))
    events = talk.until("conversation.item.done")
    assert kinds(events) == TURN[1:]
    assert {event["item_id"] for event in (started, *events[:2])} == {started["item_id"]}


def test_silence_after_a_reply_makes_the_model_go_on(talk: Talk, api: AudioApi, turn: bytes) -> None:
    api.on("realtime").say("Yes?").then.say("Are you still there?")
    detect(talk, idle_timeout_ms=5_000)
    talk.append(turn, 4_800)
    talk.until("rate_limits.updated")
    for _ in range(80):
        talk.append(silence(100))
    events = talk.until("rate_limits.updated")
    timeout = ["input_audio_buffer.timeout_triggered", *COMMITTED, "response.created"]
    assert kinds(events)[:5] == timeout
    assert list(events[0]) == ["type", "event_id", "audio_start_ms", "audio_end_ms", "item_id"]
    start_ms, end_ms = times(events[:1])
    assert 5_000 <= end_ms - start_ms <= 5_032
    assert (start_ms % 32, end_ms % 32) == (0, 0)
    assert events[1]["item_id"] == events[0]["item_id"]


def test_semantic_detection_waits_for_the_end_of_what_is_said(connect: Connect, spoken: bytes) -> None:
    ends = {}
    for eagerness in ("high", "low"):
        talk = connect()
        detect(talk, type="semantic_vad", eagerness=eagerness, create_response=False)
        talk.append(spoken + silence(9_000))
        events = talk.until("conversation.item.done")
        assert kinds(events) == TURN
        ends[eagerness] = times(events)[1]
    assert ends["high"] < ends["low"] <= 2_100 + 8_000


def test_a_transcription_session_commits_turns_without_responses(transcribing: Talk, turn: bytes) -> None:
    transcribing.append(turn, 960)
    assert kinds(transcribing.until("conversation.item.done")) == TURN
    transcribing.append(silence(3_000))
    transcribing.send("input_audio_buffer.clear")
    assert transcribing.receive()["type"] == "input_audio_buffer.cleared"


@pytest.mark.parametrize(("detected", "kept_ms"), [(False, 600_000), (True, 120_000)])
def test_what_is_never_committed_is_kept_for_some_minutes(talk: Talk, detected: bool, kept_ms: int) -> None:
    detect(talk, **({"create_response": False} if detected else {}))
    for _ in range(11):
        talk.append(silence(60_000))
    talk.send("input_audio_buffer.commit")
    item_id = talk.until("conversation.item.done")[-1]["item"]["id"]
    assert len(base64.b64decode(retrieved(talk, item_id)["audio"])) == len(silence(kept_ms))


def test_a_response_apart_does_not_begin_the_idle_timeout(talk: Talk, api: AudioApi) -> None:
    api.on("realtime").say("Apart.")
    detect(talk, idle_timeout_ms=5_000)
    talk.send("response.create", response={"conversation": "none"})
    talk.until("response.done")
    for _ in range(80):
        talk.append(silence(100))
    talk.send("input_audio_buffer.clear")
    assert "input_audio_buffer.timeout_triggered" not in kinds(talk.until("input_audio_buffer.cleared"))


def test_what_was_interrupted_is_cut_where_the_client_says(talk: Talk, api: AudioApi, turn: bytes) -> None:
    api.on("realtime").say(LONG)
    talk.append(turn + turn)
    done = talk.until("response.done")
    sent = [event["delta"] for event in done if event["type"] == "response.output_audio.delta"]
    sent_ms = sum(len(base64.b64decode(each)) for each in sent) // 48
    item_id = done[-1]["response"]["output"][0]["id"]
    talk.until("input_audio_buffer.committed")
    cut = {"item_id": item_id, "content_index": 0}
    talk.send("conversation.item.truncate", **cut, audio_end_ms=sent_ms + 1)
    with pytest.raises(AssertionError, match="is already shorter than"):
        talk.until("conversation.item.truncated")
    talk.send("conversation.item.truncate", **cut, audio_end_ms=340)
    assert talk.until("conversation.item.truncated")[-1]["audio_end_ms"] == 340
    part = retrieved(talk, item_id)
    assert (part["transcript"], len(base64.b64decode(part["audio"]))) == ("", len(silence(340)))


@pytest.mark.slow
def test_a_client_at_real_speed_sees_the_same_events(connect: Connect, turn: bytes) -> None:
    seen = []
    for chunk, pause in ((None, 0.0), (960, 0.0), (960, 0.02)):
        talk = connect("intent=transcription")
        talk.update(type="transcription", audio={"input": {"transcription": {"model": "gpt-4o-transcribe"}}})
        if pause:
            for start in range(0, len(turn), 960):
                talk.append(turn[start : start + 960])
                time.sleep(pause)
        else:
            talk.append(turn, chunk)
        events = talk.until("conversation.item.input_audio_transcription.completed")
        words = [event["delta"] for event in events if event["type"].endswith(".delta")]
        seen.append((kinds(events), times(events), words, events[-1]["transcript"]))
    assert seen[0] == seen[1] == seen[2]
    assert seen[0][-1] == "Hello world, this is a test."


@pytest.mark.slow
def test_a_reply_comes_at_the_same_times_of_the_audio(connect: Connect, api: AudioApi, turn: bytes) -> None:
    api.on("realtime").say("I am doing fine today, thanks!")
    audio = turn + silence(4_000)
    seen = []
    for pause in (0.0, 0.02):
        talk = connect()
        talk.update(audio={"input": {"transcription": {"model": "whisper-1"}}})
        for start in range(0, len(audio), 960):
            talk.append(audio[start : start + 960])
            time.sleep(pause)
        seen.append(kinds(talk.until("rate_limits.updated")))
    assert seen[0] == seen[1]
