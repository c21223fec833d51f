"""An SDK and chats whose every answer is checked against the SDK's types and our schemas."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import openai
import pytest
from flask.testing import FlaskClient
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from mockserver.app import create_app, services_of
from mockserver.engines.speech import SpeechChunk, Utterance
from mockserver.services import Services
from mockserver.settings.model import Settings
from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer
from mockserver.validation.schemas import Schemas
from tests.conftest import RawResponse

Body = dict[str, Any]

SAY_HELLO = "Say the exact word 'hello' and nothing else."
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Chat:
    """Chat requests of one account."""

    send: Callable[..., RawResponse]
    schemas: Schemas
    key: str

    def post(self, body: Body, **headers: str) -> RawResponse:
        marked = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send(
            "POST", "/v1/chat/completions", json.dumps(body).encode(), JSON | marked, key=self.key
        )

    def complete(self, body: Body, **headers: str) -> Body:
        """Return the completion, checked; ``logprobs`` and the fingerprint may be missing, as with real models."""
        response = self.post(body, **headers)
        assert response.status == 200, response.body[:1000]
        completion: Body = json.loads(response.body)
        ChatCompletion.model_validate(completion, strict=True)
        choices = [{"logprobs": None, **choice} for choice in completion["choices"]]
        assert self.schemas.is_valid(
            "openai/create_chat_completion.response", documented(completion) | {"choices": choices}
        )
        return completion

    def message(self, body: Body, **headers: str) -> Body:
        """Return the message of the only choice."""
        (choice,) = self.complete(body, **headers)["choices"]
        message: Body = choice["message"]
        return message

    def stream(self, body: Body, **headers: str) -> list[Body]:
        """Return the chunks. The last one of a spoken reply lacks its ``finish_reason``."""
        response = self.post({**body, "stream": True}, **headers)
        assert response.status == 200, response.body[:1000]
        *events, done, end = response.body.split(b"\n\n")
        assert (done, end) == (b"data: [DONE]", b"")
        chunks = [json.loads(event.removeprefix(b"data: ")) for event in events]
        for chunk in chunks:
            if "choices" in chunk:
                ChatCompletionChunk.model_validate(chunk, strict=True)
                choices = [{"finish_reason": None, **choice} for choice in chunk["choices"]]
                complete = documented(chunk) | {"choices": choices}
                assert self.schemas.is_valid("openai/chat_completion.chunk", complete)
        return chunks

    def refusal(self, body: Body, **headers: str) -> tuple[int, Body]:
        """Return the status and the ``error`` object of a refusal."""
        response = self.post(body, **headers)
        document = response.json()
        assert isinstance(document, dict)
        error: Body = document["error"]
        return response.status, error


@pytest.fixture
def client(server: MockServer, api_key: str) -> Iterator[openai.OpenAI]:
    """Yield an SDK client that validates types strictly."""
    with openai.OpenAI(
        base_url=server.base_url, api_key=api_key, max_retries=0, _strict_response_validation=True
    ) as sdk:
        yield sdk


@pytest.fixture
def api(server: MockServer, api_key: str) -> AudioApi:
    """Return the test double of the account that ``chat`` and ``client`` use."""
    return server.account(api_key)


@pytest.fixture
def chat(send: Callable[..., RawResponse], schemas: Schemas, api_key: str) -> Chat:
    return Chat(send, schemas, api_key)


def documented(answer: Body) -> Body:
    """Return an answer without the null fingerprint of newer models, which the documentation lacks."""
    return {name: value for name, value in answer.items() if name != "system_fingerprint" or value}


class Watched:
    """A server in this process whose synthesis is counted: how often it began, and whether it has ended."""

    def __init__(self, client: FlaskClient, services: Services) -> None:
        self._client = client
        self._speak = services.speaker.speak
        self.services = services
        self.begun = self.done = 0

    def speak(self, utterance: Utterance) -> Iterator[SpeechChunk]:
        self.begun += 1
        yield from self._speak(utterance)
        self.done += 1

    def post(self, body: Body) -> Any:
        return self._client.post(
            "/v1/chat/completions", json=body, headers={"Authorization": "Bearer sk-mock-x"}
        )

    def get(self, path: str) -> Any:
        return self._client.get(path, headers={"Authorization": "Bearer sk-mock-x"})


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    app = create_app(Settings(whisper_model="none"))
    services = services_of(app)
    watched = Watched(app.test_client(), services)
    monkeypatch.setattr(services.speaker, "speak", watched.speak)
    yield watched
    services.close()


def user(content: str | list[Body]) -> Body:
    return {"role": "user", "content": content}


def sound(data: bytes, audio_format: str = "wav") -> Body:
    """Return an ``input_audio`` part."""
    audio = {"data": base64.b64encode(data).decode(), "format": audio_format}
    return {"type": "input_audio", "input_audio": audio}


def text(*messages: Body | str, **changes: Any) -> Body:
    """Return a request to a text model."""
    turns = [user(each) if isinstance(each, str) else each for each in messages]
    return {"model": "gpt-4o", "messages": turns, **changes}


def speech(*messages: Body | str, audio_format: str = "pcm16", **changes: Any) -> Body:
    """Return a request for a spoken answer."""
    audio = {"voice": "ash", "format": audio_format}
    asked = {"model": "gpt-audio-1.5", "modalities": ["text", "audio"], "audio": audio}
    return text(*messages, **{**asked, **changes})


def deltas(chunks: list[Body], index: int = 0) -> list[Body]:
    """Return the deltas of one choice."""
    choices = [choice for chunk in chunks for choice in chunk.get("choices", ())]
    return [choice["delta"] for choice in choices if choice["index"] == index]
