"""``Request``: values that are derived from a request, also from one that the server makes."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from werkzeug.test import create_environ

from mockserver.app import create_app, services_of
from mockserver.pipeline.adapters.wsgi_adapter import request_of
from mockserver.pipeline.request import InnerCall, RequestHeaders
from mockserver.settings.model import Settings

KEY = "sk-proj-0123456789abcdef"


def test_headers_are_found_in_any_case_and_listed_in_lower_case() -> None:
    headers = RequestHeaders({"x-mock-fault": "401", "content-type": "text/plain"})
    assert headers["X-Mock-Fault"] == headers.get("x-MOCK-fault") == "401"
    assert headers.get("X-Other", "none") == "none"
    assert "Content-Type" in headers
    assert list(headers) == ["x-mock-fault", "content-type"]


def test_of_a_wsgi_request_nothing_but_its_own_is_a_header() -> None:
    environ = create_environ(
        "/v1/models", method="POST", content_type="Text/Plain; charset=utf-8", data=b"12345"
    )
    request = request_of(environ | {"HTTP_X_ONE": "1", "x-two": "2", "wsgi.url_scheme": "http"})
    assert dict(request.headers) == {
        "host": "localhost",
        "content-type": "Text/Plain; charset=utf-8",
        "content-length": "5",
        "x-one": "1",
    }
    assert (request.media_type, request.length, request.body.read()) == ("text/plain", 5, b"12345")


def test_the_path_is_known_as_written_and_as_the_routes_have_it() -> None:
    request = request_of(create_environ("/v1/gr%C3%BC%C3%9Fe?limit=2&limit=3&empty="))
    assert (request.path, request.route_path) == ("/v1/grüße", "/grüße")
    assert request.query.getlist("limit") == ["2", "3"]
    assert request.query["empty"] == ""


@pytest.mark.parametrize(
    ("host", "url"), [("localhost:8080", "http://localhost:8080/"), ("localhost:80", "http://localhost/")]
)
def test_the_server_has_the_name_by_which_it_was_called(host: str, url: str) -> None:
    assert request_of(create_environ("/v1/models") | {"HTTP_HOST": host}).host_url == url


def test_what_is_logged_of_a_request_is_one_line_without_its_secrets() -> None:
    request = request_of(create_environ(f"/v1/{KEY}%0A") | {"HTTP_AUTHORIZATION": f"Bearer {KEY}"})
    assert request.logged_path == "/v1/sk-proj-************cdef%0A"
    assert request.logged(OSError(f"{KEY} is no file")) == "sk-proj-************cdef is no file"


def test_only_what_was_marked_is_an_inner_call() -> None:
    account = services_of(create_app(Settings(whisper_model="none"))).accounts.authenticate("sk-me")
    environ: dict[str, Any] = {"HTTP_MOCKSERVER_INNER": "anything"}
    assert InnerCall.of(environ) is None
    call = InnerCall(account, 0.5)
    call.mark(environ)
    assert InnerCall.of(environ) is call


def test_an_inner_call_needs_no_key_and_meets_no_limit() -> None:
    app = create_app(Settings(whisper_model="none", limits="requests_per_minute=1"))
    account = services_of(app).accounts.authenticate("sk-mock-tier-1-inner")
    body = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello."}]}).encode()
    statuses = []
    for _ in range(3):
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/v1/chat/completions",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
        }
        InnerCall(account, 0.5).mark(environ)
        list(app(environ, lambda status, headers, *_: statuses.append(status)))  # type: ignore[arg-type]
    assert statuses == ["200 OK"] * 3
    assert [entry.account_id for entry in services_of(app).journal.records(None)] == [account.id] * 3
