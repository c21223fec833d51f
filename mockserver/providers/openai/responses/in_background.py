"""Responses with ``background``: stored with their output or a way to make it, and answered with their beginning."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mockserver import json_styles
from mockserver.errors import ApiError
from mockserver.pipeline.call import Answer, Call
from mockserver.providers.openai.response_work import progress
from mockserver.providers.openai.response_work.background import Made, NotMade
from mockserver.providers.openai.response_work.records import RESPONSE, Value, conversation_id_of
from mockserver.providers.openai.responses.event_stream import event_stream
from mockserver.providers.openai.responses.prepared import (
    Begun,
    event_writer,
    first_events,
    item_events,
    last_events,
    prepared_output,
)
from mockserver.state.disk import StateFailed
from mockserver.wire import responses

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.providers.openai.contexts import ResponsesContext

_BEGINNING = {"created": "queued", "queued": "queued", "in_progress": "in_progress"}  # the first events


def in_background(context: ResponsesContext, call: Call, begun: Begun) -> Answer:
    """Store a response, and answer with its beginning.

    Its output is made at once, unless another server makes it: then in the background, too. Raises ``ApiError``.
    """
    now, seconds, identifier = context.clock.now(), call.settings.background_seconds, begun.common["id"]
    is_streamed = bool(call.document.get("stream"))
    writer = event_writer(context, begun)
    events = [event.decode() for event in first_events(begun, writer, _BEGINNING)]
    make = partial(_made, context, call, begun, writer, now + 2 * seconds)
    made = None
    if call.settings.reply_from and call.scripted is None:
        context.background.make_later(call.account.id, identifier, partial(_made_later, context, make))
    else:
        made = make()
        events += made.events
    queued, result = responses.response(begun.begun("queued")), made.result if made else None
    value = progress.new(queued, result, now, seconds, events if is_streamed else None)
    _store(context, call, {**call.kept, **value, "input": list(begun.given)})
    answered_by = made.answered_by if made else None
    if is_streamed:
        answer = event_stream(context, call, identifier)
        return Answer(answer.body, answer.content_type, answered_by)
    return Answer(json_styles.two_spaces_ascii(queued), "application/json", answered_by)


def _store(context: ResponsesContext, call: Call, value: Value) -> None:
    """Store a response, whose conversation is then busy until its end."""
    account_id, identifier = call.account.id, value["response"]["id"]
    conversation_id = conversation_id_of(call.document)
    context.busy.pass_on(account_id, conversation_id, call.request_id, identifier)
    try:
        context.store.put(RESPONSE, account_id, identifier, value)
    except StateFailed:
        context.background.forget(account_id, identifier)
        context.busy.release(account_id, conversation_id, identifier)
        raise


def _made_later(context: ResponsesContext, make: Callable[[], Made]) -> Made:
    """Make the output of a response in the background. Raises ``NotMade``."""
    try:
        return make()
    except ApiError as error:
        raise NotMade(str(context.errors.fields(error)["message"])) from error


def _made(context: ResponsesContext, call: Call, begun: Begun, writer: responses.Events, then: float) -> Made:
    """Make the output of a response that is to end at the time ``then``, or later. Raises ``ApiError``."""
    prepared = prepared_output(context, call, begun)
    call.settle(prepared.usage)
    ended = prepared.ended(max(then, context.clock.now()))
    events = [*item_events(context, prepared, writer), *last_events(prepared, writer, ended)]
    answered_by = prepared.output.answered_by
    return Made(responses.response(ended), [event.decode() for event in events], answered_by)
