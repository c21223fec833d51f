"""Credentials and accounts of Azure's callers."""

from __future__ import annotations

import httpx
import openai
import pytest

from mockserver.settings.model import AccountRow, DeploymentRow, Settings
from mockserver.testing.mock_server import MockServer
from tests.providers.azure.conftest import PREVIEW, Post, chat_path, hello

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovL2NvZ25pdGl2ZXNlcnZpY2VzLmF6dXJlLmNvbSJ9.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "headers",
    [
        {"api-key": "one-key-1"},
        {"authorization": "Bearer one-key-1"},
        {"api-key": "one-key-1", "authorization": "Bearer x"},
    ],
)
def test_a_key_is_an_account(azure_server: MockServer, headers: dict[str, str]) -> None:
    before = len(azure_server.account("one-key-1").journal)
    httpx.post(azure_server.url.rstrip("/") + chat_path(), json=hello(), headers=headers).raise_for_status()
    assert len(azure_server.account("one-key-1").journal) == before + 1


def test_an_entra_token_is_accepted(azure_server: MockServer) -> None:
    with openai.AzureOpenAI(
        azure_endpoint=azure_server.url,
        azure_ad_token_provider=lambda: TOKEN,
        api_version=PREVIEW,
        max_retries=0,
    ) as client:
        answer = client.chat.completions.create(model="prod", messages=[{"role": "user", "content": "Hi"}])
    assert answer.choices[0].message.content == "You wrote: Hi."
    (entry,) = azure_server.account(TOKEN).journal
    assert TOKEN not in str(entry)


def test_headers_of_openais_organizations_mean_nothing(post: Post) -> None:
    response = post(chat_path(), None, openai_organization="null", openai_project="none")
    assert response.status_code == 200
    assert not [name for name in response.headers if name.startswith("openai-")]


def test_only_declared_keys_and_tokens_if_the_settings_say_so() -> None:
    settings = Settings(
        port=0,
        whisper_model="none",
        log_level="error",
        accept_any_key=False,
        accounts=(AccountRow("declared-1"),),
        deployments=(DeploymentRow("prod", "gpt-4o"),),
    )
    with MockServer(settings) as server:
        url = server.url.rstrip("/") + chat_path()
        assert httpx.post(url, json=hello(), headers={"api-key": "declared-1"}).status_code == 200
        other = httpx.post(url, json=hello(), headers={"api-key": "other-1"})
        assert (other.status_code, other.json()["error"]["code"]) == (401, "401")
        token = httpx.post(url, json=hello(), headers={"authorization": f"Bearer {TOKEN}"})
        assert (token.status_code, token.json()["error"]["code"]) == (401, "PermissionDenied")


def test_an_account_may_be_kept_from_a_model() -> None:
    accounts = (AccountRow("declared-1", models=("gpt-4o",)),)
    with MockServer(Settings(port=0, whisper_model="none", log_level="error", accounts=accounts)) as server:
        answers = {
            name: httpx.post(
                server.url.rstrip("/") + chat_path(name), json=hello(), headers={"api-key": "declared-1"}
            )
            for name in ("gpt-4o", "gpt-4.1")
        }
    assert answers["gpt-4o"].status_code == 200
    assert answers["gpt-4.1"].json()["error"]["code"] == "DeploymentNotFound"
