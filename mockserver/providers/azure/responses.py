"""Responses on Azure: OpenAI's, with the results of the content filter and without the payer."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from mockserver import json_styles
from mockserver.providers.azure import content_filter
from mockserver.wire import sse

if TYPE_CHECKING:
    from mockserver.pipeline.call import Answer, Call
    from mockserver.providers.azure.content_filter import Results
    from mockserver.providers.azure.contexts import ChangedContext

Member = dict[str, Any]

_ENDED = ("completed", "incomplete", "failed")  # statuses of responses that were filtered
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
    return _changed(
        context.answer(call), [_filter("prompt", prompt, length), _filter("completion", answer, 0)]
    )


def show_filtered(context: ChangedContext, call: Call) -> Answer:
    """Return a stored response with the results of the filter, which let it pass."""
    return _changed(context.answer(call), [_filter("prompt", {}, _TEMPLATE)])


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
    """Return an answer in Azure's form. A completion that is safe is not among the filters."""
    shown = [each for each in filters if each["source_type"] == "prompt" or each["content_filter_results"]]
    if isinstance(answer.body, bytes):
        document = _in_azures_form(json.loads(answer.body), shown)
        return replace(answer, body=json_styles.two_spaces_ascii(document))
    return replace(answer, body=_stream(answer.body, shown))


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
    """Return a response without ``billing`` and with ``content_filters``, before ``error``."""
    changed: Member = {}
    for name, value in response.items():
        if name == "error":
            changed["content_filters"] = filters if response.get("status") in _ENDED else None
        if name != "billing":
            changed[name] = value
    return changed
