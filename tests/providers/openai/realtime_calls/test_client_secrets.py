"""Client secrets: the answer, its refusals, and the sessions that a secret opens."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import openai
import pytest
from openai.types.realtime import ClientSecretCreateResponse

from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer
from tests.conftest import RawResponse
from tests.providers.openai.realtime.conftest import Connect

Send = Callable[..., RawResponse]

PATH = "/v1/realtime/client_secrets"
JSON = {"Content-Type": "application/json"}
NOT_FOUND = (
    'Model "gpt-nope" is not supported in realtime mode. '
    "See https://platform.openai.com/docs/models for a list of supported models."
)
CONVERSATION = {"type": "realtime", "model": "gpt-realtime"}


@pytest.fixture
def mint(send: Send, api_key: str) -> Callable[..., RawResponse]:
    """Return a function that asks for a client secret."""
    return lambda **body: send("POST", PATH, json.dumps(body).encode(), JSON, key=api_key)


def minted(response: RawResponse) -> dict[str, Any]:
    assert response.status == 200, response.body
    body: dict[str, Any] = json.loads(response.body)
    ClientSecretCreateResponse.model_validate(body)
    return body


def test_a_secret_is_answered_with_its_whole_session(mint: Callable[..., RawResponse]) -> None:
    response = mint(session=CONVERSATION)
    body = minted(response)
    assert list(body) == ["value", "expires_at", "session"]
    assert body["expires_at"] == int(body["value"][3:11], 16) + 600
    session = body["session"]
    assert list(session) == [
        *("type", "object", "id", "model", "output_modalities", "instructions", "tools", "tool_choice"),
        *("max_output_tokens", "tracing", "truncation", "prompt", "expires_at", "audio", "include"),
    ]
    assert re.fullmatch("sess_[0-9A-Za-z]{21}", session["id"])
    assert session["expires_at"] == 0
    assert b'": ' not in response.body  # compact


def test_the_headers_are_those_of_the_service(mint: Callable[..., RawResponse]) -> None:
    headers = mint(session=CONVERSATION).headers
    assert re.fullmatch("[0-9a-f]{8}-[0-9a-f-]{27}", headers["x-request-id"])
    assert headers["openai-version"] == "2020-10-01"
    assert headers["x-envoy-upstream-service-time"].isdigit()
    assert not [name for name in headers if name.startswith("x-ratelimit")]


def test_a_secret_of_a_transcription_session(mint: Callable[..., RawResponse], connect: Connect) -> None:
    body = minted(mint(session={"type": "transcription"}))
    assert list(body["session"]["audio"]["input"]["turn_detection"].items()) == [
        ("type", "server_vad"),
        ("threshold", 0.5),
        ("prefix_padding_ms", 300),
        ("silence_duration_ms", 200),
        ("idle_timeout_ms", None),
    ]
    assert (body["session"]["object"], "model" in body["session"]) == (
        "realtime.transcription_session",
        False,
    )
    opened = connect("", key=body["value"]).events[0]["session"]
    assert opened["type"] == "transcription"


def test_a_secret_opens_its_session_several_times(
    mint: Callable[..., RawResponse], connect: Connect, api: AudioApi
) -> None:
    session = CONVERSATION | {"instructions": "Be brief.", "audio": {"output": {"voice": "marin"}}}
    body = minted(mint(session=session))
    for options in (
        {"query": "", "key": body["value"]},
        {"query": "model=gpt-realtime-mini", "key": body["value"]},
        {"key": None, "subprotocols": ["realtime", f"openai-insecure-api-key.{body['value']}"]},
    ):
        opened = connect(**options).events[0]["session"]
        assert opened["instructions"] == "Be brief."
        assert opened["audio"]["output"]["voice"] == "marin"
        named = options.get("query")
        assert opened["model"] == ("gpt-realtime-mini" if named else "gpt-realtime")
    assert body["value"] not in json.dumps(api.journal)


def test_the_sdk_creates_a_secret(client: openai.OpenAI, connect: Connect) -> None:
    made = client.realtime.client_secrets.create(
        expires_after={"anchor": "created_at", "seconds": 7200},
        session={"type": "realtime", "audio": {"input": {"turn_detection": None}}},
    )
    assert made.expires_at == int(made.value[3:11], 16) + 7200
    opened = connect("", key=made.value).events[0]["session"]
    assert opened["audio"]["input"]["turn_detection"] is None
    assert client.realtime.client_secrets.create().session.type == "realtime"


@pytest.mark.parametrize(
    ("body", "message", "code", "param"),
    [
        (
            {"expires_after": {"seconds": 10}},
            "Missing required parameter: 'expires_after.anchor'.",
            "missing_required_parameter",
            "expires_after.anchor",
        ),
        (
            {"session": {}},
            "Missing required parameter: 'session.type'.",
            "missing_required_parameter",
            "session.type",
        ),
        (
            {"session": {"type": "bogus"}},
            "Invalid value: 'bogus'. Supported values are: 'realtime' and 'transcription'.",
            "invalid_value",
            "session.type",
        ),
        ({"bogus": 1}, "Unknown parameter: 'bogus'.", "unknown_parameter", "bogus"),
        (
            {"session": None},
            "Invalid type for 'session': expected an object, but got null instead.",
            "invalid_type",
            "session",
        ),
        (
            {"session": {"type": "realtime", "model": ""}},
            NOT_FOUND.replace("gpt-nope", ""),
            "invalid_model",
            None,
        ),
        (
            {"session": {"type": "realtime", "model": "gpt-nope"}},
            NOT_FOUND,
            "invalid_model",
            None,
        ),
        (
            {"session": {"type": "realtime", "bogus": 1}},
            "Unknown parameter: 'session.bogus'.",
            "unknown_parameter",
            "session.bogus",
        ),
    ],
)
def test_what_is_wrong_is_refused(
    mint: Callable[..., RawResponse], body: dict[str, Any], message: str, code: str, param: str | None
) -> None:
    response = mint(**body)
    assert response.status == 400
    assert json.loads(response.body)["error"] == {
        "message": message,
        "type": "invalid_request_error",
        "param": param,
        "code": code,
    }


def test_a_whole_number_can_have_a_point(mint: Callable[..., RawResponse]) -> None:
    body = minted(mint(expires_after={"anchor": "created_at", "seconds": 60.0}))
    assert isinstance(body["expires_at"], int)


@pytest.mark.parametrize("seconds", [9, 7201, 1.5, "600"])
def test_a_secret_is_valid_for_ten_seconds_to_two_hours(
    mint: Callable[..., RawResponse], seconds: object
) -> None:
    response = mint(expires_after={"anchor": "created_at", "seconds": seconds})
    assert response.status == 400
    assert json.loads(response.body)["error"]["param"] == "expires_after.seconds"


def test_an_expired_secret_is_a_wrong_key(connect: Connect, api_key: str) -> None:
    with MockServer() as own, ExitStack() as stack:
        sdk = stack.enter_context(openai.OpenAI(base_url=own.base_url, api_key=api_key))
        made = sdk.realtime.client_secrets.create(expires_after={"anchor": "created_at", "seconds": 10})
        own.clock.advance(11)
        talk = connect("", at=own, key=made.value, created=False)
        error = talk.error()
        assert error["code"] == "invalid_api_key"
        assert error["message"].startswith(f"Incorrect API key provided: {made.value[:8]}***")
        assert talk.closed() == (3000, "invalid_request_error.invalid_api_key")


def test_a_secret_is_no_key_of_other_endpoints(mint: Callable[..., RawResponse], server: MockServer) -> None:
    with (
        openai.OpenAI(base_url=server.base_url, api_key=minted(mint())["value"], max_retries=0) as sdk,
        pytest.raises(openai.AuthenticationError, match="Incorrect API key"),
    ):
        sdk.models.list()


def test_a_secret_mints_no_other(mint: Callable[..., RawResponse], server: MockServer) -> None:
    with (
        openai.OpenAI(base_url=server.base_url, api_key=minted(mint())["value"], max_retries=0) as sdk,
        pytest.raises(openai.AuthenticationError, match="Incorrect API key"),
    ):
        sdk.realtime.client_secrets.create()


@pytest.mark.filterwarnings("ignore:connect:DeprecationWarning")
def test_azure_has_client_secrets(server: MockServer, api_key: str) -> None:
    with openai.OpenAI(base_url=f"{server.url}/openai/v1", api_key=api_key, max_retries=0) as azure:
        made = azure.realtime.client_secrets.create(session={"type": "realtime", "model": "gpt-realtime"})
    with (
        openai.OpenAI(base_url=f"{server.url}/openai/v1", api_key=made.value) as browser,
        browser.realtime.connect(model="gpt-realtime") as connection,
    ):
        assert connection.recv().type == "session.created"
