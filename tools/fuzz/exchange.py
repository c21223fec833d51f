"""Requests as bytes, and their answers."""

from __future__ import annotations

import http.client
import json
import shlex
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

KEY = "sk-mock-tier-5-fuzz"
_MAX_READ = 1 << 24  # bytes of an answer that are read
_STREAMED = 2.0  # seconds for which events are read: those of the journal have no end
_SHOWN = 4096  # bytes of a request that are shown in a command


@dataclass(frozen=True, slots=True)
class Request:
    """A request; ``raw`` are other bytes that are sent instead, and need not be HTTP."""

    method: str
    path: str
    headers: Sequence[tuple[str, str]] = ()
    body: bytes | None = None
    raw: bytes = b""

    @property
    def breaks_http(self) -> bool:
        """Return whether the request may be invalid HTTP."""
        return bool(self.raw)

    @property
    def data(self) -> bytes:
        """Return the request as it is sent."""
        if self.raw:
            return self.raw
        headers = {"Host": "127.0.0.1", "Connection": "close"} | dict(self.headers)
        lines = [f"{self.method} {self.path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if self.body is not None:
            lines.append(f"Content-Length: {len(self.body)}")
        head = "".join(f"{line}\r\n" for line in (*lines, ""))
        return head.encode("latin-1", "replace") + (self.body or b"")

    def with_bytes(self, data: bytes) -> Request:
        """Return the same request as other bytes."""
        return replace(self, raw=data)

    def without(self, header: str) -> Request:
        """Return the same request without a header."""
        return replace(self, headers=tuple(each for each in self.headers if each[0] != header))

    def command(self, port: int) -> str:
        """Return a shell command that sends the request again."""
        text = (self.body or b"").decode("utf-8", "replace")
        if self.raw or len(text) > _SHOWN or text.encode() != (self.body or b"") or "\x00" in text:
            return ""
        words = ["curl", "-i", "-X", self.method, f"http://127.0.0.1:{port}{self.path}"]
        for name, value in self.headers:
            words += ["-H", f"{name}: {value}"]
        if self.body is not None:
            words += ["--data-binary", text]
        return shlex.join(words)


@dataclass(frozen=True, slots=True)
class Answer:
    """A response. ``status`` is 0 if the connection was closed without an answer, -1 if none arrived in time."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def code(self) -> str:
        """Return the ``code`` of the error in the body, if there is one."""
        try:
            return str(json.loads(self.body)["error"]["code"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return ""

    @property
    def shown(self) -> str:
        """Return the outcome of the request, in a line."""
        if self.status <= 0:
            return "no answer in time" if self.status else "closed without an answer"
        return f"{self.status} {self.body[:300]!r}"


def send(address: tuple[str, int], request: Request, patience: float) -> Answer:
    """Send the request, and nothing after it; wait ``patience`` seconds for each part of the answer."""
    try:
        with socket.create_connection(address, timeout=patience) as connection:
            try:
                connection.sendall(request.data)
                if request.breaks_http:
                    connection.shutdown(
                        socket.SHUT_WR
                    )  # so that the server does not wait for bytes that were cut off
            except OSError:
                pass  # refused before all of it was read; the answer has arrived
            return _answer(connection, request.method)
    except TimeoutError:
        return Answer(-1)
    except (OSError, http.client.HTTPException):
        return Answer(0)


def _answer(connection: socket.socket, method: str) -> Answer:
    response = http.client.HTTPResponse(connection, method=method)
    response.begin()
    headers = {name.lower(): value for name, value in response.getheaders()}
    if headers.get("content-type", "").startswith("text/event-stream"):
        return Answer(response.status, headers, _events(connection, response))
    try:
        body = response.read(_MAX_READ)
    except http.client.IncompleteRead as error:
        body = error.partial
    return Answer(response.status, headers, body)


def _events(connection: socket.socket, response: http.client.HTTPResponse) -> bytes:
    """Return what is sent of a stream of events in some seconds."""
    body, end = b"", time.monotonic() + _STREAMED
    try:
        while len(body) < _MAX_READ and (left := end - time.monotonic()) > 0:
            connection.settimeout(left)
            piece = response.read1(_MAX_READ)
            if not piece:
                break
            body += piece
    except (TimeoutError, http.client.IncompleteRead):
        pass
    return body


def saved(request: Request, folder: Path, name: str) -> Path:
    """Write the request into a file of ``folder``, for ``--send``."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.http"
    path.write_bytes(request.data)
    return path
