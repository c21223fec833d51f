"""Formats the Responses API: the response object, its items, and the events of a stream."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from mockserver.json_styles import streamed
from mockserver.wire import sse

Member = dict[str, Any]

# The members of a response, in the order of the API since July 2026.
_ORDER = (
    *("id", "object", "created_at", "status", "background", "billing", "completed_at", "conversation"),
    *("content_filters", "error", "frequency_penalty", "incomplete_details", "instructions"),
    *("max_output_tokens", "max_tool_calls", "model", "moderation", "output", "parallel_tool_calls"),
    *("presence_penalty", "previous_response_id", "prompt", "prompt_cache_key", "prompt_cache_retention"),
    *("reasoning", "safety_identifier", "service_tier", "store", "temperature", "text", "tool_choice"),
    *("tool_usage", "tools", "top_logprobs", "top_p", "truncation", "usage", "user", "metadata"),
)
_FIRST = ("id", "type", "status")  # members before the others, which are in alphabetical order
_LISTS = ("content", "summary", "annotations")  # members with further members in this order
_FILLED_TO = 16  # characters; a delta and its obfuscation together have a multiple of this
_BILLING = {"payer": "developer"}


def response(members: Mapping[str, Any], *, in_event: bool = False) -> Member:
    """Return the ``response`` object with ``members``, in the API's order; in events it has no ``billing``."""
    known = {"object": "response", **({} if in_event else {"billing": _BILLING}), **members}
    return {name: known[name] for name in _ORDER if name in known}


def failed(response: Member, code: str, message: str) -> Member:
    """Return the ``response`` with the error that it failed with."""
    return response | {"status": "failed", "error": {"code": code, "message": message}}


def ordered(item: Mapping[str, Any]) -> Member:
    """Return an item, a part or an annotation with its members in the API's order."""
    names = [name for name in _FIRST if name in item] + sorted(item.keys() - set(_FIRST))
    return {name: _ordered_member(name, item[name]) for name in names}


def _ordered_member(name: str, value: Any) -> Any:
    if name == "action" and isinstance(value, dict):
        return ordered(value)
    if name in _LISTS and isinstance(value, list):
        return [ordered(each) if isinstance(each, dict) else each for each in value]
    return value


class Events:
    """A writer of the events of one stream, numbered from ``number`` on.

    ``obfuscate`` returns the given number of letters, which hide the length of a delta; ``None`` for a stream
    without obfuscation.
    """

    def __init__(self, obfuscate: Callable[[int], str] | None, number: int = 0) -> None:
        self._obfuscate = obfuscate
        self.number = number

    def event(self, name: str, **members: Any) -> bytes:
        """Return the event ``name``: its ``type`` first, then its members in alphabetical order."""
        numbered = members | {"sequence_number": self.number}
        self.number += 1
        return event({"type": name} | {key: numbered[key] for key in sorted(numbered)})

    def delta(self, name: str, delta: str, **members: Any) -> bytes:
        """Return an event with a ``delta``, which is obfuscated if the stream is."""
        filler = {"obfuscation": self._obfuscate(-len(delta) % _FILLED_TO)} if self._obfuscate else {}
        return self.event(name, delta=delta, **filler, **members)

    def failure(self, response: Member, code: str, message: str) -> Iterator[bytes]:
        """Yield the events that end a stream with a failure: the error, and the ``response`` that failed."""
        number = self.number
        self.number += 1
        error = {"type": code, "code": code, "message": message, "param": None}
        yield event({"type": "error", "error": error, "sequence_number": number})
        yield self.event("response.failed", response=failed(response, code, message))


def failure(first: bytes, number: int, code: str, message: str) -> Iterable[bytes]:
    """Return the events that end a stream with an error (see ``sse.failure``)."""
    try:
        payload = json.loads(first.partition(b"data: ")[2])
    except ValueError:  # a stub can send any event
        payload = None
    begun = payload.get("response") if isinstance(payload, dict) else None
    begun = begun if isinstance(begun, dict) else {}
    return Events(None, number).failure(begun, code, message or sse.FAILED)


def refusal(
    status: int, error: Mapping[str, Any], stream_id: str | None, headers: Mapping[str, str]
) -> Member:
    """Return the event that refuses a request over a WebSocket, with those ``headers`` of the refusal that matter."""
    fields = {name: error.get(name) for name in ("type", "code", "message", "param")}
    fields["type"] = fields["type"] or "invalid_request_error"
    lane = {} if stream_id is None else {"stream_id": stream_id}
    return {
        "type": "error",
        "status": status,
        **lane,
        "error": fields | ({"headers": dict(headers)} if headers else {}),
    }


def event(payload: Mapping[str, Any]) -> bytes:
    """Return the bytes of an event."""
    return f"event: {payload['type']}\ndata: ".encode() + streamed(payload) + b"\n\n"


def usage(*, read: int, written: int, reasoned: int = 0) -> Member:
    """Return the ``usage`` of a response; ``reasoned`` tokens are a part of the ``written`` ones."""
    return {
        "input_tokens": read,
        "input_tokens_details": {"cache_write_tokens": 0, "cached_tokens": 0},
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": reasoned},
        "total_tokens": read + written,
    }
