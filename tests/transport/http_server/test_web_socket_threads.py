"""Many WebSockets, those that are too many, clients that die, and the end of the server."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from contextlib import ExitStack

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.transport.talking_web_sockets import CREATE, answer, ask, open_socket
from tests.waiting import eventually

IDLE = 200

# A client that is killed in the middle of a response.
CLIENT = """
import sys
from websockets.sync.client import connect
with connect(sys.argv[1], additional_headers={"Authorization": "Bearer sk-mock-killed"}, proxy=None) as socket:
    socket.send('{"type": "response.create", "model": "gpt-4o-mini", "input": "Hi."}')
    socket.recv()
    print("begun", flush=True)
    socket.recv(timeout=60)
    sys.stdin.read()
"""


def test_more_web_sockets_than_allowed_are_refused() -> None:
    with MockServer(Settings(port=0, whisper_model="none", max_web_sockets=1)) as small:
        with open_socket(small):
            with pytest.raises(InvalidStatus) as refused, open_socket(small):
                pass
            response = refused.value.response
            assert response.status_code == 503
            assert "max_web_sockets" in json.loads(response.body or b"")["error"]["message"]
            assert small.journal[-1]["status"] == 503

        def opens() -> bool:
            try:
                with open_socket(small):
                    return True
            except InvalidStatus:
                return False

        assert eventually(opens)  # the first one has ended


@pytest.mark.slow
def test_idle_web_sockets_are_beside_the_threads_that_answer() -> None:
    settings = Settings(port=0, whisper_model="none", max_threads=4, reserved_threads=4)
    with MockServer(settings) as server, ExitStack() as stack:
        sockets = [stack.enter_context(open_socket(server)) for _ in range(IDLE)]
        for connection in (sockets[0], sockets[-1]):
            assert ask(connection)[-1]["type"] == "response.completed"
        assert server.client.models.list().data


@pytest.mark.slow
def test_a_client_that_is_killed_frees_its_connection() -> None:
    with MockServer(Settings(port=0, whisper_model="none")) as server:
        server.on_response().reply("one two three four five " * 50, tokens_per_second=10)
        url = server.base_url.replace("http", "ws", 1) + "/responses"
        client = subprocess.Popen(
            [sys.executable, "-c", CLIENT, url], stdout=subprocess.PIPE, stdin=subprocess.PIPE
        )
        with client:
            assert client.stdout is not None
            assert client.stdout.readline() == b"begun\n"
            client.kill()
        assert eventually(lambda: not _web_socket_threads())
        assert eventually(lambda: server.journal[-1]["hung_up"] and not server.journal[-1]["in_flight"])


def test_the_end_of_the_server_closes_idle_connections_at_once() -> None:
    server = MockServer(Settings(port=0, whisper_model="none")).start()
    with open_socket(server) as connection:
        began = time.monotonic()
        threading.Thread(target=server.stop).start()
        with pytest.raises(ConnectionClosed) as closed:
            connection.recv(timeout=20)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
    assert eventually(lambda: not _web_socket_threads())
    assert time.monotonic() - began < 8  # `shutdown_seconds`


def test_the_end_of_the_server_waits_for_responses() -> None:
    server = MockServer(Settings(port=0, whisper_model="none")).start()
    server.break_next("sse_delay", after=3, seconds=0.5)
    with open_socket(server) as connection:
        connection.send(json.dumps(CREATE))
        assert json.loads(connection.recv(timeout=20))["type"] == "response.created"
        threading.Thread(target=server.stop).start()
        assert answer(connection)[-1]["type"] == "response.completed"
        with pytest.raises(ConnectionClosed) as closed:
            connection.recv(timeout=20)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001


def _web_socket_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name in ("web socket", "lane")]
