"""Stored chat completions: those created with ``store: true``, to list, read, label and delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import flask

from mockserver.gateway.errors import ApiError
from mockserver.gateway.pipeline import Answer, Call, Operation
from mockserver.wire import json_styles

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mockserver.services import Services

LIST = Operation("list_chat_completions", "GET", "/chat/completions")
RETRIEVE = Operation("retrieve_chat_completion", "GET", "/chat/completions/<id>")
MESSAGES = Operation("list_chat_completion_messages", "GET", "/chat/completions/<id>/messages")
UPDATE = Operation(
    "update_chat_completion",
    "POST",
    "/chat/completions/<id>",
    body="json",
    schema="openai/chat_completion_update.request",
)
DELETE = Operation("delete_chat_completion", "DELETE", "/chat/completions/<id>")

_KIND = "chat_completion"
_PAGE, _LARGEST_PAGE = 20, 100

Value = dict[str, Any]


def keep(services: Services, call: Call, completion: Value) -> None:
    """Stores a completion with the messages that led to it."""
    request = call.document
    kept = {
        name: request.get(name) for name in ("tools", "tool_choice", "response_format", "seed", "temperature")
    }
    messages = [
        {"id": f"{completion['id']}-{number}", "content": None, **message}
        for number, message in enumerate(request["messages"])
    ]
    stored = completion | {"metadata": request.get("metadata") or {}} | {k: v for k, v in kept.items() if v}
    value = {"completion": stored, "messages": messages}
    services.store.put(_KIND, call.account.id, completion["id"], value)


def list_completions(services: Services, call: Call) -> Answer:
    """The account's stored completions, a page of them."""
    arguments = flask.request.args
    found = [value["completion"] for value in services.store.values(_KIND, call.account.id)]
    if "model" in arguments:
        found = [each for each in found if each["model"] == arguments["model"]]
    for name, value in arguments.items():
        if name.startswith("metadata[") and name.endswith("]"):
            found = [each for each in found if each["metadata"].get(name[9:-1]) == value]
    return _answer(_page(found))


def retrieve_completion(services: Services, call: Call) -> Answer:
    """One stored completion."""
    return _answer(_stored(services, call)["completion"])


def list_messages(services: Services, call: Call) -> Answer:
    """The messages that led to a stored completion, a page of them."""
    return _answer(_page(_stored(services, call)["messages"]))


def update_completion(services: Services, call: Call) -> Answer:
    """Replaces the metadata of a stored completion."""
    metadata = call.document["metadata"] or {}

    def label(value: Value) -> Value:
        return value | {"completion": value["completion"] | {"metadata": metadata}}

    changed = services.store.update(_KIND, call.account.id, call.document["id"], label)
    if changed is None:
        raise ApiError("chat_completion_not_found", id=call.document["id"])
    return _answer(changed["completion"])


def delete_completion(services: Services, call: Call) -> Answer:
    """Forgets a stored completion."""
    completion_id = call.document["id"]
    if not services.store.remove(_KIND, call.account.id, completion_id) and call.strict:
        raise ApiError("chat_completion_not_found", id=completion_id)
    return _answer({"object": "chat.completion.deleted", "id": completion_id, "deleted": True})


def _stored(services: Services, call: Call) -> Value:
    value = services.store.get(_KIND, call.account.id, call.document["id"])
    if value is None:
        raise ApiError("chat_completion_not_found", id=call.document["id"])
    return value


def _page(values: Iterable[Value]) -> Value:
    """A list object of the values after ``after``, at most ``limit`` of them, in ``order``."""
    arguments = flask.request.args
    ordered = list(values)
    if arguments.get("order") == "desc":
        ordered.reverse()
    limit = arguments.get("limit", default=_PAGE, type=int)
    ids = [value["id"] for value in ordered]
    after = arguments.get("after")
    start = ids.index(after) + 1 if after in ids else 0
    page: Sequence[Value] = ordered[start : start + min(max(limit, 1), _LARGEST_PAGE)]
    return {
        "object": "list",
        "data": list(page),
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
        "has_more": start + len(page) < len(ordered),
    }


def _answer(body: Value) -> Answer:
    return Answer(json_styles.two_spaces_newline(body), "application/json")
