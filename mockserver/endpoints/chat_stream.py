"""A chat completion as a stream: each chunk is sent as soon as there is something in it."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import pybase64

from mockserver.endpoints.chat_reply import usage_of
from mockserver.wire import chat, tokens

if TYPE_CHECKING:
    from mockserver.endpoints.chat_reply import ChatReply
    from mockserver.endpoints.chat_request import ChatRequest
    from mockserver.gateway.calls import Call
    from mockserver.services import Services

_CHOICELESS = 8  # chunks without choices before the first sound


def chat_stream(
    services: Services,
    call: Call,
    request: ChatRequest,
    replies: list[ChatReply],
    head: chat.Head,
    sound: Iterator[bytes],
) -> Generator[bytes]:
    """The events of the stream, but for the last. ``sound`` is what all choices say, while it is spoken."""
    options = request.body.get("stream_options") or {}
    include_usage = bool(options.get("include_usage"))
    chunks = chat.Chunks(
        head,
        services.ids,
        complete_choices=request.complete_choices,
        include_usage=include_usage,
        obfuscation=options.get("include_obfuscation") is not False,
    )
    encoded = (pybase64.b64encode(piece).decode() for piece in chat.pieces(sound))
    pieces = itertools.tee(encoded, len(replies))
    for index, reply in enumerate(replies):
        if reply.tool_calls:
            yield from _calls(request, chunks, reply, index)
        elif reply.speech:
            yield from _speech(call, chunks, reply, index, pieces[index])
            reply.remember(services, call)
        else:
            yield from _text(request, chunks, reply, index)
    if include_usage:
        yield chunks.usage(usage_of(request, replies))
    for index, reply in enumerate(replies):
        if reply.speech:
            yield chunks.expiry(index, reply.expires_at)


def _text(request: ChatRequest, chunks: chat.Chunks, reply: ChatReply, index: int) -> Generator[bytes]:
    yield chunks.delta(index, {"role": "assistant", "content": "", "refusal": None})
    for piece, parts in tokens.whole(reply.tokens()):
        told = None if request.logprobs is None else chat.logprobs(parts, request.logprobs)
        yield chunks.delta(index, {"content": piece}, logprobs=told)
    yield chunks.delta(index, {}, finish_reason=reply.finish_reason)


def _calls(request: ChatRequest, chunks: chat.Chunks, reply: ChatReply, index: int) -> Generator[bytes]:
    yield chunks.delta(index, {"role": "assistant", "content": None, "refusal": None})
    for place, (call, call_id) in enumerate(zip(reply.tool_calls, reply.call_ids, strict=True)):
        begun = chat.tool_call(call, call_id)
        kind, argument = ("custom", "input") if call.custom else ("function", "arguments")
        begun[kind][argument] = ""
        if request.calls_functions:
            yield chunks.delta(index, {"function_call": begun["function"]})
        else:
            yield chunks.delta(index, {"tool_calls": [{"index": place, **begun}]})
        for piece, _ in tokens.whole(tokens.split(call.arguments, reply.vocabulary)):
            if request.calls_functions:
                yield chunks.delta(index, {"function_call": {argument: piece}})
            else:
                yield chunks.delta(index, {"tool_calls": [{"index": place, kind: {argument: piece}}]})
    yield chunks.delta(index, {}, finish_reason=reply.finish_reason)


def _speech(
    call: Call, chunks: chat.Chunks, reply: ChatReply, index: int, pieces: Iterable[str]
) -> Generator[bytes]:
    """The transcript, then the sound while it is spoken."""
    yield chunks.delta(index, {"role": "assistant", "refusal": None})
    audio: dict[str, Any] = {"id": reply.audio_id}
    opening: dict[str, Any] = {"content": None}
    told = []
    for piece, _ in tokens.whole(reply.tokens()):
        told.append(chunks.delta(index, {**opening, "audio": {**audio, "transcript": piece}}))
        audio, opening = {}, {}
    if call.settings.choiceless_chunks:
        told += [chunks.choiceless() for _ in range(_CHOICELESS)]
    yield b"".join(told)  # The words are known: the sound should not wait for each to be sent on its own.
    opening = {"role": "assistant", "content": None, "refusal": None}
    audio = {"id": reply.audio_id}
    for piece in pieces:
        yield chunks.delta(index, {**opening, "audio": {**audio, "data": piece}})
        audio, opening = {}, {}
    if call.settings.choiceless_chunks:
        yield chunks.choiceless()
    if reply.finish_reason == "length":
        yield chunks.delta(index, {}, finish_reason="length")
