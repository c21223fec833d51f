"""Refuses what a model cannot do in a response, by the rules of its row in the catalog."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mockserver.errors import ApiError
from mockserver.wording import enumeration

if TYPE_CHECKING:
    from mockserver.catalog.records import ModelCard, ResponsesRules

Body = Mapping[str, Any]

_SAMPLING = ("temperature", "top_p", "presence_penalty", "frequency_penalty")
_LOGPROBS = "message.output_text.logprobs"
_ENCRYPTED = "reasoning.encrypted_content"
_QUOTED = 2_000  # characters of a value that a refusal repeats


def check_capabilities(model: ModelCard, body: Body) -> None:
    """Raise ``ApiError`` for the first parameter, value or part that the model does not accept."""
    rules = model.responses
    assert rules is not None
    reasoning = body.get("reasoning") or {}
    if rules.reasons(reasoning.get("effort")):
        _check_sampling(body)
    _check_reasoning(rules, reasoning, body)
    _check_value("text.verbosity", (body.get("text") or {}).get("verbosity"), rules.verbosities, body)
    _check_cache_retention(rules, body)
    _check_include(rules, body)
    if model.chat is not None and not model.chat.images and any(_images(body)):
        raise ApiError("response_no_images")
    _check_tools(rules, body)
    if body.get("background") and body.get("store") is False:
        raise ApiError("response_background_unstored")


def _check_sampling(body: Body) -> None:
    for name in _SAMPLING:
        if body.get(name) is not None:
            raise ApiError("response_unsupported_parameter", param=name)
    if body.get("top_logprobs"):
        raise ApiError("response_no_logprobs", param="top_logprobs")
    if _LOGPROBS in (body.get("include") or ()):
        raise ApiError("response_no_logprobs", param="include")


def _check_reasoning(rules: ResponsesRules, reasoning: Body, body: Body) -> None:
    if not rules.efforts:
        for name in ("effort", "summary", "generate_summary"):
            if reasoning.get(name) is not None:
                param = f"reasoning.{name}"
                raise ApiError("response_unsupported_parameter", param=param, code="unsupported_parameter")
    _check_value("reasoning.effort", reasoning.get("effort"), rules.efforts, body)
    for name, accepted in (("mode", rules.modes), ("context", rules.contexts)):
        if reasoning.get(name) is not None and (reasoning[name] not in accepted or not rules.efforts):
            raise ApiError("response_unsupported_member", param=f"reasoning.{name}")


def _check_value(param: str, value: str | None, accepted: tuple[str, ...], body: Body) -> None:
    if value is not None and value not in accepted:
        raise ApiError(
            "response_unsupported_value",
            param=param,
            value=value[:_QUOTED],
            model=body["model"],
            supported=enumeration(accepted, "and"),
        )


def _check_cache_retention(rules: ResponsesRules, body: Body) -> None:
    retention = body.get("prompt_cache_retention")
    if retention is not None and retention not in rules.cache_retentions:
        raise ApiError("response_cache_retention", only=rules.cache_retentions[0])


def _check_include(rules: ResponsesRules, body: Body) -> None:
    if not rules.efforts and _ENCRYPTED in (body.get("include") or ()):
        raise ApiError("response_no_encrypted_content")


def _images(body: Body) -> Iterator[Body]:
    """Yield the images of messages and of the outputs of functions."""
    given = body.get("input")
    for item in given if isinstance(given, list) else ():
        content = item.get("content", item.get("output"))
        for part in content if isinstance(content, list) else ():
            if part.get("type") == "input_image":
                yield part


def _check_tools(rules: ResponsesRules, body: Body) -> None:
    tools = body.get("tools") or ()
    if rules.needs_one_of and not any(_is_one_of(tool["type"], rules.needs_one_of) for tool in tools):
        raise ApiError("response_needs_tools", tools=enumeration(rules.needs_one_of, "or"))
    choice = body.get("tool_choice")
    if choice == "required" and not tools:
        raise ApiError("response_tool_not_found", choice=choice)
    if not isinstance(choice, dict):
        return
    chosen = choice["tools"] if choice["type"] == "allowed_tools" else [choice]
    for each in chosen:
        if not any(_is_chosen(tool, each) for tool in _with_members(tools)):
            raise ApiError("response_tool_not_found", choice=str(each.get("type"))[:_QUOTED])


def _is_one_of(kind: str, wanted: tuple[str, ...]) -> bool:
    """Return whether a type of tool, which may be dated, is one of the ``wanted`` types."""
    return any(kind == each or kind.startswith(f"{each}_20") for each in wanted)


def _with_members(tools: Any) -> Iterator[Body]:
    """Yield the tools, and those in namespaces."""
    for tool in tools:
        yield tool
        if tool["type"] == "namespace":
            yield from tool["tools"]


def _is_chosen(tool: Body, choice: Body) -> bool:
    kind = str(choice.get("type"))
    if kind in ("function", "custom"):
        return bool(tool["type"] == kind and tool["name"] == choice.get("name"))
    if kind == "mcp":
        return bool(tool["type"] == "mcp" and tool["server_label"] == choice.get("server_label"))
    return bool(tool["type"] == kind or _is_one_of(tool["type"], (kind,)) or _computer(tool["type"], kind))


def _computer(one: str, other: str) -> bool:
    return one.startswith("computer") and other.startswith("computer")
