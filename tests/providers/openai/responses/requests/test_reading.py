"""Items of an input as turns of a conversation."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.engines.dialogue import ToolCall
from mockserver.providers.openai.responses.requests import reading
from tests.providers.openai.responses.conftest import Body, Responses

CALL: Body = {"type": "function_call", "call_id": "call_1", "name": "add", "arguments": "{}"}


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        ({"role": "user", "content": "a"}, "message"),
        ({"id": "msg_1"}, "item_reference"),
        ({"type": "reasoning", "role": "user"}, "reasoning"),
        ({"type": 7}, "item_reference"),
        ({"role": "nobody"}, "item_reference"),
    ],
)
def test_the_type_of_an_item_can_be_left_out(item: Body, kind: str) -> None:
    assert reading.kind_of(item) == kind


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        ("a", ["a"]),
        ([{"type": "input_text", "text": "a"}, {"type": "output_text", "text": "b"}], ["a", "b"]),
        ([{"type": "refusal", "refusal": "no"}, {"type": "input_image", "text": "x"}], ["no", ""]),
        ([7, None, {"type": "input_text", "text": 7}], [""]),
        (None, []),
        (7, []),
    ],
)
def test_texts_are_those_of_the_parts(content: object, texts: list[str]) -> None:
    assert reading.texts_of(content) == texts


@pytest.mark.parametrize(
    ("item", "call"),
    [
        (CALL, ("call_1", ToolCall("add", "{}"))),
        (
            {"type": "custom_tool_call", "call_id": "c", "name": "f", "input": "x"},
            ("c", ToolCall("f", "x", custom=True)),
        ),
        (
            {"type": "local_shell_call", "call_id": "c"},
            ("c", ToolCall("local_shell", "", built_in="local_shell")),
        ),
        ({"type": "function_call"}, ("", ToolCall("", ""))),
        ({"type": "web_search_call"}, None),
    ],
)
def test_calls_are_read(item: Body, call: Any) -> None:
    assert reading.call_of(item) == call


@pytest.mark.parametrize(
    ("item", "texts"),
    [
        ({"type": "function_call_output", "call_id": "c", "output": "a"}, ["a"]),
        (
            {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "a"}]},
            ["a"],
        ),
        (
            {"type": "shell_call_output", "call_id": "c", "output": [{"stdout": "a", "stderr": "b"}]},
            ["a", "b"],
        ),
        ({"type": "computer_call_output", "call_id": "c", "output": {"type": "computer_screenshot"}}, []),
        ({"type": "mcp_approval_response", "approval_request_id": "c", "approve": True}, ["approved"]),
        ({"type": "mcp_approval_response", "approval_request_id": "c", "reason": "odd"}, ["refused odd"]),
        ({"type": "local_shell_call_output", "id": "c", "output": "a"}, ["a"]),
    ],
)
def test_results_are_read(item: Body, texts: list[str]) -> None:
    assert reading.result_of(item) == ("c", texts)


def test_calls_that_follow_each_other_belong_together() -> None:
    items = [{"role": "user"}, CALL, CALL, {"role": "user"}, CALL]
    assert [len(run) for run in reading.runs(enumerate(items))] == [1, 2, 1, 1]


def test_tools_can_be_items(responses: Responses) -> None:
    tool = {"type": "function", "name": "get_time", "parameters": {"type": "object", "properties": {}}}
    added = {"type": "additional_tools", "role": "developer", "tools": [tool]}
    (call,) = responses.items(
        {"model": "gpt-5.4", "input": [added, {"role": "user", "content": "The time?"}]}
    )
    assert call["name"] == "get_time"


@pytest.mark.parametrize(
    "item",
    [
        {
            "type": "web_search_call",
            "id": "ws_1",
            "status": "completed",
            "action": {"type": "search", "query": "q"},
        },
        {"type": "mcp_list_tools", "id": "mcpl_1", "server_label": "s", "tools": []},
        {"type": "image_generation_call", "id": "ig_1", "result": None, "status": "completed"},
        {
            "type": "code_interpreter_call",
            "id": "ci_1",
            "code": "1",
            "container_id": "c",
            "outputs": None,
            "status": "completed",
        },
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Hello!", "annotations": []}],
        },
    ],
)
def test_other_items_are_accepted(responses: Responses, item: Body) -> None:
    assert responses.text({"input": [item, {"role": "user", "content": "Hi."}]}) == "You wrote: Hi."


def test_the_responder_reads_the_conversation(responses: Responses) -> None:
    conversation = [
        {"role": "developer", "content": "Be brief."},
        {
            "role": "user",
            "content": [{"type": "input_text", "text": "One"}, {"type": "input_text", "text": "two."}],
        },
    ]
    assert responses.text({"input": conversation}) == "You wrote: One two."


def test_images_and_files_take_tokens_but_add_no_words(responses: Responses) -> None:
    pixel = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
    text, image = {"type": "input_text", "text": "Look."}, {"type": "input_image", "image_url": pixel}

    def usage(content: list[Body]) -> int:
        response = responses.create({"model": "gpt-4o", "input": [{"role": "user", "content": content}]})
        assert response["output"][0]["content"][0]["text"] == "You wrote: Look."
        return int(response["usage"]["input_tokens"])

    assert usage([text, image]) == usage([text]) + 255
