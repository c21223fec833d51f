"""Responses on Azure: OpenAI's, with the results of the content filter and without the payer."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from mockserver import json_styles
from mockserver.providers.azure import content_filter
from mockserver.providers.openai.response_work.records import RESPONSE
from mockserver.wire import sse

if TYPE_CHECKING:
    from mockserver.pipeline.call import Answer, Call
    from mockserver.providers.azure.content_filter import Results
    from mockserver.providers.azure.contexts import ChangedContext, StoredContext

Member = dict[str, Any]

_ENDED = ("completed", "incomplete", "failed")  # statuses of responses that were filtered
_MEMBER = "content_filters"
_DATA = b"\ndata: "
_TEMPLATE = 778  # characters of the service's own in a prompt, in the one that was recorded


def create_filtered(context: ChangedContext, call: Call) -> Answer:
    """Return OpenAI's answer with the results of the filter, or without its text if the filter blocks it."""
    prompt, answer = content_filter.prompt_results(call), content_filter.answer_results(call)
    if call.scripted is not None and content_filter.is_blocked(answer):
        blocked = {**call.scripted.reply, "text": "", "finish_reason": "content_filter"}
        blocked.pop("say", None)
        call.scripted = replace(call.scripted, reply=blocked)
    length = len(call.facts.prompt) + len(call.facts.user_text) + _TEMPLATE
    filters = [_filter("prompt", prompt, length)]
    if content_filter.is_marked(answer):
        filters.append(_filter("completion", answer, 0))
    call.kept = {_MEMBER: filters}
    return _changed(context.answer(call), filters)


def show_filtered(context: StoredContext, call: Call) -> Answer:
    """Return a stored response with the results of the filter; one that was made at OpenAI's paths passed it."""
    answer = context.answer(call)
    value = context.store.get(RESPONSE, call.account.id, call.path["id"]) or {}
    return _changed(answer, value.get(_MEMBER) or [_filter("prompt", {}, _TEMPLATE)])


def _filter(source: str, results: Results, length: int) -> Member:
    """Return the results for the prompt or for the completion, empty if it is safe."""
    found = content_filter.is_marked(results)
    return {
        "blocked": content_filter.is_blocked(results),
        "source_type": source,
        "content_filter_raw": [],
        "content_filter_results": results if found else {},
        "content_filter_offsets": {"start_offset": 0, "end_offset": length, "check_offset": 0},
    }


def _changed(answer: Answer, filters: list[Member]) -> Answer:
    """Return an answer in Azure's form."""
    if isinstance(answer.body, bytes):
        document = _in_azures_form(json.loads(answer.body), filters)
        return replace(answer, body=json_styles.two_spaces_ascii(document))
    return replace(answer, body=_stream(answer.body, filters))


def _stream(body: Iterable[bytes], filters: list[Member]) -> Generator[bytes]:
    """Yield the events of a stream in Azure's form."""
    try:
        for event in sse.events(body):
            head, _, data = event.partition(_DATA)
            payload = json.loads(data) if b'"response":{' in data else {}
            if isinstance(payload.get("response"), dict):
                payload["response"] = _in_azures_form(payload["response"], filters)
                yield head + _DATA + json_styles.streamed(payload) + b"\n\n"
            else:
                yield event
    finally:
        close = getattr(body, "close", None)
        if close is not None:
            close()


def _in_azures_form(response: Mapping[str, Any], filters: list[Member]) -> Member:
    """Return a response without ``billing`` and with the filters, before ``error``."""
    changed: Member = {}
    for name, value in response.items():
        if name == "error":
            changed[_MEMBER] = filters if response.get("status") in _ENDED else None
        if name != "billing":
            changed[name] = value
    return changed
