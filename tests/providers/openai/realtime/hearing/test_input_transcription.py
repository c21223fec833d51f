"""Transcription sessions end to end: what each model sends of the same speech, in which order and form."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from mockserver.settings.model import AccountRow, Settings
from mockserver.testing.mock_server import MockServer
from mockserver.wire import tokens
from tests.providers.openai.realtime.conftest import Body, Connect, Talk, kinds, silence
from tests.providers.openai.realtime.hearing.transcribing import (
    COMMITTED,
    DIARIZES,
    EVENT,
    HELLO,
    LIVE,
    LOGPROBS,
    MODELS,
    OF_SECONDS,
    OF_TOKENS,
    commit,
    configure,
    joined,
    of_kind,
    pcm_of,
)

QUESTION = "What is the weather like in Paris tomorrow? I want to go there with my friends."


@pytest.fixture(scope="session")
def question(whisper_server: MockServer) -> bytes:
    """Return a question, spoken by a voice of the server, between silence."""
    with openai.OpenAI(base_url=whisper_server.base_url, api_key="sk-mock-tier-5-question") as sdk:
        spoken = sdk.audio.speech.create(
            model="tts-1", voice="alloy", input=QUESTION, response_format="pcm"
        ).content
    return silence(800) + spoken + silence(1200)


@pytest.mark.parametrize("model", MODELS)
def test_a_commit_is_transcribed(transcribing: Talk, model: str) -> None:
    configure(transcribing, model)
    events = commit(transcribing, pcm_of("hello"))
    assert [kind for kind in kinds(events) if not kind.startswith(EVENT)] == COMMITTED
    deltas, (completed,) = of_kind(events, "delta"), of_kind(events, "completed")
    assert {event["item_id"] for event in [*deltas, completed]} == {events[0]["item_id"]}
    for delta in deltas:
        assert list(delta) == ["type", "event_id", "item_id", "content_index", "delta", "obfuscation"]
        assert (len(delta["delta"]) + len(delta["obfuscation"])) % 16 == 0
    languages = ["languages"] if model in ("gpt-transcribe", "gpt-live-transcribe") else []
    assert list(completed) == [
        *("type", "event_id", "item_id", "content_index", "transcript"),
        *languages,
        "usage",
    ]
    assert completed["transcript"] == HELLO
    assert joined(events) == (" " + HELLO if model == "gpt-realtime-whisper" else HELLO)
    assert len(deltas) == (1 if model == "whisper-1" else tokens.count(HELLO))


@pytest.mark.parametrize("model", OF_SECONDS)
def test_usage_in_whole_seconds(transcribing: Talk, model: str) -> None:
    configure(transcribing, model)
    assert commit(transcribing, pcm_of("hello"))[-1]["usage"] == {"type": "duration", "seconds": 3}


@pytest.mark.parametrize("model", OF_TOKENS)
def test_usage_in_tokens(transcribing: Talk, model: str) -> None:
    configure(transcribing, model, transcription={"prompt": "Say hello."})
    events = commit(transcribing, pcm_of("hello"))
    written, read = len(of_kind(events, "delta")) + 2, tokens.count("Say hello.")
    assert events[-1]["usage"] == {
        "type": "tokens",
        "total_tokens": 20 + read + written,
        "input_tokens": 20 + read,
        "input_token_details": {"text_tokens": read, "audio_tokens": 20},
        "output_tokens": written,
    }


@pytest.mark.parametrize("model", OF_TOKENS)
def test_logprobs_are_included_if_asked_for(transcribing: Talk, model: str) -> None:
    configure(transcribing, model, include=LOGPROBS)
    events = commit(transcribing, pcm_of("hello"))
    deltas, (completed,) = of_kind(events, "delta"), of_kind(events, "completed")
    assert list(completed)[-3:] == ["transcript", "logprobs", "usage"]
    assert all(list(delta)[-2:] == ["obfuscation", "logprobs"] for delta in deltas)
    assert completed["logprobs"] == [row for delta in deltas for row in delta["logprobs"]]
    assert all(list(row) == ["token", "logprob", "bytes"] for row in completed["logprobs"])


@pytest.mark.parametrize("model", [*OF_SECONDS, DIARIZES])
def test_other_models_have_no_logprobs(transcribing: Talk, model: str) -> None:
    configure(transcribing, model, include=LOGPROBS)
    assert not any("logprobs" in event for event in commit(transcribing, pcm_of("hello")))


@pytest.mark.parametrize(
    ("hints", "codes"),
    [({}, ["en"]), ({"language": "de"}, ["de"]), ({"languages": ["fr", "en"]}, ["fr", "en"])],
)
def test_languages_are_those_of_the_hints_or_detected(
    transcribing: Talk, hints: dict[str, Any], codes: list[str]
) -> None:
    configure(transcribing, "gpt-transcribe", transcription=hints)
    assert commit(transcribing, pcm_of("hello"))[-1]["languages"] == [{"code": code} for code in codes]


@pytest.mark.parametrize("model", MODELS)
def test_silence_has_an_empty_transcript_and_is_billed(transcribing: Talk, model: str) -> None:
    configure(transcribing, model)
    events = commit(transcribing, silence(1600))
    assert kinds(events) == [*COMMITTED, f"{EVENT}.completed"]
    completed = events[-1]
    assert completed["transcript"] == ""
    assert completed.get("languages", []) == []
    usage = completed["usage"]
    assert (
        usage.get("seconds") == 2
        if model in OF_SECONDS
        else usage["input_token_details"]["audio_tokens"] == 16
    )


def test_segments_name_the_speakers(transcribing: Talk) -> None:
    configure(transcribing, DIARIZES)
    events = commit(transcribing, pcm_of("support-call"))
    segments = of_kind(events, "segment")
    assert [segment["speaker"] for segment in segments] == ["A", "B", "A", "B"]
    assert [segment["id"] for segment in segments] == ["seg_0", "seg_1", "seg_2", "seg_3"]
    assert list(segments[0]) == [
        *("type", "event_id", "item_id", "content_index"),
        *("text", "id", "speaker", "start", "end"),
    ]
    assert "".join(segment["text"] for segment in segments).strip() == events[-1]["transcript"]


def test_no_transcription_means_no_events(transcribing: Talk) -> None:
    transcribing.update(type="transcription", audio={"input": {"turn_detection": None}})
    for _ in range(2):
        transcribing.append(pcm_of("hello"))
        transcribing.send("input_audio_buffer.commit")
        assert kinds(transcribing.until("conversation.item.done")) == COMMITTED


def test_two_transcriptions_end_in_the_order_of_their_commits(transcribing: Talk) -> None:
    configure(transcribing, "gpt-4o-transcribe")
    for pcm in (pcm_of("support-call"), pcm_of("hello"), silence(500)):
        transcribing.append(pcm)
        transcribing.send("input_audio_buffer.commit")
    events = [event for _ in range(3) for event in transcribing.until(f"{EVENT}.completed")]
    committed = [event["item_id"] for event in events if event["type"] == COMMITTED[0]]
    assert [event["item_id"] for event in of_kind(events, "completed")] == committed
    assert [len(of_kind(events, "delta")) > 9, of_kind(events, "completed")[-1]["transcript"]] == [True, ""]


def test_a_deleted_item_is_not_transcribed(transcribing: Talk) -> None:
    configure(transcribing, "gpt-4o-transcribe")
    transcribing.append(pcm_of("hello"))
    transcribing.send("input_audio_buffer.commit")
    item_id = transcribing.until("conversation.item.done")[-1]["item"]["id"]
    transcribing.send("conversation.item.delete", item_id=item_id)
    events = transcribing.until("conversation.item.deleted")
    events += commit(transcribing, silence(500))
    assert of_kind(events, "completed")[-1]["item_id"] != item_id
    assert len(of_kind(events, "completed")) == 1


@pytest.mark.parametrize("model", MODELS)
def test_one_model_finds_out_late_that_a_commit_is_empty(transcribing: Talk, model: str) -> None:
    configure(transcribing, model)
    transcribing.send("input_audio_buffer.commit", event_id="empty")
    transcribing.append(silence(300))
    transcribing.send("input_audio_buffer.commit")
    events: list[Body] = []
    while not {"error", f"{EVENT}.completed"} <= set(kinds(events)):
        events += transcribing.until("error", f"{EVENT}.completed")
    error = next(event["error"] for event in events if event["type"] == "error")
    assert (error["code"], error["event_id"]) == ("input_audio_buffer_commit_empty", "empty")
    is_late = kinds(events).index("error") > kinds(events).index(COMMITTED[0])
    assert is_late == (model == "gpt-live-transcribe")


@pytest.fixture(scope="module")
def deaf_server() -> Iterator[MockServer]:
    """Yield a server that refuses to transcribe what it does not know."""
    accounts = (AccountRow("sk-one-model", models=("whisper-1",)),)
    settings = Settings(
        port=0, whisper_model="none", unknown_audio="error", log_level="error", accounts=accounts
    )
    with MockServer(settings) as running:
        yield running


@pytest.mark.parametrize("model", MODELS)
def test_what_cannot_be_transcribed_fails(connect: Connect, deaf_server: MockServer, model: str) -> None:
    talk = connect("intent=transcription", at=deaf_server)
    configure(talk, model)
    noise = bytes(range(256)) * 100
    events = commit(talk, noise)
    assert kinds(events) == [*COMMITTED, f"{EVENT}.failed"]
    failed = events[-1]
    assert list(failed) == ["type", "event_id", "item_id", "content_index", "error"]
    assert list(failed["error"]) == ["type", "code", "message", "param"]
    assert failed["error"]["code"] == "mock_no_transcriber"
    assert commit(talk, pcm_of("hello"))[-1]["transcript"] == HELLO


def test_a_model_that_the_account_may_not_use_transcribes_nothing(
    connect: Connect, deaf_server: MockServer
) -> None:
    talk = connect("intent=transcription", at=deaf_server, key="sk-one-model")
    configure(talk, "gpt-transcribe")
    failed = commit(talk, pcm_of("hello"))[-1]
    assert failed["error"]["code"] == "model_not_found"
    assert "does not have access to model `gpt-transcribe`" in failed["error"]["message"]
    configure(talk, "whisper-1")
    assert commit(talk, pcm_of("hello"))[-1]["transcript"] == HELLO


def test_commits_before_the_first_is_answered_are_answered_in_order(transcribing: Talk) -> None:
    configure(transcribing, "gpt-live-transcribe")
    for pcm in (pcm_of("hello"), silence(200), pcm_of("hello")):
        transcribing.append(pcm)
        transcribing.send("input_audio_buffer.commit")
    transcribing.send("input_audio_buffer.clear")
    events = [event for _ in range(3) for event in transcribing.until(f"{EVENT}.completed")]
    committed = [event for event in events if event["type"] == COMMITTED[0]]
    ids = [event["item_id"] for event in committed]
    assert [event["previous_item_id"] for event in committed] == [None, *ids[:2]]
    completed = of_kind(events, "completed")
    assert [(event["item_id"], event["transcript"]) for event in completed] == [
        (ids[0], HELLO),
        (ids[1], ""),
        (ids[2], HELLO),
    ]


def test_a_conversation_answers_a_commit_at_once(talk: Talk) -> None:
    transcription = {"model": "gpt-live-transcribe"}
    talk.update(audio={"input": {"turn_detection": None, "transcription": transcription}})
    talk.append(pcm_of("hello"))
    talk.send("input_audio_buffer.commit")
    talk.send("conversation.item.create", item={"type": "message", "role": "user", "content": []})
    events = talk.until("conversation.item.done") + talk.until("conversation.item.done")
    assert [kind for kind in kinds(events) if not kind.startswith(EVENT)] == [*COMMITTED, *COMMITTED[1:]]
    assert events[-1]["previous_item_id"] == events[-3]["item"]["id"]


def test_another_model_continues_what_was_sent(transcribing: Talk) -> None:
    configure(transcribing, "gpt-realtime-whisper")
    transcribing.append(pcm_of("hello") + silence(300))
    configure(transcribing, "whisper-1")
    events = commit(transcribing, silence(300))
    assert len(of_kind(events, "delta")) < tokens.count(HELLO)
    sent = "".join(event["delta"] for event in transcribing.events if event["type"] == f"{EVENT}.delta")
    assert sent == " " + HELLO == " " + events[-1]["transcript"]


def test_another_format_drops_what_was_not_committed(transcribing: Talk) -> None:
    configure(transcribing, "gpt-live-transcribe")
    transcribing.append(pcm_of("hello"))
    configure(transcribing, "gpt-live-transcribe", format={"type": "audio/pcmu"})
    events = commit(transcribing, b"\xff" * 1600)
    assert events[-1]["transcript"] == ""
    assert events[-1]["usage"] == {"type": "duration", "seconds": 1}


def test_a_conversation_transcribes_beside_the_response(talk: Talk) -> None:
    talk.update(audio={"input": {"turn_detection": None, "transcription": {"model": "gpt-4o-transcribe"}}})
    assert commit(talk, pcm_of("hello"))[-1]["transcript"] == HELLO


@pytest.mark.parametrize("chunk", [None, 960])
def test_known_speech_in_a_stream_is_sent_while_it_is_heard(talk: Talk, chunk: int | None) -> None:
    detection = {"type": "server_vad", "create_response": False}
    transcription = {"model": "gpt-realtime-whisper"}
    talk.update(audio={"input": {"turn_detection": detection, "transcription": transcription}})
    talk.append(silence(1000) + pcm_of("hello") + silence(1000), chunk)
    events = talk.until(f"{EVENT}.completed")
    speech = [event for event in events if not event["type"].startswith("conversation.item.")]
    assert [event["type"].rpartition(".")[2] for event in speech] == [
        "speech_started",
        "speech_stopped",
        "committed",
    ]
    assert len({event["item_id"] for event in events if "item_id" in event}) == 1
    before = events[: kinds(events).index("input_audio_buffer.speech_stopped")]
    assert joined(before) == " Hello world"
    assert joined(events) == " " + HELLO == " " + events[-1]["transcript"]
    seconds = (speech[1]["audio_end_ms"] - speech[0]["audio_start_ms"]) / 1000
    assert events[-1]["usage"] == {"type": "duration", "seconds": math.ceil(seconds)}


def test_turns_of_a_known_recording_have_its_words(transcribing: Talk) -> None:
    detection = {"type": "server_vad", "silence_duration_ms": 200}
    configure(transcribing, "gpt-4o-transcribe", turn_detection=detection)
    transcribing.append(pcm_of("support-call") + silence(1500), 4800)
    texts: list[str] = []
    while not texts or not texts[-1].endswith("very much."):
        texts.append(transcribing.until(f"{EVENT}.completed")[-1]["transcript"])
    assert texts == [
        "Thanks for calling our support line.",
        "Hello, I would like to know when my parcel arrives.",
        "It will be with you tomorrow morning.",
        "Wonderful,",
        "thank you very much.",
    ]


@pytest.fixture(scope="module")
def clocked_server() -> Iterator[MockServer]:
    """Yield a server whose sessions follow its clock, which is frozen."""
    settings = Settings(port=0, whisper_model="none", realtime_pacing="real", log_level="error")
    with MockServer(settings) as running:
        running.clock.freeze()
        yield running


@pytest.mark.parametrize("model", ["gpt-4o-transcribe", "whisper-1", *LIVE])
def test_with_real_pacing_a_transcription_takes_its_time(
    connect: Connect, clocked_server: MockServer, model: str
) -> None:
    talk = connect("intent=transcription", at=clocked_server)
    configure(talk, model)
    talk.append(pcm_of("hello"))
    talk.send("input_audio_buffer.commit")
    if model == "gpt-live-transcribe":
        talk.send("conversation.item.retrieve", item_id="none")
        assert not set(COMMITTED) & set(kinds(talk.until("error")))
        clocked_server.clock.advance(0.151)
    talk.until("conversation.item.done")
    with pytest.raises(TimeoutError):
        talk.receive(0.3)
    first = {"gpt-live-transcribe": 0.1, "gpt-realtime-whisper": 0.2}.get(model, 0.9)
    clocked_server.clock.advance(first + 0.001)
    assert len(of_kind(talk.until(f"{EVENT}.delta"), "delta")) == 1
    clocked_server.clock.advance(0.5)
    assert talk.until(f"{EVENT}.completed")[-1]["transcript"] == HELLO


@pytest.mark.slow
@pytest.mark.parametrize("model", LIVE)
def test_live_models_send_words_while_the_user_speaks(
    connect: Connect, whisper_server: MockServer, question: bytes, model: str
) -> None:
    talk = connect("intent=transcription", at=whisper_server)
    configure(talk, model)
    events = commit(talk, question)
    before = events[: kinds(events).index(COMMITTED[0])]
    after = events[len(before) :]
    assert joined(before).strip().startswith("What is the weather like in Paris tomorrow")
    assert len(of_kind(after, "delta")) >= 1
    assert {event["item_id"] for event in before} == {after[0]["item_id"]}
    assert events[-1]["transcript"] == QUESTION == joined(events).strip()


def shape(events: list[Body]) -> list[tuple[str, str]]:
    """Return the types of events and their texts and times, without ids."""
    texts = ("delta", "transcript", "audio_start_ms", "audio_end_ms")
    return [(event["type"], "".join(str(event[name]) for name in texts if name in event)) for event in events]


@pytest.mark.slow
@pytest.mark.parametrize("model", ["gpt-realtime-whisper", "gpt-4o-transcribe"])
def test_events_do_not_depend_on_how_audio_is_divided(
    connect: Connect, whisper_server: MockServer, question: bytes, model: str
) -> None:
    detection = None if model in LIVE else {"type": "server_vad", "silence_duration_ms": 700}
    seen = []
    for chunk in (None, 960, 7777):  # bytes
        talk = connect("intent=transcription", at=whisper_server)
        configure(talk, model, turn_detection=detection)
        if detection is None:
            seen.append(shape(commit(talk, question, chunk)))
        else:
            talk.append(question, chunk)
            seen.append(shape(talk.until(f"{EVENT}.completed")))
    assert seen[0][-1] == (f"{EVENT}.completed", QUESTION)
    assert seen[1] == seen[0]
    assert seen[2] == seen[0]


@pytest.mark.slow
def test_of_long_speech_the_transcript_is_what_was_sent(
    connect: Connect, whisper_server: MockServer, question: bytes
) -> None:
    talk = connect("intent=transcription", at=whisper_server)
    configure(talk, "gpt-live-transcribe")
    events = commit(talk, question * 4, 48_000)
    assert joined(events) == events[-1]["transcript"] == " ".join([QUESTION] * 4)
    assert events[-1]["usage"]["seconds"] == math.ceil(len(question) * 4 / 48_000)


@pytest.mark.slow
def test_a_shorter_delay_sends_words_earlier(
    connect: Connect, whisper_server: MockServer, question: bytes
) -> None:
    sent = []
    for delay in ("minimal", "xhigh"):
        talk = connect("intent=transcription", at=whisper_server)
        configure(talk, "gpt-realtime-whisper", transcription={"delay": delay})
        events = commit(talk, question)
        sent.append(len(joined(events[: kinds(events).index(COMMITTED[0])])))
    assert sent[0] > sent[1] > 0


@pytest.mark.slow
@pytest.mark.parametrize("codec", ["audio/pcmu", "audio/pcma"])
def test_telephony_is_understood(
    connect: Connect, whisper_server: MockServer, question: bytes, codec: str
) -> None:
    import numpy as np

    from mockserver.audio.telephony import encode_g711

    samples = np.frombuffer(question, "<i2").astype(np.float64)
    lower = samples[: len(samples) // 3 * 3].reshape(-1, 3).mean(axis=1).astype("<i2").tobytes()
    talk = connect("intent=transcription", at=whisper_server)
    detection = {"type": "server_vad", "silence_duration_ms": 700}
    configure(talk, "whisper-1", format={"type": codec}, turn_detection=detection)
    talk.append(encode_g711(lower, "mu" if codec == "audio/pcmu" else "a"), 160)
    events = talk.until(f"{EVENT}.completed")
    assert kinds(events)[:2] == ["input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"]
    assert events[-1]["transcript"] == QUESTION
