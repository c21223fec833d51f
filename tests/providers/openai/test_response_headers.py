"""Response headers that were recorded line by line."""

from __future__ import annotations

import http.client
import json
import time

import openai
import pytest

from mockserver.app import OPERATIONS
from mockserver.providers.openai.response_headers import services_of_table
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer

CHAT = "/v1/chat/completions"


def exposed(server: MockServer, method: str, path: str, body: object, key: str) -> list[str]:
    """Return the lines of ``access-control-expose-headers``."""
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection.request(method, path, json.dumps(body), headers)
    with connection.getresponse() as response:
        lines = response.headers.get_all("access-control-expose-headers") or []
        response.read()
    connection.close()
    return lines


@pytest.mark.parametrize("stream", [False, True])
def test_chats_expose_headers_in_three_lines(server: MockServer, api_key: str, stream: bool) -> None:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}], "stream": stream}
    assert exposed(server, "POST", CHAT, body, api_key) == ["X-Request-ID", "CF-Ray", "CF-Ray"]


def test_a_refused_chat_exposes_the_same(server: MockServer, api_key: str) -> None:
    body = {"model": "gpt-4o", "messages": []}
    assert exposed(server, "POST", CHAT, body, api_key) == ["X-Request-ID", "CF-Ray", "CF-Ray"]


@pytest.mark.parametrize("path", [CHAT, f"{CHAT}/chatcmpl-x", f"{CHAT}/chatcmpl-x/messages"])
def test_stored_chats_expose_none(server: MockServer, api_key: str, path: str) -> None:
    assert exposed(server, "GET", path, None, api_key) == []


def test_the_gateway_exposes_the_ray_twice(server: MockServer, api_key: str) -> None:
    body = {"model": "no-such-model", "messages": [{"role": "user", "content": "Hi"}]}
    assert exposed(server, "POST", CHAT, body, api_key) == ["CF-Ray", "CF-Ray"]


def test_the_duration_of_a_request_is_sent_even_without_a_journal() -> None:
    settings = Settings(port=0, whisper_model="none", journal_entries=0, log_level="warning")
    began = time.perf_counter()
    with (
        MockServer(settings) as server,
        openai.OpenAI(base_url=server.base_url, api_key="sk-mock-me") as client,
    ):
        took = client.models.with_raw_response.list().headers["openai-processing-ms"]
    assert int(took) <= (time.perf_counter() - began) * 1000 + 1


def test_every_operation_of_the_table_of_headers_exists() -> None:
    named = set(services_of_table()) - {""}
    assert named <= {operation.name for operation in OPERATIONS}
