"""Requests outside of the endpoints: the front page, unknown URLs, wrong methods, preflights."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

import pytest

from tests.conftest import RawResponse

Send = Callable[..., RawResponse]


def test_the_front_page_says_what_this_is(send: Send) -> None:
    response = send("GET", "/", key=None)
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert b"offline mock of the hosted audio APIs" in response.body
    assert b"/v1/audio/transcriptions" in response.body


def test_head_has_no_body(send: Send) -> None:
    response = send("HEAD", "/", key=None)
    assert (response.status, response.body) == (200, b"")


@pytest.mark.parametrize("path", ["/v1/foo", "/v1/audio", "/foo"])
def test_an_unknown_url_is_named(send: Send, path: str) -> None:
    response = send("POST", path, b"{}")
    assert response.status == 404
    assert response.headers["x-request-id"].startswith("req_")
    assert (
        response.body
        == (
            b'{\n    "error": {\n        "message": "Invalid URL (POST %s)",\n'
            b'        "type": "invalid_request_error",\n        "param": null,\n        "code": null\n    }\n}\n'
        )
        % path.encode()
    )


@pytest.mark.parametrize(
    ("method", "path", "line"),
    [
        ("POST", "/v1/foo", r"POST /v1/foo 404 \d+\.\d ms unknown_url"),
        ("GET", "/v1/audio/speech", r"GET /v1/audio/speech 405 \d+\.\d ms method_not_supported"),
        ("GET", "/a%0Ab", r"GET /a%0Ab 404 \d+\.\d ms unknown_url"),
    ],
)
def test_what_is_refused_here_is_logged_as_other_requests_are(
    send: Send, caplog: pytest.LogCaptureFixture, method: str, path: str, line: str
) -> None:
    with caplog.at_level(logging.INFO, "mockserver.access"):
        send(method, path)
    (record,) = (each for each in caplog.records if each.name == "mockserver.access")
    assert re.fullmatch(line, record.getMessage())


def test_a_wrong_method_is_refused_with_the_right_one(send: Send) -> None:
    response = send("GET", "/v1/audio/transcriptions")
    assert response.status == 405
    assert response.headers["allow"] == "POST"
    body = response.json()
    assert isinstance(body, dict)
    assert body["error"]["message"] == "Only POST requests are accepted."
    assert body["error"]["code"] == "method_not_supported"


def test_a_browser_may_ask_from_anywhere(send: Send) -> None:
    headers = {
        "Origin": "http://localhost:3000",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,x-stainless-os",
    }
    response = send("OPTIONS", "/v1/audio/speech", headers=headers, key=None)
    assert response.status == 200
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["access-control-allow-headers"] == "authorization,x-stainless-os"
    assert "POST" in response.headers["access-control-allow-methods"]


def test_a_preflight_that_asks_for_nothing_gets_the_usual_headers(send: Send) -> None:
    response = send("OPTIONS", "/v1/embeddings", headers={"Origin": "http://localhost:3000"}, key=None)
    allowed = response.headers["access-control-allow-headers"].split(", ")
    assert {"authorization", "api-key", "x-api-key", "openai-organization", "openai-project"} <= set(allowed)


def test_a_browser_may_read_the_request_id(send: Send) -> None:
    response = send("GET", "/v1/models", headers={"Origin": "http://localhost:3000"})
    assert response.headers["access-control-allow-origin"] == "*"
    assert "x-request-id" in response.headers["access-control-expose-headers"].lower()


def test_health_names_the_engines(send: Send) -> None:
    health = send("GET", "/_mock/health", key=None).json()
    assert isinstance(health, dict)
    assert health["status"] == "ok"
    assert health["transcription"] == {"engine": "none"}
    assert health["speech"] == {"engine": "pyttsx3"}
