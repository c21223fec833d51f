"""Estimates the tokens that a request is charged before it is answered, from the UTF-8 bytes of its texts.

The formulas were fitted to published answers (``docs/rate-limits.md``). Audio is not counted in advance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_BYTES_PER_TOKEN = 4
_BYTES_PER_MESSAGE = 7
_TOKENS_PER_IMAGE = 765


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


def chat_images(body: Mapping[str, Any]) -> int:
    """Return the number of images in the messages."""
    images = 0
    messages = body.get("messages")
    for message in messages if isinstance(messages, list) else ():
        content = message.get("content") if isinstance(message, dict) else None
        for part in content if isinstance(content, list) else ():
            images += isinstance(part, dict) and part.get("type") == "image_url"
    return images


def transcription_tokens(form: Mapping[str, Any]) -> int:
    """Return a quarter of the bytes of the prompt, at least one."""
    return max(1, _quarter(_size(form.get("prompt"))))


def _size(text: object) -> int:
    """Return the number of UTF-8 bytes of a text; 0 if it is not a text."""
    return len(text.encode("utf-8", "surrogatepass")) if isinstance(text, str) else 0


def _quarter(size: int) -> int:
    return -(-size // _BYTES_PER_TOKEN)
