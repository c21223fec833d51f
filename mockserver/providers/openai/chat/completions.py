"""``POST /v1/chat/completions``: chat completions with text and audio."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import msgspec
import pybase64

from mockserver import json_styles
from mockserver.errors import ApiError
from mockserver.ids import fingerprint
from mockserver.pipeline.call import Answer, Call
from mockserver.pipeline.responses import storage_error
from mockserver.providers.openai.audio.speaking import failures_answered, started
from mockserver.providers.openai.audio.voices import check_speaks, speaking_voices
from mockserver.providers.openai.chat import stored as stored_completions
from mockserver.providers.openai.chat.reply import ChatReply, chat_replies, moderation_of, usage_of
from mockserver.providers.openai.chat.request import ChatRequest, chat_request
from mockserver.providers.openai.chat.rules import check_chat, parts_of
from mockserver.providers.openai.chat.stream import chat_stream
from mockserver.providers.openai.image_urls import check_image_url
from mockserver.state.disk import StateFailed
from mockserver.wire import chat, sse

if TYPE_CHECKING:
    from mockserver.ids import Ids
    from mockserver.providers.openai.contexts import ChatContext

_MAX_SOUND = 1 << 26  # bytes of sound in all choices of an answer together


def check_request(context: ChatContext, call: Call) -> None:
    """Raise ``ApiError`` for what the model cannot do."""
    assert call.model is not None
    assert call.model.chat is not None
    custom_voices = speaking_voices(context.store, call) if call.model.chat.audio else ()
    check_chat(call.model, call.document, custom_voices)
    check_speaks(context.store, call, (call.document.get("audio") or {}).get("voice"), param="audio.voice")
    for _, _, part in parts_of(call.document["messages"]):
        if part["type"] == "image_url":
            check_image_url(context.url_sources, part["image_url"]["url"])


def create_chat_completion(context: ChatContext, call: Call) -> Answer:
    """Transcribe the audio of the conversation, and reply."""
    request = chat_request(context, call)
    replies = chat_replies(context, call, request)
    head = _head(context.ids, context.clock.now(), call, request)
    answered_by, call.outcome.reply = replies[0].answered_by, replies[0].as_json
    if request.body.get("stream"):
        events = started(_stream(context, call, request, replies, head))
        return Answer(events, sse.CONTENT_TYPE, answered_by)
    sound = _sound(context, call, replies)
    completion = _completion(request, replies, head, sound)
    _store(context, call, request, replies, head)
    body = json_styles.two_spaces_newline(completion, has_floats=request.has_floats)
    return Answer(body, "application/json", answered_by, usage=completion["usage"])


def _head(ids: Ids, now: float, call: Call, request: ChatRequest) -> chat.Head:
    assert call.model is not None
    snapshot = call.model.snapshot
    return chat.Head(
        ids.completion_id(now),
        int(now),
        snapshot if call.strict else str(request.body.get("model") or snapshot),
        fingerprint(snapshot) if request.rules.system_fingerprint or not call.strict else None,
        chat.served_tier(request.body.get("service_tier")),
    )


def _stream(
    context: ChatContext, call: Call, request: ChatRequest, replies: list[ChatReply], head: chat.Head
) -> Generator[bytes]:
    """Yield the events. A client that leaves before the end is charged for what was sent until then."""
    speech = replies[0].speech
    sound = started(speech.speak(context.speaker, context.spoken, call)) if speech else iter(())
    try:
        yield from chat_stream(context, call, request, replies, head, sound)
        _store(context, call, request, replies, head)
    except StateFailed as error:  # the status is sent already: the stream ends with the error, without DONE
        refusal = context.errors.refusal(storage_error(error))
        yield b"data: " + msgspec.json.format(refusal.body, indent=0) + b"\n\n"
        return
    finally:
        call.settle(usage_of(request, replies))
    yield chat.DONE


def _sound(context: ChatContext, call: Call, replies: list[ChatReply]) -> str:
    """Return the sound of the replies in base64, empty if they are not spoken; later messages can refer to them."""
    speech = replies[0].speech
    if speech is None:
        return ""
    sound = bytearray()
    with failures_answered():
        for chunk in speech.speak(context.speaker, context.spoken, call):
            sound += chunk
            if len(sound) * len(replies) > _MAX_SOUND:
                raise ApiError("chat_too_much_sound", choices=len(replies), most=_MAX_SOUND)
    for reply in replies:
        reply.remember(context.store, context.clock.now(), call)
    return pybase64.b64encode(sound).decode()


def _store(
    context: ChatContext, call: Call, request: ChatRequest, replies: list[ChatReply], head: chat.Head
) -> None:
    """Store the completion if the request asks for it, without the sound, which is large."""
    if request.body.get("store"):
        stored_completions.keep(context.ids, context.store, call, _completion(request, replies, head))


def _completion(
    request: ChatRequest, replies: list[ChatReply], head: chat.Head, sound: str = ""
) -> dict[str, Any]:
    choices = [_choice(request, reply, index, sound) for index, reply in enumerate(replies)]
    return head.completion(choices, usage_of(request, replies), moderation=moderation_of(request, replies))


def _choice(request: ChatRequest, reply: ChatReply, index: int, sound: str) -> dict[str, Any]:
    choice: dict[str, Any] = {"index": index, "message": _message(request, reply, sound)}
    if request.has_logprobs:
        alternatives = None if reply.tool_calls else request.logprobs
        choice["logprobs"] = (
            None
            if alternatives is None
            else chat.logprobs(reply.tokens(), alternatives, reply.counted.vocabulary)
        )
    choice["finish_reason"] = reply.finish_reason
    return choice


def _message(request: ChatRequest, reply: ChatReply, sound: str) -> dict[str, Any]:
    if reply.tool_calls:
        calls = [chat.tool_call(*each) for each in zip(reply.tool_calls, reply.call_ids, strict=True)]
        if request.calls_functions:
            return chat.message(None, function_call=calls[0]["function"])
        return chat.message(None, tool_calls=calls)
    if reply.speech is None:
        return chat.message(reply.text)
    audio = {
        "id": reply.audio_id,
        "data": sound,
        "expires_at": reply.expires_at,
        "transcript": reply.text,
    }
    return chat.message(None, audio=audio)
