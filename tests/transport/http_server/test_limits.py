"""The sizes of heads and the number of connections are bounded by the settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.transport.http_server.talking import HEALTH, answer_on, connect, head, talk

CONNECTIONS = 16


@pytest.fixture(scope="module")
def narrow() -> Iterator[MockServer]:
    """Yield a server that accepts heads of 2,000 bytes and 20 headers, and 16 connections."""
    settings = Settings(
        port=0,
        whisper_model="none",
        max_head_bytes=2_000,
        max_head_fields=20,
        max_connections=CONNECTIONS,
        log_level="error",
    )
    with MockServer(settings) as running:
        yield running


def asked(path: str = "/_mock/health", *, headers: int = 0, size: int = 0) -> bytes:
    """Return a request with so many headers beside three, one of them of that length."""
    more = {f"x_{number}": 1 for number in range(headers)}
    return head("GET", path, connection="close", x_long="a" * size, authorization=None, **more)


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (asked(headers=17), 200, b'"ok"'),
        (asked(headers=18), 413, b"more than 2000 bytes, or more than 20 headers"),
        (asked(size=1_800), 200, b'"ok"'),
        (asked(size=2_000), 413, b"more than 2000 bytes, or more than 20 headers"),
        (asked("/_mock/health?" + "a" * 2_000), 414, b"longer than 2000 bytes"),
    ],
    ids=["headers", "more-headers", "bytes", "more-bytes", "target"],
)
def test_heads_are_as_large_as_the_settings_say(
    narrow: MockServer, request_: bytes, status: int, code: bytes
) -> None:
    answer = talk(narrow, request_)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert code in answer


def test_heads_may_be_larger_than_usual() -> None:
    settings = Settings(
        port=0,
        whisper_model="none",
        max_head_bytes=200_000,
        max_head_fields=300,
        log_level="error",
    )
    with MockServer(settings) as wide:
        assert talk(wide, asked(headers=250)).startswith(b"HTTP/1.1 200 ")
        assert talk(wide, asked(size=150_000)).startswith(b"HTTP/1.1 200 ")


def test_of_more_connections_than_there_may_be_the_oldest_make_room(narrow: MockServer) -> None:
    with ExitStack() as stack:
        opened = [stack.enter_context(connect(narrow)) for _ in range(2 * CONNECTIONS)]
        for oldest in opened[:CONNECTIONS]:
            assert oldest.recv(1) == b"", "it is closed"
        opened[-1].sendall(HEALTH)
        assert answer_on(opened[-1]).startswith(b"HTTP/1.1 200 ")
