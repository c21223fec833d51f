"""Fixtures that all tests share: a running server, SDK clients, raw sockets, clips."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import openai
import pytest

from mockserver.audio.encode import write_wav
from mockserver.resources import data_folder
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from mockserver.validation.schemas import Schemas
from tests.redis_process import RedisProcess, redis_process

ROOT = Path(__file__).parents[1]
FIXTURES = data_folder("fixtures")
DATA = Path(__file__).parent / "data"  # facts from recordings, specifications and product pages

# The times to draw and to try examples depend on the load of the machine.
hypothesis.settings.register_profile(
    "suite", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("suite")

_keys = (f"sk-mock-tier-5-test-{number}" for number in itertools.count())


@dataclass(frozen=True)
class RawResponse:
    """A response read from a socket; ``chunks`` are those of a chunked body."""

    status: int
    headers: dict[str, str]
    body: bytes
    chunks: tuple[bytes, ...]
    reason: str = ""

    def json(self) -> object:
        return json.loads(self.body)


def pytest_configure() -> None:
    """Let Ctrl-C end the servers under test also when a shell script runs the tests in the background.

    Clients of httpx load one certificate authority, which nothing trusts, instead of all of them: that was a quarter of
    the time of many tests. Whisper computes in one thread, because tests run in as many processes as there are cores.
    """
    os.environ["SSL_CERT_FILE"] = str(DATA / "authority.pem")
    os.environ["OMP_NUM_THREADS"] = "1"
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisProcess]:
    """Return a Redis server for all tests of this process."""
    with redis_process() as server:
        yield server


@pytest.fixture(params=["sqlite", "redis"])
def several(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return an empty store of each kind that several processes can use."""
    return empty_store(request, tmp_path)


def empty_store(request: pytest.FixtureRequest, folder: Path) -> str:
    """Return the empty store of the kind that a fixture has as its parameter."""
    if request.param == "redis":
        server: RedisProcess = request.getfixturevalue("redis_server")
        return server.url()
    return {"memory": "memory", "sqlite": f"sqlite:{folder / 'store.db'}"}[request.param]


@pytest.fixture(scope="session")
def schemas() -> Schemas:
    return Schemas(data_folder("schemas"))


@pytest.fixture(scope="session")
def server() -> Iterator[MockServer]:
    """Yield a server with strictness `real` that transcribes known audio only."""
    with MockServer(Settings(port=0, whisper_model="none", log_level="warning")) as running:
        yield running


@pytest.fixture(scope="session")
def whisper_server() -> Iterator[MockServer]:
    """Yield a server that transcribes with the embedded Whisper and does not remember its own speech."""
    settings = Settings(port=0, whisper_model="embedded", remember_speech=0, whisper_cpu_threads=1)
    with MockServer(settings) as running:
        yield running


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel of this checkout."""
    return build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def light_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel of the light distribution."""
    return build_wheel(ROOT / "light", tmp_path_factory.mktemp("light_wheel"))


@pytest.fixture
def api_key() -> str:
    return next(_keys)


@pytest.fixture
def client(server: MockServer, api_key: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.base_url, api_key=api_key, max_retries=0) as sdk:
        yield sdk


@pytest.fixture
def send(server: MockServer) -> Callable[..., RawResponse]:
    """Return a function that sends a request, byte by byte as given, and reads the response from the socket."""

    def exchange(
        method: str,
        path: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        key: str | None = "sk-mock-tier-5-raw",
    ) -> RawResponse:
        host, port = server.url.removeprefix("http://").split(":")
        fields = {"Host": f"{host}:{port}", "Connection": "close", "Content-Length": str(len(body))}
        if key is not None:
            fields["Authorization"] = f"Bearer {key}"
        fields.update(headers or {})
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in fields.items()
        )
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall(head.encode("latin-1") + b"\r\n" + body)
            received = b"".join(iter(lambda: connection.recv(65536), b""))
        return parse_response(received)

    return exchange


def build_wheel(project: Path, folder: Path) -> Path:
    """Build the wheel of the project, offline, into ``folder``; return its path."""
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--wheel-dir", str(folder)]
    command = [sys.executable, "-m", "pip", "wheel", str(project), *options]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def parse_response(received: bytes) -> RawResponse:
    head, _, rest = received.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    chunks: list[bytes] = []
    if headers.get("transfer-encoding") == "chunked":
        position = 0
        while size := int(rest[position : (line_end := rest.index(b"\r\n", position))], 16):
            chunks.append(rest[line_end + 2 : line_end + 2 + size])
            position = line_end + 2 + size + 2
        rest = b"".join(chunks)
    _, status, reason = status_line.split(" ", 2)
    return RawResponse(int(status), headers, rest, tuple(chunks), reason)


def multipart(fields: list[tuple[str, str]], file: tuple[str, bytes] | None) -> tuple[bytes, dict[str, str]]:
    """Return a multipart body and its headers; ``file`` is a file name with its content."""
    parts = [
        f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields
    ]
    if file is not None:
        name, data = file
        head = f'--edge\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        parts.append(head.encode() + b"Content-Type: application/octet-stream\r\n\r\n" + data + b"\r\n")
    return b"".join(parts) + b"--edge--\r\n", {"Content-Type": "multipart/form-data; boundary=edge"}


@pytest.fixture
def post_audio(send: Callable[..., RawResponse]) -> Callable[..., RawResponse]:
    """Return a function that posts a form to ``path``; keywords are fields, lists repeat as ``name[]``."""

    def post(
        file: tuple[str, bytes] | None,
        *,
        path: str = "/v1/audio/transcriptions",
        headers: dict[str, str] | None = None,
        **fields: str | list[str],
    ) -> RawResponse:
        flat = [
            pair
            for name, value in fields.items()
            for pair in (
                [(f"{name}[]", each) for each in value] if isinstance(value, list) else [(name, value)]
            )
        ]
        body, content_type = multipart(flat, file)
        return send("POST", path, body, content_type | (headers or {}))

    return post


@pytest.fixture(scope="session")
def hello() -> tuple[str, bytes]:
    """Return the shipped clip "Hello world, this is a test."."""
    return "hello.wav", (FIXTURES / "hello.wav").read_bytes()


@pytest.fixture(scope="session")
def call() -> tuple[str, bytes]:
    """Return the shipped conversation of two speakers."""
    return "support-call.wav", (FIXTURES / "support-call.wav").read_bytes()


@pytest.fixture(scope="session")
def silence() -> tuple[str, bytes]:
    """Return a clip of 1.5 seconds that is no fixture."""
    return "silence.wav", write_wav(bytes(2 * 24_000), 16_000)
