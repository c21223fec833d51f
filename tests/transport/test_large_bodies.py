"""Bodies of megabytes on a separate server: they are read correctly, in bounded memory."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import pytest

from benchmarks.processes import Server, clean_environment, mockserver
from tools.fuzz.exchange import Answer, Request, send

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc"),
]

CHAT = "/v1/chat/completions"
ROOM = 200 << 20  # bytes above the idle server


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    arguments = ("--whisper-model", "none", "--log-level", "error")
    with mockserver(*arguments, environment=clean_environment()) as server:
        for warming in (
            b'{"model": "gpt-4o", "messages": [null]}',
            chat([{"role": "user", "content": "Hi."}]),
        ):
            post(server, CHAT, warming)
        yield server


def post(server: Server, path: str, body: bytes, **headers: str) -> Answer:
    named = [("Content-Type", "application/json")]
    if not path.startswith("/_mock"):
        named.append(("Authorization", "Bearer sk-mock-tier-5-large"))
    named += [(name.replace("_", "-"), value) for name, value in headers.items()]
    return send(server.address, Request("POST", path, named, body), patience=100)


def chat(messages: object) -> bytes:
    return json.dumps({"model": "gpt-4o", "messages": messages}).encode()


def filled(item: bytes, size: int, *, path: str = CHAT) -> tuple[str, bytes]:
    body = b'{"model": "gpt-4o", "messages": [%s]}' % b",".join([item] * (size // (len(item) + 1)))
    return path, body


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        (*filled(b"null", 5_000_000), "Invalid type for 'messages[0]'"),
        (*filled(b"{}", 25_000_000), "more than 1200000 values and names"),
        (*filled(b"[]", 25_000_000), "more than 1200000 values and names"),
        (*filled(b'{"a":{"b":1.5}}', 25_000_000), "more than 1200000 values and names"),
        (*filled(b'""', 25_000_000), "more than 1200000 values and names"),
        (CHAT, b"[" * 25_000_000, "more than 1200000 values and names"),
        (CHAT, b"\xff" * 25_000_000, "could not parse the JSON body"),
        (CHAT, chat([{"role": "user", "content": ",[{: " * 4_000_000}]), "maximum context length"),
        (
            CHAT,
            chat([{"role": "user", "content": [0] * 500_000}]),
            "Invalid type for 'messages[0].content[0]'",
        ),
        ("/v1/audio/speech", json.dumps({"input": "a" * 20_000_000}).encode(), "you must provide a model"),
        ("/_mock/stubs", json.dumps({"when": {}, "replies": [0] * 10_000}).encode(), "for 'replies[0]'"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else None,
)
def test_a_body_of_megabytes_takes_no_more_than_its_size_many_times_over(
    own_server: Server, path: str, body: bytes, expected: str
) -> None:
    own_server.forget_peak()
    idle = own_server.memory()
    answer = post(own_server, path, body)
    assert answer.status == 400
    assert expected in answer.body.decode()
    assert own_server.memory("VmHWM") - idle < ROOM


@pytest.mark.parametrize("strictness", ["real", "schema", "off"])
def test_the_bound_on_values_holds_in_every_strictness(own_server: Server, strictness: str) -> None:
    path, body = filled(b"{}", 5_000_000)
    answer = post(own_server, path, body, x_mock_strictness=strictness)
    assert (answer.status, answer.code) == (400, "mock_too_many_values")


def test_what_is_refused_by_the_schema_is_left_out_in_strictness_off(own_server: Server) -> None:
    content = chat([{"role": "user", "content": [0] * 100_000}])
    assert post(own_server, CHAT, content, x_mock_strictness="off").status == 200
