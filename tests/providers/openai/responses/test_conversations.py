"""Conversations and their items, through the official SDK and over a raw socket."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import openai
import pytest

from mockserver.testing.mock_server import MockServer
from tests.conftest import RawResponse

Send = Callable[..., RawResponse]


def said(text: str, role: str = "user") -> Any:
    return {"role": role, "content": text}


def texts(items: Any) -> list[str]:
    return [item.content[0].text for item in items]


def test_a_conversation_is_created_read_labelled_and_deleted(client: openai.OpenAI) -> None:
    created = client.conversations.create(metadata={"topic": "demo"})
    assert re.fullmatch("conv_[0-9a-f]{48}", created.id)
    assert client.conversations.retrieve(created.id) == created
    changed = client.conversations.update(created.id, metadata={"topic": "other"})
    assert changed.metadata == {"topic": "other"}
    assert client.conversations.retrieve(created.id) == changed
    deleted = client.conversations.delete(created.id)
    assert (deleted.id, deleted.object, deleted.deleted) == (created.id, "conversation.deleted", True)
    with pytest.raises(openai.NotFoundError, match=f"Conversation with id '{created.id}' not found."):
        client.conversations.delete(created.id)


def test_the_answer_has_the_bytes_of_the_api(send: Send) -> None:
    response = send("POST", "/v1/conversations", b"{}", {"Content-Type": "application/json"})
    document: Any = response.json()
    assert response.body.decode() == (
        "{\n"
        f'  "id": "{document["id"]}",\n'
        '  "object": "conversation",\n'
        f'  "created_at": {document["created_at"]},\n'
        '  "metadata": {}\n'
        "}"
    )
    listed = send("GET", f"/v1/conversations/{document['id']}/items")
    assert list(listed.json()) == ["object", "data", "first_id", "has_more", "last_id"]  # type: ignore[call-overload]
    assert b'"first_id": null' in listed.body


def test_items_are_added_listed_read_and_deleted(client: openai.OpenAI) -> None:
    conversation = client.conversations.create(items=[said("one", "system"), said("two")])
    key = conversation.id[-16:]
    added = client.conversations.items.create(
        conversation.id, items=[said("three", "assistant"), said("four")]
    )
    assert texts(added.data) == ["three", "four"], "only the new ones"
    documents = [item.to_dict() for item in added.data]
    assert [each["content"][0]["type"] for each in documents] == ["output_text", "input_text"]  # type: ignore[index]
    items = client.conversations.items.list(conversation.id).data
    assert texts(items) == ["four", "three", "two", "one"]
    assert all(re.fullmatch(f"msg_[0-9a-f]{{32}}{key}", str(item.id)) for item in items)
    first: Any = items[0]
    assert client.conversations.items.retrieve(first.id, conversation_id=conversation.id) == first
    left = client.conversations.items.delete(first.id, conversation_id=conversation.id)
    assert left == conversation
    assert texts(client.conversations.items.list(conversation.id)) == ["three", "two", "one"]
    with pytest.raises(openai.NotFoundError, match=f"Item with id '{first.id}' not found."):
        client.conversations.items.retrieve(first.id, conversation_id=conversation.id)


def test_items_come_in_pages(client: openai.OpenAI) -> None:
    conversation = client.conversations.create(items=[said(str(number)) for number in range(5)])
    page = client.conversations.items.list(conversation.id, limit=2, order="asc")
    assert (texts(page.data), page.has_more) == (["0", "1"], True)
    assert texts(page) == ["0", "1", "2", "3", "4"], "the SDK asks for further pages"
    last: Any = page.data[-1]
    rest = client.conversations.items.list(conversation.id, after=last.id, order="asc", limit=3)
    assert (texts(rest.data), rest.has_more) == (["2", "3", "4"], False)


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "order=up", "include[]=x", "after=msg_x"]
)
def test_bad_queries_are_refused(client: openai.OpenAI, send: Send, query: str, api_key: str) -> None:
    conversation = client.conversations.create()
    response = send("GET", f"/v1/conversations/{conversation.id}/items?{query}", key=api_key)
    error: Any = response.json()
    assert response.status in (400, 404)
    assert error["error"]["param"] in ("limit", "order", "include[0]", "after")


def test_conversations_belong_to_an_account(client: openai.OpenAI, server: MockServer) -> None:
    conversation = client.conversations.create(items=[said("mine")])
    other = openai.OpenAI(base_url=server.base_url, api_key="sk-mock-tier-5-other", max_retries=0)
    for call in (other.conversations.retrieve, other.conversations.items.list, other.conversations.delete):
        with pytest.raises(openai.NotFoundError):
            call(conversation.id)


def test_at_most_20_items_at_a_time(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError):
        client.conversations.create(items=[said("x")] * 21)
    conversation = client.conversations.create(items=[said("x")] * 20)
    with pytest.raises(openai.BadRequestError):
        client.conversations.items.create(conversation.id, items=[said("x")] * 21)
    assert len(client.conversations.items.list(conversation.id, limit=100).data) == 20


def test_references_become_the_items_that_they_name(client: openai.OpenAI) -> None:
    conversation = client.conversations.create(items=[said("original")])
    item: Any = client.conversations.items.list(conversation.id).data[0]
    other = client.conversations.create(items=[{"type": "item_reference", "id": item.id}])
    assert texts(client.conversations.items.list(other.id)) == ["original"]
    with pytest.raises(openai.NotFoundError, match=r"Item with id 'msg_abc' not found\.$"):
        client.conversations.create(items=[{"type": "item_reference", "id": "msg_abc"}])
    client.conversations.delete(conversation.id)
    with pytest.raises(openai.NotFoundError, match="Items are not persisted when `store` is set to false"):
        client.conversations.create(items=[{"type": "item_reference", "id": item.id}])
