"""Raw connections to a server, and servers in separate processes."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mockserver.testing.mock_server import MockServer
from tests.waiting import eventually

HEALTH = b"GET /_mock/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def connect(server: MockServer | str, timeout: float = 30) -> socket.socket:
    """Return a connection to a server, or to the URL of one."""
    url = server if isinstance(server, str) else server.url
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=timeout)


def rest_of(connection: socket.socket) -> bytes:
    """Return all bytes until the server closes the connection."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def talk(server: MockServer | str, data: bytes) -> bytes:
    """Send ``data``; return all bytes until the server closes the connection."""
    with connect(server) as connection:
        connection.sendall(data)
        return rest_of(connection)


def head(method: str = "POST", path: str = "/v1/audio/speech", **headers: object) -> bytes:
    """Return the head of a request; ``content_length=5`` is the header ``content-length: 5``. ``None`` omits one."""
    fields = {"host": "localhost", "authorization": "Bearer sk-mock-me", **headers}
    lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items() if value is not None]
    return f"{method} {path} HTTP/1.1\r\n{''.join(lines)}\r\n".encode()


def answer_on(connection: socket.socket) -> bytes:
    """Read an answer with a length to its end; the connection may be kept."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65536)
        assert piece, received
        received += piece
    head_end = received.index(b"\r\n\r\n") + 4
    length = int(re.search(rb"(?i)content-length: (\d+)", received)[1])  # type: ignore[index]
    while len(received) < head_end + length:
        received += connection.recv(65536)
    return received


@contextmanager
def running(
    folder: Path, *arguments: str, before: str = "", **options: object
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Yield the process of ``mockserver serve``, started by a shell that runs ``before`` first, and its URL."""
    if options.get("stdout", subprocess.PIPE) is not subprocess.PIPE:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
    else:
        port = 0
    serve = [
        sys.executable,
        "-m",
        "mockserver",
        "serve",
        "--port",
        str(port),
        "--whisper-model",
        "none",
        *arguments,
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MOCKSERVER_")}
    environment["PYTHONPATH"] = str(Path(__file__).parents[3])
    given: dict[str, object] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    command = ["/bin/sh", "-c", f'{before}\nexec "$@"', "sh", *serve]
    with subprocess.Popen(command, text=True, cwd=folder, env=environment, **given) as process:  # type: ignore[call-overload]
        try:
            if port == 0:
                match = re.match(r"audio-mockserver at (https?://\S+)/v1 ", process.stdout.readline())
                assert match
                yield process, match[1]
            else:
                url = f"http://127.0.0.1:{port}"
                assert eventually(lambda: answers(url)), "the server does not answer"
                yield process, url
        finally:
            process.kill()
            process.communicate()


def answers(url: str) -> bool:
    """Return whether the health check of a server succeeds."""
    try:
        return talk(url, HEALTH).startswith(b"HTTP/1.1 200 ")
    except OSError:
        return False
