"""Refuses the parameters of a chat, and their values, that the model does not accept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mockserver.errors import ApiError
from mockserver.wording import enumeration

if TYPE_CHECKING:
    from mockserver.catalog.records import ChatRules, ModelCard, ParameterRefusal

Body = Mapping[str, Any]

_ERRORS: Mapping[ParameterRefusal, str] = {
    "unsupported": "chat_unsupported_parameter",
    "fixed": "chat_fixed_temperature",
    "unknown": "chat_unknown_parameter",
    "unrecognized": "chat_unrecognized_parameter",
    "incompatible": "chat_incompatible_parameter",
    "no_search": "chat_no_search",
    "no_tools": "chat_no_tools",
    "max_tokens": "chat_no_max_tokens",
}
# Default values, which are accepted even if the parameter is refused.
_DEFAULTS: Mapping[str, Any] = {
    "temperature": 1,
    "top_p": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "logprobs": False,
    "logit_bias": {},
    "tools": [],
    "max_tokens": None,
}
_MAX_LOGPROBS = 20  # alternatives for each token, for all models (API reference, Create chat completion)
_RETENTIONS = ("in_memory", "24h")  # values of prompt_cache_retention that some model accepts
_QUOTED = 2_000  # characters of a value that a refusal repeats
_SWITCHES = {"top_logprobs": "logprobs", "stream_options": "stream"}


def check_known(model: ModelCard, body: Body) -> None:
    """Raise ``ApiError`` for a parameter of other models that is unknown to this model."""
    assert model.chat is not None
    _refuse({name: way for name, way in model.chat.refuses.items() if way == "unknown"}, body)


def check_parameters(model: ModelCard, body: Body) -> None:
    """Raise ``ApiError`` for the first parameter or value that the model does not accept."""
    rules = model.chat
    assert rules is not None
    _check_roles(rules, body)
    _check_choices(rules, body)
    _check_top_logprobs(rules, body)
    _check_cache_retention(rules, body)
    _refuse(rules.refuses, body)
    _check_value("reasoning_effort", rules.efforts, body)
    _check_value("verbosity", rules.verbosities, body)
    reasons = rules.reasons(body.get("reasoning_effort"))
    if reasons:
        _refuse(rules.refuses_reasoning, body)
    for name, switch in _SWITCHES.items():
        if body.get(name) is not None and not body.get(switch):
            raise ApiError("chat_needs_switch", param=name, switch=switch)
    check_logit_bias(body)
    if reasons and rules.tools_while_reasoning != "called" and _has_functions(body):
        raise ApiError(f"chat_tools_need_{rules.tools_while_reasoning}", model=model.id)
    _check_max_tokens(model, body)


def _refuse(refused: Mapping[str, ParameterRefusal], body: Body) -> None:
    for name, way in refused.items():
        value = body.get(name)
        if value is None:
            continue
        if way in ("unsupported", "fixed", "no_tools") and value == _DEFAULTS.get(name):
            continue
        param = None if way in ("unrecognized", "incompatible", "no_tools") else name
        raise ApiError(_ERRORS[way], param=param, parameter=name, value=value)


def _check_roles(rules: ChatRules, body: Body) -> None:
    for number, message in enumerate(body["messages"]):
        if message["role"] in rules.roles_refused:
            raise ApiError("chat_role_refused", param=f"messages[{number}].role", role=message["role"])


def _check_choices(rules: ChatRules, body: Body) -> None:
    if (body.get("n") or 1) > rules.max_choices:
        raise ApiError("chat_too_many_choices", param="n", most=rules.max_choices, given=int(body["n"]))


def _check_value(name: str, supported: tuple[str, ...], body: Body) -> None:
    value = body.get(name)
    if value is not None and supported and value not in supported:
        quoted, listed = repr(value)[:_QUOTED], enumeration(supported, "and")
        raise ApiError("chat_unsupported_value", param=name, value=quoted, supported=listed)


def _check_top_logprobs(rules: ChatRules, body: Body) -> None:
    given = int(body.get("top_logprobs") or 0)
    if rules.max_top_logprobs is not None and given > rules.max_top_logprobs:
        raise ApiError("chat_too_many_logprobs", most=rules.max_top_logprobs)
    if given > _MAX_LOGPROBS:
        raise ApiError("chat_too_many_choices", param="top_logprobs", most=_MAX_LOGPROBS, given=given)


def _check_cache_retention(rules: ChatRules, body: Body) -> None:
    value = body.get("prompt_cache_retention")
    if value is None or value in rules.cache_retention:
        return
    if value not in _RETENTIONS:
        raise ApiError("chat_unknown_cache_retention")
    raise ApiError("chat_cache_retention", only=rules.cache_retention[0])


def check_logit_bias(body: Body) -> None:
    """Raise ``ApiError`` for a key that cannot be the id of a token."""
    for token in body.get("logit_bias") or ():
        if not (token.isascii() and token.isdecimal()):
            raise ApiError("chat_logit_bias_key", key=token[:_QUOTED])


def _has_functions(body: Body) -> bool:
    return any(tool["type"] == "function" for tool in body.get("tools") or ())


def _check_max_tokens(model: ModelCard, body: Body) -> None:
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        raise ApiError("chat_max_tokens_twice")
    for name in ("max_tokens", "max_completion_tokens"):
        if body.get(name) is None:
            continue
        given = int(body[name])
        if model.max_output_tokens is not None and given > model.max_output_tokens:
            raise ApiError("chat_max_tokens_too_large", param=name, given=given, most=model.max_output_tokens)
