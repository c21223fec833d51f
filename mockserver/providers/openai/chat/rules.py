"""Refuses what a chat model cannot do, by the rules of its row in the catalog."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mockserver.errors import ApiError
from mockserver.providers.openai.chat.parameters import check_known, check_parameters
from mockserver.providers.openai.chat.tool_rules import check_tools
from mockserver.wording import enumeration

if TYPE_CHECKING:
    from mockserver.catalog.records import ChatRules, ModelCard

Body = Mapping[str, Any]

_INSTEAD_OF_CONTENT = ("tool_calls", "function_call", "refusal", "audio")
_ROLES = {**dict.fromkeys(_INSTEAD_OF_CONTENT, "assistant"), "tool_call_id": "tool"}


def check_chat(model: ModelCard, body: Body, custom_voices: Container[str] = ()) -> None:
    """Raise ``ApiError`` for the first thing the model cannot do (API reference, Create chat completion).

    ``custom_voices`` are the ids of the account's custom voices.
    """
    assert model.chat is not None
    check_known(model, body)
    body = {**body, "messages": without_ignored(body["messages"])}
    _check_messages(model.chat, body["messages"])
    if model.chat.audio:
        _check_audio_model(model.chat, body, custom_voices)
    elif "audio" in (body.get("modalities") or ()):
        raise ApiError("chat_no_audio_output")
    check_tools(model.chat, body)
    _check_response_format(model.chat, body)
    check_parameters(model, body)
    _check_contents(body["messages"])
    _check_tool_answers(body["messages"])


def without_ignored(messages: Sequence[Body]) -> list[Body]:
    """Return the messages without members that belong to other roles, which the API ignores."""
    return [
        message
        if _ROLES.keys().isdisjoint(message)
        else {
            name: value
            for name, value in message.items()
            if _ROLES.get(name, message["role"]) == message["role"]
        }
        for message in messages
    ]


def parts_of(messages: Sequence[Body]) -> Iterator[tuple[int, int, Body]]:
    """Yield every content part with the index of its message and its own index."""
    for number, message in enumerate(messages):
        content = message.get("content")
        if isinstance(content, list):
            for place, part in enumerate(content):
                yield number, place, part


def text_of_part(part: Body) -> str:
    """Return the text or refusal of a content part; empty for parts of other types."""
    return str(part[part["type"]]) if part["type"] in ("text", "refusal") else ""


def wants_audio(body: Body) -> bool:
    """Return whether the request asks for a spoken reply."""
    return "audio" in (body.get("modalities") or ())


def _check_messages(rules: ChatRules, messages: Sequence[Body]) -> None:
    for number, message in enumerate(messages):
        if message.get("audio") and not rules.audio:
            raise ApiError("chat_no_audio_input", param=f"messages[{number}]")
    for number, _, part in parts_of(messages):
        if part["type"] == "input_audio" and not rules.audio:
            raise ApiError("chat_no_audio_input", param=f"messages[{number}]")
        if part["type"] == "image_url" and not rules.images:
            raise ApiError("chat_no_images", param=f"messages[{number}].content")


def _check_contents(messages: Sequence[Body]) -> None:
    """Raise ``ApiError`` for a message without content. An assistant's may have calls, audio or a refusal instead.

    The schema requires the content of a ``developer``, and allows a ``function`` to return null.
    """
    for number, message in enumerate(messages):
        assistant = message["role"] == "assistant"
        instead = assistant and any(message.get(name) for name in _INSTEAD_OF_CONTENT)
        if message.get("content") is None and message["role"] != "function" and not instead:
            raise ApiError("chat_null_content", param=f"messages.[{number}].content")


def _check_tool_answers(messages: Sequence[Body]) -> None:
    """Raise ``ApiError`` unless every tool call is followed by its answer, and every answer follows its call."""
    if not any(message["role"] == "tool" or message.get("tool_calls") for message in messages):
        return
    called: list[str] = []
    awaited = Counter[str]()
    for number, message in enumerate(messages):
        if message["role"] == "tool":
            if not awaited[message["tool_call_id"]]:
                raise ApiError("chat_tool_answer_unasked", param=f"messages.[{number}].role")
            awaited[message["tool_call_id"]] -= 1
            continue
        _check_all_answered(called, awaited)
        called = [call["id"] for call in message.get("tool_calls") or ()]
        awaited = Counter(called)
    _check_all_answered(called, awaited)


def _check_all_answered(called: Sequence[str], awaited: Counter[str]) -> None:
    """Raise ``ApiError`` with the ids of the tool calls in ``called`` that have no answer yet (``awaited``)."""
    answered = Counter(called) - awaited
    missing = []
    for call_id in called:  # of several calls with one id, the first ones are answered
        if answered[call_id]:
            answered[call_id] -= 1
        else:
            missing.append(call_id)
    if missing:
        raise ApiError("chat_tool_answers_missing", ids=", ".join(missing))


def _check_audio_model(rules: ChatRules, body: Body, custom_voices: Container[str]) -> None:
    audio_output = wants_audio(body)
    audio = body.get("audio")
    audio_input = any(part["type"] == "input_audio" for _, _, part in parts_of(body["messages"]))
    earlier_audio = any((message.get("audio") or {}).get("id") for message in body["messages"])
    if not (audio_output or audio_input or earlier_audio):
        raise ApiError("chat_needs_audio")
    if audio_output and not audio:
        raise ApiError("chat_missing_audio")
    voice = audio["voice"] if audio else None
    if isinstance(voice, str) and voice not in rules.voices and voice not in custom_voices:
        supported = enumeration(rules.voices, "and")
        raise ApiError("chat_unknown_voice", voice=voice, supported=supported)
    if audio_output and body.get("stream") and audio and audio["format"] != "pcm16":
        raise ApiError("chat_stream_format", format=audio["format"])


def _check_response_format(rules: ChatRules, body: Body) -> None:
    response_format = (body.get("response_format") or {}).get("type")
    if response_format == "json_schema" and not rules.structured_outputs:
        raise ApiError("chat_no_json_schema")
    if response_format == "json_object" and not rules.json_mode:
        raise ApiError("chat_no_json_mode")
    if response_format == "json_object" and not _mentions_json(body["messages"]):
        raise ApiError("chat_json_unmentioned")


def _mentions_json(messages: Sequence[Body]) -> bool:
    contents = [message["content"] for message in messages if isinstance(message.get("content"), str)]
    parts = [text_of_part(part) for _, _, part in parts_of(messages)]
    return any("json" in text.lower() for text in (*contents, *parts))
