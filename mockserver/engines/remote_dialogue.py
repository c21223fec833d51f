"""Replies from a local text model: any server that speaks the Chat Completions API (``--reply-from``)."""

from __future__ import annotations

import http.client
import ipaddress
import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from mockserver.engines.dialogue import Conversation, Reply, ReplyFailed, ToolCall
from mockserver.settings import SettingsError

_TIMEOUT = 120.0  # seconds
_LONGEST = 1 << 22  # bytes of an answer
_MODEL = "gpt-4o-mini"  # local servers mostly ignore it; another instance of this one knows it


class RemoteResponder:
    """A ``Responder`` that asks the server at ``base_url`` (``http://127.0.0.1:8080/v1``).

    Raises ``SettingsError`` for an address that is not of this machine: nothing leaves it unasked.
    """

    def __init__(self, base_url: str) -> None:
        if not _is_loopback(base_url):
            raise SettingsError(
                f"reply_from: {base_url!r} is not an http:// address of this machine. "
                "Give one such as http://127.0.0.1:8080/v1."
            )
        self._url = base_url.rstrip("/") + "/chat/completions"

    def reply(self, conversation: Conversation) -> Reply:
        """What the other server says. Raises ``ReplyFailed``."""
        answer = self._ask(_request(conversation))
        try:
            message = json.loads(answer)["choices"][0]["message"]
            calls = tuple(
                ToolCall(str(call["function"]["name"]), str(call["function"]["arguments"]))
                for call in message.get("tool_calls") or ()
            )
            return Reply("reply_from", str(message.get("content") or ""), calls)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise ReplyFailed(f"reply_from: {self._url} answered no chat completion") from error

    def _ask(self, body: dict[str, Any]) -> bytes:
        headers = {"Content-Type": "application/json", "Authorization": "Bearer sk-mock-reply-from"}
        request = urllib.request.Request(self._url, json.dumps(body).encode(), headers)  # noqa: S310 - checked above
        opener = urllib.request.build_opener(_NoRedirects, urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=_TIMEOUT) as response:
                answer: bytes = response.read(_LONGEST)
        except (OSError, http.client.HTTPException) as error:
            raise ReplyFailed(f"reply_from: {self._url} gave no reply: {error}") from error
        return answer


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


def _request(conversation: Conversation) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": _MODEL,
        "messages": [_message(turn.role, turn.heard, turn.text) for turn in conversation.turns],
    }
    functions = [_tool(tool.name, tool.parameters) for tool in conversation.tools if not tool.custom]
    if functions:
        body["tools"] = functions
        body["parallel_tool_calls"] = conversation.parallel_tool_calls
        body["tool_choice"] = "required" if conversation.demanded else "auto"
    if conversation.json_schema:
        schema = {"name": "reply", "schema": conversation.json_schema}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif conversation.json_schema is not None:
        body["response_format"] = {"type": "json_object"}
    return body


def _message(role: str, heard: str | None, text: str) -> dict[str, str]:
    said = " ".join(each for each in (text, heard) if each)
    if role in ("tool", "function"):
        return {"role": "user", "content": f"The tool answered: {said}"}
    return {"role": role, "content": said}


def _tool(name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": parameters}}
