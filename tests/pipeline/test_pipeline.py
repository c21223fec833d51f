"""The steps of every request: API key, strictness, standing headers."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import openai
import pytest

from mockserver.settings.model import AccountRow, Settings
from mockserver.testing.mock_server import MockServer
from mockserver.validation.schemas import Schemas
from tests.conftest import RawResponse, multipart, parse_response

Clip = tuple[str, bytes]
Post = Callable[..., RawResponse]
Send = Callable[..., RawResponse]

JSON = {"Content-Type": "application/json"}
WRONG_KEY = "sk-mock-invalid-0123456789-0000"


def test_a_refused_key_on_audio_is_the_recorded_text_plain_answer(send: Send) -> None:
    response = send("POST", "/v1/audio/speech", b"{}", JSON, key=WRONG_KEY)
    assert response.status == 401
    assert response.headers["content-type"].startswith("text/plain")
    assert "openai-processing-ms" not in response.headers
    assert "openai-organization" not in response.headers
    assert response.body == (
        b'{\n  "error": {\n    "message": "Incorrect API key provided: sk-mock-*******************0000. '
        b'You can find your API key at https://platform.openai.com/account/api-keys.",\n'
        b'    "type": "invalid_request_error",\n    "code": "invalid_api_key",\n    "param": null\n'
        b'  },\n  "status": 401\n}'
    )


def test_a_refused_key_elsewhere_is_an_answer_of_the_gateway(send: Send) -> None:
    response = send("GET", "/v1/models", key=WRONG_KEY)
    assert response.status == 401
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.headers["vary"] == "Origin"
    assert response.body.startswith(b'{\n    "error": {\n        "message": "Incorrect API key provided: ')
    assert response.body.endswith(b'"code": "invalid_api_key"\n    }\n}\n')


def test_a_missing_key_is_asked_for(send: Send) -> None:
    body = send("GET", "/v1/models", key=None).json()
    assert isinstance(body, dict)
    assert body["error"]["message"].startswith(
        "You didn't provide an API key. You need to provide your API key in"
    )
    assert body["error"]["code"] is None


def test_a_key_without_quota_has_none(send: Send) -> None:
    response = send("POST", "/v1/audio/speech", b"{}", JSON, key="sk-mock-noquota-1")
    body = response.json()
    assert response.status == 429
    assert isinstance(body, dict)
    assert (body["error"]["type"], body["error"]["code"]) == ("insufficient_quota", "insufficient_quota")


def test_answers_carry_the_standing_headers(post_audio: Post, hello: Clip) -> None:
    headers = post_audio(hello, model="whisper-1").headers
    assert re.fullmatch(r"req_[0-9a-f]{32}", headers["x-request-id"])
    assert re.fullmatch(r"\d+", headers["openai-processing-ms"])
    assert re.fullmatch(r"org-\w{24}", headers["openai-organization"])
    assert re.fullmatch(r"proj_\w{24}", headers["openai-project"])
    assert headers["openai-version"] == "2020-10-01"


def test_refusals_of_the_engine_carry_them_too(post_audio: Post, hello: Clip) -> None:
    headers = post_audio(hello, model="whisper-1", language="nonsense").headers
    assert {"x-request-id", "openai-processing-ms", "openai-organization"} <= headers.keys()


def test_two_keys_are_two_organizations(send: Send) -> None:
    one, other = (send("GET", "/v1/files", key=f"sk-mock-{name}").headers for name in ("one", "other"))
    assert one["openai-organization"] != other["openai-organization"]
    assert (
        one["openai-organization"]
        == send("GET", "/v1/files", key="sk-mock-one").headers["openai-organization"]
    )


def test_schema_strictness_takes_any_bytes_for_audio(post_audio: Post, schemas: Schemas) -> None:
    response = post_audio(
        ("x.bin", b"\x00\x01"), model="gpt-9-hears", headers={"x-mock-strictness": "schema"}
    )
    assert response.status == 200
    assert schemas.violations("openai/transcription.json.response", response.json()) == []


@pytest.mark.parametrize("response_format", ["json", "verbose_json", "diarized_json", "text", "srt", "vtt"])
@pytest.mark.parametrize("model", ["whisper-1", "gpt-4o-transcribe", "any-model"])
def test_schema_strictness_gives_every_format_of_every_model(
    post_audio: Post, schemas: Schemas, model: str, response_format: str
) -> None:
    response = post_audio(
        ("x", b"any bytes"),
        model=model,
        response_format=response_format,
        headers={"x-mock-strictness": "schema"},
    )
    assert response.status == 200
    if "json" in response_format:
        name = f"openai/transcription.{response_format}.response"
        assert schemas.violations(name, response.json()) == []


def test_a_fixture_by_name_answers_whatever_the_bytes(named_server: MockServer) -> None:
    with openai.OpenAI(
        base_url=named_server.base_url, api_key="sk-mock-me", default_headers={"x-mock-strictness": "schema"}
    ) as client:
        heard = client.audio.transcriptions.create(model="whisper-1", file=("meeting-7.wav", b"no audio"))
    assert heard.text == "Welcome to the meeting."


@pytest.fixture
def named_server(tmp_path: Path) -> Iterator[MockServer]:
    fixture = {"text": "Welcome to the meeting.", "files": ["meeting*.wav"]}
    (tmp_path / "meeting.json").write_text(json.dumps(fixture))
    settings = Settings(port=0, whisper_model="none", fixtures=(str(tmp_path),), log_level="warning")
    with MockServer(settings) as running:
        yield running


def test_schema_strictness_still_wants_the_documented_shape(post_audio: Post, hello: Clip) -> None:
    response = post_audio(hello, model="any", temperature="warm", headers={"x-mock-strictness": "schema"})
    assert response.status == 400


def test_schema_strictness_speaks_with_any_voice_and_model(send: Send) -> None:
    body = json.dumps({"model": "any", "voice": "nobody", "input": "", "stream_format": "sse"}).encode()
    response = send("POST", "/v1/audio/speech", body, JSON | {"x-mock-strictness": "schema"})
    assert response.status == 200
    assert response.body.endswith(b"data: [DONE]\r\n\r\n")


def test_strictness_off_takes_what_it_understands(post_audio: Post, send: Send, hello: Clip) -> None:
    off = {"x-mock-strictness": "off"}
    response = post_audio(hello, temperature="warm", response_format="poem", headers=off)
    assert response.status == 200
    assert b"Hello world, this is a test." in response.body
    assert post_audio(None, headers=off).status == 200
    assert send("POST", "/v1/audio/speech", b'{"speed": "fast"}', JSON | off).status == 200


def test_a_header_of_the_mock_with_a_bad_value_is_refused(post_audio: Post, hello: Clip) -> None:
    response = post_audio(hello, model="whisper-1", headers={"x-mock-strictness": "strict"})
    assert response.status == 400
    assert b"header x-mock-strictness: 'strict' is not one of real, schema, off." in response.body


@pytest.fixture(scope="module")
def discreet_server() -> Iterator[MockServer]:
    settings = Settings(
        port=0, whisper_model="none", mock_headers=False, require_key=False, log_level="warning"
    )
    with MockServer(settings) as running:
        yield running


def test_one_switch_turns_the_headers_of_the_mock_off(discreet_server: MockServer, hello: Clip) -> None:
    import urllib.request

    with urllib.request.urlopen(f"{discreet_server.base_url}/models", timeout=30) as response:
        assert response.status == 200
        assert not [name for name in response.headers if name.lower().startswith("x-mock-")]


def test_a_bug_is_answered_as_the_api_does_and_stands_in_the_journal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left")

    with MockServer(Settings(port=0, whisper_model="none", log_level="error")) as running:
        monkeypatch.setattr("mockserver.providers.openai.models.list_models", full)
        with pytest.raises(openai.InternalServerError) as failure:
            running.client.models.list()
        (entry,) = running.journal
    assert failure.value.type == "server_error"
    assert (entry["status"], entry["error"]) == (500, "server_error")


def test_a_form_with_two_content_types_cannot_be_read(server: MockServer, hello: Clip) -> None:
    body, headers = multipart([("model", "whisper-1")], hello)
    response = post_with_two_content_types(server, "/v1/audio/transcriptions", headers["Content-Type"], body)
    assert response.status == 400
    assert b'"Could not parse multipart form"' in response.body


def test_json_with_two_content_types_is_refused(server: MockServer) -> None:
    body = b'{"model": "tts-1", "voice": "alloy", "input": "Hi."}'
    response = post_with_two_content_types(server, "/v1/audio/speech", "application/json", body)
    assert response.status == 400
    assert b"Unsupported content type: 'application/json, application/json'" in response.body


def post_with_two_content_types(server: MockServer, path: str, content_type: str, body: bytes) -> RawResponse:
    host, port = server.url.removeprefix("http://").split(":")
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer sk-mock-me\r\nConnection: close\r\n"
        f"Content-Length: {len(body)}\r\n" + f"Content-Type: {content_type}\r\n" * 2 + "\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(head.encode() + body)
        return parse_response(b"".join(iter(lambda: connection.recv(65536), b"")))


@pytest.mark.parametrize("path", ["/v1/audio/transcriptions", "/v1/audio/speech"])
def test_a_body_of_no_content_type_is_refused(send: Send, path: str) -> None:
    response = send("POST", path, b"{}")
    assert response.status == 400
    assert b"Unsupported content type: ''" in response.body


@pytest.fixture(scope="module")
def declared_server() -> Iterator[MockServer]:
    ours = AccountRow("sk-ours", organization="org-ours", project="proj_ours")
    settings = Settings(port=0, whisper_model="none", accounts=(ours,), log_level="warning")
    with MockServer(settings) as running:
        yield running


@pytest.mark.parametrize(
    ("named", "code", "message"),
    [
        (
            {"organization": "org-other"},
            "mismatched_organization",
            "OpenAI-Organization header should match organization for API key",
        ),
        (
            {"project": "proj_other"},
            "mismatched_project",
            "OpenAI-Project header should match project for API key",
        ),
    ],
)
def test_a_declared_accounts_other_organization_or_project_is_refused(
    declared_server: MockServer, named: dict[str, str], code: str, message: str
) -> None:
    client = openai.OpenAI(
        base_url=declared_server.base_url,
        api_key="sk-ours",
        max_retries=0,
        organization=named.get("organization"),
        project=named.get("project"),
    )
    with pytest.raises(openai.AuthenticationError) as refused, client:
        client.models.list()
    assert (refused.value.code, refused.value.type) == (code, "invalid_request_error")
    assert refused.value.body == {"message": message, "type": refused.value.type, "param": None, "code": code}


def test_the_declared_organization_may_be_named(declared_server: MockServer) -> None:
    with openai.OpenAI(
        base_url=declared_server.base_url, api_key="sk-ours", organization="org-ours", project="proj_ours"
    ) as client:
        headers = client.models.with_raw_response.retrieve("whisper-1").headers
    assert headers["x-request-id"]


def test_an_undeclared_account_goes_by_the_names_of_the_headers(server: MockServer, hello: Clip) -> None:
    account = server.account(tier="free")
    account.set_limits("whisper-1", requests_per_minute=1)
    named = {"OpenAI-Organization": "org-acme", "OpenAI-Project": "proj_web"}
    client = account.client.with_options(default_headers=named)
    heard = client.audio.transcriptions.with_raw_response.create(model="whisper-1", file=hello)
    assert (heard.headers["openai-organization"], heard.headers["openai-project"]) == ("org-acme", "proj_web")
    with pytest.raises(openai.RateLimitError, match=r"for whisper-1 in organization org-acme on requests"):
        client.audio.transcriptions.create(model="whisper-1", file=hello)
    assert [entry["organization"] for entry in account.journal] == ["org-acme", "org-acme"]
    account.verify_transcription(account="org-acme", times=2)


@pytest.mark.parametrize("header", ["api-key", "x-api-key"])
def test_other_headers_carry_a_key(server: MockServer, send: Send, header: str) -> None:
    account = server.account()
    assert send("GET", "/v1/models", headers={header: account.api_key}, key=None).status == 200
    (entry,) = account.journal
    assert account.api_key not in json.dumps(entry)


def test_the_sdks_own_test_key_is_accepted(server: MockServer) -> None:
    with openai.OpenAI(base_url=server.base_url, api_key="My API Key") as client:
        assert client.models.retrieve("whisper-1").id == "whisper-1"
