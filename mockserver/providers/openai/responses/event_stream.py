"""The stream of a response in the background, which any number of requests can read, from any event on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from mockserver import json_styles
from mockserver.errors import ApiError
from mockserver.pipeline.call import Answer, Call
from mockserver.providers.openai.response_work import progress
from mockserver.providers.openai.response_work.records import RESPONSE, Value
from mockserver.wire import sse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mockserver.providers.openai.contexts import ResponsesContext

_PATIENCE = 0.1  # seconds between looks whether the client is still there
_PAUSE = 0.01  # seconds until the next look for an event that is due, but late, because a disk is full
_FILLED_TO = 16  # characters of a delta and its obfuscation


def check_streamable(value: Value, now: float) -> None:
    """Raise ``ApiError`` for a response that cannot be retrieved as a stream, or not any more."""
    background = value.get("background")
    if background is None:
        raise ApiError("response_stream_not_background")
    if background["events"] is None:
        raise ApiError("response_stream_not_streamed")
    if now >= value["response"]["created_at"] + progress.STREAMABLE:
        raise ApiError("response_stream_too_old")


def event_stream(
    context: ResponsesContext,
    call: Call,
    response_id: str,
    *,
    after: int = -1,
    obfuscation: bool | None = None,
) -> Answer:
    """Answer with the events of a response whose numbers are above ``after``, those to come too.

    ``obfuscation`` says whether deltas are filled up; ``None``: as they were created.
    """
    events = _kept_events(context, call, response_id, max(0, after + 1))
    if obfuscation is not None:
        events = (_refilled(context, event, obfuscation) for event in events)
    return Answer((event.encode() for event in events), sse.CONTENT_TYPE)


def _kept_events(context: ResponsesContext, call: Call, response_id: str, first: int) -> Iterator[str]:
    with context.background.reading(call.account.id, response_id):
        yield from _events(context, call, response_id, first)


def _events(context: ResponsesContext, call: Call, response_id: str, first: int) -> Iterator[str]:
    """Yield the events from the number ``first`` on, each when it is due. They end when the response is removed."""
    clock, connection = context.clock, call.request.connection
    while not context.closing.is_set():
        value = context.store.get(RESPONSE, call.account.id, response_id)
        if value is None or not value.get("background", {}).get("events"):
            return
        now = clock.now()
        due = progress.events_due(value, now)
        yield from value["background"]["events"][first:due]
        first = max(first, due)
        if progress.is_final(value):
            return
        wait = clock.real_seconds_until(progress.next_event(value, now))
        context.background.wait(max(_PAUSE, min(wait, _PATIENCE)))
        connection.check()


def _refilled(context: ResponsesContext, event: str, obfuscated: bool) -> str:
    """Return an event whose delta is filled up with random characters, or is not."""
    name, _, data = event.partition("\ndata: ")
    payload: dict[str, Any] = msgspec.json.decode(data)
    if "delta" not in payload or ("obfuscation" in payload) == obfuscated:
        return event
    payload.pop("obfuscation", None)
    if obfuscated:
        payload["obfuscation"] = context.ids.obfuscation(-len(payload["delta"]) % _FILLED_TO)
    ordered = {"type": payload.pop("type")} | {key: payload[key] for key in sorted(payload)}
    return f"{name}\ndata: {json_styles.streamed(ordered).decode()}\n\n"
