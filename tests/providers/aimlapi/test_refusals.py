"""Refusals in the provider's wording and form, byte by byte where the order of members counts."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from mockserver.testing.mock_server import MockServer
from tests.providers.aimlapi.conftest import OPENAI, Stt

Body = dict[str, Any]

URL = "data:audio/wav;base64,UklGRg=="
NO_KEY = (
    "This request requires a valid API key. You can create a new API key on the Billing page: "
    "https://aimlapi.com/app/keys"
)
NO_CREDITS = (
    "You've run out of credits. Please top up your balance or update your payment method to continue: "
    "https://aimlapi.com/app/billing/"
)
FREE_TIER = (
    "Free-tier limit: You've reached your free limit for the hour. Get AI/ML Subscription to use API, "
    "visit https://aimlapi.com/app/billing/ !"
)


def details(stt: Stt, body: Body) -> list[Body]:
    """Return the details of the refusal of a body."""
    response = stt.post(body)
    assert stt.refusal(response) == (400, "Body validation error!")
    found: list[Body] = response.json()["details"]
    return found


def test_a_refusal_has_the_members_that_are_documented_in_their_order(stt: Stt) -> None:
    response = stt.get("nobody")
    body = response.json()
    assert list(body) == ["message", "path", "requestId", "statusCode", "timestamp"]
    assert (body["path"], body["statusCode"]) == ("/v1/stt/nobody", 404)
    assert UUID(body["requestId"]).hex == response.headers["x-request-id"].removeprefix("req_")
    assert body["timestamp"] == "2027-01-15T08:00:00.000Z" or datetime.fromisoformat(body["timestamp"])
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert response.content == json.dumps(body, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("authorization", "refusal"),
    [
        ("", (401, NO_KEY)),
        ("Bearer sk-mock-invalid-1", (401, NO_KEY)),
        ("Bearer sk-mock-noquota-1", (403, NO_CREDITS)),
    ],
)
def test_an_invalid_key_is_refused(stt: Stt, authorization: str, refusal: tuple[int, str]) -> None:
    headers = {"Authorization": authorization}
    assert stt.refusal(stt.post({"model": OPENAI, "url": URL}, headers=headers)) == refusal
    assert stt.refusal(stt.get("nobody", headers=headers)) == refusal


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"model": OPENAI}, [{"path": ["url"], "message": "Required"}]),
        ({"url": URL}, [{"path": ["model"], "message": "Required"}]),
        (
            {"model": OPENAI, "url": URL, "language": 1, "prompt": ["a"]},
            [
                {"path": ["language"], "message": "Expected string, received number"},
                {"path": ["prompt"], "message": "Expected string, received array"},
            ],
        ),
        (
            {"model": OPENAI, "url": URL, "temperature": 1.5},
            [{"path": ["temperature"], "message": "Number must be less than or equal to 1"}],
        ),
        (
            {"model": OPENAI, "url": URL, "temperature": -1},
            [{"path": ["temperature"], "message": "Number must be greater than or equal to 0"}],
        ),
        ({"model": OPENAI, "url": "meeting.mp3"}, [{"path": ["url"], "message": "Invalid url"}]),
        ({"model": OPENAI, "file": "meeting.mp3"}, [{"path": ["url"], "message": "Required"}]),
        (
            {"model": OPENAI, "url": URL, "boost_param": "much"},
            [
                {
                    "path": ["boost_param"],
                    "message": "Invalid enum value. Expected 'low' | 'default' | 'high', received 'much'",
                }
            ],
        ),
    ],
    ids=str,
)
def test_a_body_that_is_not_as_documented_is_explained(stt: Stt, body: Body, found: list[Body]) -> None:
    assert details(stt, body) == found


@pytest.mark.parametrize("model", ["gpt-4o-mini-transcribe", "whisper-1", "nobody's"])
def test_a_model_that_is_not_the_provider_s_is_refused_with_those_that_are(stt: Stt, model: str) -> None:
    (found,) = details(stt, {"model": model, "url": URL})
    assert found["path"] == ["model"]
    assert found["message"].startswith("Invalid enum value. Expected 'openai/gpt-4o-mini-transcribe' | ")
    assert found["message"].endswith(f" | 'aai/slam-1', received '{model}'")


@pytest.mark.parametrize("body", [b"{", b"[1]", b""])
def test_a_body_that_is_no_json_object_is_refused(stt: Stt, body: bytes) -> None:
    response = stt.post(data=body, headers={"Content-Type": "application/json"})
    assert stt.refusal(response) == (400, "Body validation error!")
    assert response.json()["details"] == [{"path": [], "message": "The body is not a valid JSON object"}]


def test_a_form_without_a_file_is_refused(stt: Stt) -> None:
    response = stt.post(files={"model": (None, OPENAI)})
    assert stt.refusal(response) == (400, "Body validation error!")
    assert response.json()["details"] == [{"path": ["url"], "message": "Required"}]


@pytest.mark.parametrize(
    ("fault", "refusal"),
    [
        ("rate_limit_requests", (429, FREE_TIER)),
        ("rate_limit_tokens", (429, "Too Many Requests")),
        ("429", (429, FREE_TIER)),
        ("server_error", (500, "Internal server error")),
        ("502", (502, "Bad Gateway")),
        ("overloaded", (503, "Service unavailable")),
        ("504", (504, "Generation timeout")),
        ("403", (403, None)),
        ("server_error; message=All is lost.", (500, "All is lost.")),
        ("no_stub_matched", (404, None)),
    ],
)
def test_faults_come_in_the_provider_s_shape(stt: Stt, fault: str, refusal: tuple[int, str | None]) -> None:
    for response in (
        stt.post({"model": OPENAI, "url": URL}, headers={"x-mock-fault": fault}),
        stt.get("nobody", headers={"x-mock-fault": fault}),
    ):
        status, message = stt.refusal(response)
        assert (status, message if refusal[1] else None) == refusal


def test_a_stub_s_error_comes_in_the_provider_s_shape(stt: Stt) -> None:
    stt.api.on("stt").fail("overloaded", message="Not now.", retry_after=3)
    response = stt.post({"model": OPENAI, "url": URL})
    assert stt.refusal(response) == (503, "Not now.")
    assert response.headers["retry-after"] == "3"


def test_the_free_tier_has_ten_jobs_an_hour(stt_server: MockServer, stt: Stt) -> None:
    free = Stt(stt_server.account(tier="free"), stt.schemas)
    for _ in range(10):
        free.create({"model": OPENAI, "url": URL})
    response = free.post({"model": "aai/universal", "url": URL})
    assert free.refusal(response) == (429, FREE_TIER)
    assert response.headers["retry-after"] == "360"
    free.api.clock.advance(360)
    free.create({"model": OPENAI, "url": URL})
    assert free.post({"model": OPENAI, "url": URL}).status_code == 429


def test_limits_of_one_s_own_hold_here_too(stt: Stt) -> None:
    stt.api.set_limits(OPENAI, requests_per_minute=1)
    stt.create({"model": OPENAI, "url": URL})
    assert stt.post({"model": OPENAI, "url": URL}).status_code == 429


def test_answers_have_none_of_openai_s_headers(stt: Stt) -> None:
    headers = stt.post({"model": OPENAI, "url": URL}).headers
    assert not [name for name in headers if name.lower().startswith(("openai-", "x-ratelimit-"))]
    assert headers["x-request-id"].startswith("req_")


def test_the_provider_s_names_of_chat_models_are_understood(stt: Stt) -> None:
    messages: Any = [{"role": "user", "content": "Hello."}]
    completion = stt.api.client.chat.completions.create(model="openai/gpt-4o", messages=messages)
    assert completion.model == "gpt-4o-2024-08-06"
