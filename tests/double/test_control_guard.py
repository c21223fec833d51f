"""Who may call the control API."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from werkzeug.test import TestResponse

from mockserver.app import create_app
from mockserver.double.control_guard import exposure, is_loopback
from mockserver.mock_server import MockServer
from mockserver.settings import Settings
from tests.conftest import RawResponse

Send = Callable[..., RawResponse]
From = Callable[..., TestResponse]

TOKEN = {"x-mock-control-token": "open sesame"}


def asks(settings: Settings) -> From:
    """Asks as somebody at an address. No network here has all the addresses."""
    client = create_app(settings).test_client()

    def ask(
        address: str,
        path: str = "/_mock/clock",
        headers: dict[str, str] | None = None,
        host: str = "localhost",
    ) -> TestResponse:
        return client.get(
            path, headers={"Host": host} | (headers or {}), environ_base={"REMOTE_ADDR": address}
        )

    return ask


@pytest.fixture(scope="module")
def ask() -> From:
    return asks(Settings(whisper_model="none"))


@pytest.fixture(scope="module")
def guarded() -> Iterator[MockServer]:
    settings = Settings(
        port=0, whisper_model="none", log_level="warning", control_token=TOKEN["x-mock-control-token"]
    )
    with MockServer(settings) as running:
        yield running


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1", ""])
def test_who_calls_from_this_machine_may(ask: From, address: str) -> None:
    assert ask(address).status_code == 200


@pytest.mark.parametrize(
    "address", ["192.0.2.7", "10.0.0.1", "2001:db8::1", "::ffff:192.0.2.7", "fe80::1%eth0"]
)
def test_who_calls_from_elsewhere_may_not_and_is_told_the_setting(ask: From, address: str) -> None:
    response = ask(address)
    assert response.status_code == 403
    assert "control_token" in response.get_json()["error"]
    assert "--control-token" in response.get_json()["error"]


@pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For", "X-Real-IP"])
def test_a_proxy_on_this_machine_lends_nobody_its_address(ask: From, header: str) -> None:
    assert ask("127.0.0.1", headers={header: "192.0.2.7"}).status_code == 403


def test_the_health_is_told_to_everybody(ask: From) -> None:
    assert ask("192.0.2.7", "/_mock/health").status_code == 200


def test_everything_else_below_mock_is_guarded_also_what_there_is_not(ask: From) -> None:
    for path in ("/_mock", "/_mock/nothing", "/v1/_mock/clock", "/_mock/metrics", "/_mock/openapi.json"):
        assert ask("192.0.2.7", path).status_code == 403


def test_the_api_itself_is_not_guarded(ask: From) -> None:
    assert ask("192.0.2.7", "/v1/models", {"Authorization": "Bearer sk-mock-me"}).status_code == 200


@pytest.mark.parametrize(
    "host", ["localhost:4010", "127.0.0.1:4010", "[::1]:4010", "app.localhost", "192.0.2.1"]
)
def test_the_server_is_called_by_an_address_or_as_localhost(ask: From, host: str) -> None:
    assert ask("127.0.0.1", host=host).status_code == 200


def test_a_name_that_somebody_had_resolved_to_this_machine_is_refused(ask: From) -> None:
    response = ask("127.0.0.1", host="evil.example:4010")
    assert response.status_code == 403
    assert response.get_json()["error"].startswith("Host: the control API is not known as 'evil.example'.")


def test_the_name_the_server_was_told_to_listen_on_is_its_own() -> None:
    ask = asks(Settings(whisper_model="none", host="Test-Machine"))
    assert ask("127.0.0.1", host="test-machine:4010").status_code == 200


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://127.0.0.1:4010", "https://[::1]"])
def test_pages_of_this_machine_may_call(send: Send, origin: str) -> None:
    headers = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
    assert send("PUT", "/_mock/clock", b"{}", headers).status == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost.evil.example", ""])
def test_pages_of_other_sites_may_not(send: Send, origin: str) -> None:
    for method in ("GET", "PUT"):
        response = send(method, "/_mock/clock", b"{}", {"Origin": origin})
        assert response.status == 403
        assert response.json()["error"].startswith("Origin: ")  # type: ignore[index]


def test_a_form_of_another_site_that_hides_its_origin_may_not(send: Send) -> None:
    assert send("POST", "/_mock/reset", b"{}", {"Sec-Fetch-Site": "cross-site"}).status == 403
    assert send("GET", "/_mock/clock", headers={"Sec-Fetch-Site": "cross-site"}).status == 200


class TestWithAToken:
    @pytest.fixture
    def server(self, guarded: MockServer) -> MockServer:
        return guarded

    def test_a_call_must_carry_it(self, send: Send) -> None:
        response = send("GET", "/_mock/clock")
        assert response.status == 401
        assert response.json() == {
            "error": "x-mock-control-token: the header is missing. Send the server's setting control_token in it."
        }

    def test_a_call_must_carry_the_right_one(self, send: Send) -> None:
        response = send("GET", "/_mock/clock", headers={"x-mock-control-token": "öpen"})
        assert response.status == 401
        assert "is wrong" in response.json()["error"]  # type: ignore[index]

    def test_a_call_that_carries_it_is_answered(self, send: Send) -> None:
        assert send("GET", "/_mock/clock", headers=TOKEN).status == 200

    def test_it_comes_beside_the_api_key(self, send: Send) -> None:
        change = send("PATCH", "/_mock/settings", b'{"strictness": "off"}', TOKEN, key="sk-mock-tokened")
        assert change.status == 200
        assert send("GET", "/_mock/settings", headers=TOKEN).json()["changed"] == {}  # type: ignore[index]

    def test_the_health_needs_none(self, send: Send) -> None:
        assert send("GET", "/_mock/health").status == 200

    def test_the_api_needs_none(self, send: Send) -> None:
        assert send("GET", "/v1/models").status == 200


def test_a_token_opens_the_control_api_to_other_machines_and_names() -> None:
    ask = asks(Settings(whisper_model="none", control_token=TOKEN["x-mock-control-token"]))
    assert ask("192.0.2.7", headers=TOKEN, host="mock:4010").status_code == 200
    same = TOKEN | {"Origin": "http://mock:4010"}
    assert ask("192.0.2.7", headers=same, host="mock:4010").status_code == 200
    other = TOKEN | {"Origin": "http://other:4010"}
    assert ask("192.0.2.7", headers=other, host="mock:4010").status_code == 403


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("::", False),
    ],
)
def test_loopback_is_told_from_the_rest(host: str, loopback: bool) -> None:
    assert is_loopback(host) == loopback


def test_a_server_that_others_can_reach_without_a_token_is_warned_of() -> None:
    assert exposure(Settings()) is None
    assert exposure(Settings(host="0.0.0.0", control_token="secret")) is None
    assert "--control-token" in (exposure(Settings(host="0.0.0.0")) or "")
