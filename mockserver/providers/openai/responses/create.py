"""``POST /v1/responses``: responses to texts, images, files, audio and the results of tools."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from mockserver import json_styles
from mockserver.pipeline.call import Answer, Call
from mockserver.pipeline.responses import storage_error
from mockserver.providers.openai.audio.speaking import started
from mockserver.providers.openai.response_work import progress
from mockserver.providers.openai.response_work.records import RESPONSE, Item, conversation_id_of
from mockserver.providers.openai.responses import chains
from mockserver.providers.openai.responses.compaction import opened
from mockserver.providers.openai.responses.echo import echoed, tier_of, tool_usage
from mockserver.providers.openai.responses.event_stream import event_stream
from mockserver.providers.openai.responses.identifiers import response_id
from mockserver.providers.openai.responses.items import shown
from mockserver.providers.openai.responses.output import Output, output_of
from mockserver.providers.openai.responses.request import ResponseRequest, response_request
from mockserver.providers.openai.responses.rules import check_window
from mockserver.providers.openai.responses.sealed import seal, unseal
from mockserver.providers.openai.responses.stream import ItemStream
from mockserver.state.disk import StateFailed
from mockserver.wire import moderation, responses, sse

if TYPE_CHECKING:
    from mockserver.providers.openai.contexts import ResponsesContext

Member = dict[str, Any]

# The first events of a stream, with the state of the response in each: made at once, and in the background.
_AT_ONCE = {"created": "in_progress", "in_progress": "in_progress"}
_QUEUED = {"created": "queued", "queued": "queued", "in_progress": "in_progress"}


class Prepared(msgspec.Struct, frozen=True):
    """A request that is read and has its output: what is sent follows from it.

    ``common`` are the members of the response that do not change, ``given`` the items of its input.
    """

    request: ResponseRequest
    output: Output
    common: Member
    given: Sequence[Item]

    @property
    def usage(self) -> Member:
        """Return the ``usage`` of the response."""
        output = self.output
        return responses.usage(
            read=self.request.prompt_tokens, written=output.written, reasoned=output.reasoned
        )

    def begun(self, status: str = "in_progress") -> Member:
        """Return the members of the response before its output is known."""
        return self.common | {
            "status": status,
            "completed_at": None,
            "error": None,
            "incomplete_details": None,
            "moderation": None,
            "output": [],
            "service_tier": self.request.body.get("service_tier") or "auto",
            "tool_usage": tool_usage(),
            "usage": None,
        }

    def ended(self, now: float) -> Member:
        """Return the members of the complete response, with items as they are stored."""
        reason = self.output.incomplete
        return self.begun("incomplete" if reason else "completed") | {
            "completed_at": None if reason else int(now),
            "incomplete_details": {"reason": reason} if reason else None,
            "moderation": _moderation(self.request, self.output),
            "output": self.output.items,
            "service_tier": tier_of(self.request.body, self.request.rules),
            "tool_usage": tool_usage(self.output.items),
            "usage": self.usage,
        }

    def shown(self, members: Mapping[str, Any], *, in_event: bool = False) -> Member:
        """Return the response object with ``members``, as the request includes them."""
        output = [shown(item, self.request.includes) for item in members["output"]]
        return responses.response({**members, "output": output}, in_event=in_event)


def create_response(context: ResponsesContext, call: Call) -> Answer:
    """Reply to the input, and store the response."""
    held = context.busy.held(call.account.id, _locked(call), call.request_id)
    with contextlib.ExitStack() as holding:
        holding.enter_context(held)
        prepared = prepare(context, call)
        output = prepared.output
        call.outcome.reply = output.as_json
        if call.document.get("background"):
            return _in_background(context, call, prepared)
        if call.document.get("stream"):
            events = _stream(context, call, prepared, holding.pop_all())
            return Answer(started(events), sse.CONTENT_TYPE, output.answered_by)
        ended = prepared.ended(context.clock.now())
        chains.keep(context, call, responses.response(ended), prepared.given)
        body = json_styles.two_spaces_ascii(prepared.shown(ended))
        return Answer(body, "application/json", output.answered_by, usage=prepared.usage)


def prepare(context: ResponsesContext, call: Call) -> Prepared:
    """Read a request, and make the output of its response. Raises ``ApiError``."""
    assert call.model is not None
    assert call.model.responses is not None
    body, now = call.document, context.clock.now()
    chain = chains.chain_for(context, call)
    earlier = chains.earlier_items(context, call)
    given = chains.input_items(context, call, chain)
    identifier = response_id(context.ids, chain, now)
    request = response_request(context, call, *opened(earlier, given))
    check_window(call, request.prompt_tokens)
    output = output_of(context, call, request, chain)
    snapshot = call.model.snapshot
    common = echoed(body, request.rules) | {
        "id": identifier,
        "created_at": int(now),
        "model": snapshot if call.strict else str(body.get("model") or snapshot),
    }
    conversation = conversation_id_of(body)
    if conversation is not None:
        common["conversation"] = {"id": conversation}
    return Prepared(request, output, common, given)


def _in_background(context: ResponsesContext, call: Call, prepared: Prepared) -> Answer:
    """Store the response with its end, which clients see when it is due, and answer with its beginning."""
    seconds, now, identifier = call.settings.background_seconds, context.clock.now(), prepared.common["id"]
    ended = prepared.ended(now + 2 * seconds)
    queued, events = responses.response(prepared.begun("queued")), None
    if call.document.get("stream"):
        writer = _writer(context, prepared)
        written = [*_events(context, prepared, writer, _QUEUED), _last_event(prepared, writer, ended)]
        events = [event.decode() for event in written]
    context.busy.pass_on(call.account.id, conversation_id_of(call.document), call.request_id, identifier)
    value = progress.new(queued, responses.response(ended), now, seconds, events)
    context.store.put(RESPONSE, call.account.id, identifier, value | {"input": list(prepared.given)})
    call.settle(prepared.usage)
    answered_by = prepared.output.answered_by
    if events is not None:
        answer = event_stream(context, call, identifier)
        return Answer(answer.body, answer.content_type, answered_by)
    return Answer(json_styles.two_spaces_ascii(queued), "application/json", answered_by)


def _stream(
    context: ResponsesContext, call: Call, prepared: Prepared, holding: contextlib.ExitStack
) -> Generator[bytes]:
    """Yield the events. A client that leaves before the end is charged for all of the response."""
    events = _writer(context, prepared)
    try:
        with holding:
            yield from _events(context, prepared, events, _AT_ONCE)
            ended = prepared.ended(context.clock.now())
            chains.keep(context, call, responses.response(ended), prepared.given)
    except StateFailed as error:  # the status is sent already
        fields = context.errors.fields(storage_error(error))
        begun = prepared.shown(prepared.begun(), in_event=True)
        yield from events.failure(begun, "server_error", str(fields["message"]))
        return
    finally:
        call.settle(prepared.usage)
    yield _last_event(prepared, events, ended)


def _writer(context: ResponsesContext, prepared: Prepared) -> responses.Events:
    options = prepared.request.body.get("stream_options") or {}
    is_plain = options.get("include_obfuscation") is False
    return responses.Events(None if is_plain else context.ids.obfuscation)


def _events(
    context: ResponsesContext, prepared: Prepared, events: responses.Events, beginning: Mapping[str, str]
) -> Generator[bytes]:
    """Yield all events but the last. ``beginning`` are the first ones, with the state of the response in each."""
    ids = context.ids
    for name, status in beginning.items():
        begun = prepared.shown(prepared.begun(status), in_event=True)
        yield events.event(f"response.{name}", response=begun)

    def resealed(sealed: str) -> str:
        try:
            return seal(ids, context.clock.now(), unseal(sealed))
        except ValueError:  # a stub gave the text
            return sealed

    yield from ItemStream(events, prepared.request, resealed).of_items(prepared.output.items)


def _last_event(prepared: Prepared, events: responses.Events, ended: Member) -> bytes:
    return events.event(f"response.{ended['status']}", response=prepared.shown(ended, in_event=True))


def _locked(call: Call) -> str | None:
    """Return the conversation that no other response may be made for at the same time."""
    return conversation_id_of(call.document) if call.strict else None


def _moderation(request: ResponseRequest, output: Output) -> Member | None:
    """Return the results of moderation, if the request asks for them."""
    options = request.body.get("moderation")
    if not options:
        return None
    turns = request.conversation.turns
    prompt = "\n".join(text for turn in turns for text in (turn.text, turn.transcript) if text)
    texts = {"input": prompt, "output": output.text}
    return {
        name: moderation.results(options["model"], [text], output.flagged.get(name, ()))["results"][0]
        for name, text in texts.items()
    }
