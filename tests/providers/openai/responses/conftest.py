"""Responses whose every answer is checked against the SDK's types and our schemas."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import openai
import pydantic
import pytest
from openai.resources.responses.responses import ResponsesConnection
from openai.types.responses import Response, ResponseStreamEvent

from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer
from mockserver.validation.schemas import Schemas
from tests.conftest import RawResponse

Body = dict[str, Any]

JSON = {"Content-Type": "application/json"}
UNDOCUMENTED = ("error", "keepalive")  # events that have another form on the wire, or are not documented
EVENT: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(ResponseStreamEvent)


@dataclass(frozen=True)
class Responses:
    """Requests for responses of one account."""

    send: Callable[..., RawResponse]
    schemas: Schemas
    key: str

    def post(self, body: Body, **headers: str) -> RawResponse:
        marked = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send("POST", "/v1/responses", json.dumps(body).encode(), JSON | marked, key=self.key)

    def create(self, body: Body, **headers: str) -> Body:
        """Return the response, checked."""
        answer = self.post({"model": "gpt-4o-mini", "input": "Hi."} | body, **headers)
        assert answer.status == 200, answer.body[:1000]
        response: Body = json.loads(answer.body)
        Response.model_validate(response)
        assert self.schemas.violations("openai/response.response", response) == []
        return response

    def items(self, body: Body, **headers: str) -> list[Body]:
        """Return the output."""
        output: list[Body] = self.create(body, **headers)["output"]
        return output

    def text(self, body: Body, **headers: str) -> str:
        """Return the text of the only message."""
        (message,) = [item for item in self.items(body, **headers) if item["type"] == "message"]
        return "".join(part["text"] for part in message["content"])

    def stream(self, body: Body, **headers: str) -> list[Body]:
        """Return the payloads of the events, whose framing and numbers are checked."""
        answer = self.post({"model": "gpt-4o-mini", "input": "Hi."} | body | {"stream": True}, **headers)
        assert answer.status == 200, answer.body[:1000]
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        events = events_of(answer.body)
        assert [event["sequence_number"] for event in events] == list(range(len(events)))
        for event in events:
            if event["type"] not in UNDOCUMENTED:
                assert self.schemas.violations("openai/response.event", event) == []
        return events


def events_of(body: bytes) -> list[Body]:
    """Return the payloads of the events in the bytes of a stream."""
    *events, end = body.split(b"\n\n")
    assert end == b""
    payloads = []
    for event in events:
        name, data = event.split(b"\n")
        payload = json.loads(data.removeprefix(b"data: "))
        assert name == b"event: " + payload["type"].encode()
        if payload["type"] not in UNDOCUMENTED:
            EVENT.validate_python(payload)
        payloads.append(payload)
    return payloads


@pytest.fixture
def connection(client: openai.OpenAI) -> Iterator[ResponsesConnection]:
    """Return a WebSocket of the official SDK."""
    with client.responses.connect() as connected:
        yield connected


@pytest.fixture
def api(server: MockServer, api_key: str) -> AudioApi:
    """Return the account of the tests."""
    return server.account(api_key)


@pytest.fixture
def responses(send: Callable[..., RawResponse], schemas: Schemas, api_key: str) -> Responses:
    return Responses(send, schemas, api_key)
