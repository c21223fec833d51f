"""The members of a record that describe the answer, also of one that the server is known to have made itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from mockserver.accounts.redaction import Secrets
from mockserver.pipeline.exchanges.answer_members import answer_of
from mockserver.pipeline.responses import Reply

KEY = "sk-mock-tier-5-somebody"
SHOWN = "sk-mock-***********body"
JSON = "application/json"


def written(body: bytes, headers: Mapping[str, str] = {}, *, own: bool = False) -> dict[str, Any]:
    """Return the members of the answer, as the journal writes them."""
    reply = Reply(body, 200, JSON, headers.items())
    members = answer_of(body, reply.headers.joined(), Secrets([KEY]), own=own)
    decoded: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(members))
    return decoded


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("indent", [None, 2])
def test_a_body_is_the_json_value(own: bool, indent: int | None) -> None:
    value = {"id": "chatcmpl-1", "choices": [{"message": {"content": "é\n"}}], "usage": None}
    assert written(json.dumps(value, indent=indent).encode(), own=own)["response"] == value


@pytest.mark.parametrize("own", [True, False])
def test_the_key_of_the_request_is_hidden(own: bool) -> None:
    body = json.dumps({"text": f"It is {KEY}."}).encode()
    assert written(body, own=own)["response"] == {"text": f"It is {SHOWN}."}


@pytest.mark.parametrize("own", [True, False])
def test_a_long_text_is_shortened(own: bool) -> None:
    body = json.dumps({"text": "x" * 5_000}).encode()
    assert written(body, own=own)["response"] == {"text": {"length": 5_000, "starts": "x" * 80}}


@pytest.mark.parametrize("indent", [None, 2])
def test_of_vectors_the_sizes_are_written_down(indent: int | None) -> None:
    data = [{"index": n, "embedding": [0.25, -1.5e-05] * 700} for n in range(2)]
    response = written(json.dumps({"data": data, "model": "m"}, indent=indent).encode())["response"]
    sizes = [{"index": n, "embedding": {"values": 1400}} for n in range(2)]
    assert response == {"data": sizes, "model": "m"}


def test_what_looks_like_vectors_does_no_harm() -> None:
    texts = {"embedding": ["]" * 100, "a,b"], "text": '"embedding": [1, 2' * 200, "n": [[1], [2]]}
    assert written(json.dumps({"embedding": texts}).encode())["response"] == {"embedding": texts}


def test_headers_are_written_down_and_those_about_limits_once_more() -> None:
    members = written(b"{}", {"X-RateLimit-Limit-Tokens": "3", "retry-after": "1", "server": "x"})
    assert members["limits"] == {"x-ratelimit-limit-tokens": "3", "retry-after": "1"}
    assert members["response_headers"].items() > {**members["limits"], "server": "x"}.items()


def test_a_secret_that_the_events_of_a_stub_say_in_parts_is_hidden() -> None:
    events = "".join(f'data: {{"delta": "{part}"}}\n\n' for part in (KEY[:12], KEY[12:]))
    reply = Reply(events.encode(), 200, "text/event-stream")
    shown = answer_of(events.encode(), reply.headers.joined(), Secrets([KEY]), own=False)["response"]
    assert shown == f'data: {{"delta": "{SHOWN}"}}\n\ndata: {{"delta": ""}}\n\n'
