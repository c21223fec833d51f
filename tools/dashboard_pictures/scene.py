"""Fills a server with exchanges of every kind: those of two applications, one for notes and one for support by voice.

The server's clock is frozen, and its ids have a seed, so the same exchanges come about each time.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import random
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest.mock import patch

import httpx
import openai

from mockserver.resources import data_folder
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer

if TYPE_CHECKING:
    from mockserver.testing.audio_api import AudioApi

NINE_O_CLOCK = 1_800_003_600.0  # 15 January 2027, UTC
_FIXTURES = data_folder("fixtures")
_STUBS = """\
# The stubs of the application for notes.
- name: meetings
  when: {endpoint: transcriptions, file: "meeting*.wav"}
  reply: {text: "Welcome to the meeting. The first topic is the budget."}
- name: order placed
  when: {endpoint: chat, user_text: {contains: order}}
  scenario: {name: order, state: started, next: ordered}
  reply: {text: "Your order is placed."}
- name: order shipped
  when: {endpoint: chat, user_text: {contains: order}}
  scenario: {name: order, state: ordered}
  reply: {text: "Your order is on its way."}
"""
_HALF_A_BATCH = 200  # seconds, longer than everything after it takes by the clock
_LINES = 8  # of the batch
_STEPS = (0.0005, 0.03)  # seconds between two readings of the timer


class Scene(NamedTuple):
    """A filled server; ``ids`` has the ids of exchanges that pictures show, by name."""

    server: MockServer
    ids: Mapping[str, str]


@contextlib.contextmanager
def scene() -> Iterator[Scene]:
    """Yield a filled server with a file of stubs, in a temporary working directory."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        Path("stubs").mkdir()
        Path("stubs", "notes.yaml").write_text(_STUBS, "utf-8")
        with _filled() as filled:
            yield filled


@contextlib.contextmanager
def _filled() -> Iterator[Scene]:
    settings = Settings(
        port=0,
        frozen_time=NINE_O_CLOCK,
        seed="pictures",
        whisper_model="none",
        keep_audio=32 * 1024 * 1024,
        stubs=("stubs",),
        batch_seconds=2 * _HALF_A_BATCH,
        stt_generating_seconds=90,
        log_level="error",
    )
    with MockServer(settings) as server:
        with _timer():
            _begin_work(server)
            ids = {**_support(server), **_notes(server)}
            _script(server)
        yield Scene(server, MappingProxyType(ids))


@contextlib.contextmanager
def _timer() -> Iterator[None]:
    """Have the timer of durations go on by steps that are the same each time, at each reading, within the block."""
    steps = random.Random(7)  # noqa: S311 - for pictures
    passed = itertools.accumulate(steps.uniform(*_STEPS) for _ in itertools.count())
    with (
        patch("time.perf_counter", lambda: next(passed)),
        patch("time.perf_counter_ns", lambda: int(next(passed) * 1e9)),
    ):
        yield


def _notes(server: MockServer) -> dict[str, str]:
    """Send what an application for notes sends: speech, transcriptions in several forms, chats."""
    notes = server.account("sk-mock-tier-1-notes")
    notes.set_limits("whisper-1", requests_per_minute=5)
    notes.set_limits("gpt-4o-mini", requests_per_minute=10, tokens_per_minute=400)
    ids = {}
    _speak(notes, "Buy milk, and call the dentist at nine.", voice="nova")
    server.clock.advance(1.4)
    _transcribe(notes, "hello.wav", model="gpt-4o-mini-transcribe", prompt="Greetings")
    server.clock.advance(2.2)
    _transcribe(notes, "hello.wav", name="meeting-monday.wav")
    ids["words"] = _transcribe(
        notes, "fox.mp3", response_format="verbose_json", timestamp_granularities=["word", "segment"]
    )
    server.clock.advance(3.8)
    ids["stream"] = _chat(notes, "Write a title for my note about milk and the dentist.", stream=True)
    _chat(notes, "Where is my order?")
    server.clock.advance(1.1)
    ids["near miss"] = _transcribe(notes, "bonjour.wav", name="standup-meeting.wav")
    server.clock.advance(0.7)
    return ids


def _support(server: MockServer) -> dict[str, str]:
    """Send what an application for support by voice sends: a diarized call, a spoken chat, a session, failures."""
    support = server.account("sk-mock-tier-3-support")
    ids = {
        "call": _transcribe(
            support,
            "support-call.wav",
            model="gpt-4o-transcribe-diarize",
            response_format="diarized_json",
            chunking_strategy="auto",
        )
    }
    server.clock.advance(4.5)
    ids["spoken chat"] = _spoken_chat(support)
    support.on_chat(user_text={"contains": "weather"}, name="weather").call_tool("get_weather", city="Rome")
    _chat(support, "What is the weather in Rome?", model="gpt-5.4")
    server.clock.advance(2.5)
    support.fail_next("rate_limit_requests", endpoint="chat")
    _chat(support, "Is anybody there?")
    support.fail_next("server_error", endpoint="chat")
    _chat(support, "Is anybody still there?")
    support.break_next("truncated_body", endpoint="transcriptions")
    _transcribe(support, "hello.wav", name="voicemail.wav")
    server.clock.advance(1.9)
    _chat(support, "Hello?", model="gpt-9")
    _embed(support)
    ids["session"] = _session(server, support)
    return ids


def _begin_work(server: MockServer) -> None:
    """Begin work in the background: a batch, a speech-to-text job, a response."""
    notes = server.account("sk-mock-tier-1-notes")
    lines = "\n".join(
        json.dumps(
            {
                "custom_id": f"note-{number}",
                "method": "POST",
                "url": "/v1/chat/completions",
                "body": {
                    "model": "gpt-4o-mini",
                    "messages": [{"role": "user", "content": f"Shorten note {number}."}],
                },
            }
        )
        for number in range(1, _LINES + 1)
    )
    file = notes.client.files.create(file=("notes.jsonl", lines.encode()), purpose="batch")
    notes.client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    server.clock.advance(2 * _HALF_A_BATCH)
    server.clock.advance(_HALF_A_BATCH)
    _await_end(server, "chat", _LINES // 2)
    notes.client.responses.create(model="gpt-5.4", input="Sum up all notes of this week.", background=True)
    httpx.post(
        f"{notes.base_url}/stt/create",
        headers={"Authorization": f"Bearer {notes.api_key}"},
        data={"model": "#g1_nova-2-general"},
        files={"file": ("interview.wav", (_FIXTURES / "hello.wav").read_bytes())},
    ).raise_for_status()
    server.clock.advance(2.6)


def _await_end(server: MockServer, endpoint: str, count: int) -> None:
    """Wait until that many exchanges of an endpoint have ended."""
    while True:
        ends = [entry["timing"]["total_ms"] for entry in server.journal if entry["endpoint"] == endpoint]
        if sum(end is not None for end in ends) == count:
            return
        time.sleep(0.01)


def _script(server: MockServer) -> None:
    """Add stubs and faults that have not been used yet."""
    server.on_speech(name="greeting", user_text={"contains": "Hello"}).reply("Good day.")
    server.break_next("latency", None, endpoint="speech", seconds=0.4)
    server.fail_next("server_error", 3, endpoint="responses")


def _speak(account: AudioApi, text: str, voice: str) -> str:
    speech = account.client.audio.speech.with_raw_response.create(
        model="gpt-4o-mini-tts", voice=voice, input=text, response_format="wav"
    )
    return str(speech.headers["x-request-id"])


def _transcribe(
    account: AudioApi, clip: str, name: str = "", model: str = "whisper-1", **options: Any
) -> str:
    """Upload a fixture under a ``name``; return the id of the exchange, empty if the connection broke."""
    file = (name or clip, (_FIXTURES / clip).read_bytes())
    with contextlib.suppress(openai.APIConnectionError):
        answer = account.client.audio.transcriptions.with_raw_response.create(
            model=model, file=file, **options
        )
        return str(answer.headers["x-request-id"])
    return ""


def _chat(account: AudioApi, text: str, model: str = "gpt-4o-mini", *, stream: bool = False) -> str:
    """Send a chat, and read its answer; return the id of the exchange, also of a refused one."""
    messages: Any = [{"role": "user", "content": text}]
    try:
        answer = account.client.chat.completions.with_raw_response.create(
            model=model, messages=messages, stream=stream
        )
    except openai.APIStatusError as refused:
        return str(refused.response.headers["x-request-id"])
    answer.http_response.read()
    return str(answer.headers["x-request-id"])


def _spoken_chat(account: AudioApi) -> str:
    data = base64.b64encode((_FIXTURES / "hello.wav").read_bytes()).decode()
    content: Any = [{"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}]
    answer = account.client.chat.completions.with_raw_response.create(
        model="gpt-audio",
        modalities=["text", "audio"],
        audio={"voice": "alloy", "format": "wav"},
        messages=[{"role": "user", "content": content}],
    )
    return str(answer.headers["x-request-id"])


def _embed(account: AudioApi) -> None:
    account.client.embeddings.create(model="text-embedding-3-small", input=["Good morning.", "Good night."])


def _session(server: MockServer, account: AudioApi) -> str:
    """Hold a call of a Realtime session; return the id of its exchange."""
    account.on_realtime(heard={"contains": "weather"}, name="forecast").say(
        "It is sunny in Rome, and it will stay so until the weekend. Take your sunglasses with you."
    )
    transcription = {"audio": {"input": {"transcription": {"model": "gpt-4o-mini-transcribe"}}}}
    with account.caller(session=transcription) as call:
        call.say("What is the weather in Rome?")
        call.interrupt("And in Berlin?")
        call.hear()
    _await_end(server, "realtime", 1)
    latest = server.latest_exchange
    assert latest is not None
    return latest
