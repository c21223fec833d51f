"""Access to the control API: hosts, origins, addresses and the token."""

from __future__ import annotations

import contextlib
import socket
import threading
import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from werkzeug.test import TestResponse

from mockserver.app import create_app
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.conftest import DATA, RawResponse, parse_response

Send = Callable[..., RawResponse]
From = Callable[..., TestResponse]
Row = Mapping[str, Any]

SESAME = "open sesame"
TOKEN = {"x-mock-control-token": SESAME}
ROWS = [
    pytest.param(row, id=f"{group} {number}: {row['why']}")
    for group, rows in tomllib.loads((DATA / "control_access.toml").read_text("utf-8")).items()
    for number, row in enumerate(rows, 1)
]


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def hosted(settings: Settings) -> Iterator[int]:
    """Yield the port of the app in Python's own WSGI server, which joins repeated headers, on 127.0.0.1."""
    with make_server("127.0.0.1", 0, create_app(settings), handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()


@pytest.fixture(scope="module")
def guarded() -> Iterator[MockServer]:
    settings = Settings(port=0, whisper_model="none", log_level="warning", control_token=SESAME)
    with MockServer(settings) as running:
        yield running


@pytest.fixture(scope="module")
def ports(server: MockServer, guarded: MockServer) -> Iterator[Mapping[str, int]]:
    """Return the ports of the servers that the rows name."""
    with (
        hosted(Settings(whisper_model="none", host="Test-Machine")) as named,
        hosted(Settings(whisper_model="none", host="0.0.0.0")) as any_,
    ):
        yield {"plain": port_of(server), "token": port_of(guarded), "named": named, "any": any_}


def port_of(server: MockServer) -> int:
    return int(server.url.rpartition(":")[2])


def exchange(row: Row, port: int) -> RawResponse:
    """Return the answer to the request of a row, sent byte by byte as written there."""
    host = row.get("host", "127.0.0.1:PORT")
    method = row.get("method", "GET")
    lines = [
        f"{method} {row.get('path', '/_mock/clock')} HTTP/1.{0 if host == '-' else 1}",
        *([] if host == "-" else [f"Host: {host}"]),
        *row.get("headers", []),
        *(["Content-Length: 2"] if method in ("POST", "PUT") else []),
        "Connection: close",
    ]
    head = "\r\n".join(lines).replace("PORT", str(port)) + "\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(head.encode() + (b"{}" if method in ("POST", "PUT") else b""))
        return parse_response(b"".join(iter(lambda: connection.recv(65536), b"")))


@pytest.mark.parametrize("row", ROWS)
def test_who_may_call(row: Row, ports: Mapping[str, int]) -> None:
    response = exchange(row, ports[row.get("server", "plain")])
    unread = row["status"] == 403 and response.status == 400  # so malformed that the HTTP server refuses it
    assert unread or response.status == row["status"], (row["why"], response.body)
    origins = [line.partition(": ")[2] for line in row.get("headers", []) if line.startswith("Origin: ")]
    origin = response.headers.get("access-control-allow-origin")
    if response.status == 200 and origins:
        assert origin == origins[0].replace("PORT", str(ports[row.get("server", "plain")])), "may be read"
    else:
        assert origin is None, "no page may read it"
    if response.status in (401, 403):
        error = response.json()["error"]  # type: ignore[index]
        assert "localhost" in error or "control_token" in error, "the error names a remedy"


@pytest.mark.parametrize("path", ["/_mock/dashboard/limits", "/_mock/dashboard/assets/js/main.js"])
@pytest.mark.parametrize("row", ROWS)
def test_the_dashboard_is_for_the_same_callers_and_asks_for_the_token(
    row: Row, path: str, ports: Mapping[str, int]
) -> None:
    if "method" in row or "path" in row:
        pytest.skip("the row is about calls of the control API")
    response = exchange({**row, "path": path}, ports[row.get("server", "plain")])
    if row["status"] == 403:
        assert response.status in (400, 403), row["why"]
    else:
        assert response.status == 200, (row["why"], "without the token, too: the page has no data")
    assert "access-control-allow-origin" not in response.headers, "no page may read it"


def test_a_refused_call_has_changed_nothing(send: Send) -> None:
    before = send("GET", "/_mock/stubs").json()
    stub = b'{"when": {"endpoint": "chat"}, "reply": {"say": "pwned"}}'
    headers = {"Host": "a_b.evil.example", "Origin": "null", "Sec-Fetch-Site": "cross-site"}
    assert send("POST", "/_mock/stubs", stub, headers).status == 403
    assert send("GET", "/_mock/stubs").json() == before


def test_two_headers_of_a_kind_are_no_header_to_trust() -> None:
    with hosted(Settings(whisper_model="none")) as port:  # a server that joins repeated headers
        for twice in (
            ["Origin: http://localhost:3000", "Origin: https://evil.example"],
            ["Sec-Fetch-Site: none", "Sec-Fetch-Site: cross-site"],
        ):
            assert exchange({"headers": twice}, port).status == 403
        assert exchange({"host": "localhost\r\nHost: evil.example"}, port).status == 403
        assert exchange({}, port).status == 200


@pytest.mark.parametrize("path", ["/_mock/clock", "/_mock/health", "/_mock/nothing", "/_mock/openapi.json"])
def test_answers_are_not_shown_framed_or_kept_by_other_sites(send: Send, path: str) -> None:
    headers = send("GET", path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert "Origin" in headers["vary"]


def test_a_page_of_this_machine_gets_the_headers_that_it_may_send(send: Send) -> None:
    asked = {
        "Origin": "http://localhost:3000",
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "x-mock-control-token",
    }
    headers = send("OPTIONS", "/_mock/clock", headers=asked).headers
    assert headers["access-control-allow-origin"] == "http://localhost:3000"
    assert headers["access-control-allow-headers"] == "x-mock-control-token"
    assert "PUT" in headers["access-control-allow-methods"]


def asks(settings: Settings) -> From:
    """Return a function that sends a request as from another address, without a network."""
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


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1", ""])
def test_who_calls_from_this_machine_may(ask: From, address: str) -> None:
    assert ask(address).status_code == 200


@pytest.mark.parametrize(
    "address", ["192.0.2.7", "10.0.0.1", "2001:db8::1", "::ffff:192.0.2.7", "fe80::1%eth0", "localhost", "?"]
)
def test_a_caller_from_elsewhere_is_refused_and_the_setting_is_named(ask: From, address: str) -> None:
    response = ask(address)
    assert response.status_code == 403
    assert "control_token" in response.get_json()["error"]
    assert "--control-token" in response.get_json()["error"]


def test_the_health_is_open_to_every_caller(ask: From) -> None:
    assert ask("192.0.2.7", "/_mock/health").status_code == 200


def test_everything_else_below_mock_is_guarded_also_what_there_is_not(ask: From) -> None:
    for path in ("/_mock", "/_mock/nothing", "/v1/_mock/clock", "/_mock/metrics", "/_mock/openapi.json"):
        assert ask("192.0.2.7", path).status_code == 403


def test_the_api_itself_is_not_guarded(ask: From) -> None:
    assert ask("192.0.2.7", "/v1/models", {"Authorization": "Bearer sk-mock-me"}).status_code == 200


def test_a_name_that_is_refused_is_reported(ask: From) -> None:
    response = ask("127.0.0.1", host="evil.example:4010")
    assert response.get_json()["error"].startswith("Host: 'evil.example' is not a name of the control API.")


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

    def test_it_comes_beside_the_api_key(self, send: Send) -> None:
        change = send("PATCH", "/_mock/settings", b'{"strictness": "off"}', TOKEN, key="sk-mock-tokened")
        assert change.status == 200
        assert send("GET", "/_mock/settings", headers=TOKEN).json()["changed"] == {}  # type: ignore[index]

    @pytest.mark.parametrize("path", ["/_mock/metrics", "/_mock/clock", "/_mock/openapi.json"])
    def test_it_can_be_a_bearer_token_where_no_api_key_is_read(self, send: Send, path: str) -> None:
        assert send("GET", path, headers={"Authorization": f"Bearer {SESAME}"}).status == 200
        assert send("GET", path, headers={"Authorization": "Bearer other"}).status == 401

    def test_it_cannot_stand_in_place_of_an_api_key(self, send: Send) -> None:
        assert send("GET", "/_mock/journal", headers={"Authorization": f"Bearer {SESAME}"}).status == 401

    def test_the_health_needs_none(self, send: Send) -> None:
        assert send("GET", "/_mock/health").status == 200

    def test_the_api_needs_none(self, send: Send) -> None:
        assert send("GET", "/v1/models").status == 200


def test_a_token_opens_the_control_api_to_other_machines() -> None:
    ask = asks(Settings(whisper_model="none", control_token=SESAME))
    assert ask("192.0.2.7", headers=TOKEN, host="mock:4010").status_code == 200
    assert ask("192.0.2.7", host="mock:4010").status_code == 401
