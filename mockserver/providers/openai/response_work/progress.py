"""The progress of a response in the background: its states by the clock, and the events that are due.

The value of such a response has ``background``: ``since`` (when its state began, by the clock), ``seconds`` (in each
state), ``result`` (the response when it has ended; ``None`` until its output is made), ``events`` (of its stream, each
as it is sent; ``None`` if it was not created with ``stream``), ``announce`` (true after its end until that is announced
to webhooks). ``response`` is the object that clients see now.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mockserver.pipeline.background_work import BackgroundWork
from mockserver.wire import responses

if TYPE_CHECKING:
    from mockserver.providers.openai.response_work.records import Value

FINAL = frozenset({"completed", "incomplete", "failed", "cancelled"})
STREAMABLE = 300  # seconds after its creation during which a response can be retrieved as a stream

FAILURE = "server_error"  # the code of a response that fails for a reason of the server
_BEFORE_WORK = 2  # events: response.created and response.queued


def new(
    queued: Value, result: Value | None, now: float, seconds: float, events: Sequence[str] | None
) -> Value:
    """Return the value of a response that is created at ``now``, without its input.

    ``queued`` is its object at first, ``result`` that at the end, if it is known.
    """
    background = {
        "since": now,
        "seconds": seconds,
        "result": result,
        "events": None if events is None else list(events),
    }
    return {"response": queued, "background": background}


def is_final(value: Value) -> bool:
    """Return whether a response has ended."""
    return value["response"]["status"] in FINAL


def since(value: Value, now: float) -> float:
    """Return when the state began; not after ``now``, although the clock may have been set back."""
    return float(min(value["background"]["since"], now))


def moved(value: Value, now: float) -> Value:
    """Return the value in the state of the time ``now``."""
    while not is_final(value):
        begun = since(value, now)
        if begun != value["background"]["since"]:
            value = value | {"background": value["background"] | {"since": begun}}
        then = begun + value["background"]["seconds"]
        if now < then or is_waiting(value):
            break
        value = _next_state(value, then)
    return value


def is_waiting(value: Value) -> bool:
    """Return whether a response is in progress and its output is still being made."""
    return value["response"]["status"] == "in_progress" and value["background"]["result"] is None


def made(value: Value, result: Value, events: Sequence[str]) -> Value:
    """Return the value of a response in progress whose output was made; ``events`` are those to come."""
    if is_final(value):
        return value
    background = value["background"]
    known = background["events"]
    added = {"result": result, "events": known if known is None else [*known, *events]}
    return value | {"background": background | added}


def failed(value: Value, message: str) -> Value:
    """Return the value of a response in progress whose output could not be made."""
    response = value["response"]
    result = responses.failed(response, FAILURE, message)
    begun = {name: member for name, member in response.items() if name != "billing"}
    events = responses.Events(None, len(value["background"]["events"] or ())).failure(begun, FAILURE, message)
    return made(value, result, [event.decode() for event in events])


def next_change(value: Value, now: float) -> float:
    """Return the time at which the state ends, or the events are dropped; infinity while the output is made."""
    if is_waiting(value):
        return math.inf
    if is_final(value):
        return float(value["response"]["created_at"] + STREAMABLE)
    return since(value, now) + float(value["background"]["seconds"])


def described(account_id: str, value: Value, now: float) -> BackgroundWork:
    """Return a response in the form that all work in the background has."""
    response, background, then = value["response"], value["background"], None
    if not is_final(value) and not is_waiting(value):
        then = next_change(value, now)
    left = background["seconds"] if response["status"] == "queued" else 0.0
    return BackgroundWork(
        kind="response",
        id=response["id"],
        account_id=account_id,
        endpoint="v1/responses",
        model=response["model"],
        status=response["status"],
        is_finished=is_final(value),
        created_at=response["created_at"],
        ended_at=background["since"] if is_final(value) else None,
        next_change_at=then,
        expected_end_at=None if then is None else then + left,
    )


def cancelled(value: Value, now: float) -> Value:
    """Return the value of a response that is cancelled, unless it has ended. Its stream ends without an event."""
    if is_final(value):
        return value
    events = value["background"]["events"]
    sent = events if events is None else events[: events_due(value, now)]
    background = value["background"] | {"result": None, "events": sent}
    return value | {"response": value["response"] | {"status": "cancelled"}, "background": background}


def to_be_announced(value: Value) -> Value:
    """Return the value of a response whose end is still to be announced to webhooks."""
    return value | {"background": value["background"] | {"announce": True}}


def is_to_be_announced(value: Value) -> bool:
    """Return whether the end of a response is still to be announced."""
    return bool(value["background"].get("announce"))


def announced(value: Value) -> Value:
    """Return the value of a response whose end is announced."""
    left = {name: member for name, member in value["background"].items() if name != "announce"}
    return value | {"background": left}


def is_done(value: Value) -> bool:
    """Return whether a response has ended, and nothing is left to do for it."""
    return is_final(value) and not value["background"]["events"] and not is_to_be_announced(value)


def without_events(value: Value) -> Value:
    """Return the value without its events, which are not sent any more."""
    return value | {"background": value["background"] | {"events": []}}


def events_due(value: Value, now: float) -> int:
    """Return how many events of the stream are due: those of the work are spread over its time."""
    events, status = value["background"]["events"] or (), value["response"]["status"]
    if status == "queued":
        return min(_BEFORE_WORK, len(events))
    if status == "in_progress":
        known = len(events) if is_waiting(value) else max(0, len(events) - 1)
        return min(_due_in_progress(value, now), known)
    return len(events)


def next_event(value: Value, now: float) -> float:
    """Return the time at which another event is due."""
    background = value["background"]
    if value["response"]["status"] != "in_progress" or not background["seconds"] or is_waiting(value):
        return next_change(value, now)
    begun, seconds = since(value, now), background["seconds"]
    number = _due_in_progress(value, now) - _BEFORE_WORK
    return float(begun + seconds * number / _spread(background["events"]))


def _next_state(value: Value, then: float) -> Value:
    response, background = value["response"], value["background"]
    if response["status"] == "queued":
        response = response | {"status": "in_progress"}
    else:
        response, background = background["result"], background | {"result": None}
    return value | {"response": response, "background": background | {"since": then}}


def _due_in_progress(value: Value, now: float) -> int:
    background = value["background"]
    done = (now - since(value, now)) / background["seconds"] if background["seconds"] else 1.0
    return _BEFORE_WORK + 1 + int(_spread(background["events"]) * done)


def _spread(events: Sequence[str] | None) -> int:
    """Return the number of events between the beginning of the work and its end."""
    return max(1, len(events or ()) - _BEFORE_WORK - 2)
