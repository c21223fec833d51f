"""Handshakes of WebSockets that are refused, and what others answer."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.conftest import RawResponse

HANDSHAKE = {
    "Connection": "Upgrade, close",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


@pytest.mark.parametrize(
    ("changes", "status", "message"),
    [
        ({"Sec-WebSocket-Version": "8"}, 426, "only version 13 is supported"),
        ({"Connection": "close"}, 426, "invalid Connection header: close"),
        ({"Sec-WebSocket-Key": "short"}, 400, "invalid Sec-WebSocket-Key header: short"),
    ],
)
def test_invalid_handshakes_are_refused(
    send: Callable[..., RawResponse], changes: dict[str, str], status: int, message: str
) -> None:
    answer = send("GET", "/v1/responses", headers=HANDSHAKE | changes)
    error = json.loads(answer.body)["error"]
    assert (answer.status, error["message"]) == (status, f"Failed to open a WebSocket connection: {message}.")
    if "Sec-WebSocket-Version" in changes:
        assert answer.headers["sec-websocket-version"] == "13"


def test_a_key_is_needed(send: Callable[..., RawResponse]) -> None:
    for key in (None, "sk-mock-invalid"):
        answer = send("GET", "/v1/responses", headers=HANDSHAKE, key=key)
        assert answer.status == 401
        assert "error" in json.loads(answer.body)


def test_other_paths_have_no_web_sockets(send: Callable[..., RawResponse]) -> None:
    assert send("GET", "/v1/audio/speech", headers=HANDSHAKE).status == 405
    assert send("GET", "/v1/nothing", headers=HANDSHAKE).status == 404
    assert send("POST", "/v1/models", headers=HANDSHAKE).status == 405
    assert send("GET", "/v1/responses").status == 405  # a GET without an upgrade
