"""Replies from a local text model: any server with the Chat Completions API (``--reply-from``)."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mockserver import strict_json
from mockserver.engines.answered_by import AnsweredBy
from mockserver.engines.dialogue import Conversation, Reply, ReplyFailed, Tool, ToolCall, Turn
from mockserver.settings.hosts import check_url

_TIMEOUT = 120.0  # seconds
_MAX_BYTES = 1 << 22  # bytes of an answer
_MODEL = "gpt-4o-mini"  # most local servers ignore it; another instance of this server knows it


class RemoteResponder:
    """A ``Responder`` that sends conversations to the server at ``base_url`` (``http://127.0.0.1:8080/v1``).

    Raises ``ValueError`` if the address is not on this machine.
    """

    def __init__(self, base_url: str) -> None:
        check_url(base_url)
        self._url = base_url.rstrip("/") + "/chat/completions"

    def reply(self, conversation: Conversation) -> Reply | None:
        """Return the other server's reply; ``None`` if it cannot call a demanded tool. Raises ``ReplyFailed``."""
        if conversation.demanded and not _functions(conversation.demanded):
            return None
        answer = self._ask(_request(conversation))
        try:
            message = strict_json.parse(answer)["choices"][0]["message"]
            said = _text(message.get("content"))
            calls = tuple(_call(each["function"]) for each in message.get("tool_calls") or ())
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise ReplyFailed(f"reply_from: {self._url} did not answer with a chat completion") from error
        offered = {tool.name for tool in _functions(conversation.tools)}
        if any(call.name not in offered for call in calls):
            raise ReplyFailed(f"reply_from: {self._url} called a tool that it was not offered")
        return Reply(AnsweredBy("reply_from"), said, calls)

    def _ask(self, body: dict[str, Any]) -> bytes:
        headers = {"Content-Type": "application/json", "Authorization": "Bearer sk-mock-reply-from"}
        request = urllib.request.Request(self._url, json.dumps(body).encode(), headers)  # noqa: S310 - checked above
        opener = urllib.request.build_opener(_NoRedirects, urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=_TIMEOUT) as response:
                answer: bytes = response.read(_MAX_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise ReplyFailed(f"reply_from: {self._url} gave no reply: {error}") from error
        return answer


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A handler that follows no redirects, so that the conversation stays on this machine."""

    def redirect_request(self, *_: Any) -> None:
        """Follow no redirect."""


def _request(conversation: Conversation) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": _MODEL,
        "messages": list(_messages(conversation.turns)),
    }
    functions = [_tool(tool.name, tool.parameters) for tool in _functions(conversation.tools)]
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


def _functions(tools: Sequence[Tool]) -> list[Tool]:
    """Return the tools that every server with the API can call: not custom or built-in ones."""
    return [tool for tool in tools if not tool.custom and not tool.built_in]


def _messages(turns: Sequence[Turn]) -> Iterator[dict[str, Any]]:
    """Yield the turns as messages. The result of a call that the other server does not know is sent as text."""
    answered = {turn.answers for turn in turns}
    known: set[str] = set()
    for turn in turns:
        said = " ".join(each for each in (turn.text, turn.transcript) if each)
        calls = {
            name: call for name, call in turn.calls.items() if name and name in answered and not call.custom
        }
        known.update(calls)
        if calls:
            yield {"role": turn.role, "content": said or None, "tool_calls": _tool_calls(calls)}
        elif turn.answers in known:
            yield {"role": "tool", "tool_call_id": turn.answers, "content": said}
        elif turn.role in ("tool", "function"):
            yield {"role": "user", "content": f"The tool answered: {said}"}
        else:
            yield {"role": turn.role, "content": said}


def _tool_calls(calls: Mapping[str, ToolCall]) -> list[dict[str, Any]]:
    return [
        {"id": name, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for name, call in calls.items()
    ]


def _tool(name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


def _text(content: Any) -> str:
    """Return the text of a message, which may consist of parts. Raises ``TypeError``."""
    if isinstance(content, list):
        return "".join(part["text"] for part in content if part["type"] == "text")
    if content is None or isinstance(content, str):
        return content or ""
    raise TypeError("content is neither text nor parts")


def _call(function: dict[str, Any]) -> ToolCall:
    """Return the call. ``arguments`` may be JSON text, or an object, as some servers send it."""
    name, arguments = function["name"], function.get("arguments") or "{}"
    if isinstance(arguments, dict):
        arguments = json.dumps(arguments)
    strict_json.parse(arguments.encode())
    return ToolCall(str(name), arguments)
