"""``POST /v1/chat/completions``: chat that listens and speaks."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pybase64

from mockserver.endpoints import stored_completions
from mockserver.endpoints.chat_reply import ChatReply, chat_replies, usage_of
from mockserver.endpoints.chat_request import ChatRequest, chat_request
from mockserver.endpoints.chat_stream import chat_stream
from mockserver.endpoints.speaking import started
from mockserver.gateway.chat_rules import check_chat
from mockserver.gateway.pipeline import Answer, Call, Operation
from mockserver.limits.estimate import chat_tokens
from mockserver.wire import chat, json_styles, sse
from mockserver.wire.ids import fingerprint

if TYPE_CHECKING:
    from mockserver.services import Services

CREATE = Operation(
    "create_chat_completion",
    "POST",
    "/chat/completions",
    body="json",
    schema="openai/create_chat_completion.request",
    endpoint="v1/chat/completions",
    estimate=chat_tokens,
    tells_tokens=True,
)


def create_chat_completion(services: Services, call: Call) -> Answer:
    """Listens to the conversation and replies."""
    assert call.model is not None
    if call.strict:
        check_chat(call.model, call.document)
    request = chat_request(services, call)
    replies = chat_replies(services, call, request)
    now = services.clock.now()
    model = call.model.snapshot if call.strict else str(call.document.get("model") or call.model.snapshot)
    head = chat.Head(services.ids.completion_id(now), int(now), model, fingerprint(call.model.snapshot))
    answered_by = replies[0].answered_by
    if request.body.get("stream"):
        events = started(_stream(services, call, request, replies, head))
        return Answer(events, sse.CONTENT_TYPE, answered_by, headers=(("cache-control", "no-store"),))
    sounds = [_spoken(services, call, reply) for reply in replies]
    completion = _completion(request, replies, sounds, head)
    if request.body.get("store"):
        stored_completions.keep(services, call, completion)
    body = json_styles.two_spaces_newline(completion)
    return Answer(body, "application/json", answered_by, usage=completion["usage"])


def _stream(
    services: Services, call: Call, request: ChatRequest, replies: list[ChatReply], head: chat.Head
) -> Generator[bytes]:
    """The events; what is stored of them is without the sound, which is gone."""
    yield from chat_stream(services, call, request, replies, head)
    if request.body.get("store"):
        completion = _completion(request, replies, [b""] * len(replies), head)
        stored_completions.keep(services, call, completion)


def _spoken(services: Services, call: Call, reply: ChatReply) -> bytes:
    """The sound of a reply, if it is spoken; from now on it can be referred to."""
    if not reply.spoken:
        return b""
    sound = b"".join(reply.speak(services))
    reply.remember(services, call)
    return sound


def _completion(
    request: ChatRequest, replies: list[ChatReply], sounds: list[bytes], head: chat.Head
) -> dict[str, Any]:
    choices = [
        _choice(request, reply, index, sound)
        for index, (reply, sound) in enumerate(zip(replies, sounds, strict=True))
    ]
    return head.completion(choices, usage_of(request, replies))


def _choice(request: ChatRequest, reply: ChatReply, index: int, sound: bytes) -> dict[str, Any]:
    choice: dict[str, Any] = {"index": index, "message": _message(request, reply, sound)}
    if request.complete_choices:
        alternatives = request.logprobs
        choice["logprobs"] = None if alternatives is None else chat.logprobs(reply.text, alternatives)
    choice["finish_reason"] = reply.finish_reason
    return choice


def _message(request: ChatRequest, reply: ChatReply, sound: bytes) -> dict[str, Any]:
    if reply.tool_calls:
        calls = [chat.tool_call(*each) for each in zip(reply.tool_calls, reply.call_ids, strict=True)]
        if request.calls_functions:
            return chat.message(None, function_call=calls[0]["function"])
        return chat.message(None, tool_calls=calls)
    if not reply.spoken:
        return chat.message(reply.text)
    audio = {
        "id": reply.audio_id,
        "data": pybase64.b64encode(sound).decode(),
        "expires_at": reply.expires_at,
        "transcript": reply.text,
    }
    return chat.message(None, audio=audio)
