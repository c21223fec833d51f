"""Batches on Azure: their lines name deployments, and are answered in Azure's form."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from mockserver.testing.audio_api import AudioApi
from tests.waiting import eventually


def lines(url: str, *models: str) -> bytes:
    return b"\n".join(
        json.dumps(
            {
                "custom_id": f"line-{number}",
                "method": "POST",
                "url": url,
                "body": {"model": model, "messages": [{"role": "user", "content": f"Hi {number}"}]},
            }
        ).encode()
        for number, model in enumerate(models)
    )


def ended(client: openai.OpenAI, url: str, *models: str, endpoint: str = "/v1/chat/completions") -> Any:
    """Return a batch of lines that has ended."""
    file = client.files.create(file=("lines.jsonl", lines(url, *models)), purpose="batch")
    create: Any = client.batches.create  # Azure also has endpoints without /v1
    batch = create(input_file_id=file.id, endpoint=endpoint, completion_window="24h")
    assert eventually(lambda: client.batches.retrieve(batch.id).status in ("completed", "failed"))
    return client.batches.retrieve(batch.id)


@pytest.mark.parametrize("url", ["/v1/chat/completions", "/chat/completions"])
def test_lines_name_a_deployment(azure: openai.AzureOpenAI, api: AudioApi, url: str) -> None:
    batch = ended(azure, url, "prod", "prod", endpoint=url)
    assert (batch.status, batch.request_counts.completed) == ("completed", 2)
    written = azure.files.content(batch.output_file_id).text.splitlines()
    answers = [json.loads(line)["response"]["body"] for line in written]
    assert [each["choices"][0]["message"]["content"] for each in answers] == [
        "You wrote: Hi 0.",
        "You wrote: Hi 1.",
    ]
    assert all(
        each["prompt_filter_results"] and each["model"] == "gpt-4o-mini-2024-07-18" for each in answers
    )
    paths = [entry["path"] for entry in api.journal if entry["endpoint"] == "chat"]
    assert paths == ["/openai/v1/chat/completions"] * 2


def test_below_v1_it_is_the_same(azure_v1: openai.OpenAI) -> None:
    assert ended(azure_v1, "/chat/completions", "gpt-35-turbo").status == "completed"


def test_a_blocked_line_fails_alone(azure: openai.AzureOpenAI, api: AudioApi) -> None:
    api.on_chat(user_text="Hi 1").say("Never.", flagged={"input": ["hate"]})
    batch = ended(azure, "/chat/completions", "prod", "prod")
    assert (batch.request_counts.completed, batch.request_counts.failed) == (1, 1)
    failed = json.loads(azure.files.content(batch.error_file_id).text)
    assert failed["response"]["body"]["error"]["code"] == "content_filter"


def test_an_unknown_deployment_fails_the_batch(azure: openai.AzureOpenAI) -> None:
    batch = ended(azure, "/chat/completions", "nobody")
    assert (batch.status, batch.errors.data[0].code) == ("failed", "model_not_found")


def test_openai_has_neither_deployments_nor_paths_without_v1(api: AudioApi) -> None:
    assert ended(api.client, "/v1/chat/completions", "prod").errors.data[0].code == "model_not_found"
    assert ended(api.client, "/chat/completions", "gpt-4o-mini").errors.data[0].code == "invalid_url"
