"""Realtime sessions at Azure's paths: deployments, keys, and refusals in the handshake."""

from __future__ import annotations

import json
from typing import Any

import httpx
import openai
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from mockserver.testing.mock_server import MockServer
from tests.providers.azure.conftest import PREVIEW

# The SDK uses the library in a way that newer versions of it discourage.
pytestmark = pytest.mark.filterwarnings("ignore:connect\\(\\) must be used:DeprecationWarning")

CLASSIC = f"/openai/realtime?api-version={PREVIEW}&deployment=calls"


def created(server: MockServer, path: str, **headers: str) -> dict[str, Any]:
    """Return the session that a handshake opens."""
    url = server.url.rstrip("/").replace("http://", "ws://") + path
    with connect(url, additional_headers=headers, proxy=None) as socket:
        event = json.loads(socket.recv(timeout=20))
        assert event["type"] == "session.created"
        session: dict[str, Any] = event["session"]
        return session


def answer(session: Any) -> str:
    """Ask for a response, and return its text."""
    content = [{"type": "input_text", "text": "Hi."}]
    session.session.update(
        session={
            "type": "realtime",
            "output_modalities": ["text"],
            "audio": {"input": {"transcription": {"model": "captions"}}},
        }
    )
    session.conversation.item.create(item={"type": "message", "role": "user", "content": content})
    session.response.create()
    for event in session:
        assert event.type != "error", event
        if event.type == "response.output_text.done":
            text: str = event.text
            return text
    raise AssertionError


def test_the_sdk_calls_a_deployment(azure_server: MockServer, api_key: str) -> None:
    url = azure_server.url.rstrip("/")
    sockets = url.replace("http://", "ws://") + "/openai"
    with (
        openai.AzureOpenAI(
            azure_endpoint=url, websocket_base_url=sockets, api_key=api_key, api_version=PREVIEW
        ) as client,
        client.realtime.connect(model="calls") as session,
    ):
        assert answer(session) == "You wrote: Hi."


def test_the_sdk_calls_a_deployment_without_version(azure_v1: openai.OpenAI) -> None:
    with azure_v1.realtime.connect(model="calls") as session:
        assert answer(session) == "You wrote: Hi."


@pytest.mark.parametrize(
    ("path", "model"),
    [
        (CLASSIC, "calls"),
        ("/openai/v1/realtime?model=calls", "calls"),
        ("/openai/v1/realtime?model=gpt-realtime", "gpt-realtime"),
        ("/openai/v1/realtime?intent=transcription", None),
    ],
)
def test_sessions_have_the_name_of_the_deployment(
    azure_server: MockServer, api_key: str, path: str, model: str | None
) -> None:
    assert created(azure_server, path, **{"api-key": api_key}).get("model") == model


@pytest.mark.parametrize(
    ("path", "key", "status", "code"),
    [
        (CLASSIC, "", 401, "401"),
        ("/openai/v1/realtime?model=calls", "sk-mock-invalid-1", 401, "401"),
        ("/openai/v1/realtime?model=nope", "any", 404, "DeploymentNotFound"),
        ("/openai/v1/realtime?model=prod", "any", 400, "invalid_model"),
        ("/openai/realtime?deployment=calls", "any", 404, "404"),
    ],
)
def test_sessions_are_refused_in_the_handshake(
    azure_server: MockServer, path: str, key: str, status: int, code: str
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        created(azure_server, path, **({"api-key": key} if key else {}))
    assert refused.value.response.status_code == status
    assert json.loads(refused.value.response.body or b"")["error"]["code"] == code


def test_a_client_secret_is_made_for_a_deployment(azure_server: MockServer, api_key: str) -> None:
    url = azure_server.url.rstrip("/") + "/openai/v1/realtime/client_secrets"
    body = {"session": {"type": "realtime", "model": "calls"}}
    secret = httpx.post(url, json=body, headers={"api-key": api_key}).json()
    authorization = f"Bearer {secret['value']}"
    assert created(azure_server, "/openai/v1/realtime", authorization=authorization)["model"] == "calls"
