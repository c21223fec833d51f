"""The attributes of requests: parameters of wrong types are left out, and the kind of output is named."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.app import OPERATIONS
from mockserver.providers.openai.routes import REALTIME_TURNS
from mockserver.telemetry.attributes import error_type, gen_ai_of, of_exchange, provider_of, used_tokens
from tests.journal.journal_records import record


def asked(request: dict[str, Any], endpoint: str = "chat") -> dict[str, Any]:
    """Return the attributes of a request to an endpoint."""
    return of_exchange(record(endpoint=endpoint, request=request, model="gpt-4o-mini"), content=False)


@pytest.mark.parametrize(
    ("endpoint", "request_", "output"),
    [
        ("chat", {}, "text"),
        ("chat", {"response_format": {"type": "json_schema"}}, "json"),
        ("chat", {"modalities": ["text", "audio"]}, "speech"),
        ("responses", {"text": {"format": {"type": "json_object"}}}, "json"),
        ("responses", {"text": "odd"}, "text"),
        ("speech", {"response_format": "wav"}, "speech"),
        ("transcriptions", {"response_format": "json"}, "text"),
    ],
)
def test_the_type_of_the_output(endpoint: str, request_: dict[str, Any], output: str) -> None:
    assert asked(request_, endpoint)["gen_ai.output.type"] == output


def test_parameters_of_wrong_types_are_left_out() -> None:
    odd = {"temperature": "hot", "top_p": True, "n": [2], "stop": [1], "service_tier": 3, "conversation": []}
    assert asked(odd) == asked({})


def test_what_is_in_a_request() -> None:
    request = {"n": 2, "stop": "END", "service_tier": "flex", "conversation": {"id": "conv_1"}, "top_p": 1}
    wanted = {
        "gen_ai.request.choice.count": 2,
        "gen_ai.request.stop_sequences": ["END"],
        "openai.request.service_tier": "flex",
        "gen_ai.conversation.id": "conv_1",
        "gen_ai.request.top_p": 1.0,
    }
    assert asked(request) == asked({}) | wanted


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        (None, {}),
        ({"type": "duration", "seconds": 1}, {}),
        ({"prompt_tokens": 3}, {"gen_ai.usage.input_tokens": 3}),
        (
            {"input_tokens": 3, "output_tokens": 0},
            {"gen_ai.usage.input_tokens": 3, "gen_ai.usage.output_tokens": 0},
        ),
    ],
)
def test_the_tokens_of_a_usage(usage: dict[str, Any] | None, tokens: dict[str, int]) -> None:
    assert used_tokens(usage) == tokens


def test_the_type_of_an_error() -> None:
    assert error_type(200, None, hung_up=False) == ""
    assert error_type(404, None, hung_up=False) == ""
    assert error_type(502, None, hung_up=False) == "502"
    assert error_type(None, None, hung_up=False) == "connection_lost"
    assert error_type(200, None, hung_up=True) == "client_disconnected"
    assert error_type(429, "rate_limit_requests", hung_up=False) == "rate_limit_requests"


def test_every_endpoint_with_a_model_is_an_operation_of_generative_ai() -> None:
    resources = {each.resource for each in (*OPERATIONS, *REALTIME_TURNS) if each.endpoint}
    auxiliary = {"responses.compact", "responses.input_tokens", "realtime_transcriptions"}
    assert {name for name in resources if gen_ai_of(name) is None} == auxiliary


def test_the_provider_follows_from_the_path() -> None:
    assert provider_of("chat", "/v1/chat/completions") == "openai"
    assert provider_of("chat", "/openai/v1/chat/completions") == "azure.ai.openai"
    assert provider_of("stt", "/v1/stt/create") == "aimlapi"
