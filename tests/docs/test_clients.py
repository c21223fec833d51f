"""The guide to clients is correct."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from mockserver.app import ENDPOINTS
from mockserver.errors import ErrorTable
from mockserver.scripting.stubs.files import load_stubs
from mockserver.scripting.stubs.stubs import Stubs
from mockserver.state.memory.counters import MemoryCounters
from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer
from tests.docs.guides import DOCS, RUNNABLE, assert_tests_pass, blocks
from tests.sdk.node import run_session

pytestmark = pytest.mark.slow

PAGE = (DOCS / "clients.md").read_text("utf-8")
MULTIPLY = {
    "type": "function",
    "function": {
        "name": "multiply",
        "parameters": {"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number"}}},
    },
}


@pytest.fixture
def api(server: MockServer) -> AudioApi:
    return server.account()


def ask(api: AudioApi, text: str, **options: Any) -> Any:
    asked: Any = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}], **options}
    return api.client.chat.completions.create(**asked).choices[0].message


@pytest.mark.parametrize("marker", [RUNNABLE, "<!-- runnable for Azure -->\n"])
def test_the_examples_of_tests_pass(tmp_path: Path, marker: str) -> None:
    (example,) = blocks(PAGE, "python", marker)
    (tmp_path / "test_example.py").write_text(example, "utf-8")
    assert_tests_pass(tmp_path)


def test_the_stub_for_images_answers_the_sdk(tmp_path: Path, api: AudioApi) -> None:
    (example,) = blocks(PAGE, "yaml")
    (tmp_path / "images.yaml").write_text(example, "utf-8")
    (stub,) = load_stubs(
        [tmp_path], Stubs(ENDPOINTS, ENDPOINTS.reply_kinds, ErrorTable().check_name, MemoryCounters()).check
    )
    headers = {"Authorization": f"Bearer {api.api_key}"}
    httpx.post(f"{api.url}/_mock/stubs", json=dict(stub.document), headers=headers).raise_for_status()
    found = api.client.images.generate(model="gpt-image-1", prompt="A cat.").data
    assert found is not None
    assert (found[0].url, found[0].revised_prompt) == ("https://example.com/cat.png", "A cat.")


def test_a_tool_is_called_if_a_word_of_its_name_is_said_else_it_is_scripted(api: AudioApi) -> None:
    assert ask(api, "What is 6 times 7?", tools=[MULTIPLY]).tool_calls is None
    assert ask(api, "Multiply 6 by 7.", tools=[MULTIPLY]).tool_calls[0].function.name == "multiply"
    api.on_chat(user_text="6 times 7").call_tool("multiply", a=6, b=7)
    (call,) = ask(api, "What is 6 times 7?", tools=[MULTIPLY]).tool_calls
    assert (call.function.name, call.function.arguments) == ("multiply", '{"a":6,"b":7}')


def test_a_json_object_has_a_reply_unless_it_is_scripted(api: AudioApi) -> None:
    wanted = {"response_format": {"type": "json_object"}}
    assert ask(api, "Minutes as JSON, please.", **wanted).content.startswith('{"reply":')
    api.on_chat().reply({"title": "Minutes", "points": []})
    assert ask(api, "Minutes as JSON, please.", **wanted).content == '{"title":"Minutes","points":[]}'


def test_the_npm_sdk_retries_an_upload_from_memory_and_none_of_a_stream(server: MockServer) -> None:
    account = server.account()
    account.on_transcription().fail("rate_limit_requests", retry_after=0.01).then.reply(
        "The second time."
    ).then_loop()
    seen = run_session("uploads.mjs", server, account.api_key)
    assert seen["stream"]["statuses"] == [429]
    assert seen["memory"]["statuses"][-1] == 200
    assert seen["images"] == {"statuses": [404], "code": "mock_endpoint_not_served"}
