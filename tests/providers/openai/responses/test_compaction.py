"""Compaction of conversations, and the tokens of inputs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import openai
import pytest

from mockserver.ids import Ids
from mockserver.providers.openai.response_work.sealed import seal
from mockserver.providers.openai.responses.compaction import opened
from tests.conftest import RawResponse

Send = Callable[..., RawResponse]

JSON = {"Content-Type": "application/json"}
MODEL = "gpt-4o-mini"
AUDIO = {"type": "input_audio"}
TOOL = {"type": "function"}


def said(text: str, role: str = "user") -> Any:
    return {"role": role, "content": text}


HISTORY = [said("Be brief.", "system"), said("one"), said("first answer", "assistant"), said("two")]


def asked(client: openai.OpenAI, given: Any, **members: Any) -> Any:
    create: Any = client.responses.create
    return create(**{"model": MODEL, "input": given} | members)


def compacted(client: openai.OpenAI, **members: Any) -> Any:
    """Return the answer as it is: in the SDK's types it has no messages of the user."""
    compact: Any = client.responses.with_raw_response.compact
    return compact(**{"model": MODEL} | members).http_response.json()


class TestCompaction:
    def test_the_answer_is_compact_json_with_the_users_messages(self, send: Send) -> None:
        body = json.dumps({"model": MODEL, "input": HISTORY}).encode()
        response = send("POST", "/v1/responses/compact", body, JSON)
        document: Any = response.json()
        assert response.status == 200, response.body
        assert response.body == json.dumps(document, separators=(",", ":")).encode()
        assert list(document) == ["id", "object", "created_at", "output", "usage"]
        assert document["object"] == "response.compaction"
        assert re.fullmatch("resp_0[0-9a-f]{15}01[0-9a-f]{32}", document["id"])
        *users, item = document["output"]
        assert [user["content"][0] for user in users] == [
            {"type": "input_text", "text": "one"},
            {"type": "input_text", "text": "two"},
        ]
        assert list(item) == ["id", "type", "encrypted_content"]
        assert item["id"].startswith("cmp_" + document["id"][5:21])
        assert item["encrypted_content"].startswith("gAAAAAB")
        assert document["usage"]["total_tokens"] > document["usage"]["output_tokens"] > 0

    def test_a_compacted_conversation_has_as_many_tokens_as_before(self, client: openai.OpenAI) -> None:
        items = compacted(client, input=HISTORY)["output"]
        before = asked(client, [*HISTORY, said("three")])
        after = asked(client, [*items, said("three")])
        assert after.usage.input_tokens == before.usage.input_tokens
        again = compacted(client, input=[*items, said("three")])["output"]
        assert [item["type"] for item in again] == ["message", "message", "message", "compaction"]
        last = asked(client, again)
        assert last.usage.input_tokens == before.usage.input_tokens

    def test_a_stored_response_is_compacted(self, client: openai.OpenAI) -> None:
        first = asked(client, "one")
        found = compacted(client, previous_response_id=first.id)
        assert found["id"][5:21] == first.id[5:21]
        assert [item["type"] for item in found["output"]] == ["message", "compaction"]

    def test_outside_strictness_real_the_answer_has_the_documented_types(self, client: openai.OpenAI) -> None:
        lenient = {"x-mock-strictness": "schema"}
        found = client.responses.compact(model=MODEL, input=HISTORY, extra_headers=lenient)
        assert [item.type for item in found.output] == ["compaction"]
        before = asked(client, [*HISTORY, said("three")])
        after = asked(client, [found.output[0].to_dict(), said("three")])
        assert after.usage.input_tokens == before.usage.input_tokens

    def test_foreign_items_contain_nothing(self, client: openai.OpenAI) -> None:
        foreign = {"type": "compaction", "encrypted_content": "gAAAAABforeign"}
        plain, mixed = asked(client, [said("Hi")]), asked(client, [foreign, said("Hi")])
        assert plain.usage.input_tokens == mixed.usage.input_tokens
        (kept, _) = client.responses.input_items.list(mixed.id, order="asc").data
        assert kept.type == "compaction"

    def test_without_compaction_items_nothing_changes(self) -> None:
        earlier, given = [{"type": "message"}], [{"type": "reasoning"}]
        assert opened(earlier, given) == (earlier, given)

    def test_an_unknown_response_is_refused(self, client: openai.OpenAI) -> None:
        with pytest.raises(openai.BadRequestError) as refused:
            client.responses.compact(model=MODEL, previous_response_id="resp_x")
        assert refused.value.code == "previous_response_not_found"


class TestInputTokens:
    def test_they_are_those_of_the_response(self, client: openai.OpenAI, send: Send) -> None:
        body = json.dumps({"model": MODEL, "input": "Tell me a joke."}).encode()
        counted = send("POST", "/v1/responses/input_tokens", body, JSON)
        assert counted.body == b'{\n  "object": "response.input_tokens",\n  "input_tokens": 12\n}'
        assert asked(client, "Tell me a joke.").usage.input_tokens == 12

    @pytest.mark.parametrize(
        "members",
        [
            {"instructions": "Be brief."},
            {"input": HISTORY},
            {
                "tools": [
                    {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}
                ]
            },
        ],
        ids=list,
    )
    def test_everything_counts(self, client: openai.OpenAI, members: dict[str, Any]) -> None:
        body: Any = {"model": MODEL, "input": "Hi"} | members
        counted = client.responses.input_tokens.count(**body)
        assert counted.input_tokens == asked(client, body.pop("input"), **body).usage.input_tokens
        assert (
            counted.input_tokens > client.responses.input_tokens.count(model=MODEL, input="Hi").input_tokens
        )

    def test_what_is_continued_counts(self, client: openai.OpenAI) -> None:
        first = asked(client, "one")
        count = client.responses.input_tokens.count
        chained = count(model=MODEL, input="two", previous_response_id=first.id)
        assert chained.input_tokens > count(model=MODEL, input="two").input_tokens
        conversation = client.conversations.create(items=HISTORY)
        assert count(model=MODEL, input="two", conversation=conversation.id).input_tokens > 12


@pytest.mark.parametrize(
    "content",
    [
        7,
        {"users": 1 << 40, "items": []},
        {"users": -1, "items": []},
        {"users": 0, "items": [[0]]},
        {"users": "x", "items": 3},
        {"users": 0, "items": [[0, {}]]},
        {"users": 0, "items": [[0, {"type": "reasoning"}]]},
        {"users": 0, "items": [[0, {"type": ["message"], "id": "a"}]]},
        {"users": 0, "items": [[0, {"type": "function_call", "id": "a"}]]},
        {"users": 0, "items": [[0, {"type": "message", "id": "a", "content": [AUDIO | {"input_audio": 7}]}]]},
        {"users": 0, "items": [[0, {"type": "additional_tools", "id": "a", "tools": 7}]]},
        {"users": 0, "items": [[0, {"type": "additional_tools", "id": "a", "tools": [{"type": []}]}]]},
        {"users": 0, "items": [[0, {"type": "additional_tools", "id": "a", "tools": [TOOL | {"name": []}]}]]},
        {"users": 0, "items": [[0, {"type": "tool_search_output", "id": "a", "tools": [TOOL]}]]},
        {"users": 0, "items": [[0, {"type": "function_call_output", "id": "a", "call_id": [1]}]]},
        {"users": 0, "items": [[0, {"type": "message", "id": "a", "role": "user"}]]},
        {"users": 0, "items": [[0, {"type": "message", "id": "a", "role": "user", "content": [7]}]]},
        {
            "users": 0,
            "items": [[0, {"type": "message", "id": "a", "role": "user", "content": [{"type": []}]}]],
        },
    ],
)
def test_sealed_values_of_another_form_contain_nothing(content: Any) -> None:
    message = {"type": "message", "role": "user", "content": []}
    made_up = {"type": "compaction", "encrypted_content": seal(Ids("seed"), 0, content)}
    assert opened([], [message, made_up, message]) == ([message], [message])


def test_a_made_up_compaction_is_answered(send: Send) -> None:
    content = {"users": 0, "items": [[0, {"type": "function_call", "name": "f"}]]}
    made_up = {"type": "compaction", "encrypted_content": seal(Ids("seed"), 0, content)}
    body = json.dumps({"model": MODEL, "input": [made_up, said("two")]}).encode()
    for path in ("/v1/responses", "/v1/responses/compact", "/v1/responses/input_tokens"):
        response = send("POST", path, body, JSON)
        assert response.status == 200, response.body


def test_listed_tools_are_no_sign_of_a_made_up_one() -> None:
    listed = {"type": "mcp_list_tools", "id": "mcpl_1", "server_label": "a", "tools": [{"name": "roll"}]}
    tools = [{"type": "web_search"}, {"type": "namespace", "name": "a", "tools": [TOOL | {"name": "f"}]}]
    for item in (listed, {"type": "additional_tools", "id": "at_1", "role": "developer", "tools": tools}):
        content = {"users": 0, "items": [[0, item]]}
        sealed = {"type": "compaction", "encrypted_content": seal(Ids("seed"), 0, content)}
        assert opened([], [sealed]) == ([item], [])
