"""The events of items of every type."""

from __future__ import annotations

import itertools

import pytest

from mockserver.providers.openai.responses.forms import item_forms
from mockserver.testing.mock_server import MockServer
from tests.providers.openai.responses.conftest import Body, Responses

CODE = {"type": "code_interpreter_call", "code": "print(1)", "outputs": [{"type": "logs", "logs": "1"}]}


@pytest.mark.parametrize("kind", item_forms())
def test_every_item_is_added_and_done(
    server: MockServer, api_key: str, responses: Responses, kind: str
) -> None:
    server.account(api_key).on_response().reply(items=[{"type": kind}])
    _, _, added, *between, done, completed = responses.stream({})
    assert (added["type"], done["type"]) == ("response.output_item.added", "response.output_item.done")
    assert list(added["item"]) == list(done["item"])
    assert added["item"]["id"] == done["item"]["id"] == completed["response"]["output"][0]["id"]
    assert {event["item_id"] for event in between} <= {done["item"]["id"]}
    if "status" in done["item"]:
        assert (added["item"]["status"], done["item"]["status"]) in (
            ("in_progress", "completed"),
            ("completed", "completed"),
        )


def test_code_is_streamed_between_its_states(server: MockServer, api_key: str, responses: Responses) -> None:
    server.account(api_key).on_response().reply(items=[CODE])
    events = responses.stream({"include": ["code_interpreter_call.outputs"]})
    names = [
        name for name, _ in itertools.groupby(event["type"].removeprefix("response.") for event in events)
    ]
    assert names[3:9] == [
        "code_interpreter_call.in_progress",
        "code_interpreter_call_code.delta",
        "code_interpreter_call_code.done",
        "code_interpreter_call.interpreting",
        "code_interpreter_call.completed",
        "output_item.done",
    ]
    assert events[-1]["response"]["output"][0]["outputs"] == CODE["outputs"]


def test_what_was_not_included_is_hidden_in_events(
    server: MockServer, api_key: str, responses: Responses
) -> None:
    server.account(api_key).on_response().reply(items=[CODE])
    shown: list[Body] = [event["item"] for event in responses.stream({}) if "item" in event]
    assert [item["outputs"] for item in shown] == [None, None]


def test_a_call_of_a_server_can_fail(server: MockServer, api_key: str, responses: Responses) -> None:
    failed = {
        "type": "mcp_call",
        "name": "f",
        "status": "failed",
        "error": {"type": "http_error", "code": 500, "message": "No."},
    }
    server.account(api_key).on_response().reply(items=[failed])
    names = [event["type"] for event in responses.stream({})]
    assert "response.mcp_call.failed" in names
    assert "response.mcp_call.completed" not in names


def test_several_messages_and_parts_are_one_after_another(
    server: MockServer, api_key: str, responses: Responses
) -> None:
    parts = [{"text": "One."}, {"type": "refusal", "refusal": "No."}]
    server.account(api_key).on_response().reply(items=[{"content": parts}, {"content": "Two."}])
    events = responses.stream({})
    places = [(event["output_index"], event["content_index"]) for event in events if "content_index" in event]
    assert list(dict.fromkeys(places)) == sorted(set(places)) == [(0, 0), (0, 1), (1, 0)]


def test_emoji_are_not_divided(responses: Responses) -> None:
    events = responses.stream({"input": "👩‍🚀🏳️‍🌈 ok"})
    assert "".join(event.get("delta", "") for event in events) == "You wrote: 👩‍🚀🏳️‍🌈 ok."
