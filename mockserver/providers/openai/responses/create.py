"""``POST /v1/responses``: responses to texts, images, files, audio and the results of tools."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from mockserver import json_styles
from mockserver.pipeline.call import Answer, Call
from mockserver.pipeline.responses import storage_error
from mockserver.providers.openai.responses import chains
from mockserver.providers.openai.responses.echo import echoed, tier_of, tool_usage
from mockserver.providers.openai.responses.identifiers import response_id
from mockserver.providers.openai.responses.items import shown
from mockserver.providers.openai.responses.output import Output, output_of
from mockserver.providers.openai.responses.records import conversation_id_of
from mockserver.providers.openai.responses.request import ResponseRequest, response_request
from mockserver.providers.openai.responses.sealed import seal, unseal
from mockserver.providers.openai.responses.stream import ItemStream
from mockserver.state.disk import StateFailed
from mockserver.wire import moderation, responses, sse

if TYPE_CHECKING:
    from mockserver.providers.openai.contexts import ResponsesContext
    from mockserver.providers.openai.responses.items import Item

Member = dict[str, Any]


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
    prepared = prepare(context, call)
    output = prepared.output
    call.outcome.reply = output.as_json
    if call.document.get("stream"):
        return Answer(_stream(context, call, prepared), sse.CONTENT_TYPE, output.answered_by)
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
    request = response_request(context, call, earlier, given)
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


def _stream(context: ResponsesContext, call: Call, prepared: Prepared) -> Generator[bytes]:
    """Yield the events. A client that leaves before the end is charged for all of the response."""
    ids, request = context.ids, prepared.request
    options = request.body.get("stream_options") or {}
    events = responses.Events(None if options.get("include_obfuscation") is False else ids.obfuscation)
    begun = prepared.shown(prepared.begun(), in_event=True)
    try:
        yield events.event("response.created", response=begun)
        yield events.event("response.in_progress", response=begun)

        def resealed(sealed: str) -> str:
            return seal(ids, context.clock.now(), unseal(sealed))

        yield from ItemStream(events, request, resealed).of_items(prepared.output.items)
        ended = prepared.ended(context.clock.now())
        chains.keep(context, call, responses.response(ended), prepared.given)
    except StateFailed as error:  # the status is sent already
        fields = context.errors.fields(storage_error(error))
        yield from events.failure(begun, "server_error", str(fields["message"]))
        return
    finally:
        call.settle(prepared.usage)
    yield events.event(f"response.{ended['status']}", response=prepared.shown(ended, in_event=True))


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
