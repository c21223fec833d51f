"""No text of a request becomes a separate header of the answer."""

from __future__ import annotations

import json
import socket

import pytest

from mockserver.testing.mock_server import MockServer

BREAKS = [
    "%0d%0a",
    "%0a",
    "%E5%98%8A%E5%98%8D",  # characters with last bytes equal to a line break
    "\\r\\n",
    "\r",
    "\n",
    "\r\n ",
    "\x00",
    "\x0b",
    "\x85",
    "\u2028".encode().decode("latin-1"),
]
HEADERS = [
    *(
        "OpenAI-Organization",
        "OpenAI-Project",
        "Origin",
        "Access-Control-Request-Headers",
        "X-Request-Id",
        "Referer",
    ),
    *(
        "x-mock-fault",
        "x-mock-limits",
        "x-mock-tier",
        "Content-Type",
        "Accept",
        "Sec-WebSocket-Protocol",
        "Host",
    ),
]


def answered(server: MockServer, head: str, body: bytes = b"") -> list[str]:
    """Return the lines of the first answer's head."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(head.encode("latin-1") + b"\r\n\r\n" + body)
        connection.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    return received.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")


def injected(lines: list[str]) -> list[str]:
    parts = (part for line in lines for part in line.replace("\r", "\n").split("\n"))
    return [part for part in parts if part.strip().lower().startswith("injected:")]


@pytest.mark.parametrize("line_break", BREAKS, ids=ascii)
@pytest.mark.parametrize("header", HEADERS)
def test_a_header_makes_none(server: MockServer, header: str, line_break: str) -> None:
    value = f"a{line_break}Injected: yes"
    for method, path in (("GET", "/v1/models"), ("OPTIONS", "/v1/models"), ("OPTIONS", "/_mock/clock")):
        own = "" if header == "Host" else "Host: localhost\r\n"
        head = f"{method} {path} HTTP/1.1\r\n{own}Authorization: Bearer sk-mock-injector\r\n{header}: {value}"
        lines = answered(server, f"{head}\r\nConnection: close")
        assert lines[0].split(" ")[1] < "500"
        assert injected(lines) == []


@pytest.mark.parametrize("line_break", ["%0d%0a", "%0a", "%0d", "%00", "%E5%98%8A%E5%98%8D", "\\r\\n"])
@pytest.mark.parametrize(
    "target", ["/{}", "/models/{}", "/v1/files/{}", "/v1/models?after={}", "/_mock/{}", "/v1/x/{}/y"]
)
def test_a_target_makes_none(server: MockServer, target: str, line_break: str) -> None:
    path = target.format(f"a{line_break}Injected:%20yes")
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sk-mock-injector\r\nConnection: close"
    lines = answered(server, head)
    assert lines[0].split(" ")[1] < "500"
    assert injected(lines) == []


def test_a_body_makes_none(server: MockServer) -> None:
    text = "a\r\nInjected: yes"
    chat = {"model": text, "user": text, "messages": [{"role": "user", "content": text}]}
    known = {"model": "gpt-4o-mini", "metadata": {"a": text}, "messages": [{"role": "user", "content": text}]}
    spoken = {"model": "tts-1", "voice": text, "input": text, "response_format": text}
    for path, document in (("chat/completions", chat), ("chat/completions", known), ("audio/speech", spoken)):
        body = json.dumps(document).encode()
        head = (
            f"POST /v1/{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sk-mock-injector\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close"
        )
        lines = answered(server, head, body)
        assert lines[0].split(" ")[1] < "500"
        assert injected(lines) == []
