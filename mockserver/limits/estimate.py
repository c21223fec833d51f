"""Estimates the tokens that a request is charged before it is answered, mostly from the UTF-8 bytes of its texts.

The formulas were fitted to published answers (``docs/rate-limits.md``). Audio is not counted in advance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.wire import tokens
from mockserver.wire.chat_tokens import declarations

_BYTES_PER_TOKEN = 4
_BYTES_PER_MESSAGE = 7
_TOKENS_PER_IMAGE = 765
# Tokens that a response is charged in addition to those of its texts (recorded answers, 2025 and 2026).
_PER_ITEM, _PER_PROMPT, _BESIDE, _BESIDE_TOOLS = 4, 3, 19, 217


def speech_tokens(body: Mapping[str, Any]) -> int:
    """Return a quarter of the bytes of the text, rounded up."""
    return _quarter(_size(body.get("input")))


def chat_tokens(body: Mapping[str, Any]) -> int:
    """Return a quarter of the bytes of all messages, seven more for each that has content, and 765 tokens per image."""
    size = images = 0
    messages = body.get("messages")
    for message in messages if isinstance(messages, list) else ():
        content = message.get("content") if isinstance(message, dict) else None
        if not content:
            continue
        size += _BYTES_PER_MESSAGE
        for part in content if isinstance(content, list) else [{"text": content}]:
            if isinstance(part, dict):
                size += _size(part.get("text"))
                images += part.get("type") in ("image_url", "file")
    return _quarter(size) + _TOKENS_PER_IMAGE * images


def embedding_tokens(body: Mapping[str, Any]) -> int:
    """Return a quarter of the bytes of the texts, rounded down; a token that was sent as its id counts as one."""
    return _given_size(body.get("input")) // _BYTES_PER_TOKEN


def completion_tokens(body: Mapping[str, Any]) -> int:
    """Return a quarter of the bytes of the prompts, rounded up; a token that was sent as its id counts as one."""
    return _quarter(_given_size(body.get("prompt")))


def moderation_tokens(body: Mapping[str, Any]) -> int:
    """Return a quarter of the bytes of the texts, rounded up."""
    items = body.get("input")
    parts = items if isinstance(items, list) else [items]
    return _quarter(sum(_size(part.get("text") if isinstance(part, dict) else part) for part in parts))


def embedding_inputs(body: Mapping[str, Any]) -> int:
    """Return the number of texts to embed."""
    texts = body.get("input")
    return len(texts) if isinstance(texts, list) and isinstance(next(iter(texts), None), str | list) else 1


def chat_images(body: Mapping[str, Any]) -> int:
    """Return the number of images in the messages."""
    images = 0
    messages = body.get("messages")
    for message in messages if isinstance(messages, list) else ():
        content = message.get("content") if isinstance(message, dict) else None
        for part in content if isinstance(content, list) else ():
            images += isinstance(part, dict) and part.get("type") == "image_url"
    return images


def response_tokens(body: Mapping[str, Any]) -> int:
    """Return the tokens of the texts, messages and tools of a response, with 19 more, or 217 more with tools."""
    given, tools = body.get("input"), body.get("tools")
    items = given if isinstance(given, list) else [{"content": given}]
    counted = sum(_item_tokens(item) for item in items if isinstance(item, dict))
    if isinstance(body.get("instructions"), str):
        counted += _item_tokens({"content": body["instructions"]})
    if not isinstance(tools, list) or not tools:
        return counted + _PER_PROMPT + _BESIDE
    functions = [tool for tool in tools if isinstance(tool, dict) and tool.get("type") == "function"]
    return counted + _PER_PROMPT + _BESIDE_TOOLS + tokens.count(declarations(functions))


def _item_tokens(item: Mapping[str, Any]) -> int:
    """Return the tokens of the texts of an item, and of its images."""
    content = item.get("content") or item.get("output") or item.get("arguments")
    parts = content if isinstance(content, list) else [{"text": content}]
    objects = [part for part in parts if isinstance(part, dict)]
    texts = [part["text"] for part in objects if isinstance(part.get("text"), str)]
    images = len([part for part in objects if part.get("type") == "input_image"])
    return _PER_ITEM + tokens.count("".join(texts)) + _TOKENS_PER_IMAGE * images


def transcription_tokens(form: Mapping[str, Any]) -> int:
    """Return a quarter of the bytes of the prompt, at least one."""
    return max(1, _quarter(_size(form.get("prompt"))))


def _given_size(given: object) -> int:
    """Return the number of bytes of texts, of which a token that was sent as its id counts as four."""
    if not isinstance(given, list):
        return _size(given)
    counts = (len(each) if isinstance(each, list) else 1 for each in given if not isinstance(each, str))
    return sum(map(_size, given)) + _BYTES_PER_TOKEN * sum(counts)


def _size(text: object) -> int:
    """Return the number of UTF-8 bytes of a text; 0 if it is not a text."""
    return len(text.encode("utf-8", "surrogatepass")) if isinstance(text, str) else 0


def _quarter(size: int) -> int:
    return -(-size // _BYTES_PER_TOKEN)
