"""A chat completion as a stream: each chunk is sent as soon as there is something in it."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pybase64

from mockserver.wire import chat, tokens

if TYPE_CHECKING:
    from mockserver.endpoints.chat_reply import ChatReply
    from mockserver.endpoints.chat_request import ChatRequest
    from mockserver.gateway.pipeline import Call
    from mockserver.services import Services

_CHOICELESS = 8  # chunks without choices before the first sound


def chat_stream(
    services: Services, call: Call, request: ChatRequest, reply: ChatReply, head: chat.Head
) -> Generator[bytes]:
    """The events of the whole stream."""
    options = request.body.get("stream_options") or {}
    include_usage = bool(options.get("include_usage"))
    obfuscation = options.get("include_obfuscation") is not False
    chunks = chat.Chunks(head, services.ids, include_usage=include_usage, obfuscation=obfuscation)
    expiries = []
    for index in range(request.choices):
        if reply.tool_calls:
            yield from _calls(services, chunks, reply, index)
        elif reply.spoken:
            expires_at = yield from _speech(services, call, chunks, reply, index)
            expiries.append((index, expires_at))
        else:
            yield from _text(call, request, chunks, reply, index)
    if include_usage:
        yield chunks.usage(
            chat.usage(
                prompt_text=request.prompt_text_tokens,
                prompt_audio=request.prompt_audio_tokens,
                reply_text=reply.text_tokens * request.choices,
                reply_audio=reply.audio_tokens * request.choices,
            )
        )
    for index, expires_at in expiries:
        yield chunks.expiry(index, expires_at)
    yield chat.DONE


def _text(
    call: Call, request: ChatRequest, chunks: chat.Chunks, reply: ChatReply, index: int
) -> Generator[bytes]:
    telling = call.model is None or call.model.chat is None or not call.model.chat.audio
    plain: dict[str, Any] = {"logprobs": None} if telling else {}
    first = {"role": "assistant", "content": "", "refusal": None}
    yield chunks.delta(index, first, **plain, finish_reason=None)
    for token in tokens.split(reply.text):
        told = {"logprobs": chat.logprobs(token, request.logprobs)} if request.logprobs is not None else plain
        yield chunks.delta(index, {"content": token}, **told, finish_reason=None)
    yield chunks.delta(index, {}, **plain, finish_reason=reply.finish_reason)


def _calls(services: Services, chunks: chat.Chunks, reply: ChatReply, index: int) -> Generator[bytes]:
    yield chunks.delta(index, {"role": "assistant", "content": None, "refusal": None})
    for place, call in enumerate(reply.tool_calls):
        begun = chat.tool_call(call, services.ids.call_id())
        field, argument = ("custom", "input") if call.custom else ("function", "arguments")
        begun[field][argument] = ""
        yield chunks.delta(index, {"tool_calls": [{"index": place, **begun}]})
        for token in tokens.split(call.arguments):
            yield chunks.delta(index, {"tool_calls": [{"index": place, field: {argument: token}}]})
    yield chunks.delta(index, {}, finish_reason=reply.finish_reason)


def _speech(
    services: Services, call: Call, chunks: chat.Chunks, reply: ChatReply, index: int
) -> Generator[bytes, None, int]:
    """The transcript, then the sound while it is spoken. Returns when the audio will be forgotten."""
    reply.audio_id = services.ids.audio_id(services.clock.now())
    yield chunks.delta(index, {"role": "assistant", "refusal": None})
    audio: dict[str, Any] = {"id": reply.audio_id}
    opening: dict[str, Any] = {"content": None}
    for token in tokens.split(reply.text):
        yield chunks.delta(index, {**opening, "audio": {**audio, "transcript": token}})
        audio, opening = {}, {}
    if call.settings.choiceless_chunks:
        yield from (chunks.choiceless() for _ in range(_CHOICELESS))
    opening = {"role": "assistant", "content": None, "refusal": None}
    audio = {"id": reply.audio_id}
    for piece in chat.pieces(reply.speak(services)):
        yield chunks.delta(index, {**opening, "audio": {**audio, "data": pybase64.b64encode(piece).decode()}})
        audio, opening = {}, {}
    if call.settings.choiceless_chunks:
        yield chunks.choiceless()
    if reply.finish_reason == "length":
        yield chunks.delta(index, {}, finish_reason="length")
    return reply.remember(services, call)[1]
