"""Calls of Azure's that are not served, and paths that it does not have."""

from __future__ import annotations

import re
from typing import Any

import httpx
import openai
import pytest
import yaml

from mockserver.testing.audio_api import AudioApi
from tests.providers.azure.conftest import PREVIEW, Post

NOT_FOUND = b'{"error":{"code":"404","message": "Resource not found"}}'


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/openai/v1/images/generations"),
        ("POST", f"/openai/deployments/prod/images/generations?api-version={PREVIEW}"),
        ("GET", f"/openai/vector_stores?api-version={PREVIEW}"),
        ("GET", "/openai/v1/vector_stores/vs_1/files"),
    ],
)
def test_a_call_says_that_it_is_not_served_and_a_stub_answers_it(
    api: AudioApi, post: Post, method: str, path: str
) -> None:
    refused = post(path, {}, method)
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "mock_endpoint_not_served")
    message = refused.json()["error"]["message"]
    assert message.startswith(f"Azure OpenAI has {method} /openai/")
    assert refused.headers["x-ms-region"] == "East US 2"
    found = re.search(r"\{when: .+?\}\}\}", message)
    assert found is not None
    headers = {"Authorization": f"Bearer {api.api_key}"}
    httpx.post(f"{api.url}/_mock/stubs", json=yaml.safe_load(found[0]), headers=headers).raise_for_status()
    answered = post(path, {}, method)
    assert (answered.status_code, answered.content) == (200, b"{}")
    assert [entry["error"] for entry in api.journal] == ["endpoint_not_served", None]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/openai/v1/nothing"),
        ("POST", "/openai/v1/moderations"),
        ("POST", "/openai/v1/audio/voices"),
        ("GET", f"/openai/deployments/prod/chat/completions?api-version={PREVIEW}"),
        ("POST", f"/openai/deployments//chat/completions?api-version={PREVIEW}"),
        ("POST", f"/openai/deployments/prod/files?api-version={PREVIEW}"),
        ("POST", f"/openai/chat/completions?api-version={PREVIEW}"),
        ("DELETE", "/openai/v1/files"),
        ("GET", "/openai/"),
    ],
)
def test_other_paths_and_methods_are_no_resources(api: AudioApi, post: Post, method: str, path: str) -> None:
    response = post(path, {}, method)
    assert (response.status_code, response.content) == (404, NOT_FOUND)
    (entry,) = api.journal
    assert entry["path"] == path.partition("?")[0]


def test_a_wrong_key_is_refused_first(post: Post) -> None:
    assert post("/openai/v1/nothing", {}, api_key="sk-mock-invalid-1").status_code == 401


def test_the_paths_of_openai_are_refused_as_ever(post: Post) -> None:
    assert post("/v1/nothing", {}).json()["error"]["message"] == "Invalid URL (POST /v1/nothing)"


def test_deployments_below_v1_are_no_resources_and_a_warning_says_why(api: AudioApi) -> None:
    base_url = f"{api.url.rstrip('/')}/openai/v1"
    with openai.AzureOpenAI(base_url=base_url, api_key=api.api_key, api_version="preview") as client:
        messages: list[Any] = [{"role": "user", "content": "Hi"}]
        with pytest.raises(openai.NotFoundError) as caught:
            client.chat.completions.create(model="gpt-4o", messages=messages)
    assert caught.value.response.content == NOT_FOUND
    assert "Use OpenAI(base_url=...)" in caught.value.response.headers["x-mock-warning"]
