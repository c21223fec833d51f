"""A server with deployments, and Azure's clients of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import openai
import pytest

from mockserver.settings.model import DeploymentRow, Settings
from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer
from tests.conftest import FIXTURES

VERSION = "2024-10-21"
PREVIEW = "2025-04-01-preview"
DEPLOYMENTS = (
    DeploymentRow("prod", "gpt-4o-mini"),
    DeploymentRow("small", "gpt-4o-mini", (("requests_per_minute", 2),)),
    DeploymentRow("thin", "gpt-4o-mini", (("tokens_per_minute", 40),)),
    DeploymentRow("ears", "whisper-1"),
    DeploymentRow("calls", "gpt-realtime"),
    DeploymentRow("captions", "gpt-4o-transcribe"),
)

Post = Callable[..., httpx.Response]


@pytest.fixture(scope="session")
def azure_server() -> Iterator[MockServer]:
    settings = Settings(port=0, whisper_model="none", log_level="error", deployments=DEPLOYMENTS)
    with MockServer(settings) as running:
        yield running


@pytest.fixture
def api(azure_server: MockServer, api_key: str) -> AudioApi:
    """Return the Python API for the account of the test."""
    return azure_server.account(api_key)


@pytest.fixture
def azure(azure_server: MockServer, api_key: str) -> Iterator[openai.AzureOpenAI]:
    """Yield the SDK's client of the classic paths."""
    with openai.AzureOpenAI(
        azure_endpoint=azure_server.url, api_key=api_key, api_version=PREVIEW, max_retries=0
    ) as client:
        yield client


@pytest.fixture
def azure_v1(azure_server: MockServer, api_key: str) -> Iterator[openai.OpenAI]:
    """Yield OpenAI's client with the paths below ``/openai/v1``."""
    base_url = f"{azure_server.url.rstrip('/')}/openai/v1"
    with openai.OpenAI(base_url=base_url, api_key=api_key, max_retries=0) as client:
        yield client


@pytest.fixture
def post(azure_server: MockServer, api_key: str) -> Post:
    """Return a function that posts JSON to a path."""

    def send(path: str, body: Any = None, method: str = "POST", **headers: str) -> httpx.Response:
        sent = {"api-key": api_key} | {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in sent.items() if value}
        document = hello() if body is None else body
        return httpx.request(method, azure_server.url.rstrip("/") + path, json=document, headers=sent)

    return send


def chat_path(deployment: str = "prod", version: str = VERSION) -> str:
    return f"/openai/deployments/{deployment}/chat/completions?api-version={version}"


def hello(text: str = "Hi", **more: Any) -> dict[str, Any]:
    """Return the body of a chat."""
    return {"messages": [{"role": "user", "content": text}], **more}


@pytest.fixture
def post_clip(azure_server: MockServer, api_key: str) -> Post:
    """Return a function that posts a clip to a path."""

    def send(path: str, **fields: str) -> httpx.Response:
        clip = {"file": ("hello.wav", (FIXTURES / "hello.wav").read_bytes())}
        url = azure_server.url.rstrip("/") + path
        return httpx.post(url, data=fields, files=clip, headers={"api-key": api_key})

    return send
