"""`mockserver worker`: real processes with a real Redis, and the official SDK as the client."""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import openai
import pytest

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.redis_process import RedisProcess
from tests.waiting import eventually

pytestmark = pytest.mark.slow

SENTENCES = [
    f"This is the sentence with the number {number}, and it is a little longer." for number in range(12)
]


class Processes:
    """A server and workers of one store."""

    def __init__(self, store: str, stack: ExitStack) -> None:
        self.store = store
        self._stack = stack

    def start(self, command: str, *options: str) -> subprocess.Popen[str]:
        """Start a command of the program, and wait for its first line."""
        program = [
            sys.executable,
            "-m",
            "mockserver",
            command,
            "--store",
            self.store,
            "--log-level",
            "warning",
        ]
        process = subprocess.Popen([*program, *options], stdout=subprocess.PIPE, text=True)
        self._stack.enter_context(process)
        self._stack.callback(process.kill)
        assert process.stdout is not None
        self.said = process.stdout.readline()
        assert self.said, "it has ended"
        return process

    def worker(self) -> subprocess.Popen[str]:
        process = self.start("worker", "--shutdown-seconds", "100")  # on a busy machine
        assert "transcribes 1 at a time with Whisper (embedded), and processes 4 batches" in self.said
        return process

    def server(self, *options: str) -> openai.OpenAI:
        """Start a server that leaves the heavy work to others; return a client for it."""
        self.start("serve", "--heavy-work", "workers", "--port", "0", "--remember-speech", "0", *options)
        found = re.search(r"http://\S+/v1", self.said)
        assert found
        client = openai.OpenAI(base_url=found[0], api_key="sk-mock-tier-5-worker", max_retries=0)
        return self._stack.enter_context(client)


@pytest.fixture
def processes(redis_server: RedisProcess) -> Iterator[Processes]:
    with ExitStack() as stack:
        yield Processes(redis_server.url(), stack)


@pytest.fixture(scope="module")
def speech() -> bytes:
    """Return minutes of speech, which no other server knows."""
    with MockServer(Settings(port=0, whisper_model="none", log_level="error")) as server:
        text = " ".join(SENTENCES)
        spoken = server.client.audio.speech.create(
            model="tts-1", voice="alloy", input=text, response_format="mp3"
        )
        return spoken.content


@pytest.fixture(scope="module")
def transcript(speech: bytes) -> str:
    """Return what the embedded Whisper makes of it in one process."""
    with MockServer(Settings(port=0, remember_speech=0, log_level="error")) as server:
        clip = ("speech.mp3", speech)
        return server.client.audio.transcriptions.create(model="gpt-4o-transcribe", file=clip).text


def test_a_worker_killed_in_the_middle_loses_no_job(
    processes: Processes, speech: bytes, transcript: str
) -> None:
    first = processes.worker()
    client = processes.server()
    clip = ("speech.mp3", io.BytesIO(speech))
    stream = client.audio.transcriptions.create(model="gpt-4o-transcribe", file=clip, stream=True)
    pieces: list[str] = []
    for event in stream:
        if event.type == "transcript.text.delta":
            pieces.append(event.delta)
            if first.returncode is None:
                first.kill()
                first.wait()
                processes.worker()
    assert "".join(pieces) == transcript, "nothing is lost, and nothing is there twice"


def test_a_stream_whose_last_worker_is_killed_ends_with_the_error(
    processes: Processes, speech: bytes
) -> None:
    worker = processes.worker()
    client = processes.server()
    stream = client.audio.transcriptions.create(
        model="gpt-4o-transcribe", file=("speech.mp3", speech), stream=True
    )
    next(iter(stream))
    worker.kill()
    with pytest.raises(openai.APIError, match="no worker takes transcriptions from the queue"):
        list(stream)


def test_a_worker_ends_gracefully(processes: Processes, speech: bytes, transcript: str) -> None:
    worker = processes.worker()
    client = processes.server()
    stream = client.audio.transcriptions.create(
        model="gpt-4o-transcribe", file=("speech.mp3", speech), stream=True
    )
    events = iter(stream)
    first = next(event for event in events if event.type == "transcript.text.delta")
    worker.send_signal(signal.SIGTERM)
    text = "".join(event.delta for event in [first, *events] if event.type == "transcript.text.delta")
    assert text == transcript, "the job that was begun is finished"
    assert worker.wait() == 0


def test_without_workers_transcriptions_are_refused_and_known_audio_is_not(
    processes: Processes, speech: bytes, hello: tuple[str, bytes]
) -> None:
    client = processes.server()
    with pytest.raises(openai.InternalServerError) as refused:
        client.audio.transcriptions.create(model="whisper-1", file=("speech.mp3", speech))
    assert "no worker takes transcriptions from the queue" in str(refused.value)
    assert client.audio.transcriptions.create(model="whisper-1", file=hello).text


def test_batches_are_processed_by_workers(processes: Processes) -> None:
    client = processes.server()
    lines = [
        {
            "custom_id": f"line-{number}",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": f"Hello {number}."}]},
        }
        for number in range(20)
    ]
    content = "\n".join(map(json.dumps, lines)).encode()
    file = client.files.create(file=("lines.jsonl", content), purpose="batch")
    batch = client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    assert client.batches.retrieve(batch.id).status == "validating", "there is no worker yet"
    processes.worker()
    assert eventually(lambda: client.batches.retrieve(batch.id).status == "completed")
    output = client.batches.retrieve(batch.id).output_file_id
    assert output is not None
    answers = [json.loads(line) for line in client.files.content(output).text.splitlines()]
    assert sorted(each["custom_id"] for each in answers) == sorted(str(each["custom_id"]) for each in lines)


@pytest.mark.parametrize("command", ["worker", "serve"])
@pytest.mark.parametrize("store", ["memory", "sqlite:state.db"])
def test_workers_need_a_store_in_redis(command: str, store: str, tmp_path: Path) -> None:
    program = [sys.executable, "-m", "mockserver", command, "--store", store, "--heavy-work", "workers"]
    done = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        f"mockserver: heavy_work: workers need a store in Redis, and the store is {store}. "
        "Set store to redis://HOST:PORT.\n"
    )
    assert not list(tmp_path.iterdir())


def test_a_worker_without_whisper_does_not_start(redis_server: RedisProcess) -> None:
    program = [
        sys.executable,
        "-m",
        "mockserver",
        "worker",
        "--store",
        redis_server.url(),
        "--whisper-model",
        "none",
    ]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("mockserver: whisper_model: a worker needs a Whisper model.")
