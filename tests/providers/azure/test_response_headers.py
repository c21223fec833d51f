"""Azure's response headers: what there is, and what there is not."""

from __future__ import annotations

import re
from uuid import UUID

import httpx
import pytest

from mockserver.limits.headers import go_duration
from mockserver.providers.azure.response_headers import whole_seconds
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.providers.azure.conftest import Post, chat_path, hello

OPENAIS = ("openai-", "cf-", "x-openai-", "alt-svc", "set-cookie", "access-control-")


def test_a_chat_has_the_recorded_headers(post: Post) -> None:
    headers = post(chat_path()).headers
    assert UUID(headers["apim-request-id"]).version == UUID(headers["x-request-id"]).version == 4
    assert headers["apim-request-id"] != headers["x-request-id"]
    assert re.fullmatch(r"d\d{14}-[0-9a-f]{12}", headers["azureml-model-session"])
    recorded = {
        "content-type": "application/json",
        "strict-transport-security": "max-age=31536000; includeSubDomains; preload",
        "x-content-type-options": "nosniff",
        "x-ms-region": "East US 2",
        "x-ratelimit-remaining-requests": "29999",
        "x-ratelimit-limit-requests": "30000",
        "x-ratelimit-limit-tokens": "150000000",
        "x-accel-buffering": "no",
        "x-ms-rai-invoked": "true",
        "x-ms-deployment-name": "prod",
    }
    assert recorded.items() <= dict(headers).items()
    assert not [name for name in headers if name.startswith(OPENAIS) or "reset" in name]
    assert "transfer-encoding" not in headers


def test_a_stream_has_the_same(post: Post) -> None:
    headers = post(chat_path(), hello(stream=True)).headers
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert (headers["x-ms-rai-invoked"], headers["x-ratelimit-limit-requests"]) == ("true", "30000")
    assert "cache-control" not in headers


def test_transcriptions_are_not_filtered(post_clip: Post) -> None:
    headers = post_clip("/openai/deployments/ears/audio/transcriptions?api-version=2024-10-21").headers
    assert headers["x-ms-deployment-name"] == "ears"
    assert "x-ms-rai-invoked" not in headers


@pytest.mark.parametrize("model", ["text-embedding-ada-002", "text-embedding-3-small"])
def test_embeddings_have_none_of_openais(post: Post, model: str) -> None:
    response = post(f"/openai/deployments/{model}/embeddings?api-version=2024-10-21", {"input": "Hi"})
    assert (response.status_code, response.headers["x-ms-deployment-name"]) == (200, model)
    assert not [name for name in response.headers if name.startswith(OPENAIS) or name == "via"]


def test_calls_without_a_model_have_few(post: Post) -> None:
    headers = post("/openai/files?api-version=2024-10-21", method="GET").headers
    assert not [name for name in headers if "deployment" in name or "ratelimit" in name]
    assert {"apim-request-id", "x-ms-region", "x-request-id"} <= set(headers)


def test_the_id_is_that_of_the_journal(azure_server: MockServer, post: Post, api_key: str) -> None:
    request_id = post(chat_path()).headers["x-request-id"]
    assert [entry["id"] for entry in azure_server.account(api_key).journal] == [request_id]


def test_a_stub_is_named(post: Post) -> None:
    headers = post(chat_path()).headers
    assert headers["x-mock-answered-by"] == "responder"
    assert "x-mock-cost-usd" in headers


def test_only_those_that_clients_read() -> None:
    settings = Settings(port=0, whisper_model="none", log_level="error", response_headers="minimal")
    with MockServer(settings) as server:
        url = server.url.rstrip("/") + chat_path("gpt-4o")
        headers = httpx.post(url, json=hello(), headers={"api-key": "k-1"}).headers
    own = {"apim-request-id", "x-ms-region", "x-request-id"}
    assert own <= set(headers)
    assert not {"azureml-model-session", "x-ms-rai-invoked", "strict-transport-security"} & set(headers)


def test_the_name_of_a_deployment_cannot_break_the_headers(post: Post) -> None:
    response = post(chat_path("a%0D%0Ax-evil%3A%201%C3%A9"), None, x_mock_strictness="off")
    assert response.status_code == 200
    assert response.headers["x-ms-deployment-name"] == "a%0D%0Ax-evil: 1%C3%A9"
    assert "x-evil" not in response.headers


def test_the_headers_have_the_beginning_of_a_long_name(post: Post) -> None:
    body = {"model": "x" * 100_000, "input": "Hi"}
    response = post("/openai/v1/responses", body, x_mock_strictness="schema")
    assert response.status_code == 200
    assert response.headers["x-ratelimit-key"] == "x" * 256


@pytest.mark.parametrize(
    ("milliseconds", "seconds"),
    [(0, 0), (7, 0), (1_200, 1), (59_999, 59), (61_500, 61), (411_480_000, 411_480)],
)
def test_durations_are_read_in_whole_seconds(milliseconds: int, seconds: int) -> None:
    assert whole_seconds(go_duration(milliseconds)) == seconds


def test_other_texts_are_no_durations() -> None:
    with pytest.raises(ValueError, match="not a duration"):
        whole_seconds("soon")
