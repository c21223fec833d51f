"""Azure's paths are derived from the table of OpenAI's operations."""

from __future__ import annotations

import http.client
import json

import pytest

from mockserver.providers.azure.paths import forms_of, has_call, is_azure, openai_path, root_of
from mockserver.providers.azure.provider import OPERATIONS
from mockserver.providers.azure.table import azure_table
from mockserver.providers.openai.routes import OPERATIONS as OPENAI_OPERATIONS
from mockserver.testing.mock_server import MockServer
from tests.providers.azure.conftest import Post, chat_path, hello

BY_NAME = {operation.name: operation for operation in OPENAI_OPERATIONS}


@pytest.mark.parametrize(
    ("name", "paths"),
    [
        (
            "create_chat_completion",
            [
                "/openai/deployments/<deployment>/chat/completions",
                "/openai/v1/chat/completions",
                "/models/chat/completions",
            ],
        ),
        (
            "create_transcription",
            ["/openai/deployments/<deployment>/audio/transcriptions", "/openai/v1/audio/transcriptions"],
        ),
        ("list_chat_completions", ["/openai/chat/completions", "/openai/v1/chat/completions"]),
        ("create_file", ["/openai/files", "/openai/v1/files"]),
        ("list_models", ["/openai/models", "/openai/v1/models"]),
        ("create_response", ["/openai/responses", "/openai/v1/responses"]),
        ("create_voice", []),
        ("list_project_rate_limits", []),
    ],
)
def test_an_operation_has_its_classic_path_and_one_below_v1(name: str, paths: list[str]) -> None:
    assert [each.path for each in forms_of(BY_NAME[name])] == paths


def test_no_operation_of_openai_is_forgotten() -> None:
    offered = {each.name for each in OPENAI_OPERATIONS if not each.path.startswith(azure_table().not_offered)}
    assert {each.name for each in OPERATIONS} == offered
    assert {openai_path(each.path) for each in OPERATIONS} <= {each.path for each in OPENAI_OPERATIONS}


def test_names_for_stubs_are_openais_but_not_its_paths() -> None:
    classic, *_ = forms_of(BY_NAME["create_chat_completion"])
    assert {"chat", "create_chat_completion", classic.path} <= classic.names
    assert "/v1/chat/completions" not in classic.names


@pytest.mark.parametrize(
    ("path", "openais", "root"),
    [
        ("/openai/v1/responses/resp_1", "/responses/resp_1", "/openai/v1"),
        ("/openai/deployments/a/audio/speech", "/audio/speech", "/openai/deployments/{deployment}"),
        ("/openai/files/file-1/content", "/files/file-1/content", "/openai"),
        ("/models/embeddings", "/embeddings", "/openai"),
    ],
)
def test_the_path_of_openai_is_found_again(path: str, openais: str, root: str) -> None:
    assert (openai_path(path), root_of(path)) == (openais, root)


@pytest.mark.parametrize(
    ("path", "found"),
    [("/openai/files", True), ("//openai/files", True), ("/openaifiles", False), ("/v1/openai/files", False)],
)
def test_azures_paths_begin_with_openai(path: str, found: bool) -> None:
    assert is_azure(path) is found


@pytest.mark.parametrize(
    ("root", "method", "path", "found"),
    [
        ("/openai/v1", "POST", "/images/generations", True),
        ("/openai/deployments/{deployment}", "POST", "/images/generations", True),
        ("/openai/deployments/{deployment}", "GET", "/chat/completions", False),
        ("/openai", "POST", "/images/generations", False),
        ("/openai", "GET", "/vector_stores", True),
        ("/openai/deployments/{deployment}", "POST", "/vector_stores", False),
        ("/openai/v1", "POST", "/moderations", False),
    ],
)
def test_which_calls_azure_has(root: str, method: str, path: str, found: bool) -> None:
    assert has_call(root, method, path) is found


def test_two_slashes_at_the_start_are_one(azure_server: MockServer, api_key: str) -> None:
    connection = http.client.HTTPConnection(azure_server.url.removeprefix("http://").rstrip("/"), timeout=60)
    headers = {"api-key": api_key, "Content-Type": "application/json"}
    connection.request("POST", "/" + chat_path(), json.dumps(hello()), headers)
    with connection.getresponse() as response:
        assert (response.status, json.loads(response.read())["object"]) == (200, "chat.completion")
    connection.close()
    (entry,) = azure_server.account(api_key).journal
    assert entry["path"] == "//openai/deployments/prod/chat/completions"


@pytest.mark.parametrize("path", ["/v1/openai/v1/chat/completions", "/v1/models/chat/completions"])
def test_azures_paths_are_not_below_openais_version(post: Post, path: str) -> None:
    assert post(f"{path}?api-version=2024-05-01-preview", hello(model="prod")).status_code == 404


@pytest.mark.parametrize("path", ["/openai//deployments/prod/chat/completions", "//v1/chat/completions"])
def test_other_double_slashes_are_not(post: Post, path: str) -> None:
    assert post(f"{path}?api-version=2024-10-21").status_code == 404
