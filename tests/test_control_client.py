"""The client of the control API: what it sends, and what it says when it gets no answer."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from mockserver.control_client import ControlClient, ControlFailed
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/"])
def test_it_calls_the_server_at_a_url_with_or_without_v1(server: MockServer, suffix: str) -> None:
    assert ControlClient(server.url + suffix).call("GET", "/_mock/health")["status"] == "ok"


def test_a_call_concerns_the_account_of_the_key(server: MockServer) -> None:
    api = server.account()
    client = ControlClient(server.url, api_key=api.api_key)
    client.call("POST", "/_mock/faults", {"error": "rate_limit_requests", "id": "of-the-account"})
    assert [each["id"] for each in client.call("GET", "/_mock/faults")["faults"]] == ["of-the-account"]
    others = ControlClient(server.url, api_key=server.account().api_key).call("GET", "/_mock/faults")
    assert others["faults"] == []


def test_a_query_is_sent(server: MockServer) -> None:
    api = server.account()
    client = ControlClient(server.url, api_key=api.api_key)
    (account,) = client.call("GET", "/_mock/limits", query={"model": "tts-1"})["accounts"]
    assert [group["group"] for group in account["groups"]] == ["tts-1"]


def test_a_refusal_has_the_servers_words_and_status(server: MockServer) -> None:
    with pytest.raises(ControlFailed, match=r"^Unknown stub 'no/such'") as refused:
        ControlClient(server.url).call("GET", "/_mock/stubs/no/such")
    assert refused.value.status == 404


def test_a_guarded_server_wants_the_token() -> None:
    with MockServer(Settings(port=0, whisper_model="none", control_token="öffne dich €")) as guarded:
        with pytest.raises(ControlFailed, match="the header is missing"):
            ControlClient(guarded.url).call("GET", "/_mock/stubs")
        client = ControlClient(guarded.url, token="öffne dich €")
        assert client.call("GET", "/_mock/stubs") == {"stubs": []}


def test_a_server_with_tls_is_verified_by_its_file(tmp_path: Path) -> None:
    with MockServer(Settings(port=0, whisper_model="none"), tls=True) as secured:
        client = ControlClient(secured.url, ca_file=str(secured.ca_file))
        assert client.call("GET", "/_mock/health")["status"] == "ok"
        with pytest.raises(ControlFailed, match="certificate verify failed"):
            ControlClient(secured.url).call("GET", "/_mock/health")
        with pytest.raises(ControlFailed, match="cannot be read"):
            ControlClient(secured.url, ca_file=str(tmp_path / "none.pem"))


def test_without_a_server_the_remedy_is_named() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        client = ControlClient(f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(ControlFailed, match="Start a server with `mockserver serve`"):
            client.call("GET", "/_mock/health")


@pytest.mark.parametrize(
    "url", ["", "ftp://127.0.0.1", "127.0.0.1:4010", "http://[::1", "http://127.0.0.1:x"]
)
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ControlFailed, match=r"such as http://127\.0\.0\.1:4010"):
        ControlClient(url)


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b'{"error": 3}'])
def test_another_server_is_distinguished(server: MockServer, answer: bytes) -> None:
    api = server.account()
    stub = {"when": {"endpoint": "/other/_mock/stubs"}, "reply": {"body": answer.decode(), "status": 500}}
    ControlClient(server.url, api_key=api.api_key).call("POST", "/_mock/stubs", stub)
    other = ControlClient(f"{server.url}/other", api_key=api.api_key)
    with pytest.raises(ControlFailed, match="not an audio-mockserver of this version"):
        other.call("GET", "/_mock/stubs")
