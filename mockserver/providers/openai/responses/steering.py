"""Steering: input that a client adds to a response while it is sent over a WebSocket.

The response is sent to its end. Then a successor continues it with the input, at once; or, if the response waits for
results of the client's tools, the next request that continues it gets the input first.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mockserver import json_styles

if TYPE_CHECKING:
    from mockserver.ids import Ids

Member = dict[str, Any]

MAX_PENDING = 16  # steers of a response
_MEMBERS = {"type", "previous_response_id", "input"}
_PARTS = ("input_text", "input_image", "input_file")
_LAST = ("response.completed", "response.incomplete", "response.failed")
_AWAITED = {  # the input that a call of the client's tools waits for, and the members of the call that it repeats
    "function_call": ("function_call_output", ("call_id", "name")),
    "custom_tool_call": ("custom_tool_call_output", ("call_id",)),
    "computer_call": ("computer_call_output", ("call_id",)),
    "shell_call": ("shell_call_output", ("call_id",)),
    "apply_patch_call": ("apply_patch_call_output", ("call_id",)),
}
_REFUSALS = {
    "invalid_input": "The input of response.steer must be a string or user messages, with no other members beside it.",
    "response_not_found": "The response to steer is not available on this connection.",
    "steering_not_supported": "Steering is not supported for this response.",
    "too_many_pending_steers": "Too much steering input is pending for this response.",
    "response_already_completed": "The response has completed and no longer accepts steering input.",
    "response_not_active": "The response no longer accepts steering input.",
    "successor_creation_failed": "The successor response could not be created.",
}


class Sending:
    """A response that is being sent in a lane; ``body`` is the request, ``send`` sends the JSON of an event."""

    def __init__(self, body: Mapping[str, Any], is_steerable: bool, send: Callable[[bytes], None]) -> None:
        self.body = body
        self.is_steerable = is_steerable
        self.steers: list[Member] = []
        self.last: Member = {}  # the last event
        self._send = send
        self._lock = threading.Lock()
        self._number = 0
        self._added = 0  # events that are not those of the response

    def event(self, data: bytes) -> str | None:
        """Send an event of the response. Return the response's id if it is the first one."""
        try:
            event = json.loads(data)
        except ValueError:  # a fault has garbled it
            event = {}
        with self._lock:
            if isinstance(event.get("sequence_number"), int):
                self._number = event["sequence_number"] + self._added + 1
                if self._added:
                    data = json_styles.streamed(event | {"sequence_number": self._number - 1})
            if event.get("type") in _LAST:
                self.last = event
            self._send(data)
        return str(event["response"]["id"]) if event.get("type") == "response.created" else None

    def steer(self, steer: Member, identifier: str) -> str:
        """Accept a steer, and tell the client. Return the code of the refusal if that is not possible."""
        with self._lock:
            if not self.is_steerable:
                return "steering_not_supported"
            if self.last:
                ended = self.last["type"] == "response.completed"
                return "response_already_completed" if ended else "response_not_active"
            if len(self.steers) >= MAX_PENDING:
                return "too_many_pending_steers"
            accepted = {"id": identifier, "previous_response_id": steer["previous_response_id"]}
            self.steers.append(steer | {"id": identifier})
            self._add({"type": "response.steer.accepted", "steer": accepted})
            return ""

    def tell_pending(self) -> bool:
        """Tell the client what each steer waits for. Return whether they wait for anything."""
        awaited = [_awaited(item) for item in self.last["response"]["output"] if item["type"] in _AWAITED]
        for steer in self.steers if awaited else ():
            named = {name: steer[name] for name in ("id", "previous_response_id")}
            reason = "waiting_for_required_input"
            event = {"type": "response.steer.pending", "steer": named, "reason": reason}
            with self._lock:
                self._add(event | {"required_input": awaited})
        return bool(awaited)

    def fail(self, steer: Member, code: str) -> None:
        """Return a steer to the client."""
        with self._lock:
            self._add(failed(steer, code))

    def _add(self, event: Member) -> None:
        numbered = {"type": event["type"], "sequence_number": self._number} | event
        self._send(json_styles.streamed(numbered | {"sequence_number": self._number}))
        self._number += 1
        self._added += 1


class Steering:
    """The responses of a connection that were begun, and the input that waits for what continues them."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._lock = threading.Lock()
        self._begun: dict[str, Sending] = {}
        self._waiting: dict[str, list[Member]] = {}

    def begin(self, response_id: str, sending: Sending) -> None:
        """Take a response that clients may steer from now on. Of those that ended, the latest are remembered."""
        with self._lock:
            self._begun[response_id] = sending
            ended = [name for name, each in self._begun.items() if each.last]
            for name in ended[:-MAX_PENDING]:
                del self._begun[name]

    def steer(self, event: Member) -> Member | None:
        """Have an event of the client steer its response. Return the event that refuses it, if it is refused."""
        target = event.get("previous_response_id")
        if not isinstance(target, str) or event.keys() - _MEMBERS or not _is_input(event.get("input")):
            return failed(event, "invalid_input")
        with self._lock:
            sending = self._begun.get(target)
        if sending is None:
            return failed(event, "response_not_found")
        code = sending.steer(event, f"steer_{self._ids.hex_digits(32)}")
        return failed(event, code) if code else None

    def wait(self, sending: Sending) -> None:
        """Keep the steers of a response for the request that continues it."""
        with self._lock:
            self._waiting[sending.last["response"]["id"]] = sending.steers

    def with_waiting(self, body: Member) -> Member:
        """Return a request with the input that waits for it before its own."""
        with self._lock:
            steers = self._waiting.pop(str(body.get("previous_response_id")), [])
        return body | {"input": [*input_of(steers), *_items(body.get("input"))]} if steers else body


def successor(sending: Sending) -> Member:
    """Return the request that continues a response with the input of its steers."""
    previous = {"previous_response_id": sending.last["response"]["id"]}
    return {**sending.body, **previous, "input": input_of(sending.steers)}


def input_of(steers: Sequence[Member]) -> list[Member]:
    """Return the items of the input of steers, in their order."""
    return [item for steer in steers for item in _items(steer["input"])]


def failed(steer: Member, code: str) -> Member:
    """Return the event that returns a steer to the client."""
    error = {"code": code, "message": _REFUSALS[code], "type": "invalid_request_error"}
    returned = {name: steer.get(name) for name in ("input", "previous_response_id")}
    if "id" in steer:
        returned["id"] = steer["id"]
    return {"type": "response.steer.failed", "sequence_number": 0, "error": error, "steer": returned}


def _awaited(call: Member) -> Member:
    kind, members = _AWAITED[call["type"]]
    return {"type": kind, **{name: call.get(name) for name in members}}


def _items(given: object) -> list[Any]:
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": given}]
    return list(given) if isinstance(given, list) else []


def _is_input(given: object) -> bool:
    if isinstance(given, str):
        return True
    return isinstance(given, list) and bool(given) and all(map(_is_message, given))


def _is_message(item: object) -> bool:
    if not isinstance(item, dict) or item.keys() - {"type", "role", "content"}:
        return False
    content = item.get("content")
    has_parts = isinstance(content, list) and all(
        isinstance(part, dict) and part.get("type") in _PARTS for part in content
    )
    is_message = item.get("type", "message") == "message" and item.get("role") == "user"
    return is_message and (isinstance(content, str) or has_parts)
