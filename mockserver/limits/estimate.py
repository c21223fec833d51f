"""What a request is charged in tokens before it is answered: an estimate from its letters.

The formulas were fitted to published answers (``docs/rate-limits.md``). Audio counts nothing beforehand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_LETTERS_PER_TOKEN = 4
_LETTERS_PER_MESSAGE = 7
_TOKENS_PER_IMAGE = 765


def speech_tokens(body: Mapping[str, Any]) -> int:
    """A quarter of the letters of the text, rounded up."""
    text = body.get("input")
    return _quarter(len(text)) if isinstance(text, str) else 0


def chat_tokens(body: Mapping[str, Any]) -> int:
    """A quarter of the letters of all messages, seven more for each that has content, and 765 per image."""
    letters = images = 0
    messages = body.get("messages")
    for message in messages if isinstance(messages, list) else ():
        content = message.get("content") if isinstance(message, dict) else None
        if not content:
            continue
        letters += _LETTERS_PER_MESSAGE
        for part in content if isinstance(content, list) else [{"text": content}]:
            if isinstance(part, dict):
                text = part.get("text")
                letters += len(text) if isinstance(text, str) else 0
                images += part.get("type") in ("image_url", "file")
    return _quarter(letters) + _TOKENS_PER_IMAGE * images


def transcription_tokens(form: Mapping[str, Any]) -> int:
    """A quarter of the letters of the prompt, at least one."""
    prompt = form.get("prompt")
    return max(1, _quarter(len(prompt)) if isinstance(prompt, str) else 0)


def _quarter(letters: int) -> int:
    return -(-letters // _LETTERS_PER_TOKEN)
