"""Errors of the catalog that a fault asks for, as clients of the official SDK and raw sockets see them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest

from mockserver.errors import ErrorTable
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.conftest import RawResponse

ROWS = ErrorTable().rows
Chat = Callable[..., RawResponse]


@pytest.fixture
def chat(send: Chat) -> Chat:
    """Send a chat with the header ``x-mock-fault``; return the error."""

    def ask(fault: str, key: str = "sk-mock-tier-1-scripted", model: str = "gpt-4o-mini") -> RawResponse:
        body = {"model": model, "messages": [{"role": "user", "content": "Hello there."}]}
        headers = {"Content-Type": "application/json", "x-mock-fault": fault}
        return send("POST", "/v1/chat/completions", json.dumps(body).encode(), headers, key)

    return ask


def error_of(response: RawResponse) -> dict[str, Any]:
    body = response.json()
    assert isinstance(body, dict)
    error: dict[str, Any] = body["error"]
    return error


@pytest.mark.parametrize("name", ROWS)
def test_every_error_of_the_catalog_can_be_had(chat: Chat, name: str) -> None:
    response = chat(name)
    error = error_of(response)
    assert response.status == ROWS[name]["status"]
    assert error["type"] == ROWS[name].get("type", "invalid_request_error")
    assert error["code"] == ROWS[name].get("code")
    assert "{" not in error["message"]
    assert "None" not in error["message"].replace('type: "None"', "")


@pytest.mark.parametrize(
    ("status", "exception"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError),
        (409, openai.ConflictError),
        (422, openai.UnprocessableEntityError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (503, openai.InternalServerError),
    ],
)
def test_an_error_by_status_is_the_sdks_exception(
    client: openai.OpenAI, status: int, exception: type[openai.APIStatusError]
) -> None:
    with pytest.raises(exception) as refused:
        client.models.list(extra_headers={"x-mock-fault": str(status)})
    assert refused.value.status_code == status


def test_too_many_requests_tell_the_accounts_own_limit(chat: Chat) -> None:
    response = chat("rate_limit_requests", key="sk-mock-tier-2-rpm")
    message = error_of(response)["message"]
    assert message.startswith("Rate limit reached for gpt-4o-mini in organization org-")
    assert (
        "on requests per min (RPM): Limit 5000, Used 5000, Requested 1. Please try again in 12ms." in message
    )
    assert {name: response.headers[name] for name in response.headers if name.endswith("-requests")} == {
        "x-ratelimit-limit-requests": "5000",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "1m0s",
    }
    assert (response.headers["retry-after"], response.headers["retry-after-ms"]) == ("1", "12")


def test_where_a_day_is_limited_too_the_minute_is_reported(chat: Chat) -> None:
    response = chat("rate_limit_requests", key="sk-mock-free-rpm", model="gpt-4o-mini-audio-preview")
    assert "(RPM): Limit 3, Used 3, Requested 1. Please try again in 20s." in error_of(response)["message"]
    assert response.headers["x-ratelimit-limit-requests"] == "3"
    assert response.headers["retry-after"] == "20"


def test_too_many_tokens_tell_the_tokens_of_the_request(chat: Chat) -> None:
    response = chat("rate_limit_tokens")
    assert "(TPM): Limit 200000, Used 200000, Requested 5. Please" in error_of(response)["message"]
    assert response.headers["x-ratelimit-remaining-tokens"] == "0"
    assert response.headers["x-ratelimit-reset-tokens"] == "1m0s"
    assert response.headers["x-ratelimit-remaining-requests"] == "9999"


def test_a_request_too_large_asks_for_more_than_the_limit(chat: Chat) -> None:
    response = chat("request_too_large")
    assert "(TPM): Limit 200000, Requested 200005. The input" in error_of(response)["message"]
    assert "retry-after" not in response.headers


@pytest.mark.parametrize(
    ("fault", "counts"),
    [
        ("rate_limit_requests", "requests"),
        ("rate_limit_tokens", "tokens"),
        ("rate_limit_images", "input-images"),
    ],
)
def test_every_statement_of_the_wait_is_the_same(chat: Chat, fault: str, counts: str) -> None:
    response = chat(f"{fault}; after=2.5")
    assert "Please try again in 2.5s. Visit" in error_of(response)["message"]
    assert (response.headers["retry-after"], response.headers["retry-after-ms"]) == ("3", "2500")
    assert response.headers[f"x-ratelimit-reset-{counts}"] == "2.5s"


def test_any_error_can_tell_when_to_try_again(chat: Chat) -> None:
    response = chat("overloaded; after=7")
    assert (response.status, response.headers["retry-after"]) == (503, "7")


def test_a_quota_error_does_not_tell_when_to_try_again(chat: Chat) -> None:
    assert "retry-after" not in chat("insufficient_quota").headers


def test_a_message_replaces_that_of_the_catalog(chat: Chat) -> None:
    error = error_of(chat("rate_limit_requests; message=Not so fast {you}"))
    assert (error["message"], error["code"]) == ("Not so fast {you}", "rate_limit_exceeded")


def test_a_scripted_wrong_key_shows_the_callers_own_redacted(chat: Chat) -> None:
    message = error_of(chat("invalid_api_key", key="sk-mock-tier-1-wrong"))["message"]
    assert message.startswith("Incorrect API key provided: sk-mock-********rong. You can find")


def test_a_scripted_wrong_key_has_the_form_of_audio_there(send: Callable[..., RawResponse]) -> None:
    response = send(
        "POST", "/v1/audio/speech", b"{}", {"x-mock-fault": "401", "Content-Type": "application/json"}
    )
    assert response.status == 400  # the request names no model
    body = b'{"model": "tts-1", "input": "Hi.", "voice": "alloy"}'
    response = send(
        "POST", "/v1/audio/speech", body, {"x-mock-fault": "401", "Content-Type": "application/json"}
    )
    assert (response.status, response.headers["content-type"]) == (401, "text/plain")
    assert json.loads(response.body)["status"] == 401


def test_a_limit_that_the_account_has_not_is_made_up(send: Callable[..., RawResponse]) -> None:
    response = send("GET", "/v1/models", headers={"x-mock-fault": "rate_limit_tokens"})
    assert response.status == 429
    assert "(TPM): Limit " in error_of(response)["message"]


def test_where_the_tier_may_not_use_the_model_a_limit_is_made_up(chat: Chat) -> None:
    response = chat("rate_limit_requests", key="sk-mock-free-without", model="gpt-4o-audio-preview")
    assert (
        "(RPM): Limit 500, Used 500, Requested 1. Please try again in 120ms." in error_of(response)["message"]
    )


def test_where_only_the_day_is_limited_it_is_reported(chat: Chat, send: Callable[..., RawResponse]) -> None:
    key = "sk-mock-tier-5-by-the-day"
    limits = {"requests_per_minute": None, "requests_per_day": 50}
    changed = send(
        "PUT", "/_mock/limits", json.dumps({"model": "gpt-4o-mini", "limits": limits}).encode(), key=key
    )
    assert changed.status == 200
    message = error_of(chat("rate_limit_requests", key=key))["message"]
    assert "requests per day (RPD): Limit 50, Used 50, Requested 1. Please try again in 28m48s." in message


def test_a_scripted_refusal_is_charged_to_no_bucket() -> None:
    settings = Settings(port=0, whisper_model="none", log_level="warning", frozen_time=1_800_000_000.0)
    with (
        MockServer(settings) as server,
        openai.OpenAI(base_url=server.base_url, api_key="sk-mock-tier-1-charged", max_retries=0) as client,
    ):
        for _ in range(3):
            with pytest.raises(openai.RateLimitError):
                speak(client, "rate_limit_requests")
        assert speak(client).headers["x-ratelimit-remaining-requests"] == "9999"


def speak(client: openai.OpenAI, fault: str | None = None) -> Any:
    headers = {"x-mock-fault": fault} if fault else {}
    return client.audio.speech.with_raw_response.create(
        model="gpt-4o-mini-tts", input="Hi.", voice="alloy", response_format="pcm", extra_headers=headers
    )


@pytest.fixture
def patient(server: MockServer, api_key: str) -> Iterator[openai.OpenAI]:
    """Yield a client that retries twice, as the SDK does by default."""
    with openai.OpenAI(base_url=server.base_url, api_key=api_key, max_retries=2) as sdk:
        yield sdk


def test_the_sdk_succeeds_at_the_third_try(patient: openai.OpenAI) -> None:
    answer = patient.models.with_raw_response.list(
        extra_headers={"x-mock-fault": "rate_limit_requests; after=0.01; times=2"}
    )
    assert (answer.http_response.status_code, answer.retries_taken) == (200, 2)


def test_the_sdk_gives_up_after_the_third_try(patient: openai.OpenAI) -> None:
    with pytest.raises(openai.RateLimitError) as refused:
        patient.models.list(extra_headers={"x-mock-fault": "rate_limit_requests; after=0.01; times=3"})
    assert refused.value.response.headers["retry-after-ms"] == "10"
