"""``POST /v1/chat/completions``: chat that listens and speaks."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pybase64

from mockserver.endpoints import stored_completions
from mockserver.endpoints.chat_reply import ChatReply, chat_reply
from mockserver.endpoints.chat_request import ChatRequest, chat_request
from mockserver.endpoints.chat_stream import chat_stream
from mockserver.endpoints.speaking import started
from mockserver.gateway.chat_rules import check_chat
from mockserver.gateway.pipeline import Answer, Call, Operation
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
)


def create_chat_completion(services: Services, call: Call) -> Answer:
    """Listens to the conversation and replies."""
    assert call.model is not None
    if call.strict:
        check_chat(call.model, call.document)
    request = chat_request(services, call)
    reply = chat_reply(services, call, request)
    now = services.clock.now()
    model = call.model.snapshot if call.strict else str(call.document.get("model") or call.model.snapshot)
    head = chat.Head(services.ids.completion_id(now), int(now), model, fingerprint(call.model.snapshot))
    if request.body.get("stream"):
        events = started(_stream(services, call, request, reply, head))
        return Answer(events, sse.CONTENT_TYPE, reply.answered_by, headers=(("cache-control", "no-store"),))
    completion = _completion(services, call, request, reply, head)
    if request.body.get("store"):
        stored_completions.keep(services, call, completion)
    return Answer(json_styles.two_spaces_newline(completion), "application/json", reply.answered_by)


def _stream(
    services: Services, call: Call, request: ChatRequest, reply: ChatReply, head: chat.Head
) -> Generator[bytes]:
    yield from chat_stream(services, call, request, reply, head)
    if request.body.get("store"):
        stored_completions.keep(
            services, call, _completion(services, call, request, reply, head, streamed=True)
        )


def _completion(
    services: Services,
    call: Call,
    request: ChatRequest,
    reply: ChatReply,
    head: chat.Head,
    *,
    streamed: bool = False,
) -> dict[str, Any]:
    choices = [_choice(services, call, request, reply, index, streamed) for index in range(request.choices)]
    usage = chat.usage(
        prompt_text=request.prompt_text_tokens,
        prompt_audio=request.prompt_audio_tokens,
        reply_text=reply.text_tokens * request.choices,
        reply_audio=reply.audio_tokens * request.choices,
    )
    return head.completion(choices, usage)


def _choice(
    services: Services, call: Call, request: ChatRequest, reply: ChatReply, index: int, streamed: bool
) -> dict[str, Any]:
    calls = [chat.tool_call(each, services.ids.call_id()) for each in reply.tool_calls]
    if calls:
        message = chat.message(None, calls=calls)
    elif reply.spoken:
        message = chat.message(None, audio=_audio(services, call, reply, streamed))
    else:
        message = chat.message(reply.text)
    choice: dict[str, Any] = {"index": index, "message": message}
    if call.model is None or call.model.chat is None or not call.model.chat.audio:
        alternatives = request.logprobs
        choice["logprobs"] = None if alternatives is None else chat.logprobs(reply.text, alternatives)
    choice["finish_reason"] = reply.finish_reason
    return choice


def _audio(services: Services, call: Call, reply: ChatReply, streamed: bool) -> dict[str, Any]:
    """The ``audio`` of a message, without its sound when that was ``streamed``. Its id is known from now on."""
    data = b"" if streamed else b"".join(reply.speak(services))
    audio_id, expires_at = reply.remember(services, call)
    return {
        "id": audio_id,
        "data": pybase64.b64encode(data).decode(),
        "expires_at": expires_at,
        "transcript": reply.text,
    }
