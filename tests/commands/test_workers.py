"""`mockserver serve --workers`: several processes behave as one server, and none is left over."""

from __future__ import annotations

import gc
import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from click.testing import Result
from websockets.exceptions import ConnectionClosedOK
from websockets.sync.client import connect as connect_web_socket

from tests.commands.workers import Served, is_running, served
from tests.transport.http_server.talking import answer_on, connect, head, rest_of
from tests.waiting import eventually

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the processes are found in /proc"),
]

PATIENCE = 60.0  # seconds
HEALTH = head("GET", "/health")
SPEECH = head(content_type="application/json", content_length=500, expect="100-continue")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path, "--allow-shutdown") as each:
        yield each


def open_sockets(pid: int) -> int:
    """Return how many sockets a process has."""
    descriptors = Path(f"/proc/{pid}/fd")
    return sum(str(os.readlink(each)).startswith("socket:") for each in descriptors.iterdir())


def test_connections_are_spread_evenly(server: Served) -> None:
    before = [open_sockets(pid) for pid in server.workers()]
    connections = [connect(server.url) for _ in range(10)]
    for connection in connections:
        connection.sendall(HEALTH)
        assert answer_on(connection).startswith(b"HTTP/1.1 200 ")
    after = [open_sockets(pid) for pid in server.workers()]
    more = [late - early for early, late in zip(before, after, strict=True)]
    assert sum(more) == 10
    assert max(more) <= 7
    for connection in connections:
        connection.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_worker_that_ends_is_replaced_and_the_others_answer_meanwhile(server: Served, number: int) -> None:
    before = server.workers()
    os.kill(before[0], number)
    try:
        ready = httpx.get(f"{server.url}/ready", timeout=PATIENCE)
    except httpx.TransportError:  # its connection was at the worker that ended
        ready = httpx.get(f"{server.url}/ready", timeout=PATIENCE)
    assert ready.status_code == 200
    assert eventually(lambda: before[0] not in server.workers() and len(server.workers()) == 2)
    assert httpx.get(f"{server.url}/health", timeout=PATIENCE).status_code == 200
    server.process.terminate()
    log = server.end()
    assert "WARNING Worker 1 has ended" in log
    assert server.process.returncode == 0


def test_a_request_to_end_the_server_ends_all_workers(server: Served, tmp_path: Path) -> None:
    workers = server.workers()
    assert httpx.post(f"{server.url}/_mock/shutdown", timeout=PATIENCE).status_code == 202
    assert "Traceback" not in server.end()
    assert server.process.returncode == 0
    assert not any(map(is_running, workers))
    assert list(tmp_path.glob("audio-mockserver-*")) == []


def test_requests_in_flight_are_finished(tmp_path: Path) -> None:
    with served(tmp_path, "--log-level", "info") as server, connect(server.url) as connection:
        body = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}).encode()
        fields = {"content_type": "application/json", "expect": "100-continue"}
        connection.sendall(head(path="/v1/chat/completions", content_length=len(body), **fields))
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        server.process.terminate()
        assert eventually(lambda: not accepts(server.url))
        connection.sendall(body)
        assert rest_of(connection).startswith(b"HTTP/1.1 200 ")
        log = server.end()
    assert server.process.returncode == 0
    assert "Traceback" not in log


def accepts(url: str) -> bool:
    try:
        connect(url).close()
    except OSError:
        return False
    return True


def test_a_second_signal_ends_all_at_once(tmp_path: Path) -> None:
    with served(tmp_path, "--shutdown-seconds", "1000") as server, connect(server.url) as connection:
        workers = server.workers()
        connection.sendall(SPEECH)
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        server.process.send_signal(signal.SIGINT)
        assert eventually(lambda: len(server.workers()) == 1)
        server.process.send_signal(signal.SIGTERM)
        server.end()
        assert server.process.returncode == -signal.SIGTERM
        assert not any(map(is_running, workers))
        assert list(tmp_path.glob("audio-mockserver-*")) == []


def test_a_worker_that_does_not_end_is_killed(tmp_path: Path) -> None:
    with served(tmp_path, "--shutdown-seconds", "0") as server:
        stopped = server.workers()[0]
        os.kill(stopped, signal.SIGSTOP)
        server.process.terminate()
        assert "Workers that have not stopped in time are killed: 1" in server.end()
        assert not is_running(stopped)


def test_no_worker_outlives_a_supervisor_that_is_killed(server: Served, tmp_path: Path) -> None:
    workers = server.workers()
    assert len(list(tmp_path.glob("audio-mockserver-*"))) == 1
    server.process.kill()
    assert eventually(lambda: not any(map(is_running, workers)))
    assert list(tmp_path.glob("audio-mockserver-*")) == []


def test_it_ends_with_its_standard_input_if_it_is_asked_to(tmp_path: Path) -> None:
    with served(tmp_path, "--stop-on-eof", stdin=subprocess.PIPE) as server:
        server.process.communicate("What is written is discarded.\n", timeout=60)
        assert server.process.returncode == 0


def test_problems_at_the_start_are_reported_once(tmp_path: Path, server: Served) -> None:
    port = server.url.rpartition(":")[2]
    for arguments, problem in (
        (["--port", port], f"mockserver: 127.0.0.1:{port} is in use by another program."),
        (["--store", "sqlite:/dev/null/x"], "mockserver: store: "),
        (["--fixtures", "nowhere"], "mockserver: "),
        (["--workers", "0"], "mockserver: argument workers: "),
    ):
        command = [sys.executable, "-m", "mockserver", "serve", "--port", "0", "--workers", "2", *arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 1
        assert done.stdout == ""
        (line,) = (each for each in done.stderr.splitlines() if each.startswith("mockserver: "))
        assert line.startswith(problem)


def test_lines_of_the_log_name_their_worker(server: Served) -> None:
    httpx.get(f"{server.url}/v1/models", headers={"x-mock-strictness": "nonsense"}, timeout=PATIENCE)
    server.process.terminate()
    lines = server.end().splitlines()
    assert all(" worker 1: " in line or " worker 2: " in line for line in lines)


def test_calls_are_the_same_at_every_worker(server: Served) -> None:
    control, key = f"{server.url}/_mock/calls", {"Authorization": "Bearer sk-mock-me"}
    session = {"type": "realtime", "model": "gpt-realtime"}
    clients = [httpx.Client(headers=key, timeout=PATIENCE) for _ in range(4)]
    called = {"from": "sip:+14155550101@example.com", "to": "sip:+18005550102@example.com"}
    rung = clients[0].post(control, json=called)
    call_id = rung.json()["id"]
    for client in clients:
        assert [each["id"] for each in client.get(control).json()["calls"]] == [call_id]
    accept = clients[1].post(f"{server.url}/v1/realtime/calls/{call_id}/accept", json=session)
    assert accept.status_code == 200
    assert {client.get(f"{control}/{call_id}").json()["status"] for client in clients} == {"answered"}
    hung_up = clients[2].post(f"{server.url}/v1/realtime/calls/{call_id}/hangup")
    assert hung_up.status_code == 200
    assert clients[3].get(f"{control}/{call_id}").json()["status"] == "ended"
    for client in clients:
        assert client.get(f"{server.url}/v1/models").status_code == 200
        client.close()


def test_the_control_api_knows_the_caller_of_a_request_that_was_passed_on(tmp_path: Path) -> None:
    with served(tmp_path, "--control-token", "secret") as server:
        answers = [httpx.get(f"{server.url}/_mock/calls", timeout=PATIENCE).status_code for _ in range(4)]
        assert answers == [401] * 4
        header = {"x-mock-control-token": "secret"}
        allowed = [
            httpx.get(f"{server.url}/_mock/calls", headers=header, timeout=PATIENCE).status_code
            for _ in range(4)
        ]
        assert allowed == [200] * 4


def test_a_sideband_reaches_its_call_from_every_worker_over_tls_too(tmp_path: Path) -> None:
    with served(tmp_path, "--tls") as server:
        context = ssl.create_default_context(cafile=str(ca_file(server)))
        key = {"Authorization": "Bearer sk-mock-me"}
        with httpx.Client(base_url=server.url, headers=key, verify=context, timeout=PATIENCE) as client:
            called = {"from": "sip:+14155550101@example.com", "to": "sip:+18005550102@example.com"}
            call_id = client.post("/_mock/calls", json=called).json()["id"]
            session = {"type": "realtime", "model": "gpt-realtime"}
            assert client.post(f"/v1/realtime/calls/{call_id}/accept", json=session).status_code == 200
        url = f"{server.url.replace('https', 'wss')}/v1/realtime?call_id={call_id}"
        with ExitStack() as stack:
            sidebands = [
                stack.enter_context(connect_web_socket(url, additional_headers=key, ssl=context))
                for _ in range(4)
            ]
            sidebands[0].send(
                json.dumps({"type": "session.update", "session": session | {"instructions": "Hi"}})
            )
            for sideband in sidebands:
                event = json.loads(sideband.recv(timeout=PATIENCE))
                assert event["type"] == "session.updated"
                assert event["session"]["instructions"] == "Hi"
            with httpx.Client(base_url=server.url, headers=key, verify=context, timeout=PATIENCE) as client:
                assert client.post(f"/v1/realtime/calls/{call_id}/hangup").status_code == 200
            for sideband in sidebands:
                with pytest.raises(ConnectionClosedOK):
                    sideband.recv(timeout=PATIENCE)
        server.process.terminate()
        assert "Traceback" not in server.end()


def ca_file(server: Served) -> Path:
    """Return the file that the banner names."""
    assert server.process.stdout is not None
    line = next(line for line in server.process.stdout if "SSL_CERT_FILE=" in line)
    return Path(line.split("SSL_CERT_FILE=")[1].split()[0])


def test_a_system_that_cannot_fork_says_what_to_do(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "fork")
    done = run("serve", "--workers", "2", "--port", "0")
    gc.enable()  # a starting server disables it
    assert done.exit_code == 1
    assert "workers: this system cannot run more than 1." in done.output
