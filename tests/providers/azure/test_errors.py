"""Azure's refusals, byte for byte where they were recorded."""

from __future__ import annotations

import json

import pytest

from mockserver.app import create_app, services_of
from mockserver.catalog.tables import Catalog
from mockserver.errors import ErrorTable
from mockserver.providers.azure import errors
from mockserver.settings.model import Settings
from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer
from tests.providers.azure.conftest import Post, chat_path, hello

DENIED = (
    b'{"error":{"code":"401","message":"Access denied due to invalid subscription key or wrong API endpoint. Make '
    b"sure to provide a valid key for an active subscription and use a correct regional API endpoint for your "
    b'resource."}}'
)
NO_DEPLOYMENT = b"""{
  "error": {
    "type": "invalid_request_error",
    "code": "DeploymentNotFound",
    "message": "The API deployment for this resource does not exist. If you created the deployment within the last 5 \
minutes, please wait a moment and try again."
  }
}"""
UNSUPPORTED = (
    "The {does} operation does not work with the specified model, {model}. Please choose different model and try "
    "again. You can learn more about which models can be used with each operation here: "
    "https://go.microsoft.com/fwlink/?linkid=2197993."
)
USED_UP = (
    "Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-10-21 have exceeded "
    "{counted} rate limit of your current OpenAI S0 pricing tier. Please retry after {seconds} seconds. Please go "
    "here: https://aka.ms/oai/quotaincrease if you would like to further increase the default rate limit."
)


@pytest.mark.parametrize("key", ["", "sk-mock-invalid-1"])
def test_a_missing_or_wrong_key(post: Post, key: str) -> None:
    response = post(chat_path(), None, api_key=key)
    assert (response.status_code, response.content, len(response.content)) == (401, DENIED, 224)
    assert set(response.headers) == {"content-type", "content-length", "apim-request-id", "date", "server"}
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", [chat_path("nobody"), "/openai/v1/chat/completions"])
def test_an_unknown_deployment(post: Post, path: str) -> None:
    response = post(path, hello(model="nobody"))
    assert (response.status_code, response.content, len(response.content)) == (404, NO_DEPLOYMENT, 254)
    assert response.headers["x-ms-region"] == "East US 2"


@pytest.mark.parametrize(
    ("path", "does", "model"),
    [
        (chat_path("ears"), "chatCompletion", "whisper"),
        (
            "/openai/deployments/prod/audio/speech?api-version=2025-04-01-preview",
            "audioSpeech",
            "gpt-4o-mini",
        ),
    ],
)
def test_a_model_that_cannot_do_it(post: Post, path: str, does: str, model: str) -> None:
    response = post(path, hello() | {"input": "Hi", "voice": "alloy"})
    assert response.status_code == 400
    message = UNSUPPORTED.format(does=does, model=model)
    assert response.json() == {"error": {"code": "OperationNotSupported", "message": message}}


def test_calls_beyond_the_limit(post: Post) -> None:
    answers = [post(chat_path("small")) for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    refused = answers[-1]
    message = USED_UP.format(counted="call", seconds=refused.headers["retry-after"])
    assert (
        refused.content
        == json.dumps({"error": {"code": "429", "message": message}}, separators=(",", ":")).encode()
    )
    assert 0 < int(refused.headers["retry-after-ms"]) <= 30_000
    names = {"apim-request-id", "x-ms-region", "retry-after", "retry-after-ms"}
    assert set(refused.headers) == names | {"content-type", "content-length", "date", "server"}


def test_tokens_beyond_the_limit(post: Post) -> None:
    answers = [post(chat_path("thin"), hello("Hi " * 30)) for _ in range(3)]
    refused = next(each for each in answers if each.status_code == 429)
    assert "have exceeded token rate limit" in refused.json()["error"]["message"]


def test_a_request_above_the_limit_can_wait_for_long(post: Post) -> None:
    refused = post(chat_path("thin"), hello("Hi " * 500))
    assert refused.status_code == 429
    assert refused.json()["error"]["message"] == USED_UP.format(counted="token", seconds=86400)


@pytest.mark.parametrize(
    "path", ["/openai/v1/chat/completions", "/models/chat/completions?api-version=2024-05-01-preview"]
)
def test_the_newer_paths_have_the_newer_words(post: Post, path: str) -> None:
    refused = [post(path, hello(model="small")) for _ in range(3)][-1]
    words = "Your requests to small for gpt-4o-mini in eastus2 have exceeded rate limit."
    assert refused.json() == {"error": {"code": "RateLimitReached", "message": words, "details": words}}


def test_a_deployment_has_buckets_of_its_own(post: Post) -> None:
    for _ in range(3):
        post(chat_path("small"))
    assert post(chat_path("prod")).headers["x-ratelimit-limit-requests"] == "30000"


def test_a_client_that_is_slowed_down_is_told_how_long(api: AudioApi, post: Post) -> None:
    api.fail_next("slow_down")
    response = post(chat_path())
    body = '{"error":{"code":"429","message":"Rate limit is exceeded. Try again in 2 seconds."}}'
    assert (response.status_code, response.text) == (429, body)
    assert (response.headers["retry-after"], response.headers["retry-after-ms"]) == ("2", "2000")


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("rate_limit_requests", 429, "429"),
        ("slow_down", 429, "429"),
        ("permission_denied", 401, "PermissionDenied"),
        ("unknown_url", 404, "404"),
        ("api_version_too_old", 400, "BadRequest"),
        ("content_filter", 400, "content_filter"),
        ("server_error", 500, None),
    ],
)
def test_faults_have_azures_form(
    api: AudioApi, post: Post, fault: str, status: int, code: str | None
) -> None:
    api.fail_next(fault)
    response = post(chat_path())
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    (entry,) = api.journal
    assert (entry["error"], entry["fault"]["kind"]) == (fault, "error")


def test_a_fault_says_when_to_retry(api: AudioApi, post: Post) -> None:
    api.fail_next("rate_limit_tokens", retry_after=2)
    response = post(chat_path())
    assert "have exceeded token rate limit" in response.json()["error"]["message"]
    assert "Please retry after 2 seconds." in response.json()["error"]["message"]
    assert (response.headers["retry-after"], response.headers["retry-after-ms"]) == ("2", "2000")


def test_a_message_of_a_fault_replaces_azures(api: AudioApi, post: Post) -> None:
    api.fail_next("unknown_url", message="Gone {fishing}.")
    assert post(chat_path()).content == b'{"error":{"code":"404","message": "Gone {fishing}."}}'


def test_an_invalid_body_is_refused_in_openais_words(post: Post) -> None:
    response = post(chat_path(), {"messages": [], "n": "x"})
    assert response.status_code == 400
    error = response.json()["error"]
    assert (error["type"], error["param"]) == ("invalid_request_error", "messages")
    assert response.headers["x-ms-deployment-name"] == "prod"
    assert response.headers["content-type"] == "application/json"


def test_a_body_that_is_not_json(post: Post, azure_server: MockServer, api_key: str) -> None:
    import httpx

    url = azure_server.url.rstrip("/") + chat_path()
    response = httpx.post(url, content=b"{", headers={"api-key": api_key, "content-type": "application/json"})
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/json"
    assert response.content.startswith(b'{\n  "error": {')


def test_an_incompatible_format_is_refused_as_at_openai(post_clip: Post) -> None:
    path = "/openai/deployments/gpt-4o-mini-transcribe/audio/transcriptions?api-version=2025-03-01-preview"
    response = post_clip(path, response_format="verbose_json")
    assert response.status_code == 400
    words = "response_format 'verbose_json' is not compatible with model 'gpt-4o-mini-transcribe'."
    assert response.json()["error"]["message"].startswith(words)


def test_every_row_is_an_error_of_the_table() -> None:
    rows = ErrorTable().rows
    services = services_of(create_app(Settings(whisper_model="none")))
    operations = [route.operation for route in services.providers[0].routes]
    services.close()
    assert Catalog().models
    for name in rows:
        for operation in operations[:2]:
            row = errors.row_of(name, operation)
            assert row is None or name in row.names
    named = {name for row in errors._rows() for name in row.names}
    assert named <= set(rows)
