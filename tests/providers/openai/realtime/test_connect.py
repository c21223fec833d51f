"""Connecting: which session is opened, and how one is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from websockets.exceptions import InvalidStatus

from mockserver.settings.model import AccountRow, Settings
from mockserver.testing.mock_server import MockServer
from tests.conftest import RawResponse
from tests.providers.openai.realtime.conftest import Connect, Talk

MODELS = "See https://platform.openai.com/docs/models for a list of supported models."
NO_CREDIT = (
    "You have no credits remaining. Add credits to continue using the API at "
    "https://platform.openai.com/settings/organization/billing/."
)
WRONG_KEY = (
    "Incorrect API key provided: sk-mock-********1234. "
    "You can find your API key at https://platform.openai.com/account/api-keys."
)
TRANSCRIPTION_MODEL = (
    'Model "gpt-4o-mini-transcribe" is a transcription model and cannot be used as the realtime session model. Use a '
    "realtime model for the session model. Pass this transcription model as audio.input.transcription.model instead."
)
MISSING_MODEL = (
    "You must provide a model parameter, for example wss://api.openai.com/v1/realtime?model=gpt-realtime-1.5"
)
BETA = "The Realtime Beta API is no longer supported. Please use /v1/realtime for the GA API."
UPGRADE = {
    "Connection": "Upgrade, close",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def refusal(talk: Talk) -> tuple[str | None, str, int, str]:
    """Return code and message of the only event of a refused session, and how it is closed."""
    error = talk.error()
    assert (error["param"], error["event_id"]) == (None, None)
    code, reason = talk.closed()
    assert len(talk.events) == 1
    assert reason == ".".join(filter(None, (error["type"], error["code"])))
    return error["code"], error["message"], code, error["type"]


@pytest.mark.parametrize("model", ["gpt-realtime", "gpt-realtime-2025-08-28", "gpt-realtime-2.1"])
def test_a_conversation_has_the_model_as_it_is_asked_for(connect: Connect, model: str) -> None:
    (event,) = connect(f"model={model}").events
    assert list(event) == ["type", "event_id", "session"]
    assert (event["session"]["type"], event["session"]["model"]) == ("realtime", model)


def test_an_intent_opens_a_transcription_session(connect: Connect) -> None:
    (event,) = connect("intent=transcription").events
    session = event["session"]
    assert (session["type"], session["object"]) == ("transcription", "realtime.transcription_session")
    assert "model" not in session


def test_clients_may_name_a_model_of_transcription_with_the_intent(connect: Connect) -> None:
    (event,) = connect("intent=transcription&model=gpt-4o-mini-transcribe").events
    assert event["session"]["type"] == "transcription"


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ("model=gpt-nope", "invalid_model", f'Model "gpt-nope" is not supported in realtime mode. {MODELS}'),
        ("model=gpt-4o", "invalid_model", f'Model "gpt-4o" is not supported in realtime mode. {MODELS}'),
        (
            "model=gpt-live-1",
            "invalid_model",
            f'Model "gpt-live-1" is not supported in realtime mode. {MODELS}',
        ),
        ("model=gpt-4o-mini-transcribe", "invalid_model", TRANSCRIPTION_MODEL),
        ("", "missing_model", MISSING_MODEL),
        ("model=", "missing_model", MISSING_MODEL),
        ("intent=conversation", "missing_model", MISSING_MODEL),
        (
            "intent=transcription&model=gpt-realtime",
            "invalid_model",
            'Model "gpt-realtime" is not supported in transcription mode.',
        ),
    ],
)
def test_a_model_that_cannot_be_is_refused(connect: Connect, query: str, code: str, message: str) -> None:
    assert refusal(connect(query, created=False)) == (code, message, 4000, "invalid_request_error")


def test_without_strictness_another_model_takes_its_place(connect: Connect) -> None:
    for query, strictness in (("model=gpt-nope", "schema"), ("model=gpt-4o", "off"), ("", "off")):
        (event,) = connect(query, headers={"x-mock-strictness": strictness}).events
        assert event["session"]["model"] == "gpt-realtime"


def test_a_tier_that_may_not_use_a_model_does_not_find_it(connect: Connect) -> None:
    talk = connect(key="sk-mock-free-realtime", created=False)
    code, message, close, _ = refusal(talk)
    assert (code, close) == ("model_not_found", 4004)
    assert message == "The model `gpt-realtime` does not exist or you do not have access to it."
    connect(key="sk-mock-free-realtime", headers={"x-mock-strictness": "schema"})


@pytest.mark.parametrize(
    ("key", "code", "message", "close", "kind"),
    [
        ("sk-mock-invalid-1234", "invalid_api_key", WRONG_KEY, 3000, "invalid_request_error"),
        ("", None, "Missing bearer or basic authentication in header", 3000, "invalid_request_error"),
        ("sk-mock-noquota", "credit_balance_exhausted", NO_CREDIT, 1013, "insufficient_quota"),
    ],
)
@pytest.mark.parametrize("by_protocol", [False, True])
def test_a_key_is_refused(
    connect: Connect, key: str, code: str | None, message: str, close: int, kind: str, by_protocol: bool
) -> None:
    if by_protocol:
        offered = ["realtime", *([f"openai-insecure-api-key.{key}"] if key else [])]
        talk = connect(key=None, subprotocols=offered, created=False)
    else:
        talk = connect(key=key or None, created=False)
    assert refusal(talk) == (code, message, close, kind)


def test_a_browser_sends_its_key_as_a_subprotocol(connect: Connect, api_key: str) -> None:
    offered = ["realtime", f"openai-insecure-api-key.{api_key}", "openai-agents-sdk.0.20.0"]
    for headers in ({}, {"Authorization": ""}):
        talk = connect(key=None, headers=headers, subprotocols=offered)
        assert talk.socket.subprotocol == "realtime"


def test_a_key_in_two_places_is_refused(connect: Connect, api_key: str) -> None:
    talk = connect(subprotocols=["realtime", f"openai-insecure-api-key.{api_key}"], created=False)
    code, _, close, _ = refusal(talk)
    assert (code, close) == (None, 3000)


@pytest.mark.parametrize(
    ("headers", "offered"),
    [({"OpenAI-Beta": "realtime=v1"}, None), ({}, ["realtime", "openai-beta.realtime-v1"])],
)
def test_the_beta_is_refused(connect: Connect, headers: dict[str, str], offered: list[str] | None) -> None:
    talk = connect(headers=headers, subprotocols=offered, created=False)
    assert refusal(talk) == ("beta_api_shape_disabled", BETA, 4000, "invalid_request_error")


def test_a_wrong_key_is_refused_before_anything_else(connect: Connect) -> None:
    talk = connect("model=gpt-nope", key="sk-mock-invalid-1234", created=False)
    assert refusal(talk)[0] == "invalid_api_key"


@pytest.fixture(scope="module")
def other_server() -> Iterator[MockServer]:
    """Yield a server in 2028 that refuses what is retired, with an account that may use one model."""
    accounts = (AccountRow("sk-project", organization="org-1", project="proj-1", models=("gpt-realtime-2",)),)
    settings = Settings(
        port=0, whisper_model="none", retire_models=True, frozen_time=1_830_000_000.0, accounts=accounts
    )
    with MockServer(settings) as running:
        yield running


@pytest.mark.parametrize(("model", "key"), [("gpt-realtime", "sk-other"), ("gpt-realtime-2.1", "sk-project")])
def test_a_model_that_is_retired_or_not_allowed_is_not_found(
    connect: Connect, other_server: MockServer, model: str, key: str
) -> None:
    code, _, close, _ = refusal(connect(f"model={model}", at=other_server, key=key, created=False))
    assert (code, close) == ("model_not_found", 4004)


def test_the_headers_name_organization_and_project(connect: Connect, other_server: MockServer) -> None:
    named = {"OpenAI-Organization": "org-1", "OpenAI-Project": "proj-1"}
    connect("model=gpt-realtime-2", at=other_server, key="sk-project", headers=named)
    talk = connect(
        "model=gpt-realtime-2",
        at=other_server,
        key="sk-project",
        headers=named | {"OpenAI-Organization": "org-2"},
        created=False,
    )
    assert refusal(talk)[::2] == ("mismatched_organization", 3000)


@pytest.mark.parametrize("key", ["sk-mock-tier-5-x", "sk-mock-invalid-1234"])
def test_the_handshake_has_the_headers_of_the_network(connect: Connect, key: str) -> None:
    talk = connect(key=key, created=False)
    assert talk.socket.response is not None
    headers = talk.socket.response.headers
    assert headers["x-openai-proxy-wasm"] == "v0.1"
    assert headers["server"] == "cloudflare"
    assert headers["cf-ray"]
    assert headers["sec-websocket-extensions"].startswith("permessage-deflate")
    absent = ("x-request-id", "openai-processing-ms", "openai-organization", "x-ratelimit-limit-requests")
    assert not [name for name in absent if name in headers]


def test_a_get_without_an_upgrade_is_refused(send: Callable[..., RawResponse]) -> None:
    answer = send("GET", "/v1/realtime?model=gpt-realtime")
    assert answer.status == 426
    assert answer.headers["upgrade"] == "websocket"
    assert "WebSocket" in json.loads(answer.body)["error"]["message"]


def test_a_handshake_that_is_invalid_is_refused(send: Callable[..., RawResponse]) -> None:
    answer = send("GET", "/v1/realtime?model=gpt-realtime", headers=UPGRADE | {"Sec-WebSocket-Key": "short"})
    assert answer.status == 400


def test_transcription_sessions_are_no_web_socket(connect: Connect) -> None:
    with pytest.raises(InvalidStatus) as refused:
        connect("", path="/realtime/transcription_sessions")
    assert refused.value.response.status_code == 403
