"""The guide to the AI/ML API: its examples run, and its tables agree with the catalog."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from mockserver.catalog.tables import Catalog
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from mockserver.validation.schemas import Schemas
from tests.docs.guides import DOCS, NEEDS_SHELL, RUNNABLE, blocks, program_runner, run_in_shell

GUIDE = (DOCS / "aimlapi.md").read_text("utf-8")


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer(Settings(port=0, whisper_model="none", log_level="warning")) as running:
        yield running


@pytest.mark.slow
@NEEDS_SHELL
def test_the_first_example_runs(server: MockServer, tmp_path: Path) -> None:
    (program,) = blocks(GUIDE, "sh", RUNNABLE)
    done = run_in_shell(program_runner(server, tmp_path), program)
    created, answer = (json.loads(part) for part in re.findall(r"\{.*?\}(?=\{\"generation|$)", done.stdout))
    assert created["status"] == "queued"
    assert answer["result"]["text"] == "Hello world, this is a test."


def test_the_example_of_stubs_is_valid(schemas: Schemas) -> None:
    (example,) = blocks(GUIDE, "yaml")
    stubs = yaml.safe_load(example)
    assert [schemas.violations("mock/stub", stub) for stub in stubs] == [[], []]


def test_the_example_of_states_passes(server: MockServer) -> None:
    (example,) = blocks(GUIDE, "python")
    api = server.account()
    api.on("stt", fields={"url": {"contains": "meeting"}}).reply("Welcome to the meeting.")
    namespace: dict[str, Any] = {"my_app": App(api.base_url, api.api_key)}
    exec(example, namespace)
    namespace["test_progress_is_shown"](api)
    assert [entry["method"] for entry in api.journal] == ["POST", "GET", "GET", "GET"]


class App:
    """The program that the example tests."""

    def __init__(self, base_url: str, key: str) -> None:
        self._base_url = base_url
        self._headers = {"Authorization": f"Bearer {key}"}

    def transcribe(self, url: str) -> str:
        body = {"model": "openai/gpt-4o-transcribe", "url": url}
        created = requests.post(f"{self._base_url}/stt/create", json=body, headers=self._headers, timeout=60)
        return str(created.json()["generation_id"])

    def progress(self, job: str) -> str:
        return str(
            requests.get(f"{self._base_url}/stt/{job}", headers=self._headers, timeout=60).json()["status"]
        )


def test_every_chat_model_of_the_provider_is_named() -> None:
    chats = [name for name, model in Catalog().offers.items() if "v1/chat/completions" in model.endpoints]
    assert chats
    assert [name for name in chats if f"`{name}`" not in GUIDE] == []


def test_every_setting_about_jobs_and_urls_is_named() -> None:
    page = (DOCS / "configuration.md").read_text("utf-8")
    named = set(re.findall(r"`((?:stt|url|fetch)_\w+)`", page))
    assert named
    assert [name for name in named if f"`{name}`" not in GUIDE] == []
