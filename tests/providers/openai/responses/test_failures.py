"""Responses that fail: by a stub, by a fault, and because a local model gives no reply."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import openai
import pytest

from mockserver.providers.openai.responses import slow_output
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.providers.openai.responses.conftest import Body, Responses, events_of


def kinds(events: list[Body]) -> list[str]:
    return [event["type"] for event in events]


@pytest.fixture
def sdk(server: MockServer, api_key: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.base_url, api_key=api_key, max_retries=0) as sdk:
        yield sdk


def test_a_scripted_failure_is_the_status_of_the_response(
    server: MockServer, api_key: str, sdk: openai.OpenAI
) -> None:
    server.account(api_key).on_response().reply(
        failure={"code": "rate_limit_exceeded", "message": "Too much."}
    )
    response = sdk.responses.create(model="gpt-4o-mini", input="Hi.")
    assert response.status == "failed"
    assert response.error is not None
    assert (response.error.code, response.error.message) == ("rate_limit_exceeded", "Too much.")
    assert (response.output, response.usage, response.completed_at) == ([], None, None)
    assert sdk.responses.retrieve(response.id).status == "failed"


def test_a_scripted_failure_ends_a_stream_after_its_text(
    server: MockServer, api_key: str, responses: Responses
) -> None:
    server.account(api_key).on_response().reply("Well", failure={})
    events = responses.stream({})
    assert kinds(events)[-4:] == [
        "response.content_part.done",
        "response.output_item.done",
        "error",
        "response.failed",
    ]
    failed = events[-1]["response"]
    assert failed["status"] == "failed"
    assert failed["error"]["code"] == events[-2]["error"]["code"] == "server_error"
    assert failed["output"][0]["content"][0]["text"] == "Well"


def test_a_scripted_failure_fails_a_response_in_the_background(
    server: MockServer, api_key: str, sdk: openai.OpenAI
) -> None:
    server.account(api_key).on_response().reply(failure={"code": "invalid_prompt"})
    created = sdk.responses.create(model="gpt-4o-mini", input="Hi.", background=True)
    assert created.status == "queued"
    for _ in range(100):
        found = sdk.responses.retrieve(created.id)
        if found.status == "failed":
            break
    assert found.error is not None
    assert found.error.code == "invalid_prompt"


def test_nothing_of_a_failed_response_is_added_to_its_conversation(
    server: MockServer, api_key: str, sdk: openai.OpenAI
) -> None:
    server.account(api_key).on_response().reply(failure={})
    conversation = sdk.conversations.create()
    sdk.responses.create(model="gpt-4o-mini", input="Hi.", conversation=conversation.id)
    assert sdk.conversations.items.list(conversation.id).data == []


def test_a_response_whose_stream_a_fault_fails_is_stored_as_failed(
    server: MockServer, api_key: str, responses: Responses, sdk: openai.OpenAI
) -> None:
    server.account(api_key).break_next("sse_error", after=3, code="rate_limit_exceeded")
    events = responses.stream({})
    assert kinds(events)[-2:] == ["error", "response.failed"]
    found = sdk.responses.retrieve(events[0]["response"]["id"])
    assert found.status == "failed"
    assert found.error is not None
    assert found.error.code == "rate_limit_exceeded"


class _Model(HTTPServer):
    """A local model that replies when the test lets it."""

    def __init__(self, answer: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.may_answer = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, _Model)
        self.server.may_answer.wait(10)
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.answer)))
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        pass


@pytest.fixture
def model() -> Iterator[_Model]:
    with _Model(json.dumps({"choices": [{"message": {"content": "Slowly."}}]}).encode()) as model:
        thread = threading.Thread(target=model.serve_forever)
        thread.start()
        yield model
        model.may_answer.set()
        model.shutdown()
        thread.join()


def test_a_stream_begins_before_a_local_model_has_replied(
    model: _Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow_output, "KEPT_ALIVE", 0.05)
    settings = Settings(
        port=0, whisper_model="none", log_level="warning", reply_from=f"http://127.0.0.1:{model.server_port}"
    )
    with MockServer(settings) as server, openai.OpenAI(base_url=server.base_url, api_key="sk-mock-a") as sdk:
        stream = sdk.responses.with_raw_response.create(model="gpt-4o-mini", input="Hi.", stream=True)
        lines = stream.http_response.iter_lines()
        begun = [next(lines) for _ in range(12)]
        model.may_answer.set()
        events = events_of("\n".join([*begun, *lines, ""]).encode())
    assert begun[0] == "event: response.created"
    assert begun[6] == "event: keepalive"
    assert events[-1]["type"] == "response.completed"
    assert events[-1]["response"]["output"][0]["content"][0]["text"] == "Slowly."
    assert [event["sequence_number"] for event in events] == list(range(len(events)))


def test_a_stream_fails_if_a_local_model_gives_no_reply(model: _Model) -> None:
    model.answer = b"{}"
    model.may_answer.set()
    settings = Settings(
        port=0, whisper_model="none", log_level="warning", reply_from=f"http://127.0.0.1:{model.server_port}"
    )
    with MockServer(settings) as server, openai.OpenAI(base_url=server.base_url, api_key="sk-mock-a") as sdk:
        raw = sdk.responses.with_raw_response.create(model="gpt-4o-mini", input="Hi.", stream=True)
        events = events_of(raw.http_response.read())
        assert kinds(events) == ["response.created", "response.in_progress", "error", "response.failed"]
        assert "did not answer with a chat completion" in events[-1]["response"]["error"]["message"]
        assert sdk.responses.retrieve(events[0]["response"]["id"]).status == "failed"
