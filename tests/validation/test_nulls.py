"""Null stands for an absent optional member, at every level of every JSON request."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import openai
import pytest

from mockserver.resources import data_folder
from mockserver.validation.nulls import drop_nulls
from mockserver.validation.schemas import Schemas
from tests.conftest import RawResponse

Body = dict[str, Any]

SCHEMAS = Schemas(data_folder("schemas"))
REAL = Schemas(data_folder("schemas"), real=True)
JSON = {"Content-Type": "application/json"}
CHAT, SPEECH = "/v1/chat/completions", "/v1/audio/speech"
USER: Body = {"role": "user", "content": "Hi"}
TOOL: Body = {
    "type": "function",
    "function": {"name": "f", "parameters": {"type": "object", "properties": {}}},
}
CALL: Body = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
ANSWER = {"role": "tool", "tool_call_id": "call_1", "content": "x"}
LINE = b'{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{}}\n'

# Requests with nearly all members, by schema.
WHOLE: dict[str, Body] = {
    "create_chat_completion.request": {
        "model": "gpt-4o",
        "messages": [
            {"role": "system", "content": "Be brief.", "name": "x"},
            {"role": "developer", "content": [{"type": "text", "text": "x"}], "name": "x"},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x", "detail": "low"}}]},
            {"role": "user", "content": [{"type": "file", "file": {"file_id": "x", "filename": "x"}}]},
            {**CALLED, "content": "x", "refusal": "x", "name": "x", "audio": {"id": "x"}},
            ANSWER,
            {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "x"},
        ],
        "functions": [{"name": "f", "description": "x", "parameters": {}}],
        "function_call": {"name": "f"},
        "tools": [
            TOOL,
            {"type": "custom", "custom": {"name": "x", "description": "x", "format": {"type": "text"}}},
        ],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "parallel_tool_calls": True,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "x", "description": "x", "schema": {"type": "object"}, "strict": False},
        },
        "audio": {"voice": {"id": "voice_1"}, "format": "wav"},
        "prediction": {"type": "content", "content": "x"},
        "moderation": {"model": "m", "policy": {"input": {"mode": "score"}, "output": {"mode": "block"}}},
        "web_search_options": {
            "user_location": {"type": "approximate", "approximate": {"city": "x", "country": "DE"}},
            "search_context_size": "low",
        },
        "stream_options": {"include_usage": True, "include_obfuscation": False},
        "prompt_cache_options": {"ttl": "30m", "mode": "explicit"},
        "metadata": {"a": "b"},
        "user": "x",
    },
    "create_speech.request": {
        "model": "tts-1",
        "input": "Hi.",
        "voice": "alloy",
        "instructions": "x",
        "response_format": "wav",
        "speed": 1,
        "stream_format": "audio",
    },
    "create_batch.request": {
        "input_file_id": "x",
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
        "metadata": {"a": "b"},
        "output_expires_after": {"anchor": "created_at", "seconds": 3600},
    },
    "create_upload.request": {
        "filename": "x",
        "purpose": "batch",
        "bytes": 1,
        "mime_type": "text/plain",
        "expires_after": {"anchor": "created_at", "seconds": 3600},
    },
    "complete_upload.request": {"part_ids": ["x"], "md5": "x"},
    "chat_completion_update.request": {"metadata": {"a": "b"}},
}


def members(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Return the path of every member of every object in ``value``."""
    steps: Any = value.items() if isinstance(value, dict) else enumerate(value)
    for step, part in steps:
        if isinstance(value, dict):
            yield (*path, step)
        if isinstance(part, dict | list):
            yield from members(part, (*path, step))


def with_null(document: Body, path: tuple[str | int, ...]) -> Body:
    changed: Any = deepcopy(document)
    place = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = None
    return changed  # type: ignore[no-any-return]


def without(document: Body, path: tuple[str | int, ...]) -> Body:
    changed: Any = deepcopy(document)
    place = changed
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    return changed  # type: ignore[no-any-return]


@pytest.mark.parametrize("schemas", [SCHEMAS, REAL], ids=["documented", "real"])
@pytest.mark.parametrize(
    ("name", "path"), [(name, path) for name, body in WHOLE.items() for path in members(body)]
)
def test_a_null_is_dropped_just_where_the_member_may_be_left_out(
    schemas: Schemas, name: str, path: tuple[str | int, ...]
) -> None:
    """Skip members with callers' own names: a value of ``metadata``, and the content of a schema."""
    schema, whole = f"openai/{name}", WHOLE[name]
    assert schemas.is_valid(schema, whole)
    document = with_null(whole, path)
    drop_nulls(schemas.resolved(schema), document)
    own = (path[0] == "metadata" and len(path) > 1) or "parameters" in path[:-1] or "schema" in path[:-1]
    may_be_left_out = not own and schemas.is_valid(schema, without(whole, path))
    assert document == (without(whole, path) if may_be_left_out else with_null(whole, path))


@pytest.mark.parametrize("strictness", ["real", "schema", "off"])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        *(
            (CHAT, {"model": "gpt-4o", "messages": [USER], name: None})
            for name in SCHEMAS.properties("openai/create_chat_completion.request")
            if name not in ("model", "messages")
        ),
        *(
            (SPEECH, {"model": "tts-1", "input": "Hi.", "voice": "alloy", name: None})
            for name in ("instructions", "response_format", "speed", "stream_format")
        ),
        (CHAT, {"model": "gpt-4o", "messages": [{**USER, "name": None, "tool_calls": None}]}),
        (
            CHAT,
            {
                "model": "gpt-4o",
                "messages": [
                    USER,
                    {
                        "role": "assistant",
                        "content": "Hi",
                        "tool_calls": None,
                        "function_call": None,
                        "audio": None,
                    },
                ],
            },
        ),
    ],
    ids=lambda value: (
        " ".join(name for name in value if value[name] is None) if isinstance(value, dict) else value
    ),
)
def test_a_request_with_nulls_is_answered(
    send: Callable[..., RawResponse], path: str, body: Body, strictness: str
) -> None:
    response = send("POST", path, json.dumps(body).encode(), JSON | {"x-mock-strictness": strictness})
    assert response.status == 200, response.body


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        (
            CHAT,
            {"model": "gpt-4o", "messages": None},
            "Invalid type for 'messages': expected an array of objects, but got null instead.",
        ),
        (
            CHAT,
            {"model": "gpt-4o", "messages": [USER], "metadata": {"a": None}},
            "Invalid type for 'metadata.a': expected a string, but got null instead.",
        ),
        (
            CHAT,
            {"model": "gpt-4o", "messages": [USER], "tools": [{"type": "function", "function": None}]},
            "Invalid type for 'tools[0].function': expected an object, but got null instead.",
        ),
    ],
)
def test_a_null_in_place_of_what_is_needed_is_refused(
    send: Callable[..., RawResponse], path: str, body: Body, message: str
) -> None:
    response = send("POST", path, json.dumps(body).encode(), JSON)
    document: Any = response.json()
    assert (response.status, document["error"]["message"]) == (400, message)


DUMPS: list[Callable[[Any], Any]] = [
    lambda message: message,
    lambda message: message.model_dump(),
    lambda message: message.to_dict(),
]


@pytest.mark.parametrize("dump", DUMPS, ids=["as it is", "model_dump", "to_dict"])
def test_the_sdk_sends_answers_back(client: openai.OpenAI, dump: Callable[[Any], Any]) -> None:
    create: Any = client.chat.completions.create
    messages: list[Any] = [{"role": "user", "content": "Call f."}]
    called = create(model="gpt-4o", messages=messages, tools=[TOOL]).choices[0].message
    messages += [dump(called), {**ANSWER, "tool_call_id": called.tool_calls[0].id}]
    reply = create(model="gpt-4o", messages=messages, tools=None, tool_choice=None).choices[0].message
    messages += [dump(reply), {"role": "user", "content": "And now?"}]
    again = create(model="gpt-4o", messages=messages, tools=[], response_format=None).choices[0].message
    assert again.content == "You wrote: And now?"


def test_batches_and_uploads_take_nulls(client: openai.OpenAI) -> None:
    file = client.files.create(file=("lines.jsonl", LINE), purpose="batch")
    more: Any = {"metadata": None, "output_expires_after": None}
    batch = client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", **more
    )
    assert batch.metadata is None or batch.metadata == {}
    expires: Any = None
    upload = client.uploads.create(
        filename="x", purpose="batch", bytes=1, mime_type="text/plain", expires_after=expires
    )
    assert upload.status == "pending"
