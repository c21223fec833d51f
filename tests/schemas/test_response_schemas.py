"""The schemas of responses and conversations: every kind of item, part and tool, and the answers of the server."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from mockserver.resources import data_folder
from mockserver.validation.nulls import drop_nulls
from mockserver.validation.schemas import Schemas
from tests.conftest import RawResponse

Body = dict[str, Any]

DOCUMENTED = Schemas(data_folder("schemas"))
REAL = Schemas(data_folder("schemas"), real=True)
CREATE = "openai/create_response.request"
TEXT: Body = {"type": "input_text", "text": "Hi"}
USER: Body = {"role": "user", "content": "Hi"}
CALL: Body = {"call_id": "call_1"}
DIRECT: Body = {"type": "direct"}
FUNCTION: Body = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}

ITEMS: list[Body] = [
    {"type": "additional_tools", "role": "developer", "tools": [FUNCTION]},
    {"type": "apply_patch_call", "status": "completed", "operation": {"type": "delete_file", "path": "a"}}
    | CALL,
    {"type": "apply_patch_call_output", "status": "failed", "output": "No."} | CALL,
    {
        "type": "code_interpreter_call",
        "id": "ci_1",
        "code": "print(1)",
        "container_id": "cntr_1",
        "outputs": [{"type": "logs", "logs": "1"}],
        "status": "completed",
    },
    {"type": "compaction", "encrypted_content": "gAAAAAB"},
    {"type": "compaction_trigger"},
    {
        "type": "computer_call",
        "id": "cu_1",
        "pending_safety_checks": [],
        "status": "completed",
        "action": {"type": "click", "button": "left", "x": 1, "y": 2},
    }
    | CALL,
    {"type": "computer_call_output", "output": {"type": "computer_screenshot", "image_url": "data:"}} | CALL,
    {"type": "custom_tool_call", "name": "f", "input": "x"} | CALL,
    {"type": "custom_tool_call_output", "output": "x"} | CALL,
    {"type": "file_search_call", "id": "fs_1", "queries": ["x"], "status": "completed"},
    {"type": "function_call", "name": "f", "arguments": "{}", "caller": DIRECT} | CALL,
    {"type": "function_call_output", "output": [TEXT]} | CALL,
    {"type": "image_generation_call", "id": "ig_1", "result": "AAAA", "status": "completed"},
    {"type": "item_reference", "id": "msg_1"},
    {
        "type": "local_shell_call",
        "id": "lsh_1",
        "action": {"type": "exec", "command": ["ls"], "env": {}},
        "status": "completed",
    }
    | CALL,
    {"type": "local_shell_call_output", "id": "lsh_1", "output": "x"},
    {"type": "mcp_approval_request", "id": "mcpr_1", "arguments": "{}", "name": "f", "server_label": "s"},
    {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True},
    {"type": "mcp_call", "id": "mcp_1", "arguments": "{}", "name": "f", "server_label": "s"},
    {
        "type": "mcp_list_tools",
        "id": "mcpl_1",
        "server_label": "s",
        "tools": [{"name": "f", "input_schema": {}}],
    },
    {"type": "message", "role": "user", "content": [TEXT]},
    {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "phase": "final_answer",
        "content": [{"type": "output_text", "text": "Hi", "annotations": [], "logprobs": []}],
    },
    {"type": "program", "id": "p_1", "code": "x", "fingerprint": "f"} | CALL,
    {"type": "program_output", "id": "p_1", "result": "x", "status": "completed"} | CALL,
    {"type": "reasoning", "id": "rs_1", "summary": [], "content": [], "encrypted_content": "gAAAAAB"},
    {"type": "shell_call", "action": {"commands": ["ls"]}} | CALL,
    {
        "type": "shell_call_output",
        "output": [{"stdout": "", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}],
    }
    | CALL,
    {"type": "tool_search_call", "arguments": {}, "execution": "client"} | CALL,
    {"type": "tool_search_output", "tools": [FUNCTION]} | CALL,
    {
        "type": "web_search_call",
        "id": "ws_1",
        "status": "completed",
        "action": {"type": "search", "query": "x"},
    },
]
TOOLS: list[Body] = [
    FUNCTION | {"strict": False, "description": "x", "defer_loading": True},
    {"type": "apply_patch"},
    {"type": "code_interpreter", "container": {"type": "auto", "file_ids": []}},
    {"type": "computer"},
    {"type": "computer_use_preview", "display_height": 1, "display_width": 1, "environment": "linux"},
    {"type": "custom", "name": "f", "format": {"type": "grammar", "syntax": "regex", "definition": "a"}},
    {
        "type": "file_search",
        "vector_store_ids": ["vs_1"],
        "filters": {"type": "and", "filters": [{"type": "eq", "key": "a", "value": "b"}]},
    },
    {"type": "image_generation", "partial_images": 2},
    {"type": "local_shell"},
    {"type": "mcp", "server_label": "s", "server_url": "https://example.com", "require_approval": "never"},
    {"type": "namespace", "name": "n", "description": "x", "tools": [FUNCTION]},
    {"type": "programmatic_tool_calling"},
    {"type": "shell", "environment": {"type": "container_auto"}},
    {"type": "tool_search", "execution": "client"},
    {
        "type": "web_search",
        "filters": {"allowed_domains": ["example.com"]},
        "user_location": {"country": "US"},
    },
    {"type": "web_search_preview", "search_context_size": "low"},
]
CHOICES: list[Any] = [
    *("none", "auto", "required"),
    {"type": "function", "name": "f"},
    {"type": "custom", "name": "f"},
    {"type": "mcp", "server_label": "s"},
    {"type": "file_search"},
    {"type": "web_search"},
    {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
]


def request(**members: Any) -> Body:
    return {"model": "gpt-5.4", "input": "Hi", **members}


def kinds(rows: list[Any]) -> list[str]:
    return [row["type"] if isinstance(row, dict) else row for row in rows]


def documented_kinds(file: str, place: str) -> set[str]:
    document = json.loads((data_folder("schemas") / "openai" / f"{file}.json").read_bytes())
    return set(document["$defs"][place]["properties"]["type"]["enum"])


def test_every_kind_is_among_the_examples() -> None:
    dated = {"web_search_2025_08_26", "web_search_preview_2025_03_11"}
    assert set(kinds(ITEMS)) == documented_kinds("response_items", "item") - {"configuration_update"}
    assert set(kinds(TOOLS)) == documented_kinds("response_tools", "tool") - dated


@pytest.mark.parametrize("item", ITEMS, ids=kinds(ITEMS))
def test_an_item_is_accepted_and_an_unknown_member_of_it_refused(item: Body) -> None:
    assert REAL.fault(CREATE, request(input=[USER, item])) is None
    assert REAL.fault("openai/create_conversation.request", {"items": [item]}) is None
    for name in ("count_input_tokens", "compact_response"):
        assert REAL.fault(f"openai/{name}.request", request(input=[item])) is None
    fault = REAL.fault(CREATE, request(input=[USER, item | {"bogus": 1}]))
    assert fault is not None
    assert fault.message == "Unknown parameter: 'input[1].bogus'."
    assert DOCUMENTED.is_valid(CREATE, request(input=[USER, item | {"bogus": 1}]))


@pytest.mark.parametrize("item", ITEMS, ids=kinds(ITEMS))
def test_an_item_without_any_of_its_required_members_is_refused(item: Body) -> None:
    document = json.loads((data_folder("schemas") / "openai" / "response_items.json").read_bytes())
    (case,) = [
        each["then"]["$ref"].rpartition("/")[2]
        for each in document["$defs"]["item"]["allOf"]
        if each["if"]["properties"]["type"]["const"] == item["type"]
    ]
    required = set(document["$defs"][case].get("required", ())) - {"type"}
    assert required <= item.keys()
    for name in required:
        assert not DOCUMENTED.is_valid(
            CREATE, request(input=[{key: value for key, value in item.items() if key != name}])
        )


@pytest.mark.parametrize("tool", TOOLS, ids=kinds(TOOLS))
def test_a_tool_is_accepted_and_an_unknown_member_of_it_refused(tool: Body) -> None:
    assert REAL.fault(CREATE, request(tools=[tool])) is None
    fault = REAL.fault(CREATE, request(tools=[FUNCTION, tool | {"bogus": 1}]))
    assert fault is not None
    assert fault.message == "Unknown parameter: 'tools[1].bogus'."


@pytest.mark.parametrize("choice", CHOICES, ids=kinds(CHOICES))
def test_a_choice_of_tools_is_accepted(choice: Any) -> None:
    assert REAL.fault(CREATE, request(tools=[FUNCTION], tool_choice=choice)) is None


def test_null_is_dropped_from_items_with_and_without_a_type() -> None:
    body = request(
        input=[
            USER | {"phase": None, "type": None},
            {"type": "function_call_output", "output": "x", "status": None} | CALL,
        ],
        text={"verbosity": None},
    )
    drop_nulls(REAL.resolved(CREATE), body)
    assert body["input"] == [USER, {"type": "function_call_output", "output": "x"} | CALL]
    assert body["text"] == {}


ANSWERED: list[Body] = [
    request(),
    request(instructions="Be brief.", metadata={"a": "b"}, max_output_tokens=16, store=False),
    request(model="gpt-4o", include=["message.output_text.logprobs"], top_logprobs=2),
    request(reasoning={"effort": "low", "summary": "auto"}, include=["reasoning.encrypted_content"]),
    request(input="Call f.", tools=[FUNCTION, *TOOLS[5:6]], tool_choice="required"),
    request(
        text={"format": {"type": "json_schema", "name": "a", "schema": {"type": "object", "properties": {}}}}
    ),
    request(tools=[TOOLS[-2]], tool_choice={"type": "web_search_preview"}) | {"tools": [TOOLS[-1]]},
]


@pytest.mark.parametrize("body", ANSWERED, ids=range(len(ANSWERED)))
def test_answers_satisfy_the_schemas(send: Callable[..., RawResponse], api_key: str, body: Body) -> None:
    json_type = {"Content-Type": "application/json"}
    answer = send("POST", "/v1/responses", json.dumps(body).encode(), json_type, key=api_key)
    assert answer.status == 200, answer.body
    assert DOCUMENTED.violations("openai/response.response", answer.json()) == []
    data = json.dumps(body | {"stream": True}).encode()
    stream = send("POST", "/v1/responses", data, json_type, key=api_key)
    events = [line[6:] for line in stream.body.decode().splitlines() if line.startswith("data: ")]
    assert len(events) > 4
    for event in events:
        assert DOCUMENTED.violations("openai/response.event", json.loads(event)) == [], event
