"""WSGI applications are called for each request, and their responses are sent as HTTP says."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from mockserver.settings.model import Settings
from mockserver.transport.http_server.server import listen
from tests.transport.http_server.talking import connect, head, rest_of, talk

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PLAIN = [("Content-Type", "text/plain")]


@contextmanager
def serving(app: WSGIApplication) -> Iterator[str]:
    """Yield the URL of a server of ``app``."""
    server = listen(Settings(port=0, socket_timeout=5), app)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server.url
    finally:
        server.stop()
        thread.join()


def answering(
    *pieces: bytes, status: str = "200 OK", headers: Iterable[tuple[str, str]] = PLAIN
) -> WSGIApplication:
    """Return an application that answers every request alike."""

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response(status, list(headers))
        return pieces

    return app


def get(**fields: object) -> bytes:
    return head("GET", "/", authorization=None, **fields)


def test_a_body_of_unknown_length_is_sent_in_chunks() -> None:
    with serving(answering(b"Good", b"", b" day.")) as url:
        answer = talk(url, get(connection="close"))
    start, _, body = answer.partition(b"\r\n\r\n")
    assert start.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n")
    assert b"\r\nConnection: close\r\nDate: " in start
    assert start.endswith(b"GMT\r\nServer: audio-mockserver")
    assert body == b"4\r\nGood\r\n5\r\n day.\r\n0\r\n\r\n"


def test_a_large_piece_is_sent_whole() -> None:
    large = b"a" * 300_000
    with serving(answering(large)) as url:
        body = talk(url, get(connection="close")).partition(b"\r\n\r\n")[2]
    assert body == b"%x\r\n%b\r\n0\r\n\r\n" % (len(large), large)


def test_http_1_0_has_no_chunks_and_may_keep_the_connection() -> None:
    with_length = answering(b"Hello", headers=[*PLAIN, ("Content-Length", "5")])
    request = b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    with serving(answering(b"Hello")) as url:
        answer = talk(url, request)
        assert b"chunked" not in answer
        assert answer.endswith(b"\r\n\r\nHello")
    with serving(with_length) as url, connect(url) as connection:
        connection.sendall(request)
        connection.sendall(request.replace(b"keep-alive", b"close"))
        first, second = rest_of(connection).split(b"Hello")[:2]
        assert b"Connection: Keep-Alive\r\nKeep-Alive: timeout=5" in first
        assert b"Keep-Alive" not in second


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_a_status_without_body_has_no_chunks(status: str) -> None:
    with serving(answering(status=status)) as url:
        answer = talk(url, get(connection="close"))
    assert answer.startswith(f"HTTP/1.1 {status}\r\n".encode())
    assert b"chunked" not in answer
    assert answer.endswith(b"\r\n\r\n")


def test_the_response_to_head_has_no_body() -> None:
    with serving(answering(headers=[*PLAIN, ("Content-Length", "5")])) as url, connect(url) as connection:
        connection.sendall(head("HEAD", "/") + head("HEAD", "/", connection="close"))
        assert rest_of(connection).count(b"Content-Length: 5") == 2


@pytest.mark.parametrize(
    ("pieces", "sent"), [((b"Hel", b"lo, world"), b"Hello"), ((b"Hell",), b"Hell")], ids=["longer", "shorter"]
)
def test_a_body_of_another_length_than_announced_ends_the_connection(
    pieces: tuple[bytes, ...], sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with serving(answering(*pieces, headers=[*PLAIN, ("Content-Length", "5")])) as url:
        answer = talk(url, get())
    assert answer.endswith(b"\r\n\r\n" + sent)
    assert "than its Content-Length" in caplog.text


def test_a_body_that_fails_before_its_first_piece_has_its_head_sent() -> None:
    closed = threading.Event()

    class Failing(Iterator[bytes]):
        def __next__(self) -> bytes:
            raise ConnectionResetError("a fault")

        def close(self) -> None:
            closed.set()

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [*PLAIN, ("Content-Length", "5")])
        return Failing()

    with serving(app) as url:
        answer = talk(url, get())
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\n")
    assert closed.is_set()


def test_an_application_that_fails_is_a_503() -> None:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        raise RuntimeError("broken")

    with serving(app) as url:
        assert talk(url, get()).startswith(b"HTTP/1.1 503 ")


def test_the_environ_is_that_of_the_request() -> None:
    environs: list[dict[str, Any]] = []

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environs.append(environ)
        start_response("200 OK", PLAIN)
        return [environ["wsgi.input"].read()]

    request = head("POST", "/a%20b?c=%20", content_length=2, content_type="text/plain", x_one="1") + b"hi"
    with serving(app) as url, connect(url) as connection:
        connection.sendall(request + request.replace(b"hi", b"ho") + get(connection="close"))
        answers = rest_of(connection)
    first, second, third = environs
    assert answers.count(b"2\r\nhi\r\n0\r\n\r\n") == answers.count(b"2\r\nho\r\n0\r\n\r\n") == 1
    assert (first["REQUEST_METHOD"], first["PATH_INFO"], first["QUERY_STRING"]) == ("POST", "/a b", "c=%20")
    assert (first["CONTENT_TYPE"], first["CONTENT_LENGTH"], first["HTTP_X_ONE"]) == ("text/plain", "2", "1")
    assert first["SERVER_PORT"] == url.rpartition(":")[2]
    assert first["wsgi.input"] is not second["wsgi.input"]
    assert "HTTP_X_ONE" not in third


def test_a_body_in_chunks_is_read_whole() -> None:
    bodies: list[bytes] = []

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        bodies.append(environ["wsgi.input"].read())
        start_response("200 OK", PLAIN)
        return []

    request = head("POST", "/", transfer_encoding="chunked", connection="close")
    with serving(app) as url:
        talk(url, request + b"4\r\nGood\r\n5\r\n day.\r\n0\r\n\r\n")
    assert bodies == [b"Good day."]
