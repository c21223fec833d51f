"""Stored chat completions: those created with ``store: true``, to list, read, label and delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import flask

from mockserver.endpoints.pages import Paging, page
from mockserver.gateway.calls import Answer, Call
from mockserver.gateway.chat_rules import check_bounds
from mockserver.gateway.errors import ApiError
from mockserver.wire import chat, json_styles
from mockserver.wire.ids import fingerprint

if TYPE_CHECKING:
    from mockserver.services import Services


_KIND = "chat_completion"
_PAGES = Paging("openai/chat_completion_page.query", missing="chat_completion_not_found")
_EXAMPLE_CREATED, _EXAMPLE_MODEL = 1_686_935_002, "gpt-4o-2024-08-06"

Value = dict[str, Any]


def keep(services: Services, call: Call, completion: Value) -> None:
    """Stores a completion with the messages that led to it."""
    request = call.document
    kept = {
        name: request.get(name) for name in ("tools", "tool_choice", "response_format", "seed", "temperature")
    }
    messages = [
        _message(f"{completion['id']}-{number}", message)
        for number, message in enumerate(request.get("messages") or ())
    ]
    stored = completion | {"metadata": request.get("metadata") or {}} | {k: v for k, v in kept.items() if v}
    value = {"completion": stored, "messages": messages}
    services.store.put(_KIND, call.account.id, completion["id"], value)


def list_completions(services: Services, call: Call) -> Answer:
    """The account's stored completions, a page of them."""
    arguments = flask.request.args
    found = [value["completion"] for value in services.store.values(_KIND, call.account.id)]
    if "model" in arguments:
        model = services.catalog.model(arguments["model"])
        names = (arguments["model"], model.snapshot if model else "")
        found = [each for each in found if each["model"] in names]
    for name, value in arguments.items():
        if name.startswith("metadata[") and name.endswith("]"):
            found = [each for each in found if each["metadata"].get(name[9:-1]) == value]
    return _answer(page(services, call, found, _PAGES))


def retrieve_completion(services: Services, call: Call) -> Answer:
    """One stored completion."""
    return _answer(_stored(services, call)["completion"])


def list_messages(services: Services, call: Call) -> Answer:
    """The messages that led to a stored completion, a page of them."""
    return _answer(page(services, call, _stored(services, call)["messages"], _PAGES))


def update_completion(services: Services, call: Call) -> Answer:
    """Replaces the metadata of a stored completion."""
    if call.strict:
        check_bounds(services.schemas, call.document)
    metadata = call.document.get("metadata") or {}

    def label(value: Value) -> Value:
        return value | {"completion": value["completion"] | {"metadata": metadata}}

    changed = services.store.update(_KIND, call.account.id, call.path["id"], label)
    return _answer((changed or label(_stored(services, call)))["completion"])


def delete_completion(services: Services, call: Call) -> Answer:
    """Forgets a stored completion."""
    completion_id = call.path["id"]
    if not services.store.remove(_KIND, call.account.id, completion_id) and call.strict:
        raise ApiError("chat_completion_not_found", id=completion_id)
    return _answer({"object": "chat.completion.deleted", "id": completion_id, "deleted": True})


def _stored(services: Services, call: Call) -> Value:
    completion_id = call.path["id"]
    value = services.store.get(_KIND, call.account.id, completion_id)
    if value is None and call.strict:
        raise ApiError("chat_completion_not_found", id=completion_id)
    return value or {"completion": _example(completion_id), "messages": []}


def _example(completion_id: str) -> Value:
    choice = {"index": 0, "message": chat.message("Example"), "logprobs": None, "finish_reason": "stop"}
    usage = chat.usage(prompt_text=0, prompt_audio=0, reply_text=0, reply_audio=0)
    head = chat.Head(completion_id, _EXAMPLE_CREATED, _EXAMPLE_MODEL, fingerprint(_EXAMPLE_MODEL))
    return head.completion([choice], usage) | {"metadata": {}}


def _message(message_id: str, message: Value) -> Value:
    """A message as it is listed: without the sound in it, which nobody is given back."""
    content = message.get("content")
    parts = content if isinstance(content, list) else None
    return {
        "id": message_id,
        "refusal": None,
        "name": None,
        **message,
        "content": content if parts is None else None,
        "content_parts": parts and [part for part in parts if part["type"] != "input_audio"],
    }


def _answer(body: Value) -> Answer:
    return Answer(json_styles.two_spaces_newline(body), "application/json")
