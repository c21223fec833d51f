"""The thread that waits for connections answers short requests itself, and another one waits if they are long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from mockserver.settings.model import Settings
from mockserver.transport.http_server import reception
from mockserver.transport.http_server.server import HttpServer, listen
from mockserver.transport.http_server.workers import Workers
from tests.transport.http_server.talking import answer_on, connect, head, rest_of
from tests.waiting import eventually

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

QUICK = head("GET", "/quick", authorization=None)
LONG = head("GET", "/long", authorization=None)


class App:
    """An application that notes its threads by path; requests of ``/long`` wait until the gate is open."""

    def __init__(self) -> None:
        self.threads: list[int] = []
        self.waiting = 0
        self.gate = threading.Event()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.threads.append(threading.get_ident())
        if environ["PATH_INFO"] == "/long":
            self.waiting += 1
            self.gate.wait(30)
        start_response("200 OK", [("Content-Length", "0")])
        return []


@contextmanager
def serving(app: WSGIApplication, **settings: float | str) -> Iterator[HttpServer]:
    """Yield a server of ``app``, which has run and stops at the end."""
    server = listen(Settings(port=0, socket_timeout=30, **settings), app)  # type: ignore[arg-type]
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(30)
        assert not thread.is_alive()


def asks_at_once(url: str, request: bytes, open_: ExitStack) -> Callable[[], bytes]:
    """Send a quick request and another one on the same connection. Return what reads the second answer."""
    connection = open_.enter_context(connect(url))
    connection.sendall(QUICK)
    answer_on(connection)
    connection.sendall(request)
    return lambda: answer_on(connection)


def test_short_requests_of_a_connection_are_answered_by_the_thread_that_waits_for_them() -> None:
    app = App()
    with serving(app) as server, connect(server.url) as connection:
        for _ in range(20):
            connection.sendall(QUICK)
            assert answer_on(connection).startswith(b"HTTP/1.1 200 OK")
    assert len(app.threads) == 20
    assert len(set(app.threads[1:])) <= 3, (
        "others take over only where an answer takes long, on a busy machine"
    )


@pytest.mark.parametrize("store", ["memory", "sqlite:state.sqlite"])
def test_long_requests_keep_no_others_waiting(store: str) -> None:
    app = App()
    with serving(app, store=store) as server, ExitStack() as open_:
        answers = []
        for number in range(1, 31):
            answers.append(asks_at_once(server.url, LONG, open_))
            assert eventually(lambda number=number: app.waiting == number)  # type: ignore[misc]
        assert asks_at_once(server.url, QUICK, open_)().startswith(b"HTTP/1.1 200 OK")
        app.gate.set()
        assert all(answer().startswith(b"HTTP/1.1 200 OK") for answer in answers)
        assert asks_at_once(server.url, QUICK, open_)().startswith(b"HTTP/1.1 200 OK")
    assert len(app.threads) == 30 * 2 + 4


def test_long_requests_that_arrive_together_do_not_stop_one_leader_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent = threading.Event()
    patient = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: sent.wait(30))
    monkeypatch.setattr(reception, "time", patient)
    leaders: list[object] = []
    lead = Workers.lead

    def counted(workers: Workers, task: Callable[[], None]) -> None:
        leaders.append(task)
        lead(workers, task)

    monkeypatch.setattr(Workers, "lead", counted)
    app = App()
    with serving(app) as server, ExitStack() as open_:
        connections = [open_.enter_context(connect(server.url)) for _ in range(8)]
        for connection in connections:
            connection.sendall(QUICK)
            answer_on(connection)
        for connection in connections:
            connection.sendall(LONG)
        sent.set()
        assert eventually(lambda: app.waiting == 8)
        assert len(leaders) < len(connections) / 2  # one, unless the machine is busy
        app.gate.set()
        assert all(answer_on(connection).startswith(b"HTTP/1.1 200 OK") for connection in connections)


@pytest.mark.parametrize(
    ("store", "seconds"),
    [("memory", 0.002), ("sqlite:state.sqlite", 0.02), ("redis://127.0.0.1:6379", 0.02)],
)
def test_a_leader_may_wait_longer_for_a_store(
    store: str, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    noting = SimpleNamespace(monotonic=time.monotonic, sleep=slept.append)
    monkeypatch.setattr(reception, "time", noting)
    app = App()
    app.gate.set()
    with serving(app, store=store) as server, ExitStack() as open_:
        assert eventually(
            lambda: asks_at_once(server.url, LONG, open_)().startswith(b"HTTP/1.1 200 OK") and slept
        )
    assert set(slept) == {seconds}


def test_requests_that_follow_each_other_at_once_are_all_answered() -> None:
    app = App()
    with serving(app) as server, connect(server.url) as connection:
        connection.sendall(QUICK * 50 + head("GET", "/quick", authorization=None, connection="close"))
        assert rest_of(connection).count(b"HTTP/1.1 200 OK") == 51


def test_many_connections_are_answered_while_long_requests_come_and_go() -> None:
    app = App()
    app.gate.set()
    failures: list[BaseException] = []

    def ask_often(url: str, request: bytes) -> None:
        try:
            with connect(url) as connection:
                for _ in range(100):
                    connection.sendall(request)
                    assert answer_on(connection).startswith(b"HTTP/1.1 200 OK")
        except BaseException as failure:
            failures.append(failure)
            raise

    def slow(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/long":
            threading.Event().wait(0.003)  # about as long as a leader may take
        return app(environ, start_response)

    with serving(slow) as server:
        threads = [
            threading.Thread(target=ask_often, args=(server.url, LONG if number % 3 else QUICK))
            for number in range(24)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert not failures
    assert len(app.threads) == 2_400


def test_a_server_that_stops_finishes_what_the_leader_answers() -> None:
    app = App()
    with ExitStack() as open_:
        with serving(app) as server:
            answer = asks_at_once(server.url, LONG, open_)
            assert eventually(lambda: app.waiting == 1)
            stopping = threading.Thread(target=server.stop)
            stopping.start()
            app.gate.set()
            stopping.join(30)
            assert not stopping.is_alive()
        assert answer().startswith(b"HTTP/1.1 200 OK")


def test_a_server_that_stops_aborts_what_the_leader_answers_for_too_long() -> None:
    app = App()
    with ExitStack() as open_:
        with serving(app, shutdown_seconds=0.5) as server:
            connection = open_.enter_context(connect(server.url))
            connection.sendall(QUICK)
            answer_on(connection)
            connection.sendall(LONG)
            assert eventually(lambda: app.waiting == 1)
        assert connection.recv(65536) == b""
        app.gate.set()
