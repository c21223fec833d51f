"""The transcription of audio ends when its client leaves."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Callable, Iterator
from http.client import HTTPConnection

import numpy as np
import pytest
import requests

from mockserver.app import services_of
from mockserver.audio.encode import write_wav
from mockserver.engines.speech import SPEECH_SAMPLE_RATE, Utterance
from mockserver.engines.whisper.transcriber import WhisperTranscriber
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.conftest import multipart
from tests.providers.aimlapi.conftest import DEEPGRAM
from tests.waiting import clips_at_work, eventually

pytestmark = pytest.mark.slow

WINDOWS = 40  # of 30 s with a sentence each: more than are transcribed before a test checks
SENTENCE = "My order has not arrived yet."


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    """Yield a server that transcribes one clip at a time."""
    settings = Settings(port=0, whisper_model="embedded", whisper_cpu_threads=1, remember_speech=0)
    with MockServer(settings) as running:
        yield running


@pytest.fixture(scope="module")
def whisper(server: MockServer) -> WhisperTranscriber:
    engine = services_of(server.app).whisper
    assert isinstance(engine, WhisperTranscriber)
    engine.wait()
    return engine


@pytest.fixture(scope="module")
def long_clip(server: MockServer) -> bytes:
    """Return a WAV file (8 kHz) with a sentence every 30 s."""
    services = services_of(server.app)
    said = b"".join(
        chunk.pcm for chunk in services.speaker.speak(Utterance(SENTENCE, services.catalog.voices[0]))
    )
    window = np.zeros(30 * 8_000, "<i2")
    every_third = np.frombuffer(said, "<i2")[:: SPEECH_SAMPLE_RATE // 8_000]
    window[: len(every_third)] = every_third
    # Each window is another: the same one is decoded once.
    return write_wav(b"".join(np.roll(window, 80 * number).tobytes() for number in range(WINDOWS)), 8_000)


def windows(caplog: pytest.LogCaptureFixture) -> int:
    """Return how many windows Whisper has begun."""
    return sum(message.startswith("Processing segment at") for message in caplog.messages)


def send(server: MockServer, path: str, body: bytes, headers: dict[str, str]) -> socket.socket:
    """Send a request; return the connection without reading from it."""
    connection = HTTPConnection("127.0.0.1", int(server.url.rpartition(":")[2]), timeout=60)
    connection.request("POST", path, body, {"Authorization": "Bearer sk-mock-me", **headers})
    assert connection.sock is not None
    return connection.sock


def transcription(clip: bytes, **fields: str) -> tuple[str, bytes, dict[str, str]]:
    form = {"model": "whisper-1"} | fields
    body, headers = multipart(list(form.items()), ("clip.wav", clip))
    return "/v1/audio/transcriptions", body, headers


def streamed(clip: bytes) -> tuple[str, bytes, dict[str, str]]:
    return transcription(clip, model="gpt-4o-transcribe", stream="true")


def chat(clip: bytes) -> tuple[str, bytes, dict[str, str]]:
    audio = {"data": base64.b64encode(clip).decode(), "format": "wav"}
    message = {"role": "user", "content": [{"type": "input_audio", "input_audio": audio}]}
    body = {"model": "gpt-audio", "modalities": ["text"], "messages": [message]}
    return "/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}


@pytest.mark.parametrize("request_of", [transcription, streamed, chat])
def test_whisper_stops_when_the_client_leaves(
    server: MockServer,
    whisper: WhisperTranscriber,
    long_clip: bytes,
    request_of: Callable[[bytes], tuple[str, bytes, dict[str, str]]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level("DEBUG", logger="faster_whisper"):
        connection = send(server, *request_of(long_clip))
        assert eventually(lambda: windows(caplog) > 0)
        connection.close()
        assert eventually(lambda: clips_at_work() == 0)
    assert windows(caplog) < WINDOWS


def test_clips_whose_clients_leave_while_they_wait_are_not_transcribed(
    server: MockServer, whisper: WhisperTranscriber, long_clip: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG", logger="faster_whisper"):
        patient = send(server, *transcription(long_clip))
        assert eventually(lambda: windows(caplog) > 0)
        leaving = [send(server, *transcription(long_clip + b"\0" * n)) for n in range(1, 4)]
        assert eventually(lambda: clips_at_work() == 4)
        for connection in leaving:
            connection.close()
        assert eventually(lambda: clips_at_work() == 1)
        assert windows(caplog) < WINDOWS, "the clip of the remaining client is still being transcribed"
        patient.close()
        assert eventually(lambda: clips_at_work() == 0)


def test_the_journal_and_the_metrics_count_it(
    server: MockServer, whisper: WhisperTranscriber, long_clip: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG", logger="faster_whisper"):
        connection = send(server, *transcription(long_clip))
        assert eventually(lambda: windows(caplog) > 0)
        connection.close()
        assert eventually(lambda: clips_at_work() == 0)

    def is_written_down() -> bool:
        entries = requests.get(f"{server.url}/_mock/journal", timeout=60).json()["entries"]
        return any(entry["hung_up"] and entry["status"] is None for entry in entries)

    assert eventually(is_written_down)
    assert eventually(lambda: 'status="499"' in requests.get(f"{server.url}/_mock/metrics", timeout=60).text)


def test_a_job_that_is_deleted_is_transcribed_no_further(
    server: MockServer, whisper: WhisperTranscriber, long_clip: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    body, headers = multipart([("model", DEEPGRAM)], ("clip.wav", long_clip))
    with caplog.at_level("DEBUG", logger="faster_whisper"):
        created = send(server, "/v1/stt/create", body, headers)
        assert eventually(lambda: windows(caplog) > 0)
        assert requests.post(f"{server.url}/_mock/reset", timeout=60).status_code == 200
        assert eventually(lambda: clips_at_work() == 0)
    assert windows(caplog) < WINDOWS
    created.close()
