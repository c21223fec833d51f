"""The answers of the control API to unknown paths, methods and parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mockserver.app import create_app
from mockserver.settings.loading import load_settings
from tests.conftest import RawResponse

Send = Callable[..., RawResponse]


@pytest.mark.parametrize("path", ["/_mock", "/_mock/", "/_mock/stub", "/v1/_mock/nothing", "/_mock/models/"])
def test_an_unknown_path_is_answered_with_those_that_there_are(send: Send, path: str) -> None:
    response = send("GET", path)
    assert response.status == 404
    error = response.json()["error"]  # type: ignore[index]
    assert error.startswith(
        f"Unknown path {path.removeprefix('/v1')}. Known: /_mock/calls, /_mock/calls/{{id}}, "
    )
    assert "/_mock/models/{name}" in error


def test_a_wrong_method_is_answered_with_those_that_there_are(send: Send) -> None:
    response = send("POST", "/_mock/limits")
    assert (response.status, response.headers["allow"]) == (405, "DELETE, GET, PUT")
    assert response.json() == {"error": "/_mock/limits does not support POST. Use DELETE, GET, PUT."}


@pytest.mark.parametrize(
    ("method", "call"),
    [("GET", "clock"), ("GET", "health"), ("GET", "metrics"), ("PATCH", "settings"), ("POST", "reset")],
)
def test_an_unknown_query_argument_is_refused_before_anything_is_done(
    send: Send, method: str, call: str
) -> None:
    response = send(method, f"/_mock/{call}?colour=red", b"{}")
    assert response.status == 400
    assert response.json() == {"error": "Unknown query argument 'colour'. Known: none."}


def test_known_query_arguments_are_named(send: Send) -> None:
    response = send("GET", "/_mock/limits?modell=whisper-1")
    assert response.json() == {"error": "Unknown query argument 'modell'. Did you mean 'model'?"}


def test_an_unknown_field_is_named_with_those_that_there_are(send: Send) -> None:
    response = send("PUT", "/_mock/clock", b'{"advanced": 1}')
    assert response.status == 400
    assert response.json() == {"error": "Unknown parameter: 'advanced'. Did you mean 'advance'?"}
    response = send("PUT", "/_mock/clock", b'{"tomorrow": 1}')
    assert response.json() == {"error": "Unknown parameter: 'tomorrow'. Known: advance, freeze, scale, set."}


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"set": NaN}', b"\xff"])
def test_a_body_that_is_no_json_object_is_refused(send: Send, body: bytes) -> None:
    response = send("PUT", "/_mock/clock", body)
    assert response.status == 400
    assert response.json() == {"error": "The body is not a JSON object of at most 1048576 bytes."}


def test_a_body_of_the_right_shape_may_still_be_too_large(send: Send) -> None:
    response = send("PUT", "/_mock/clock", b'{"advance": 0' + b" " * (1 << 20) + b"}")
    assert response.status == 413


@pytest.mark.parametrize(
    ("method", "path", "setting"),
    [("POST", "/_mock/stubs", "max_stub_bytes"), ("PUT", "/_mock/snapshot", "max_snapshot_bytes")],
)
def test_stubs_and_snapshots_are_as_large_as_the_settings_say(method: str, path: str, setting: str) -> None:
    values: dict[str, Any] = {setting: 2_000}
    settings = load_settings(environ={}, whisper_model="none", **values)
    response = create_app(settings).test_client().open(path, method=method, data=b" " * 2_001)
    assert response.status_code == 413
    assert response.get_json() == {"error": "The body is larger than 2000 bytes. Send a smaller one."}


def test_the_key_is_checked_before_the_body_and_the_body_before_what_is_named(send: Send) -> None:
    nobody = {"Authorization": "Basic abc"}
    refused = send("PUT", "/_mock/stubs/nowhere", b"{", key=None, headers=nobody).json()["error"]  # type: ignore[index]
    assert refused.startswith("Authorization: the API key belongs to no account")
    refused = send("PUT", "/_mock/stubs/nowhere", b"{").json()["error"]  # type: ignore[index]
    assert refused.startswith("The body is not a JSON object of at most ")
    reply = b'{"reply": {"text": "Hi."}}'
    refused = send("PUT", "/_mock/stubs/nowhere", reply).json()["error"]  # type: ignore[index]
    assert refused == "Unknown stub 'nowhere'. GET /_mock/stubs lists them."


def test_the_clock_is_the_same_for_every_key(send: Send) -> None:
    assert send("GET", "/_mock/clock", key=None, headers={"Authorization": "Basic abc"}).status == 200
