"""The event stream of a chat completion."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pybase64

from mockserver.providers.openai.chat.reply import moderation_of, usage_of
from mockserver.wire import chat, tokens

if TYPE_CHECKING:
    from mockserver.engines.dialogue import ToolCall
    from mockserver.pipeline.call import Call
    from mockserver.providers.openai.chat.reply import ChatReply
    from mockserver.providers.openai.chat.request import ChatRequest
    from mockserver.providers.openai.contexts import ChatContext

_CHOICELESS = 8  # chunks without choices before the first chunk with sound


def chat_stream(
    context: ChatContext,
    call: Call,
    request: ChatRequest,
    replies: list[ChatReply],
    head: chat.Head,
    sound: Iterator[bytes],
) -> Generator[bytes]:
    """Yield the events of the stream except the last. ``sound`` is the speech of all choices, while it is spoken."""
    options = request.body.get("stream_options") or {}
    include_usage = bool(options.get("include_usage"))
    chunks = chat.Chunks(
        head,
        context.ids,
        logprobs=request.has_logprobs,
        complete_choices=request.complete_choices,
        include_usage=include_usage,
        obfuscation=options.get("include_obfuscation") is not False,
    )
    spoken = replies[0].speech is not None  # the same for all choices
    if spoken:
        yield from _speech(call, chunks, replies, sound)
        for reply in replies:
            reply.remember(context.store, context.clock.now(), call)
    else:
        yield from _in_turn([_content(request, chunks, reply, index) for index, reply in enumerate(replies)])
    for index, reply in enumerate(replies):
        if not spoken or reply.finish_reason != "stop":
            yield chunks.delta(index, {}, finish_reason=reply.finish_reason)
    if include_usage:
        yield chunks.usage(usage_of(request, replies))
    moderation = moderation_of(request, replies)
    if moderation is not None:
        yield chunks.moderation(moderation)
    for index, reply in enumerate(replies if spoken else ()):
        yield chunks.expiry(index, reply.expires_at)


def _in_turn(streams: Sequence[Iterator[bytes]]) -> Iterator[bytes]:
    """Yield a chunk of each stream in turn, until all have ended."""
    if len(streams) == 1:
        yield from streams[0]
        return
    waiting = deque(streams)
    while waiting:
        stream = waiting.popleft()
        for chunk in itertools.islice(stream, 1):
            yield chunk
            waiting.append(stream)


def _content(request: ChatRequest, chunks: chat.Chunks, reply: ChatReply, index: int) -> Iterator[bytes]:
    """Return the chunks of a choice except the one with the ``finish_reason``."""
    return (_calls if reply.tool_calls else _text)(request, chunks, reply, index)


def _text(request: ChatRequest, chunks: chat.Chunks, reply: ChatReply, index: int) -> Iterator[bytes]:
    alternatives = request.logprobs
    logprobs = None if alternatives is None else chat.no_logprobs()
    yield chunks.delta(index, {"role": "assistant", "content": "", "refusal": None}, logprobs=logprobs)
    for piece, parts in tokens.whole(reply.tokens()):
        if alternatives is not None:
            logprobs = chat.logprobs(parts, alternatives, reply.counted.vocabulary)
        yield chunks.delta(index, {"content": piece}, logprobs=logprobs)


def _calls(request: ChatRequest, chunks: chat.Chunks, reply: ChatReply, index: int) -> Iterator[bytes]:
    """Yield the chunks of calls. A single call begins in the first chunk; several begin in chunks of their own."""
    several = len(reply.tool_calls) > 1
    if several:
        yield chunks.delta(index, {"role": "assistant", "content": None}, usage_first=True)
    for place, (call, call_id) in enumerate(zip(reply.tool_calls, reply.call_ids, strict=True)):
        kind, argument = ("custom", "input") if call.custom else ("function", "arguments")
        begun = chat.tool_call(call, call_id)
        begun[kind][argument] = ""
        opening = _call_delta(request, place, begun, begun[kind])
        if several:
            yield chunks.delta(index, opening, usage_first=True)
        else:
            yield chunks.delta(index, {"role": "assistant", "content": None, **opening, "refusal": None})
        for piece in _pieces(reply, call):
            more = {argument: piece}
            yield chunks.delta(index, _call_delta(request, place, {kind: more}, more), usage_first=several)


def _pieces(reply: ChatReply, call: ToolCall) -> Iterator[str]:
    """Return the arguments of a call in the pieces in which they are sent."""
    if len(reply.tool_calls) > 1 and not call.custom:
        return chat.parallel_pieces(call.arguments)
    return (piece for piece, _ in tokens.whole(tokens.split(call.arguments, reply.counted.vocabulary)))


def _call_delta(request: ChatRequest, place: int, call: chat.Member, function: chat.Member) -> chat.Member:
    """Return the delta of a call, in ``tool_calls`` or in the older ``function_call``."""
    if request.calls_functions:
        return {"function_call": function}
    return {"tool_calls": [{"index": place, **call}]}


def _speech(
    call: Call, chunks: chat.Chunks, replies: list[ChatReply], sound: Iterator[bytes]
) -> Generator[bytes]:
    """Yield the transcripts, then the sound while it is spoken, with the chunks of the choices in turn."""
    for index in range(len(replies)):
        yield chunks.delta(index, {"role": "assistant", "refusal": None})
    events = list(_in_turn([_transcript(chunks, reply, index) for index, reply in enumerate(replies)]))
    if call.settings.choiceless_chunks:
        events += [chunks.choiceless() for _ in range(_CHOICELESS)]
    yield b"".join(events)  # in one piece, so that the sound does not wait for each to be sent
    begun = False
    for piece in chat.pieces(sound):
        data = {"data": pybase64.b64encode(piece).decode()}
        for index, reply in enumerate(replies):
            opening = {"role": "assistant", "content": None, "refusal": None}
            first = {**opening, "audio": {"id": reply.audio_id, **data}}
            yield chunks.delta(index, {"audio": data} if begun else first)
        begun = True
    if call.settings.choiceless_chunks:
        yield chunks.choiceless()


def _transcript(chunks: chat.Chunks, reply: ChatReply, index: int) -> Iterator[bytes]:
    """Yield the transcript of a choice, one chunk for each token."""
    opening: dict[str, Any] = {"content": None}
    audio: dict[str, Any] = {"id": reply.audio_id}
    for piece, _ in tokens.whole(reply.tokens()):
        yield chunks.delta(index, {**opening, "audio": {**audio, "transcript": piece}})
        audio, opening = {}, {}
