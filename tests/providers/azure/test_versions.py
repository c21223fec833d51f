"""Which values of ``api-version`` exist, and what they have."""

from __future__ import annotations

import pytest

from mockserver.testing.mock_server import MockServer
from tests.providers.azure.conftest import PREVIEW, VERSION, Post, chat_path, hello

NOT_FOUND = b'{"error":{"code":"404","message": "Resource not found"}}'


@pytest.mark.parametrize(
    "query", ["", "?api-version=", "?api-version=2024-10-22", "?api-version=v1", "?version=1"]
)
def test_a_missing_or_unknown_version_is_no_resource(post: Post, query: str) -> None:
    response = post("/openai/deployments/prod/chat/completions" + query)
    assert (response.status_code, response.content) == (404, NOT_FOUND)
    assert len(response.content) == 56
    own = {"content-type", "content-length", "apim-request-id", "date", "server"}
    assert set(response.headers) == {*own, "x-mock-warning"}
    assert "Use 2025-04-01-preview, or another one of docs/azure.md." in response.headers["x-mock-warning"]


def test_the_warning_repeats_the_version_safely(post: Post) -> None:
    response = post("/openai/deployments/prod/chat/completions?api-version=a%0D%0Ab%C3%A9")
    assert (response.status_code, response.content) == (404, NOT_FOUND)
    assert response.headers["x-mock-warning"].startswith("api-version=a%0D%0Ab%C3%A9 does not have this path")


@pytest.mark.parametrize("version", ["2023-05-15", VERSION, PREVIEW])
def test_known_versions_have_chats(post: Post, version: str) -> None:
    assert post(chat_path(version=version)).status_code == 200


@pytest.mark.parametrize("query", ["", "?api-version=v1", "?api-version=preview"])
def test_below_v1_none_is_needed(post: Post, query: str) -> None:
    assert post(f"/openai/v1/chat/completions{query}", hello(model="prod")).status_code == 200


def test_below_v1_a_dated_one_is_refused(post: Post) -> None:
    response = post(f"/openai/v1/chat/completions?api-version={VERSION}", hello(model="prod"))
    body = b'{"error":{"code":"BadRequest","message":"API version not supported"}}'
    assert (response.status_code, response.content) == (400, body)


@pytest.mark.parametrize(("version", "status"), [("2024-05-01-preview", 200), (VERSION, 404), ("v1", 404)])
def test_foundry_has_a_version_of_its_own(post: Post, version: str, status: int) -> None:
    response = post(f"/models/chat/completions?api-version={version}", hello(model="prod"))
    assert response.status_code == status
    assert ("prompt_filter_results" in response.text) == (status == 200)


def test_older_versions_have_no_responses(post: Post) -> None:
    response = post(f"/openai/responses?api-version={VERSION}", {"model": "prod", "input": "Hi"})
    assert response.status_code == 400
    assert response.json()["error"] == {
        "code": "BadRequest",
        "message": "Azure OpenAI Responses API is enabled only for api-version 2025-03-01-preview and later",
    }


@pytest.mark.parametrize(
    ("path", "version", "status"),
    [
        ("audio/transcriptions", "2023-08-01-preview", 404),
        ("audio/transcriptions", "2023-09-01-preview", 200),
        ("audio/translations", "2023-08-01-preview", 404),
        ("audio/translations", "2024-02-01", 200),
    ],
)
def test_whisper_is_there_since_2023(
    azure_server: MockServer, post_clip: Post, path: str, version: str, status: int
) -> None:
    response = post_clip(f"/openai/deployments/ears/{path}?api-version={version}")
    assert response.status_code == status


@pytest.mark.parametrize(("version", "status"), [("2025-02-01-preview", 400), ("2025-03-01-preview", 200)])
def test_newer_audio_models_need_a_newer_version(post_clip: Post, version: str, status: int) -> None:
    path = f"/openai/deployments/gpt-4o-transcribe/audio/transcriptions?api-version={version}"
    response = post_clip(path)
    assert response.status_code == status
    if status == 400:
        assert response.json()["error"]["code"] == "OperationNotSupported"


def test_the_strictness_decides(post: Post) -> None:
    response = post("/openai/deployments/prod/chat/completions", None, x_mock_strictness="schema")
    assert response.status_code == 200
