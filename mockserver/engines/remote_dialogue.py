"""Replies from a local text model: any server that speaks the Chat Completions API (``--reply-from``)."""

from __future__ import annotations

import ipaddress
import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from mockserver.engines.dialogue import Conversation, Reply, ReplyFailed, ToolCall

_TIMEOUT = 120.0  # seconds
_LONGEST = 1 << 22  # bytes of an answer
_MODEL = "gpt-4o-mini"  # local servers mostly ignore it; another instance of this one knows it


class RemoteResponder:
    """A ``Responder`` that asks the server at ``base_url`` (``http://127.0.0.1:8080/v1``).

    Raises ``ReplyFailed`` for an address that is not of this machine: nothing leaves it unasked.
    """

    def __init__(self, base_url: str) -> None:
        if not _is_loopback(base_url):
            raise ReplyFailed(
                f"reply_from: {base_url!r} is not an http:// address of this machine. "
                "Give one such as http://127.0.0.1:8080/v1."
            )
        self._url = base_url.rstrip("/") + "/chat/completions"

    def reply(self, conversation: Conversation) -> Reply:
        """What the other server says. Raises ``ReplyFailed``."""
        body = {
            "model": _MODEL,
            "messages": [_message(turn.role, turn.heard, turn.text) for turn in conversation.turns],
        }
        if conversation.tools:
            body["tools"] = [
                _tool(tool.name, tool.parameters) for tool in conversation.tools if not tool.custom
            ]
        message = self._ask(body)
        calls = tuple(
            ToolCall(call["function"]["name"], call["function"]["arguments"])
            for call in message.get("tool_calls") or ()
        )
        return Reply("reply_from", message.get("content") or "", calls)

    def _ask(self, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "Authorization": "Bearer sk-mock-reply-from"}
        request = urllib.request.Request(self._url, json.dumps(body).encode(), headers)  # noqa: S310 - checked above
        opener = urllib.request.build_opener(_NoRedirects, urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=_TIMEOUT) as response:
                message = json.loads(response.read(_LONGEST))["choices"][0]["message"]
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise ReplyFailed(f"reply_from: {self._url} gave no reply: {error}") from error
        if not isinstance(message, dict):
            raise ReplyFailed(f"reply_from: {self._url} answered no chat completion")
        return message


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A local server must not send the conversation elsewhere."""

    def redirect_request(self, *_: Any) -> None:
        """Refuses."""


def _is_loopback(url: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        return False
    if parts.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.hostname).is_loopback
    except ValueError:
        return False


def _message(role: str, heard: str | None, text: str) -> dict[str, str]:
    said = " ".join(each for each in (text, heard) if each)
    if role in ("tool", "function"):
        return {"role": "user", "content": f"The tool answered: {said}"}
    return {"role": role, "content": said}


def _tool(name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": parameters}}
