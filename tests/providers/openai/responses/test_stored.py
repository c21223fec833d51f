"""Stored responses: retrieved, continued, listed, deleted; through the official SDK and over a raw socket."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import Mock

import openai
import pytest

from mockserver.app import services_of
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.conftest import RawResponse

Send = Callable[..., RawResponse]

MODEL = "gpt-4o-mini"
JSON = {"Content-Type": "application/json"}
NOON = 1_800_000_000
DAY = 86_400


def asked(client: openai.OpenAI, text: Any, **members: Any) -> Any:
    create: Any = client.responses.create
    return create(**{"model": MODEL, "input": text} | members)


def texts(items: Any) -> list[str]:
    return [item.content[0].text for item in items]


@pytest.fixture
def frozen() -> Iterator[tuple[MockServer, openai.OpenAI]]:
    """Yield a server with a frozen clock, and a client of it."""
    settings = Settings(port=0, whisper_model="none", log_level="warning", frozen_time=float(NOON))
    with (
        MockServer(settings) as server,
        openai.OpenAI(base_url=server.base_url, api_key="sk-mock-tier-5-frozen", max_retries=0) as client,
    ):
        yield server, client


def test_a_response_is_retrieved_as_it_was_answered(send: Send) -> None:
    body = {"model": MODEL, "input": "Hi", "metadata": {"run": "7"}, "instructions": "Be brief."}
    created = send("POST", "/v1/responses", json.dumps(body).encode(), JSON)
    assert created.status == 200, created.body
    identifier = created.json()["id"]  # type: ignore[index]
    assert send("GET", f"/v1/responses/{identifier}").body == created.body
    assert send("GET", f"/v1/responses/{identifier}?stream=false").body == created.body


def test_a_streamed_response_is_retrieved_with_its_billing(client: openai.OpenAI) -> None:
    with client.responses.stream(model=MODEL, input="Hi") as stream:
        final = stream.get_final_response()
    kept = client.responses.retrieve(final.id).to_dict()
    assert kept["billing"] == {"payer": "developer"}
    assert client.responses.retrieve(final.id).output_text == final.output_text


def test_a_deleted_response_is_gone(client: openai.OpenAI, send: Send, api_key: str) -> None:
    identifier = asked(client, "Hi").id
    deleted = send("DELETE", f"/v1/responses/{identifier}", key=api_key)
    assert deleted.body.decode() == (
        f'{{\n  "id": "{identifier}",\n  "object": "response.deleted",\n  "deleted": true\n}}'
    )
    for call in (client.responses.retrieve, client.responses.delete, client.responses.input_items.list):
        with pytest.raises(openai.NotFoundError) as refused:
            call(identifier)
        assert refused.value.body == {
            "message": f"Response with id '{identifier}' not found.",
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        }
    with pytest.raises(openai.BadRequestError) as unknown:
        asked(client, "And?", previous_response_id=identifier)
    assert (unknown.value.param, unknown.value.code) == (
        "previous_response_id",
        "previous_response_not_found",
    )


def test_responses_that_are_not_to_be_stored_are_not(client: openai.OpenAI) -> None:
    response = asked(client, "Hi", store=False)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(response.id)
    with pytest.raises(openai.BadRequestError, match=f"Previous response with id '{response.id}' not found."):
        asked(client, "And?", previous_response_id=response.id)
    reference = {"type": "item_reference", "id": response.output[0].id}
    with pytest.raises(openai.NotFoundError, match="Items are not persisted when `store` is set to false"):
        asked(client, [reference, {"role": "user", "content": "And?"}])


def test_responses_are_kept_for_30_days(frozen: tuple[MockServer, openai.OpenAI]) -> None:
    server, client = frozen
    identifier = asked(client, "Hi").id
    server.clock.advance(30 * DAY - 1)
    assert client.responses.retrieve(identifier).id == identifier
    server.clock.advance(1)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(identifier)


def test_responses_belong_to_an_account(client: openai.OpenAI, server: MockServer) -> None:
    identifier = asked(client, "Hi").id
    other = openai.OpenAI(base_url=server.base_url, api_key="sk-mock-tier-5-stranger", max_retries=0)
    with pytest.raises(openai.NotFoundError):
        other.responses.retrieve(identifier)


class TestInputItems:
    def test_a_text_is_a_message_with_the_chain_in_its_id(self, client: openai.OpenAI) -> None:
        response = asked(client, "Hi", instructions="not listed")
        (item,) = client.responses.input_items.list(response.id).data
        (document,) = client.responses.input_items.with_raw_response.list(response.id).http_response.json()[
            "data"
        ]
        assert list(document) == ["id", "type", "status", "content", "role"]
        assert (document["content"], document["role"]) == ([{"type": "input_text", "text": "Hi"}], "user")
        assert str(item.id)[4:20] == response.id[5:21] == response.output[0].id[4:20]

    def test_the_newest_come_first_in_pages(self, client: openai.OpenAI) -> None:
        given = [{"role": "system", "content": "zero"}]
        given += [{"role": "user", "content": str(number)} for number in range(1, 5)]
        response = asked(client, given)
        page = client.responses.input_items.list(response.id, limit=2)
        assert (texts(page.data), page.has_more) == (["4", "3"], True)
        assert texts(page) == ["4", "3", "2", "1", "zero"]
        ascending = client.responses.input_items.list(response.id, order="asc", after=str(page.data[1].id))
        assert texts(ascending) == ["4"]

    def test_earlier_items_are_not_listed(self, client: openai.OpenAI) -> None:
        first = asked(client, "one")
        second = asked(client, "two", previous_response_id=first.id)
        assert texts(client.responses.input_items.list(second.id)) == ["two"]

    def test_the_address_of_an_image_is_shown_on_request(self, client: openai.OpenAI) -> None:
        url = (
            "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9"
            "awAAAABJRU5ErkJggg=="
        )
        content = [{"type": "input_image", "image_url": url, "detail": "low"}]
        response = asked(client, [{"role": "user", "content": content}])
        listing = client.responses.input_items.list
        (hidden,) = listing(response.id).data
        (visible,) = listing(response.id, include=["message.input_image.image_url"]).data
        assert hidden.to_dict()["content"] == [
            {"type": "input_image", "detail": "low", "file_id": None, "image_url": None}
        ]
        assert visible.to_dict()["content"][0]["image_url"] == url  # type: ignore[index]


class TestContinuing:
    def test_a_chain_has_one_key_and_all_its_words(self, client: openai.OpenAI) -> None:
        first = asked(client, "The first question")
        second = asked(client, "The second question", previous_response_id=first.id)
        third = asked(client, "The third question", previous_response_id=second.id)
        assert third.previous_response_id == second.id
        assert first.id[5:21] == second.id[5:21] == third.id[5:21]
        assert first.usage.input_tokens < second.usage.input_tokens < third.usage.input_tokens

    def test_instructions_are_not_inherited(self, client: openai.OpenAI) -> None:
        first = asked(client, "Hi", instructions="Be verbose. " * 50)
        second = asked(client, "And?", previous_response_id=first.id)
        assert second.instructions is None
        assert second.usage.input_tokens < first.usage.input_tokens

    def test_a_function_call_is_answered_in_the_next_response(self, client: openai.OpenAI) -> None:
        parameters = {"type": "object", "properties": {}, "additionalProperties": False}
        tool = {"type": "function", "name": "f", "parameters": parameters}
        first = asked(client, "Call it", tools=[tool], tool_choice="required")
        (call,) = [item for item in first.output if item.type == "function_call"]
        result = {"type": "function_call_output", "call_id": call.call_id, "output": "seven"}
        second = asked(client, [result], previous_response_id=first.id, tools=[tool])
        assert second.status == "completed"
        listed = client.responses.input_items.with_raw_response.list(second.id).http_response.json()
        assert [list(item) for item in listed["data"]] == [["id", "type", "status", "call_id", "output"]]

    def test_references_are_the_items_that_they_name(self, client: openai.OpenAI) -> None:
        first = asked(client, "A long question " * 20)
        (item,) = client.responses.input_items.list(first.id).data
        reference = {"type": "item_reference", "id": item.id}
        second = asked(client, [reference, {"role": "user", "content": "And?"}])
        assert second.usage.input_tokens > first.usage.input_tokens
        assert client.responses.input_items.list(second.id, order="asc").data[0] == item

    def test_a_made_up_reference_is_refused(self, client: openai.OpenAI) -> None:
        with pytest.raises(openai.NotFoundError) as refused:
            asked(client, [{"type": "item_reference", "id": "msg_abc"}])
        assert refused.value.body["message"] == "Item with id 'msg_abc' not found."  # type: ignore[index]
        assert refused.value.param == "input"


class TestConversations:
    def test_they_get_input_and_output(self, client: openai.OpenAI) -> None:
        system = {"role": "system", "content": "Be brief."}
        conversation = client.conversations.create(items=[system])  # type: ignore[list-item]
        response = asked(client, "one", conversation=conversation.id)
        assert response.conversation.id == conversation.id
        assert response.id[5:21] == conversation.id[-16:]
        raw = client.responses.with_raw_response.retrieve(response.id).http_response.json()
        assert list(raw)[5:8] == ["billing", "completed_at", "conversation"]
        items = client.conversations.items.list(conversation.id, order="asc").data
        assert texts(items) == ["Be brief.", "one", response.output_text]
        second = asked(client, "two", conversation={"id": conversation.id})
        assert second.usage.input_tokens > response.usage.input_tokens
        assert len(client.conversations.items.list(conversation.id).data) == 5

    def test_a_chain_from_a_conversation_has_its_words_but_is_not_in_it(self, client: openai.OpenAI) -> None:
        conversation = client.conversations.create()
        asked(client, "long " * 100, conversation=conversation.id)
        second = asked(client, "two", conversation=conversation.id)
        asked(client, "later " * 500, conversation=conversation.id)
        third = asked(client, "three", previous_response_id=second.id)
        assert third.conversation is None
        assert second.usage.input_tokens < third.usage.input_tokens < 500
        assert len(client.conversations.items.list(conversation.id, limit=100).data) == 6

    def test_unknown_ones_are_refused(self, client: openai.OpenAI) -> None:
        with pytest.raises(openai.NotFoundError) as refused:
            asked(client, "Hi", conversation="conv_x")
        assert refused.value.body == {
            "message": "Conversation with id 'conv_x' not found.",
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        }

    def test_no_second_response_while_one_is_made(
        self, client: openai.OpenAI, send: Send, api_key: str
    ) -> None:
        reply = {"text": "one two three four five", "tokens_per_second": 10}
        stub = {"when": {"endpoint": "responses", "user_text": "slow"}, "reply": reply}
        assert send("POST", "/_mock/stubs", json.dumps(stub).encode(), JSON, key=api_key).status == 201
        conversation = client.conversations.create()
        stream = asked(client, "slow", conversation=conversation.id, stream=True)
        next(stream)
        assert client.conversations.items.list(conversation.id).data == [], "nothing before it has ended"
        with pytest.raises(openai.BadRequestError) as refused:
            asked(client, "two", conversation=conversation.id)
        assert (refused.value.param, refused.value.code) == ("conversation", "conversation_locked")
        assert list(stream)[-1].type == "response.completed"
        assert len(client.conversations.items.list(conversation.id).data) == 2
        assert asked(client, "two", conversation=conversation.id).status == "completed"


class TestExamples:
    """Outside strictness ``real``, unknown ids stand for examples."""

    @pytest.fixture
    def lenient(self, server: MockServer, api_key: str) -> openai.OpenAI:
        headers = {"x-mock-strictness": "schema"}
        return openai.OpenAI(base_url=server.base_url, api_key=api_key, default_headers=headers)

    def test_of_responses(self, lenient: openai.OpenAI) -> None:
        assert lenient.responses.retrieve("resp_any").status == "completed"
        assert lenient.responses.input_items.list("resp_any").data == []
        lenient.responses.delete("resp_any")
        assert lenient.responses.cancel("resp_any").id == "resp_any"
        assert asked(lenient, "Hi", previous_response_id="resp_any").status == "completed"
        assert list(lenient.responses.retrieve("resp_any", stream=True)) == []

    def test_of_conversations(self, lenient: openai.OpenAI) -> None:
        assert lenient.conversations.retrieve("conv_any").metadata == {}
        assert lenient.conversations.update("conv_any", metadata={"a": "b"}).metadata == {"a": "b"}
        assert lenient.conversations.items.list("conv_any").data == []
        added = lenient.conversations.items.create("conv_any", items=[{"role": "user", "content": "Hi"}])
        assert texts(added.data) == ["Hi"]
        item: Any = lenient.conversations.items.retrieve("msg_any", conversation_id="conv_any")
        assert item.id == "msg_any"
        lenient.conversations.items.delete("msg_any", conversation_id="conv_any")
        assert lenient.conversations.delete("conv_any").deleted


def test_many_references_are_found_in_one_search(
    frozen: tuple[MockServer, openai.OpenAI], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, client = frozen
    made = [client.responses.create(model="gpt-4o-mini", input=f"Turn {number}.") for number in range(20)]
    store = services_of(server.app).store
    searches = Mock(wraps=store.values)
    monkeypatch.setattr(store, "values", searches)
    references: Any = [{"type": "item_reference", "id": response.output[0].id} for response in made]
    create: Any = client.responses.create
    response = create(model="gpt-4o-mini", input=[*references, {"role": "user", "content": "Hi"}])
    listed = client.responses.input_items.list(response.id, limit=100, order="asc").data
    assert [item.id for item in listed[:-1]] == [each["id"] for each in references]
    assert [call.args[0] for call in searches.mock_calls].count("response") <= 2
