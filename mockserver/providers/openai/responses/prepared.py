"""A request for a response that is read, its output, and the events of its stream."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from mockserver.engines.answered_by import AnsweredBy
from mockserver.providers.openai.response_work import progress
from mockserver.providers.openai.response_work.identifiers import Chain, response_id
from mockserver.providers.openai.response_work.items import shown
from mockserver.providers.openai.response_work.records import Item, conversation_id_of
from mockserver.providers.openai.response_work.sealed import seal, unseal
from mockserver.providers.openai.responses import chains
from mockserver.providers.openai.responses.compaction import opened
from mockserver.providers.openai.responses.output import Output, output_of
from mockserver.providers.openai.responses.refusals.rules import check_window
from mockserver.providers.openai.responses.requests.echo import echoed, tier_of, tool_usage
from mockserver.providers.openai.responses.requests.request import (
    ResponseRequest,
    response_request,
    truncated,
)
from mockserver.providers.openai.responses.stream import ItemStream
from mockserver.wire import moderation, responses, sse

if TYPE_CHECKING:
    from mockserver.pipeline.call import Call
    from mockserver.providers.openai.contexts import ResponsesContext

Member = dict[str, Any]


class Begun(msgspec.Struct, frozen=True):
    """A request that is read.

    ``common`` are the members of the response that do not change, ``given`` the items of its input.
    """

    request: ResponseRequest
    chain: Chain
    common: Member
    given: Sequence[Item]

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

    def shown(self, members: Mapping[str, Any], *, in_event: bool = False) -> Member:
        """Return the response object with ``members``, as the request includes them."""
        output = [shown(item, self.request.includes) for item in members["output"]]
        return responses.response({**members, "output": output}, in_event=in_event)


class Prepared(Begun, frozen=True):
    """A request that has its output: what is sent follows from it."""

    output: Output

    @property
    def usage(self) -> Member:
        """Return the ``usage`` of the response: nothing if it fails."""
        output = self.output
        if output.failure is not None:
            return responses.usage(read=0, written=0)
        return responses.usage(
            read=self.request.prompt_tokens, written=output.written, reasoned=output.reasoned
        )

    def ended(self, now: float) -> Member:
        """Return the members of the response at its end, with items as they are stored."""
        reason, failure = self.output.incomplete, self.output.failure
        if failure is not None:
            code, message = failure.get("code", progress.FAILURE), failure.get("message", sse.FAILED)
            return responses.failed(self.begun() | {"output": self.output.items}, code, message)
        return self.begun("incomplete" if reason else "completed") | {
            "completed_at": None if reason else int(now),
            "incomplete_details": {"reason": reason} if reason else None,
            "moderation": _moderation(self.request, self.output),
            "output": self.output.items,
            "service_tier": tier_of(self.request.body, self.request.rules),
            "tool_usage": tool_usage(self.output.items),
            "usage": self.usage,
        }


def read_request(context: ResponsesContext, call: Call) -> Begun:
    """Read a request, and what it continues. Raises ``ApiError``."""
    assert call.model is not None
    assert call.model.responses is not None
    body, now = call.document, context.clock.now()
    chain = chains.chain_for(context, call)
    earlier = chains.earlier_items(context, call)
    given = chains.input_items(context, call, chain)
    identifier = response_id(context.ids, chain, now)
    request = response_request(context, call, *opened(earlier, given))
    check_window(call, request.prompt_tokens)
    request = truncated(request, call)
    snapshot = call.model.snapshot
    common = echoed(body, request.rules) | {
        "id": identifier,
        "created_at": int(now),
        "model": snapshot if call.strict else str(body.get("model") or snapshot),
    }
    conversation = conversation_id_of(body)
    if conversation is not None:
        common["conversation"] = {"id": conversation}
    return Begun(request, chain, common, given)


def prepared_output(context: ResponsesContext, call: Call, begun: Begun) -> Prepared:
    """Make the output of a response. Raises ``ApiError``."""
    output = output_of(context, call, begun.request, begun.chain)
    call.outcome.reply = output.as_json
    return with_output(begun, output)


def without_output(begun: Begun) -> Prepared:
    """Return a request with an empty output, which later requests can continue."""
    return with_output(begun, Output(AnsweredBy("warmup"), [], 0))


def with_output(begun: Begun, output: Output) -> Prepared:
    """Return a request with its output."""
    return Prepared(begun.request, begun.chain, begun.common, begun.given, output)


def event_writer(context: ResponsesContext, begun: Begun) -> responses.Events:
    """Return a writer of the events of a stream, obfuscated unless the request says otherwise."""
    options = begun.request.body.get("stream_options") or {}
    is_plain = options.get("include_obfuscation") is False
    return responses.Events(None if is_plain else context.ids.obfuscation)


def first_events(begun: Begun, events: responses.Events, beginning: Mapping[str, str]) -> Generator[bytes]:
    """Yield the events before the items: their names, with the state of the response in each."""
    for name, status in beginning.items():
        yield events.event(f"response.{name}", response=begun.shown(begun.begun(status), in_event=True))


def item_events(context: ResponsesContext, prepared: Prepared, events: responses.Events) -> Generator[bytes]:
    """Yield the events of the items."""

    def resealed(sealed: str) -> str:
        try:
            return seal(context.ids, context.clock.now(), unseal(sealed))
        except ValueError:  # a stub gave the text
            return sealed

    yield from ItemStream(events, prepared.request, resealed).of_items(prepared.output.items)


def last_events(begun: Begun, events: responses.Events, ended: Member) -> Iterator[bytes]:
    """Yield the event with the response at its end, after its error if it failed."""
    response, error = begun.shown(ended, in_event=True), ended["error"]
    if error is None:
        yield events.event(f"response.{ended['status']}", response=response)
    else:
        yield from events.failure(response, error["code"], error["message"])


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
