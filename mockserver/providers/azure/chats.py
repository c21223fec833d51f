"""Chats and completions on Azure: OpenAI's, with the results of the content filter, in Azure's form."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable
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

_LEFT_OUT = ("service_tier", "obfuscation")
_DATA = b"data: "


def create_filtered(context: ChangedContext, call: Call) -> Answer:
    """Return OpenAI's answer with the results of the filter, or without its text if the filter blocks it."""
    prompt = content_filter.prompt_results(call)
    answer = context.answer(call)
    filtered = _Filtered(prompt, content_filter.answer_results(call))
    if isinstance(answer.body, bytes):
        return replace(answer, body=filtered.whole(answer.body))
    return replace(answer, body=filtered.stream(answer.body))


class _Filtered:
    """Writes the answers to a request, of which the filter has found the results."""

    def __init__(self, prompt: Results, answer: Results) -> None:
        self._prompt = [{"prompt_index": 0, "content_filter_results": prompt}]
        self._answer = answer
        self._is_blocked = content_filter.is_blocked(answer)

    def whole(self, body: bytes) -> bytes:
        """Return a completion in Azure's form."""
        completion = json.loads(body)
        completion["choices"] = [self._choice(choice) for choice in completion["choices"]]
        members = _without(completion) | {"prompt_filter_results": self._prompt}
        return json_styles.compact(_in_order(members)) + b"\n"

    def stream(self, body: Iterable[bytes]) -> Generator[bytes]:
        """Yield the events of a stream in Azure's form: first the results for the prompt."""
        head = {"choices": [], "created": 0, "id": "", "model": "", "object": ""}
        try:
            yield _event({**head, "prompt_filter_results": self._prompt})
            for event in sse.events(body):
                yield from self._events(event)
        finally:
            close = getattr(body, "close", None)
            if close is not None:
                close()

    def _events(self, event: bytes) -> Iterable[bytes]:
        """Yield an event in Azure's form; none if the filter blocks what is in it."""
        try:
            chunk = json.loads(event.removeprefix(_DATA))
        except ValueError:  # [DONE]
            chunk = None
        if not isinstance(chunk, dict) or "choices" not in chunk:
            yield event
            return
        choices = [self._chunk_choice(choice) for choice in chunk["choices"]]
        if all(choices) or not choices:
            yield _event(_in_order(_without(chunk) | {"choices": choices}))

    def _choice(self, choice: Member) -> Member:
        message = choice.get("message", {})
        results = {} if message.get("tool_calls") and not self._is_blocked else self._answer
        changed: Member = {"logprobs": None, **choice, "content_filter_results": results}
        if self._is_blocked:
            changed["finish_reason"] = "content_filter"
            changed |= {"message": {"role": "assistant"}} if message else {"text": ""}
        return changed

    def _chunk_choice(self, choice: Member) -> Member | None:
        """Return a choice of a chunk; ``None`` if it has content that is blocked."""
        delta = choice.get("delta", choice)
        has_content = any(delta.get(name) for name in ("content", "text", "audio"))
        is_content = has_content or (self._is_blocked and bool(delta.get("tool_calls")))
        if self._is_blocked and is_content:
            return None
        ends = bool(choice.get("finish_reason"))
        shown = has_content or (ends and self._is_blocked)
        results = self._answer if shown else {}
        changed: Member = {"logprobs": None, **choice, "content_filter_results": results}
        if ends and self._is_blocked:
            changed["finish_reason"] = "content_filter"
        return changed


def _event(chunk: Member) -> bytes:
    return _DATA + json_styles.streamed(chunk) + b"\n\n"


def _without(members: Member) -> Member:
    return {name: value for name, value in members.items() if name not in _LEFT_OUT}


def _in_order(value: Any) -> Any:
    """Return a JSON value with its members in alphabetical order, except for those of the filter."""
    if isinstance(value, list):
        return [_in_order(each) for each in value]
    if isinstance(value, dict):
        kept = ("content_filter_results", "prompt_filter_results")
        return {name: each if name in kept else _in_order(each) for name, each in sorted(value.items())}
    return value
