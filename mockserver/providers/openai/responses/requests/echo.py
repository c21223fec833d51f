"""The members of a response that repeat those of the request, with the defaults of the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mockserver.providers.openai.responses.requests.tools import made_strict, shown
from mockserver.wire.chat import served_tier

if TYPE_CHECKING:
    from mockserver.catalog.records import ResponsesRules

Body = Mapping[str, Any]
Member = dict[str, Any]

_NULL = (
    *("instructions", "max_output_tokens", "max_tool_calls", "previous_response_id", "prompt_cache_key"),
    *("safety_identifier", "user"),
)
_SUMMARIES = {"auto": "detailed"}  # the kind of summary that a request's kind becomes


def echoed(body: Body, rules: ResponsesRules) -> Member:
    """Return the members of the request, as the response shows them."""
    given = {name: value for name, value in body.items() if value is not None}
    echo: Member = dict.fromkeys(_NULL) | {name: given[name] for name in _NULL if name in given}
    for name, default in {"temperature": 1.0, "top_p": rules.top_p}.items():
        echo[name] = float(given.get(name, default))
    for name in ("frequency_penalty", "presence_penalty"):
        echo[name] = float(given.get(name, 0.0))
    echo |= {
        "background": given.get("background", False),
        "metadata": given.get("metadata", {}),
        "parallel_tool_calls": given.get("parallel_tool_calls", True),
        "prompt_cache_retention": given.get("prompt_cache_retention", rules.cache_retention),
        "reasoning": _reasoning(given.get("reasoning", {}), rules),
        "store": given.get("store", True),
        "text": _text(given.get("text", {})),
        "tool_choice": given.get("tool_choice", "auto"),
        "tools": [shown(tool) for tool in given.get("tools", ())],
        "top_logprobs": int(given.get("top_logprobs", 0)),
        "truncation": given.get("truncation", "disabled"),
    }
    if "prompt" in given:
        echo["prompt"] = given["prompt"]
    return echo


def tier_of(body: Body, rules: ResponsesRules) -> str:
    """Return the ``service_tier`` of a finished response."""
    requested = body.get("service_tier")
    served = served_tier(requested)
    return rules.fast_tier if served == "priority" else served


def tool_usage(output: Sequence[Mapping[str, Any]] = ()) -> Member:
    """Return the ``tool_usage`` of a response with these items."""
    images = {"image_tokens": 0, "text_tokens": 0}
    return {
        "image_gen": {
            "input_tokens": 0,
            "input_tokens_details": images,
            "output_tokens": 0,
            "output_tokens_details": images,
            "total_tokens": 0,
        },
        "web_search": {"num_requests": sum(item["type"] == "web_search_call" for item in output)},
    }


def _reasoning(given: Body, rules: ResponsesRules) -> Member:
    summary = given.get("summary") or given.get("generate_summary")
    context = given.get("context")
    reasoning = {
        "context": rules.context if context in (None, "auto") else context,
        "effort": given.get("effort") or rules.effort,
    }
    if rules.efforts:
        reasoning["mode"] = given.get("mode") or rules.modes[0]
    return reasoning | {"summary": _SUMMARIES.get(summary, summary) if summary else None}


def _text(given: Body) -> Member:
    return {
        "format": _format(given.get("format") or {"type": "text"}),
        "verbosity": given.get("verbosity") or "medium",
    }


def _format(given: Body) -> Member:
    if given.get("type") != "json_schema":
        return dict(given)
    schema, strict = given.get("schema") or {}, given.get("strict")
    return {
        "type": "json_schema",
        "description": given.get("description"),
        "name": given.get("name"),
        "schema": made_strict(schema) if strict is None else schema,
        "strict": strict is not False,
    }
