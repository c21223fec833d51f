"""Transcriptions that stubs and faults answer, and what responses hear then."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from mockserver.engines.answered_by import AnsweredBy
from mockserver.engines.transcription import Segment, Transcription
from mockserver.providers.openai.realtime.hearing.listening import Listening
from mockserver.providers.openai.realtime.hearing.spoken_items import SpokenItem
from mockserver.providers.openai.realtime.sounds import Sounds
from mockserver.testing.audio_api import AudioApi
from tests.providers.openai.realtime.conftest import Body, Connect, Talk, kinds, silence
from tests.providers.openai.realtime.hearing.transcribing import (
    COMMITTED,
    DIARIZES,
    EVENT,
    HELLO,
    LIVE,
    LOGPROBS,
    MODELS,
    commit,
    configure,
    joined,
    of_kind,
    pcm_of,
)

if TYPE_CHECKING:
    from mockserver.providers.openai.realtime.turns.turns import Turns

STUB = "Words of a stub."


@pytest.mark.parametrize("model", MODELS)
def test_a_stub_is_sent_as_the_model_would(transcribing: Talk, api: AudioApi, model: str) -> None:
    api.on_realtime_transcription(heard="test", model=model).reply(STUB)
    configure(transcribing, model)
    events = commit(transcribing, pcm_of("hello"))
    assert kinds(events)[:3] == COMMITTED
    assert joined(events).strip() == STUB == events[-1]["transcript"]
    assert len(of_kind(events, "segment")) == (model == DIARIZES)
    assert commit(transcribing, silence(500))[-1]["transcript"] == ""


def test_a_transcription_session_is_scripted_by_stubs_of_turns(transcribing: Talk, api: AudioApi) -> None:
    api.on_realtime(turn=2).reply(STUB)
    configure(transcribing, "whisper-1")
    texts = [commit(transcribing, pcm_of("hello"))[-1]["transcript"] for _ in range(3)]
    assert texts == [HELLO, STUB, HELLO]


@pytest.mark.parametrize("model", LIVE)
def test_a_stub_for_other_turns_leaves_words_live(transcribing: Talk, api: AudioApi, model: str) -> None:
    api.on_realtime_transcription(turn=99).reply(STUB)
    configure(transcribing, model)
    assert joined(commit(transcribing, pcm_of("hello"))).strip() == HELLO


class Ears(Listening):
    """A chain that hears the same words in everything."""

    def __init__(self, text: str) -> None:
        self.text = text

    def heard(self, pcm: bytes, *args: object, **more: object) -> Transcription:
        return Transcription(AnsweredBy("whisper"), 2.0, ("en",), (Segment(self.text, 0.0, 2.0),))


@pytest.mark.parametrize(
    ("sent", "heard", "text"),
    [
        ("", "Ice cream for you.", "Ice cream for you."),
        ("Ice cream", "Ice cream for you.", "Ice cream for you."),
        ("I scream for", "Ice cream for you.", "I scream for you."),
        ("Ice cream for you", "", "Ice cream for you"),
    ],
)
def test_a_transcript_continues_what_was_sent(sent: str, heard: str, text: str) -> None:
    item = SpokenItem("item", Ears(heard), cast("Turns", SimpleNamespace(heard=lambda *of: None)))
    item.live.more(sent)
    item.commit(Sounds().keep(silence(2000), 24_000), None)
    assert item.text() == text == item.live.sent + item.live.more(text)


def test_parameters_select_a_stub(transcribing: Talk, api: AudioApi) -> None:
    api.on_realtime_transcription(fields={"keywords": ["Ada"]}, prompt="names").reply(STUB)
    configure(transcribing, "gpt-transcribe", transcription={"keywords": ["Ada"], "prompt": "names"})
    assert commit(transcribing, pcm_of("hello"))[-1]["transcript"] == STUB
    configure(transcribing, "gpt-transcribe", transcription={"keywords": ["Bob"], "prompt": "names"})
    assert commit(transcribing, pcm_of("hello"))[-1]["transcript"] == HELLO


def test_a_stub_gives_log_probabilities(transcribing: Talk, api: AudioApi) -> None:
    rows = [{"token": "Yes", "logprob": -0.25}, {"token": ".", "logprob": -1.5}]
    api.on_realtime_transcription().reply(logprobs=rows)
    configure(transcribing, "gpt-4o-transcribe", include=LOGPROBS)
    completed = commit(transcribing, pcm_of("hello"))[-1]
    assert [(row["token"], row["logprob"]) for row in completed["logprobs"]] == [("Yes", -0.25), (".", -1.5)]


def failure(events: list[Body]) -> dict[str, Any]:
    assert kinds(events) == [*COMMITTED, f"{EVENT}.failed"]
    error: dict[str, Any] = events[-1]["error"]
    assert list(error) == ["type", "code", "message", "param"]
    return error


def test_a_fault_lets_a_transcription_fail(transcribing: Talk, api: AudioApi) -> None:
    api.fail_next("rate_limit_requests", endpoint="realtime_transcriptions")
    configure(transcribing, "gpt-4o-transcribe")
    assert failure(commit(transcribing, pcm_of("hello")))["code"] == "rate_limit_exceeded"
    assert commit(transcribing, pcm_of("hello"))[-1]["transcript"] == HELLO


def test_a_silent_transcription_does_not_stop_the_next(transcribing: Talk, api: AudioApi) -> None:
    api.break_next("hang", endpoint="realtime_transcriptions")
    configure(transcribing, "gpt-4o-transcribe")
    transcribing.append(silence(500))
    transcribing.send("input_audio_buffer.commit")
    events = commit(transcribing, pcm_of("hello"))
    first, second = (event["item_id"] for event in events if event["type"] == COMMITTED[0])
    assert {event["item_id"] for event in events if event["type"].startswith(EVENT)} == {second} != {first}


def test_a_delayed_transcription_delays_the_end_of_the_next(transcribing: Talk, api: AudioApi) -> None:
    api.break_next("latency", endpoint="realtime_transcriptions", seconds=5)
    configure(transcribing, "whisper-1")
    for pcm in (pcm_of("hello"), silence(500)):
        transcribing.append(pcm)
        transcribing.send("input_audio_buffer.commit")
    ends = [transcribing.until(f"{EVENT}.completed")[-1]["transcript"] for _ in range(2)]
    assert ends == [HELLO, ""]


def test_events_of_a_stub_take_the_place_of_a_transcription(transcribing: Talk, api: AudioApi) -> None:
    event = {"type": f"{EVENT}.completed", "item_id": "of the stub", "transcript": STUB}
    api.on_realtime_transcription(times=1).reply_events([event, "no JSON"])
    configure(transcribing, "whisper-1")
    transcribing.append(pcm_of("hello"))
    transcribing.send("input_audio_buffer.commit")
    transcribing.until("conversation.item.done")
    transcribing.is_checked = False
    assert transcribing.receive().items() >= event.items()
    assert transcribing.socket.recv(timeout=30) == "no JSON"
    assert commit(transcribing, pcm_of("hello"))[-1]["transcript"] == HELLO


def ask(talk: Talk, pcm: bytes) -> Body:
    """Commit speech in a conversation with transcription, and return the response to it."""
    transcription = {"model": "whisper-1"}
    talk.update(
        output_modalities=["text"],
        audio={"input": {"turn_detection": None, "transcription": transcription}},
    )
    talk.append(pcm)
    talk.send("input_audio_buffer.commit")
    talk.send("response.create")
    response: Body = talk.until("response.done")[-1]["response"]
    return response


def test_a_response_hears_what_a_stub_transcribes(talk: Talk, api: AudioApi) -> None:
    api.on_realtime_transcription().reply(STUB)
    api.on_realtime(heard="stub").reply("Heard the stub.")
    assert ask(talk, pcm_of("hello"))["output"][0]["content"][0]["text"] == "Heard the stub."


def test_a_response_hears_the_user_though_the_transcription_fails(talk: Talk, api: AudioApi) -> None:
    api.fail_next("server_error", endpoint="realtime_transcriptions")
    api.on_realtime(heard="this is a test").reply("Heard it.")
    assert ask(talk, pcm_of("hello"))["output"][0]["content"][0]["text"] == "Heard it."


def test_each_model_works_beside_each_other_session(connect: Connect) -> None:
    talks = [connect("intent=transcription") for _ in MODELS]
    for talk, model in zip(talks, MODELS, strict=True):
        configure(talk, model)
        talk.append(pcm_of("hello"), 4800)
        talk.send("input_audio_buffer.commit")
    assert {talk.until(f"{EVENT}.completed")[-1]["transcript"] for talk in talks} == {HELLO}
