"""Refuses requests for responses that satisfy their schema, in the order of the service.

It checks the schemas of tools and answers, then what the request continues, then whether there is any input, then what
the model can do, then whether the items of the input belong together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver.errors import ApiError
from mockserver.providers.openai.chat.tool_rules import schema_flaw
from mockserver.providers.openai.response_work.items import type_of
from mockserver.providers.openai.responses.chains import (
    check_conversation,
    check_previous,
    earlier_items,
    with_references,
)
from mockserver.providers.openai.responses.compaction import opened
from mockserver.providers.openai.responses.refusals.capabilities import check_capabilities
from mockserver.providers.openai.responses.refusals.item_rules import check_pairs, check_parts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.pipeline.call import Call
    from mockserver.providers.openai.contexts import ResponsesContext
    from mockserver.providers.openai.response_work.records import Item

_CONTINUED = ("previous_response_id", "prompt", "conversation")


def check_request(context: ResponsesContext, call: Call) -> None:
    """Raise ``ApiError`` for the first thing that the service refuses, after the schema."""
    model, body = call.model, call.document
    assert model is not None
    if model.without_responses == "gone":
        raise ApiError("response_model_gone", model=body["model"])
    assert model.responses is not None
    _check_schemas(body)
    check_continued(context, call)
    check_capabilities(model, body)
    items = _items(body)
    check_parts(context.catalog, context.url_sources, items)
    earlier, given = opened(earlier_items(context, call), with_references(context, call, items))
    check_pairs(earlier, given)


def check_window(call: Call, prompt_tokens: int) -> None:
    """Raise ``ApiError`` if the input has more tokens than the model's context window, unless it may be truncated."""
    window = call.model.context_window if call.model else None
    is_too_long = call.strict and window is not None and prompt_tokens > window
    if is_too_long and call.document.get("truncation") != "auto":
        raise ApiError("response_context_overflow")


def check_input(context: ResponsesContext, call: Call) -> None:
    """Raise ``ApiError`` for an input whose tokens cannot be counted, or that cannot be compacted."""
    _check_schemas(call.document)
    check_continued(context, call)
    check_parts(context.catalog, context.url_sources, _items(call.document))


def check_continued(context: ResponsesContext, call: Call) -> None:
    """Raise ``ApiError`` unless there is what the request continues, or an input."""
    body = call.document
    if body.get("conversation") is not None and body.get("previous_response_id") is not None:
        raise ApiError("response_continues_twice")
    check_conversation(context, call)
    if body.get("prompt") is not None:  # prompts are made on the service's web pages, so there is none
        raise ApiError("response_prompt_not_found", id=body["prompt"]["id"])
    check_previous(context, call)
    if not body.get("input") and all(body.get(name) is None for name in _CONTINUED):
        raise ApiError("response_empty_input")


def _check_schemas(body: Mapping[str, Any]) -> None:
    """Raise ``ApiError`` for a malformed schema of a function or of the answer.

    Where ``strict`` is missing, the service makes the schema strict. Only ``true`` requires that it is.
    """
    for number, tool in enumerate(body.get("tools") or ()):
        if tool["type"] != "function":
            continue
        strict = tool.get("strict") is True
        if reason := schema_flaw(tool.get("parameters"), strict=strict, of_function=strict):
            raise ApiError(
                "chat_invalid_parameters_schema",
                param=f"tools[{number}].parameters",
                function=tool["name"],
                reason=reason,
            )
    wanted = (body.get("text") or {}).get("format") or {}
    if wanted.get("type") == "json_schema":
        strict = wanted.get("strict") is True
        if reason := schema_flaw(wanted["schema"], strict=strict, of_function=False):
            raise ApiError(
                "chat_invalid_response_schema",
                param="text.format.schema",
                code="invalid_json_schema",
                wanted=wanted["name"],
                reason=reason,
            )


def _items(body: Mapping[str, Any]) -> list[Item]:
    """Return the items of the input, all with a type."""
    given = body.get("input")
    return [item | {"type": type_of(item)} for item in given] if isinstance(given, list) else []
