"""Stored chat completions, through the official SDK."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionDeleted

from mockserver.testing.audio_api import AudioApi
from mockserver.validation.schemas import Schemas
from tests.conftest import RawResponse
from tests.providers.openai.conftest import JSON, Chat, Watched, sound, speech, text, user

Send = Callable[..., RawResponse]

FUNCTION = {"type": "function", "function": {"name": "get_weather"}}


def stored(client: openai.OpenAI, count: int, **changes: Any) -> list[str]:
    """Store some completions one after the other; return their ids."""
    create: Any = client.chat.completions.create
    return [create(**text(f"Question {number}", store=True, **changes)).id for number in range(count)]


def test_a_stored_completion_says_what_was_answered_and_asked(client: openai.OpenAI) -> None:
    create: Any = client.chat.completions.with_raw_response.create
    asked = text("Hi", store=True, metadata={"run": "7"}, temperature=0.5, seed=7, user="me")
    response = create(**asked, service_tier="flex")
    completion = response.parse()
    kept = client.chat.completions.retrieve(completion.id)
    assert kept.choices[0].message.content == completion.choices[0].message.content
    assert kept.usage is not None
    assert kept.usage.total_tokens == completion.usage.total_tokens
    document = kept.to_dict()
    assert (document["temperature"], document["top_p"], document["seed"]) == (0.5, 1.0, 7)
    assert (document["metadata"], document["input_user"]) == ({"run": "7"}, "me")
    assert document["service_tier"] == completion.service_tier == "flex"
    assert document["request_id"] == response.request_id


def test_a_stored_completion_has_a_seed_whether_it_asked_for_one_or_not(client: openai.OpenAI) -> None:
    seeds = [client.chat.completions.retrieve(each).to_dict()["seed"] for each in stored(client, 2)]
    assert seeds[0] != seeds[1]
    assert all(isinstance(seed, int) and -(1 << 63) <= seed < 1 << 63 for seed in seeds)


def test_completions_that_an_earlier_version_stored_are_returned_in_the_present_form(
    watched: Watched, chat: Chat
) -> None:
    account = "sk-mock-x"
    created = chat.complete(text("Hi", tools=[FUNCTION]))
    value = {
        "completion": created | {"metadata": {"run": "7"}, "tools": [FUNCTION], "temperature": 0.5},
        "messages": [{"id": "m-0", "refusal": None, "name": None, "role": "user", "content": "Hi"}],
    }
    services = watched.services
    account_id = services.accounts.authenticate(account).id
    services.store.put("chat_completion", account_id, created["id"], value)
    path = f"/v1/chat/completions/{created['id']}"
    document = watched.get(path).get_json()
    assert list(document)[:5] == ["object", "id", "model", "created", "request_id"]
    assert (document["request_id"], document["seed"], document["temperature"]) == (None, None, 0.5)
    assert (document["metadata"], document["tools"]) == ({"run": "7"}, [FUNCTION])
    (message,) = watched.get(f"{path}/messages").get_json()["data"]
    assert message == {"id": "m-0", "role": "user", "content": "Hi", "content_parts": None, "name": None}


def test_nothing_is_stored_unasked(client: openai.OpenAI) -> None:
    create: Any = client.chat.completions.create
    completion_id = create(**text("Hi")).id
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.retrieve(completion_id)
    assert client.chat.completions.list().data == []


def test_a_page_ends_where_the_next_begins(client: openai.OpenAI) -> None:
    ids = stored(client, 5)[::-1]
    page = client.chat.completions.list(limit=2)
    assert ([each.id for each in page.data], page.has_more) == (ids[:2], True)
    assert [each.id for each in client.chat.completions.list(limit=2)] == ids
    last = client.chat.completions.list(limit=2, after=ids[3])
    assert ([each.id for each in last.data], last.has_more) == (ids[4:], False)


def test_the_newest_come_first_unless_asked_otherwise(client: openai.OpenAI) -> None:
    ids = stored(client, 3)
    assert [each.id for each in client.chat.completions.list()] == ids[::-1]
    assert [each.id for each in client.chat.completions.list(order="desc")] == ids[::-1]
    assert [each.id for each in client.chat.completions.list(order="asc")] == ids


def test_a_page_holds_20_by_default(client: openai.OpenAI) -> None:
    stored(client, 21)
    page = client.chat.completions.list()
    assert (len(page.data), page.has_more) == (20, True)


def test_metadata_and_model_choose_completions(client: openai.OpenAI) -> None:
    red = stored(client, 2, metadata={"colour": "red"})
    stored(client, 1, metadata={"colour": "blue"})
    mini = stored(client, 1, metadata={"colour": "red"}, model="gpt-4o-mini")
    assert [each.id for each in client.chat.completions.list(metadata={"colour": "red"})] == [
        *mini,
        *red[::-1],
    ]
    assert [each.id for each in client.chat.completions.list(model="gpt-4o-mini-2024-07-18")] == mini
    assert client.chat.completions.list(metadata={"colour": "green"}).data == []


def test_metadata_can_be_replaced(client: openai.OpenAI) -> None:
    (completion_id,) = stored(client, 1, metadata={"run": "7"})
    changed = client.chat.completions.update(completion_id, metadata={"run": "8"})
    assert changed.to_dict()["metadata"] == {"run": "8"}
    assert client.chat.completions.retrieve(completion_id).to_dict()["metadata"] == {"run": "8"}


def test_a_deleted_completion_is_gone(client: openai.OpenAI) -> None:
    (completion_id,) = stored(client, 1)
    deleted = client.chat.completions.delete(completion_id)
    assert deleted == ChatCompletionDeleted(id=completion_id, deleted=True, object="chat.completion.deleted")
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.retrieve(completion_id)


def test_the_messages_of_a_completion_are_listed(chat: Chat, api: AudioApi, hello: Any) -> None:
    client = api.client  # not strict: real messages deviate from the SDK's type
    part = {"type": "text", "text": "What is this?"}
    body = speech({"role": "system", "content": "Listen."}, user([part, sound(hello[1])]), store=True)
    completion_id = chat.complete(body)["id"]
    messages = client.chat.completions.messages.list(completion_id)
    first, second = (each.to_dict() for each in messages.data)
    assert first == {
        "id": f"{completion_id}-0",
        "role": "system",
        "content": "Listen.",
        "content_parts": None,
        "name": None,
    }
    assert (second["role"], second["content"], second["content_parts"]) == ("user", None, [part])
    page = client.chat.completions.messages.list(completion_id, limit=1, order="desc")
    assert [each.id for each in page.data] == [f"{completion_id}-1"]
    assert [each.id for each in page] == [f"{completion_id}-1", f"{completion_id}-0"]


def test_a_streamed_text_is_stored_too(chat: Chat, client: openai.OpenAI) -> None:
    (completion_id,) = {chunk["id"] for chunk in chat.stream(text("Hi", store=True))}
    kept = client.chat.completions.retrieve(completion_id)
    assert kept.choices[0].message.content == "You wrote: Hi."


def test_streamed_tool_calls_are_stored_under_their_ids(chat: Chat, client: openai.OpenAI) -> None:
    chunks = chat.stream(text("How is the weather?", tools=[FUNCTION], store=True))
    ids = [call["id"] for chunk in chunks for call in calls_of(chunk) if "id" in call]
    kept = client.chat.completions.retrieve(chunks[0]["id"])
    assert [call.id for call in kept.choices[0].message.tool_calls or ()] == ids


def calls_of(chunk: dict[str, Any]) -> list[dict[str, Any]]:
    return [call for choice in chunk["choices"] for call in choice["delta"].get("tool_calls", ())]


def test_streamed_speech_is_stored_without_its_sound(chat: Chat, client: openai.OpenAI) -> None:
    chunks = chat.stream(speech("Hi", store=True, n=2))
    ids = [
        choice["delta"]["audio"]["id"]
        for chunk in chunks
        for choice in chunk["choices"]
        if "transcript" in choice["delta"].get("audio", ()) and "id" in choice["delta"]["audio"]
    ]
    kept = client.chat.completions.retrieve(chunks[0]["id"])
    sounds = [choice.message.audio for choice in kept.choices]
    assert [each and each.id for each in sounds] == ids
    assert [each and (each.transcript, each.data) for each in sounds] == [("You wrote: Hi.", "")] * 2


def test_a_spoken_answer_is_stored_without_its_sound(client: openai.OpenAI) -> None:
    create: Any = client.chat.completions.create
    completion = create(**speech("Hi", store=True))
    kept = client.chat.completions.retrieve(completion.id)
    audio = kept.choices[0].message.audio
    assert audio is not None
    assert (audio.id, audio.transcript, audio.data) == (
        completion.choices[0].message.audio.id,
        "You wrote: Hi.",
        "",
    )


@pytest.mark.parametrize(
    ("query", "message", "param"),
    [
        (
            "limit=0",
            "Invalid 'limit': integer below minimum value. Expected a value >= 1, but got 0 instead.",
            "limit",
        ),
        (
            "limit=101",
            "Invalid 'limit': integer above maximum value. Expected a value <= 100, but got 101 instead.",
            "limit",
        ),
        (
            "limit=many",
            "Invalid type for 'limit': expected an integer, but got a string instead.",
            "limit",
        ),
        ("order=up", "Invalid value: 'up'. Supported values are: 'asc' and 'desc'.", "order"),
    ],
)
def test_a_page_that_cannot_be_is_refused(
    send: Send, api_key: str, query: str, message: str, param: str
) -> None:
    path = f"/v1/chat/completions?{query}"
    response = send("GET", path, key=api_key)
    assert response.status == 400
    error = response.json()["error"]  # type: ignore[index]
    assert (error["message"], error["param"]) == (message, param)
    assert send("GET", path, headers={"x-mock-strictness": "off"}, key=api_key).status == 200


def test_a_page_after_an_unknown_completion_is_not_found(client: openai.OpenAI) -> None:
    stored(client, 1)
    with pytest.raises(openai.NotFoundError, match="Completion chatcmpl-x not found") as refusal:
        client.chat.completions.list(after="chatcmpl-x")
    assert refusal.value.param == "after"


def test_new_metadata_has_bounds_too(client: openai.OpenAI) -> None:
    (completion_id,) = stored(client, 1)
    with pytest.raises(openai.BadRequestError, match="at most 16 properties"):
        client.chat.completions.update(completion_id, metadata={str(number): "x" for number in range(17)})
    with pytest.raises(openai.BadRequestError, match="maximum length 512"):
        client.chat.completions.update(completion_id, metadata={"k": "v" * 513})


def test_strictness_off_updates_even_without_metadata(send: Send, client: openai.OpenAI) -> None:
    (completion_id,) = stored(client, 1, metadata={"run": "7"})
    headers = JSON | {"x-mock-strictness": "off"}
    response = send("POST", f"/v1/chat/completions/{completion_id}", b"{}", headers, key=client.api_key)
    assert (response.status, response.json()["metadata"]) == (200, {})  # type: ignore[index]


def test_accounts_do_not_see_each_others_completions(client: openai.OpenAI) -> None:
    (completion_id,) = stored(client, 1)
    other = client.with_options(api_key=client.api_key + "-other")
    assert other.chat.completions.list().data == []
    for action in (
        lambda: other.chat.completions.retrieve(completion_id),
        lambda: other.chat.completions.update(completion_id, metadata={}),
        lambda: other.chat.completions.delete(completion_id),
        lambda: other.chat.completions.messages.list(completion_id),
    ):
        with pytest.raises(openai.NotFoundError):
            action()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/chat/completions/chatcmpl-x", b""),
        ("POST", "/v1/chat/completions/chatcmpl-x", b'{"metadata": {}}'),
        ("DELETE", "/v1/chat/completions/chatcmpl-x", b""),
        ("GET", "/v1/chat/completions/chatcmpl-x/messages", b""),
    ],
)
def test_an_unknown_completion_is_not_found(send: Send, method: str, path: str, body: bytes) -> None:
    response = send(method, path, body, JSON if body else {})
    assert response.status == 404
    assert response.body == (
        b'{\n  "error": {\n    "message": "Completion chatcmpl-x not found",\n'
        b'    "type": "invalid_request_error",\n    "param": "completion_id",\n    "code": "not_found"\n  }\n}'
    )


@pytest.mark.parametrize(
    ("method", "path", "body", "schema"),
    [
        ("GET", "/chatcmpl-x", b"", "create_chat_completion.response"),
        ("POST", "/chatcmpl-x", b'{"metadata": {"run": "7"}}', "create_chat_completion.response"),
        ("DELETE", "/chatcmpl-x", b"", "chat_completion_deleted.response"),
        ("GET", "/chatcmpl-x/messages", b"", "chat_completion_message_list.response"),
        ("GET", "", b"", "chat_completion_list.response"),
    ],
)
def test_strictness_schema_answers_with_an_example(
    send: Send, schemas: Schemas, api_key: str, method: str, path: str, body: bytes, schema: str
) -> None:
    headers = {"x-mock-strictness": "schema", **(JSON if body else {})}
    response = send(method, f"/v1/chat/completions{path}", body, headers, key=api_key)
    assert response.status == 200
    assert schemas.is_valid(f"openai/{schema}", response.json())


def test_metadata_must_be_given_to_be_replaced(send: Send) -> None:
    response = send("POST", "/v1/chat/completions/chatcmpl-x", b"{}", JSON)
    assert response.status == 400
    assert b"Missing required parameter: 'metadata'." in response.body


def test_what_is_listed_is_what_the_sdk_expects(chat: Chat) -> None:
    chat.complete(text("Hi", store=True))
    listed = chat.send("GET", "/v1/chat/completions", b"", {}, key=chat.key).json()
    assert isinstance(listed, dict)
    ChatCompletion.model_validate(listed["data"][0], strict=True)
    assert listed["first_id"] == listed["last_id"] == listed["data"][0]["id"]


@pytest.mark.parametrize(
    "body",
    [
        text("Hi", model="gpt-5"),
        text("How is the weather?", tools=[FUNCTION]),
        text("Hi", logprobs=True),
        speech("Hi", audio_format="wav"),
    ],
)
def test_strictness_schema_lists_what_is_documented(
    chat: Chat, schemas: Schemas, body: dict[str, Any]
) -> None:
    chat.complete(body | {"store": True})
    headers = {"x-mock-strictness": "schema"}
    listed = chat.send("GET", "/v1/chat/completions", b"", headers, key=chat.key).json()
    data = [
        each | {"choices": [{"logprobs": None, **choice} for choice in each["choices"]]}
        for each in listed["data"]  # type: ignore[index]
    ]
    assert len(data) == 1
    assert schemas.is_valid("openai/chat_completion_list.response", {**listed, "data": data})  # type: ignore[dict-item]
