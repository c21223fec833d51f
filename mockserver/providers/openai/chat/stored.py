"""Stored chat completions: those created with ``store: true``, with calls to list, read, label and delete them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver import json_styles
from mockserver.errors import ApiError
from mockserver.ids import fingerprint
from mockserver.pipeline.call import Answer, Call, json_answer
from mockserver.providers.openai.pages import Paging, page
from mockserver.wire import chat

if TYPE_CHECKING:
    from mockserver.ids import Ids
    from mockserver.providers.openai.contexts import ChatContext
    from mockserver.state.protocols import Documents


_KIND = "chat_completion"
_PAGES = Paging("openai/chat_completion_page.query", missing="chat_completion_not_found", order="desc")
_MESSAGE_PAGES = Paging("openai/chat_completion_page.query", missing="chat_completion_not_found")
_EXAMPLE_CREATED, _EXAMPLE_MODEL = 1_686_935_002, "gpt-4o-2024-08-06"

Value = dict[str, Any]


def keep(ids: Ids, store: Documents, call: Call, completion: Value) -> None:
    """Store a completion with the messages of its request."""
    request = dict(call.document)
    if request.get("seed") is None:
        request["seed"] = ids.sampling_seed()
    messages = [
        _message_object({"id": f"{completion['id']}-{number}", **message})
        for number, message in enumerate(request.get("messages") or ())
    ]
    stored = _stored_form(completion, request, call.request_id)
    store.put(_KIND, call.account.id, completion["id"], {"completion": stored, "messages": messages})


def list_completions(context: ChatContext, call: Call) -> Answer:
    """Return a page of the account's stored completions."""
    arguments = call.request.query
    stored = context.store.values(_KIND, call.account.id)
    found = [_completion_object(call, value["completion"]) for value in stored]
    if "model" in arguments:
        model = context.catalog.model(arguments["model"], call.account.id)
        names = (arguments["model"], model.snapshot if model else "")
        found = [each for each in found if each["model"] in names]
    for name, value in arguments.items():
        if name.startswith("metadata[") and name.endswith("]"):
            found = [each for each in found if each["metadata"].get(name[9:-1]) == value]
    return _answer(page(context.request_schemas, call, found, _PAGES))


def retrieve_completion(context: ChatContext, call: Call) -> Answer:
    """Return a stored completion."""
    return _answer(_completion_object(call, _stored(context.store, call)["completion"]))


def list_messages(context: ChatContext, call: Call) -> Answer:
    """Return a page of the messages of a stored completion's request."""
    messages = map(_message_object, _stored(context.store, call)["messages"])
    return _answer(page(context.request_schemas, call, messages, _MESSAGE_PAGES))


def update_completion(context: ChatContext, call: Call) -> Answer:
    """Replace the metadata of a stored completion."""
    metadata = call.document.get("metadata") or {}

    def label(value: Value) -> Value:
        return value | {"completion": value["completion"] | {"metadata": metadata}}

    changed = context.store.update(_KIND, call.account.id, call.path["id"], label)
    return _answer(_completion_object(call, (changed or label(_stored(context.store, call)))["completion"]))


def delete_completion(context: ChatContext, call: Call) -> Answer:
    """Delete a stored completion."""
    completion_id = call.path["id"]
    if not context.store.remove(_KIND, call.account.id, completion_id) and call.strict:
        raise ApiError("chat_completion_not_found", id=completion_id)
    return _answer({"object": "chat.completion.deleted", "id": completion_id, "deleted": True})


def _stored(store: Documents, call: Call) -> Value:
    completion_id = call.path["id"]
    value = store.get(_KIND, call.account.id, completion_id)
    if value is None and call.strict:
        raise ApiError("chat_completion_not_found", id=completion_id)
    return value or {"completion": _example(completion_id), "messages": []}


def _example(completion_id: str) -> Value:
    choice = {"index": 0, "message": chat.message("Example"), "finish_reason": "stop"}
    usage = chat.usage(prompt_text=0, prompt_audio=0, reply_text=0, reply_audio=0)
    head = chat.Head(completion_id, _EXAMPLE_CREATED, _EXAMPLE_MODEL, fingerprint(_EXAMPLE_MODEL))
    return _stored_form(head.completion([choice], usage), {}, None)


def _stored_form(completion: Value, request: Value, request_id: str | None) -> Value:
    """Return a completion in the form in which it is stored, with the parameters of its request."""
    usage = completion["usage"]
    return {
        "object": "chat.completion",
        "id": completion["id"],
        "model": completion["model"],
        "created": completion["created"],
        "request_id": request_id,
        "tool_choice": request.get("tool_choice"),
        "usage": {name: usage[name] for name in ("total_tokens", "completion_tokens", "prompt_tokens")},
        "seed": request.get("seed"),
        "top_p": _number(request.get("top_p"), 1.0),
        "temperature": _number(request.get("temperature"), 1.0),
        "presence_penalty": _number(request.get("presence_penalty"), 0.0),
        "frequency_penalty": _number(request.get("frequency_penalty"), 0.0),
        "system_fingerprint": completion["system_fingerprint"],
        "input_user": request.get("user"),
        "service_tier": completion["service_tier"],
        "tools": request.get("tools"),
        "metadata": request.get("metadata") or {},
        "choices": [_choice(choice) for choice in completion["choices"]],
        "response_format": request.get("response_format"),
    }


def _number(given: float | None, default: float) -> float:
    return default if given is None else float(given)


def _choice(choice: Value) -> Value:
    message = choice["message"]
    stored = {
        "content": message["content"],
        "role": message["role"],
        "tool_calls": message.get("tool_calls"),
        "function_call": message.get("function_call"),
        **({"audio": message["audio"]} if "audio" in message else {}),
    }
    return {
        "index": choice["index"],
        "message": stored,
        "finish_reason": choice["finish_reason"],
        "logprobs": choice.get("logprobs"),
    }


def _completion_object(call: Call, completion: Value) -> Value:
    """Return the object that is answered for a stored completion; unless strict, by the documented schema.

    State folders of earlier versions have completions in the form in which they were created.
    """
    if "request_id" not in completion:
        completion = _stored_form(completion, completion, None)
    return completion if call.strict else _documented(completion)


def _documented(completion: Value) -> Value:
    choices = []
    for choice in completion["choices"]:
        message = {"refusal": None} | {
            name: value
            for name, value in choice["message"].items()
            if value is not None or name in ("content", "refusal")
        }
        choices.append(choice | {"message": message})
    return {name: value for name, value in completion.items() if value is not None} | {"choices": choices}


def _message_object(message: Value) -> Value:
    """Return the object that is answered for a message: without its sound, which is never returned."""
    content = message.get("content")
    parts = message.get("content_parts") or (content if isinstance(content, list) else None)
    listed = {
        "id": message["id"],
        "role": message["role"],
        "content": None if parts else content,
        "content_parts": parts and [part for part in parts if part["type"] != "input_audio"],
        "name": message.get("name"),
    }
    calls = ("tool_calls", "tool_call_id", "function_call")
    return listed | {name: message[name] for name in calls if message.get(name)}


def _answer(body: Value) -> Answer:
    return json_answer(body, json_styles.compact)
