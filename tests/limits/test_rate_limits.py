"""Rate limits as clients see them: headers and refusals, byte by byte. The clock stands still."""

from __future__ import annotations

import itertools
import json
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from mockserver.app import services_of
from mockserver.clock import Clock
from mockserver.ids import organization_id, project_id
from mockserver.limits.headers import go_duration
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.conftest import RawResponse, multipart
from tests.waiting import eventually

Clip = tuple[str, bytes]
Send = Callable[..., RawResponse]
Post = Callable[..., RawResponse]

JSON = {"Content-Type": "application/json"}
QUIET: dict[str, Any] = {"port": 0, "whisper_model": "none", "log_level": "warning", "frozen_time": 1.8e9}

_numbers = itertools.count()


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer(Settings(**QUIET)) as running:
        yield running


@pytest.fixture
def clock(server: MockServer) -> Clock:
    return services_of(server.app).clock


@dataclass(frozen=True)
class Api:
    """Requests of one account, whose key names its tier."""

    send: Send
    key: str

    def post(self, path: str, body: dict[str, Any], **headers: str) -> RawResponse:
        marked = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send("POST", path, json.dumps(body).encode(), JSON | marked, key=self.key)

    def chat(self, content: str | list[Any] = "x", model: str = "gpt-4o", **changes: Any) -> RawResponse:
        headers = {name: changes.pop(name) for name in list(changes) if name.startswith("x_")}
        messages = [{"role": "user", "content": content}]
        return self.post("/v1/chat/completions", {"model": model, "messages": messages, **changes}, **headers)

    def speech(self, text: str = "Hello world.", **changes: Any) -> RawResponse:
        body = {"model": "gpt-4o-mini-tts", "voice": "alloy", "input": text, **changes}
        return self.post("/v1/audio/speech", body)

    def transcribe(self, clip: Clip, *, what: str = "transcriptions", **fields: str) -> RawResponse:
        headers = {name.replace("_", "-"): fields.pop(name) for name in list(fields) if name.startswith("x_")}
        body, form = multipart(list({"model": "whisper-1", **fields}.items()), clip)
        return self.send("POST", f"/v1/audio/{what}", body, form | headers, key=self.key)


@pytest.fixture
def account(send: Send) -> Callable[[str], Api]:
    """Return a function that makes accounts of a tier."""
    return lambda tier: Api(send, f"sk-mock-{tier}-limits-{next(_numbers)}")


@pytest.fixture
def tier_1(account: Callable[[str], Api]) -> Api:
    return account("tier-1")


@pytest.fixture
def free(account: Callable[[str], Api]) -> Api:
    return account("free")


def of_tokens(tokens: int) -> str:
    """Return a message that a chat is charged so many tokens for: those of its letters and seven more."""
    return "x" * (4 * tokens - 7)


def limit_headers(response: RawResponse) -> dict[str, str]:
    """Return the headers of a response that state limits."""
    names = ("x-ratelimit-", "retry-after")
    return {name: value for name, value in response.headers.items() if name.startswith(names)}


def limits(counted: str, limit: int, remaining: int, reset: str) -> dict[str, str]:
    """Return the headers of one limit."""
    return {
        f"x-ratelimit-limit-{counted}": str(limit),
        f"x-ratelimit-remaining-{counted}": str(remaining),
        f"x-ratelimit-reset-{counted}": reset,
    }


def refusal(message: str, kind: str) -> bytes:
    """Return the body of a 429, as published."""
    return (
        f'{{\n    "error": {{\n        "message": "{message}",\n        "type": "{kind}",\n'
        '        "param": null,\n        "code": "rate_limit_exceeded"\n    }\n}\n'
    ).encode()


MORE = "Visit https://platform.openai.com/account/rate-limits to learn more."


def test_transcriptions_tell_of_requests_and_never_of_tokens(tier_1: Api, hello: Clip) -> None:
    assert limit_headers(tier_1.transcribe(hello)) == limits("requests", 500, 499, "120ms")
    assert limit_headers(tier_1.transcribe(hello, what="translations")) == limits(
        "requests", 500, 498, "240ms"
    )
    for model in (
        "gpt-4o-transcribe",
        "gpt-4o-mini-transcribe",
        "gpt-transcribe",
        "gpt-4o-transcribe-diarize",
    ):
        assert limit_headers(tier_1.transcribe(hello, model=model)) == limits("requests", 500, 499, "120ms")


def test_a_streamed_transcription_tells_the_same(tier_1: Api, hello: Clip) -> None:
    response = tier_1.transcribe(hello, model="gpt-4o-mini-transcribe", stream="true")
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert limit_headers(response) == limits("requests", 500, 499, "120ms")


def test_chats_tell_of_requests_and_tokens(tier_1: Api) -> None:
    expected = limits("requests", 500, 499, "120ms") | limits("tokens", 30_000, 29_973, "54ms")
    assert limit_headers(tier_1.chat(of_tokens(27))) == expected


def test_a_streamed_chat_tells_the_same(tier_1: Api) -> None:
    response = tier_1.chat(of_tokens(4), stream=True)
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert limit_headers(response) == limits("requests", 500, 499, "120ms") | limits(
        "tokens", 30_000, 29_996, "8ms"
    )


@pytest.mark.parametrize("stream_format", ["audio", "sse"])
def test_speech_tells_of_requests_and_tokens(account: Callable[[str], Api], stream_format: str) -> None:
    response = account("tier-5").speech("x" * 29, stream_format=stream_format)
    expected = limits("requests", 30_000, 29_999, "2ms") | limits("tokens", 150_000_000, 149_999_992, "0s")
    assert limit_headers(response) == expected


def test_a_model_without_a_limit_of_tokens_tells_of_none(tier_1: Api) -> None:
    assert limit_headers(tier_1.speech(model="tts-1")) == limits("requests", 500, 499, "120ms")


def test_answers_to_invalid_requests_have_limit_headers_and_they_count(tier_1: Api, hello: Clip) -> None:
    refused = tier_1.transcribe(hello, language="klingon")
    assert (refused.status, limit_headers(refused)) == (400, limits("requests", 500, 499, "120ms"))
    refused = tier_1.chat(temperature=9)
    assert refused.status == 400
    assert limit_headers(refused) == limits("requests", 500, 499, "120ms") | limits(
        "tokens", 30_000, 29_998, "4ms"
    )
    assert limit_headers(tier_1.chat())["x-ratelimit-remaining-requests"] == "498"


def test_a_refused_key_an_unknown_model_and_the_list_of_models_tell_of_no_limits(
    send: Send, tier_1: Api
) -> None:
    responses = [
        send("GET", "/v1/models", key="sk-mock-invalid-1"),
        tier_1.chat(model="nobody"),
        send("GET", "/v1/models", key=tier_1.key),
    ]
    assert [response.status for response in responses] == [401, 404, 200]
    assert [limit_headers(response) for response in responses] == [{}, {}, {}]


def test_of_a_limit_per_minute_and_one_per_day_the_day_is_reported(tier_1: Api, free: Api) -> None:
    response = free.chat(of_tokens(26), model="gpt-4o-mini")
    assert limit_headers(response) == limits("requests", 200, 199, "7m12s") | limits(
        "tokens", 40_000, 39_974, "39ms"
    )
    response = tier_1.chat(of_tokens(38), model="gpt-4o-mini")
    assert limit_headers(response) == limits("requests", 10_000, 9_999, "8.64s") | limits(
        "tokens", 200_000, 199_962, "11ms"
    )


def test_the_fourth_request_of_a_free_minute_is_refused(free: Api, hello: Clip) -> None:
    for _ in range(3):
        assert free.transcribe(hello).status == 200
    response = free.transcribe(hello)
    assert response.status == 429
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.headers["vary"] == "Origin"
    assert "openai-organization" not in response.headers
    assert limit_headers(response) == {
        "retry-after": "20",
        "retry-after-ms": "20000",
        **limits("requests", 200, 197, "21m36s"),
    }
    assert response.body == refusal(
        f"Rate limit reached for whisper-1 in organization {organization_id(free.key)} on requests per min "
        f"(RPM): Limit 3, Used 3, Requested 1. Please try again in 20s. {MORE} You can increase your rate limit "
        "by adding a payment method to your account at https://platform.openai.com/account/billing.",
        "requests",
    )


def test_it_is_admitted_after_the_wait_and_not_a_millisecond_before(
    free: Api, hello: Clip, clock: Clock
) -> None:
    statuses = [free.transcribe(hello).status for _ in range(4)]
    clock.advance(19.999)
    early = free.transcribe(hello)
    assert (early.headers["retry-after"], early.headers["retry-after-ms"]) == ("1", "1")
    clock.advance(0.001)
    statuses += [early.status, free.transcribe(hello).status, free.transcribe(hello).status]
    assert statuses == [200, 200, 200, 429, 429, 200, 429]


def test_a_paying_account_is_not_asked_to_add_a_payment_method(tier_1: Api) -> None:
    responses = [tier_1.chat(x_mock_limits="requests_per_minute=1") for _ in range(2)]
    assert responses[1].body == refusal(
        f"Rate limit reached for gpt-4o in organization {organization_id(tier_1.key)} on requests per min "
        f"(RPM): Limit 1, Used 1, Requested 1. Please try again in 1m0s. {MORE}",
        "requests",
    )


def test_the_end_of_a_days_requests_is_refused_until_one_is_refilled(tier_1: Api) -> None:
    responses = [tier_1.chat(x_mock_limits="requests_per_day=50", temperature=9) for _ in range(51)]
    assert {response.status for response in responses[:50]} == {400}
    assert responses[50].headers["retry-after"] == "1728"
    assert responses[50].headers["retry-after-ms"] == "1728000"
    assert responses[50].body == refusal(
        f"Rate limit reached for gpt-4o in organization {organization_id(tier_1.key)} on requests per day "
        f"(RPD): Limit 50, Used 50, Requested 1. Please try again in 28m48s. {MORE}",
        "requests",
    )


def test_too_many_tokens_are_refused_as_published(tier_1: Api) -> None:
    """Count the request against the requests that are left, as the one recorded refusal does."""
    assert tier_1.chat(of_tokens(29_937), temperature=9).status == 400  # charged, and never settled
    response = tier_1.chat(of_tokens(385))
    assert response.status == 429
    assert limit_headers(response) == {
        "retry-after": "1",
        "retry-after-ms": "644",
        **limits("requests", 500, 498, "240ms"),
        **limits("tokens", 30_000, 63, "59.874s"),
    }
    assert response.body == refusal(
        f"Rate limit reached for gpt-4o in organization {organization_id(tier_1.key)} on tokens per min (TPM): "
        f"Limit 30000, Used 29937, Requested 385. Please try again in 644ms. {MORE}",
        "tokens",
    )
    assert tier_1.chat(of_tokens(63), temperature=9).headers["x-ratelimit-remaining-requests"] == "498"


@pytest.mark.parametrize(
    ("model", "name"),
    [("gpt-4o", "gpt-4o"), ("gpt-4o-2024-08-06", "gpt-4o-2024-08-06 (for limit gpt-4o)")],
)
def test_a_request_larger_than_the_limit_is_refused_for_good(tier_1: Api, model: str, name: str) -> None:
    response = tier_1.chat(of_tokens(30_601), model=model)
    assert response.status == 429
    assert limit_headers(response) == limits("requests", 500, 500, "0s") | limits(
        "tokens", 30_000, 30_000, "0s"
    )
    assert response.body == refusal(
        f"Request too large for {name} in organization {organization_id(tier_1.key)} on tokens per min (TPM): "
        "Limit 30000, Requested 30601. The input or output tokens must be reduced in order to run successfully. "
        f"{MORE}",
        "tokens",
    )


def test_an_account_without_credit_gets_no_limit_headers(send: Send) -> None:
    response = Api(send, "sk-mock-noquota-1").chat()
    assert (response.status, limit_headers(response)) == (429, {})
    assert response.body == (
        b'{\n    "error": {\n        "message": "You exceeded your current quota, please check your plan and '
        b"billing details. For more information on this error, read the docs: "
        b'https://platform.openai.com/docs/guides/error-codes/api-errors.",\n'
        b'        "type": "insufficient_quota",\n        "param": null,\n'
        b'        "code": "insufficient_quota"\n    }\n}\n'
    )


def test_what_an_answer_really_used_is_charged_afterwards(tier_1: Api) -> None:
    """Use more than is left: then nothing is left for longer than the limit's minute."""
    words = " ".join(["so"] * 60)
    first = tier_1.chat(words, x_mock_limits="tokens_per_minute=100")
    assert first.headers["x-ratelimit-remaining-tokens"] == "53"
    completion = first.json()
    assert isinstance(completion, dict)
    used = completion["usage"]["total_tokens"]
    assert used > 100
    refused = tier_1.chat(x_mock_limits="tokens_per_minute=100")
    assert refused.status == 429
    assert refused.headers["retry-after-ms"] == str((used + 2 - 100) * 600)
    assert refused.headers["x-ratelimit-remaining-tokens"] == "0"
    assert refused.headers["x-ratelimit-reset-tokens"] == go_duration(used * 600)
    assert b"Limit 100, Used 100, Requested 2. " in refused.body


def test_what_a_stream_used_is_charged_at_its_end(tier_1: Api) -> None:
    completion = tier_1.chat("so " * 60).json()
    assert isinstance(completion, dict)
    tier_1.chat("so " * 60, stream=True)
    left = 30_000 - 2 * completion["usage"]["total_tokens"] - 2
    assert tier_1.chat().headers["x-ratelimit-remaining-tokens"] == str(left)


@pytest.mark.parametrize("stream_format", ["audio", "sse"])
def test_speech_is_charged_for_the_sound_that_it_was(
    account: Callable[[str], Api], stream_format: str
) -> None:
    text = "Twenty tokens a second are more than a quarter of the letters."
    *_, last, _done, _end = account("tier-1").speech(text, stream_format="sse").body.split(b"\r\n\r\n")
    usage = json.loads(last.removeprefix(b"data: "))["usage"]
    speaker = account("tier-1")
    speaker.speech(text, stream_format=stream_format)
    refused = speaker.speech("x", voice="nobody")  # charged as estimated
    assert refused.status == 400
    assert refused.headers["x-ratelimit-remaining-tokens"] == str(200_000 - usage["total_tokens"] - 1)


def test_what_an_answer_did_not_use_is_given_back(tier_1: Api) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    first = tier_1.chat([picture])
    assert first.headers["x-ratelimit-remaining-tokens"] == str(30_000 - 767)
    completion = first.json()
    assert isinstance(completion, dict)
    left = 30_000 - completion["usage"]["total_tokens"] - 2
    assert tier_1.chat().headers["x-ratelimit-remaining-tokens"] == str(left)


PICTURE = {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}


def test_images_are_limited_and_reported_where_there_are_any(tier_1: Api) -> None:
    image_limits = {
        "x-ratelimit-limit-input-images": "50000",
        "x-ratelimit-remaining-input-images": "49998",
        "x-ratelimit-reset-input-images": "2ms",
    }
    headers = tier_1.chat([PICTURE, PICTURE]).headers
    assert {name: value for name, value in headers.items() if name.endswith("images")} == image_limits
    assert not any(name.endswith("images") for name in tier_1.chat().headers)


def test_a_request_with_too_many_images_has_to_wait(tier_1: Api) -> None:
    limits = {"x_mock_limits": "images_per_minute=3"}
    assert tier_1.chat([PICTURE, PICTURE], **limits).status == 200
    refused = tier_1.chat([PICTURE, PICTURE], **limits)
    assert refused.status == 429
    error = refused.json()["error"]  # type: ignore[index]
    assert error["message"].startswith("Rate limit reached for gpt-4o in organization org-")
    assert (
        " on input-images per min: Limit 3, Used 2, Requested 2. Please try again in 20s." in error["message"]
    )
    assert (error["type"], error["code"]) == ("input-images", "rate_limit_exceeded")
    assert refused.headers["retry-after"] == "20"
    assert tier_1.chat(**limits).status == 200


def test_a_tier_that_may_not_use_a_model_is_refused(free: Api, hello: Clip) -> None:
    response = free.transcribe(hello, model="gpt-4o-mini-transcribe")
    assert (response.status, limit_headers(response)) == (403, {})
    assert response.json() == {
        "error": {
            "message": f"Project `{project_id(free.key)}` does not have access to model `gpt-4o-mini-transcribe`",
            "type": "invalid_request_error",
            "param": None,
            "code": "model_not_found",
        }
    }


def test_a_snapshot_draws_on_its_alias_and_another_key_does_not(
    tier_1: Api, account: Callable[[str], Api], hello: Clip
) -> None:
    tier_1.transcribe(hello, model="gpt-4o-mini-transcribe")
    response = tier_1.transcribe(hello, model="gpt-4o-mini-transcribe-2025-12-15")
    assert limit_headers(response)["x-ratelimit-remaining-requests"] == "498"
    other = account("tier-1").transcribe(hello, model="gpt-4o-mini-transcribe")
    assert limit_headers(other)["x-ratelimit-remaining-requests"] == "499"


def test_many_connections_at_once_are_admitted_exactly_as_often_as_allowed(tier_1: Api, hello: Clip) -> None:
    def ask(_: int) -> int:
        return tier_1.transcribe(hello, x_mock_limits="requests_per_minute=20").status

    with ThreadPoolExecutor(16) as threads:
        statuses = list(threads.map(ask, range(64)))
    assert (statuses.count(200), statuses.count(429)) == (20, 44)


def test_a_header_that_makes_no_sense_is_refused(tier_1: Api) -> None:
    response = tier_1.chat(x_mock_limits="requests_per_minute=few")
    assert response.status == 400
    assert (
        b"header x-mock-limits: requests_per_minute='few' is not a whole number above 0 or none."
        in response.body
    )


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/audio/speech", {"model": "gpt-4o-mini-tts", "voice": "alloy", "input": "word " * 800}),
        (
            "/v1/chat/completions",
            {"model": "gpt-4o", "messages": [{"role": "user", "content": "word " * 2000}], "stream": True},
        ),
    ],
)
def test_a_client_that_leaves_is_charged_for_what_it_got(
    server: MockServer, path: str, body: dict[str, Any]
) -> None:
    key = f"sk-mock-tier-5-leaves-{len(path)}"
    host, port = server.url.removeprefix("http://").split(":")
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        connection.recv(100)
    rows = eventually(lambda: services_of(server.app).ledger.rows(_account_id(server, key)))
    assert rows, "the server did not notice that the client left"
    assert rows[0]["tokens"] > 0


def _account_id(server: MockServer, key: str) -> str:
    return services_of(server.app).accounts.authenticate(key).id
