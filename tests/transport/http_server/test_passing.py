"""Requests that another process of the server answers: with the client's address, body, and WebSockets."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mockserver.settings.model import Settings
from mockserver.transport.http_server.passing import Passing
from mockserver.transport.http_server.server import Family, HttpServer, open_address
from mockserver.transport.http_server.turns import Turn, Turns
from tests.transport.http_server.talking import answer_on, connect, head, rest_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs Unix sockets")

Started = dict[str, HttpServer]


def app_called(name: str) -> Any:
    """Return an app that answers with its name, the client's port, the query and the body."""

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        body = environ["wsgi.input"].read()
        text = f"{name} {environ['REMOTE_ADDR']}:{environ['REMOTE_PORT']} {environ['QUERY_STRING']} "
        answer = text.encode() + body
        start_response("200 OK", [("Content-Length", str(len(answer)))])
        return [answer]

    return app


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "calls.sock")


@pytest.fixture
def servers(path: str) -> Iterator[Started]:
    """Yield the server ``owner``, which answers requests below ``/calls`` for ``other``, too."""
    private = socket.socket(socket.AF_UNIX)
    private.bind(path)
    private.listen()
    private.settimeout(0)
    turns, found = Turns(2), {}
    for number, (name, listener) in enumerate({"owner": private, "other": None}.items()):
        passing = Passing(lambda head: head.path.startswith("/calls"), path, listener)
        settings = Settings(port=0, socket_timeout=5)
        family = Family(Turn(turns, number), passing)
        found[name] = HttpServer(
            open_address(settings), settings, app_called(name), threading.Event(), family
        )
    threads = [threading.Thread(target=each.serve) for each in found.values()]
    for thread in threads:
        thread.start()
    yield found
    for each in found.values():
        each.stop()
    for thread in threads:
        thread.join()


def asked(server: HttpServer, request: bytes) -> tuple[bytes, str]:
    """Return the answer to a request after which the server closes the connection, and the client's address."""
    with connect(server.url) as connection:
        connection.sendall(request)
        host, port = connection.getsockname()
        return rest_of(connection), f"{host}:{port}"


def test_the_owner_answers_with_the_address_of_the_client(servers: Started) -> None:
    answer, client = asked(servers["other"], head("GET", "/calls/a%2Fb?c=%20d"))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(f"\r\n\r\nowner {client} c=%20d ".encode())


def test_a_body_is_passed_on_as_it_comes(servers: Started) -> None:
    body = b"x" * 300_000
    with connect(servers["other"].url) as connection:
        connection.sendall(head(path="/calls", content_length=len(body), expect="100-continue"))
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert rest_of(connection).endswith(b" " + body)


def test_chunks_are_passed_on(servers: Started) -> None:
    chunks = b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    answer, _ = asked(servers["other"], head(path="/calls", transfer_encoding="chunked") + chunks)
    assert answer.endswith(b" abcde")


def test_other_requests_are_answered_by_who_gets_them_on_a_connection_that_is_kept(servers: Started) -> None:
    with connect(servers["other"].url) as connection:
        for _ in range(2):
            connection.sendall(head("GET", "/models"))
            assert b"other " in answer_on(connection)
        connection.sendall(head("GET", "/calls"))
        assert b"owner " in rest_of(connection)


def test_the_owner_answers_its_own_clients(servers: Started) -> None:
    for _ in range(2):
        answer, client = asked(servers["owner"], head("GET", "/calls", connection="close"))
        assert f"owner {client} ".encode() in answer


def test_without_the_owner_the_client_is_asked_to_try_again(servers: Started, path: str) -> None:
    Path(path).unlink()
    answer, _ = asked(servers["other"], head("GET", "/calls"))
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"does not answer. Try again later." in answer
