"""``POST /v1/responses``: responses to texts, images, files, audio and the results of tools."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import TYPE_CHECKING

from mockserver import json_styles
from mockserver.engines.answered_by import AnsweredBy
from mockserver.pipeline.call import Answer, Call
from mockserver.pipeline.responses import storage_error
from mockserver.providers.openai.audio.speaking import started
from mockserver.providers.openai.response_work import progress
from mockserver.providers.openai.response_work.connection_memory import turn_of
from mockserver.providers.openai.response_work.records import conversation_id_of
from mockserver.providers.openai.responses import chains
from mockserver.providers.openai.responses.in_background import in_background
from mockserver.providers.openai.responses.prepared import (
    Begun,
    Prepared,
    event_writer,
    first_events,
    item_events,
    last_events,
    prepared_output,
    read_request,
    without_output,
)
from mockserver.providers.openai.responses.slow_output import made_meanwhile
from mockserver.scripting.faults.kinds import stream_error
from mockserver.state.disk import StateFailed
from mockserver.wire import responses, sse

if TYPE_CHECKING:
    from mockserver.providers.openai.contexts import ResponsesContext

_BEGINNING = {"created": "in_progress", "in_progress": "in_progress"}  # the first events


def create_response(context: ResponsesContext, call: Call) -> Answer:
    """Reply to the input, and store the response."""
    held = context.busy.held(call.account.id, _locked(call), call.request_id)
    with contextlib.ExitStack() as holding:
        holding.enter_context(held)
        begun = read_request(context, call)
        if call.document.get("background"):
            return in_background(context, call, begun)
        is_streamed = bool(call.document.get("stream"))
        if is_streamed and _waits(call):
            events = _stream(context, call, begun, None, holding.pop_all())
            return Answer(started(events), sse.CONTENT_TYPE, AnsweredBy("reply_from"))
        prepared = prepared_output(context, call, begun) if _generates(call) else without_output(begun)
        output = prepared.output
        if is_streamed:
            events = _stream(context, call, begun, prepared, holding.pop_all())
            return Answer(started(events), sse.CONTENT_TYPE, output.answered_by)
        ended = prepared.ended(context.clock.now())
        chains.keep(context, call, responses.response(ended), prepared.given)
        body = json_styles.two_spaces_ascii(prepared.shown(ended))
        return Answer(body, "application/json", output.answered_by, usage=prepared.usage)


def _stream(
    context: ResponsesContext,
    call: Call,
    begun: Begun,
    prepared: Prepared | None,
    holding: contextlib.ExitStack,
) -> Generator[bytes]:
    """Yield the events. Output that is not ``prepared`` is made after the first ones.

    A client that leaves before the end is charged for all of the response.
    """
    events = event_writer(context, begun)
    try:
        with holding:
            yield from first_events(begun, events, _BEGINNING)
            prepared = prepared or (yield from made_meanwhile(context, call, begun, events))
            yield from item_events(context, prepared, events)
            ended = prepared.ended(context.clock.now())
            chains.keep(context, call, responses.response(ended), prepared.given)
    except StateFailed as error:  # the status is sent already
        message = str(context.errors.fields(storage_error(error))["message"])
        yield from events.failure(begun.shown(begun.begun(), in_event=True), progress.FAILURE, message)
        return
    except GeneratorExit:
        _keep_broken(context, call, begun)
        raise
    finally:
        call.settle(prepared.usage if prepared else responses.usage(read=0, written=0))
    yield from last_events(prepared, events, ended)


def _keep_broken(context: ResponsesContext, call: Call, begun: Begun) -> None:
    """Store a response whose stream a fault ends with an error. One whose client has left is not stored."""
    error = stream_error(call.fault)
    if error is not None:
        failed = responses.failed(begun.begun(), *error)
        with contextlib.suppress(StateFailed):  # which is logged already
            chains.keep(context, call, responses.response(failed), begun.given)


def _waits(call: Call) -> bool:
    """Return whether the output comes from a local model, which can take long."""
    return bool(call.settings.reply_from) and call.scripted is None and _generates(call)


def _generates(call: Call) -> bool:
    """Return whether output is wanted. Over a WebSocket, a request can only prepare the next ones."""
    turn = turn_of(call)
    return turn is None or turn.generates


def _locked(call: Call) -> str | None:
    """Return the conversation that no other response may be made for at the same time."""
    return conversation_id_of(call.document) if call.strict else None
