"""Requests that can be read in two ways are refused, whatever follows them; unusual ones are answered.

The table is ``requests.toml``: bytes on a socket, which any server must take so.
"""

from __future__ import annotations

import json
import re
import socket
import tomllib
from pathlib import Path
from typing import Any

import pytest

from mockserver.testing.mock_server import MockServer
from tests.conftest import parse_response

TABLE = tomllib.loads((Path(__file__).parent / "requests.toml").read_text("utf-8"))
REPEATED = re.compile(r"\{(\d+)\*([^{}]*)\}")
SMUGGLED = b"GET /v1/models/smuggled HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sk-mock-me\r\n\r\n"
NEXT = b"GET /_mock/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def written(row: dict[str, Any]) -> bytes:
    """Return the bytes of a row of the table."""
    text: str = row.get("raw") or "\r\n".join(row["lines"]) + "\r\n\r\n" + row.get("body", "")
    while (repeated := REPEATED.sub(lambda found: int(found[1]) * found[2], text)) != text:
        text = repeated
    return text.encode("latin-1")


def talk(server: MockServer, data: bytes) -> bytes:
    """Send ``data``; return all bytes until the server closes the connection."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(data)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def cases(kind: str) -> list[Any]:
    return [pytest.param(row, id=row["name"].encode("unicode_escape").decode()) for row in TABLE[kind]]


@pytest.mark.parametrize("row", cases("refused"))
def test_what_can_be_read_in_two_ways_is_refused(server: MockServer, row: dict[str, Any]) -> None:
    answers = talk(server, written(row) + SMUGGLED)
    assert answers.count(b"HTTP/1.") == 1, "what followed was answered, too"
    response = parse_response(answers)
    assert response.status == row.get("status", 400)
    assert response.headers["connection"] == "close"
    assert response.headers["content-type"].startswith("application/json")
    assert set(json.loads(response.body)["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("row", cases("accepted"))
def test_what_is_unusual_is_answered(server: MockServer, row: dict[str, Any]) -> None:
    answers = talk(server, written(row) + NEXT)
    assert re.findall(rb"HTTP/1\.\d (\d+)", answers) == [str(row.get("status", 200)).encode(), b"200"]


@pytest.mark.parametrize("row", cases("accepted"))
def test_a_request_may_come_byte_by_byte(server: MockServer, row: dict[str, Any]) -> None:
    data = written(row) + NEXT
    if len(data) > 1000:
        pytest.skip("too many bytes")
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(len(data)):
            connection.sendall(data[at : at + 1])
        answers = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answers.count(b" 200 OK\r\n") == 2


def test_a_smuggled_request_is_not_in_the_journal(server: MockServer) -> None:
    before = server.latest_exchange
    row = next(each for each in TABLE["refused"] if each["name"].startswith("Content-Length beside"))
    talk(server, written(row) + SMUGGLED)
    assert "smuggled" not in server.exchanges_after(before)


def test_the_host_of_the_target_counts_and_not_that_of_the_header(server: MockServer) -> None:
    before = server.latest_exchange
    target = f"http://{server.url.removeprefix('http://')}"
    response = parse_response(
        talk(
            server,
            f"GET {target}/ HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n".encode(),
        )
    )
    assert f"{target}/v1".encode() in response.body
    assert b"other.example" not in response.body
    assert server.latest_exchange == before
