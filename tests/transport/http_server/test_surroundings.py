"""A server without a standard output, a standard error, a working folder, or memory."""

from __future__ import annotations

import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import parse_response
from tests.transport.http_server.talking import HEALTH, answers, connect, head, rest_of, running, talk
from tests.waiting import eventually

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full and limits"),
]


@pytest.mark.parametrize(
    "redirected",
    [">/dev/full 2>/dev/full", "<&- >&- 2>&-"],
)
def test_a_standard_stream_that_is_full_or_closed_is_no_reason_not_to_serve(
    tmp_path: Path, redirected: str
) -> None:
    before = f"exec {redirected}"
    with running(tmp_path, before=before, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as (
        process,
        url,
    ):
        assert answers(url)
        assert talk(url, b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400 ")
        process.terminate()
        assert process.wait(30) == 0


def test_a_pipe_that_is_not_read_does_not_stop_the_server(tmp_path: Path) -> None:
    reader, writer = socket.socketpair()
    with writer:
        reader.close()
        with running(tmp_path, stdout=writer.fileno(), stderr=writer.fileno()) as (process, url):
            assert answers(url)
            process.terminate()
            assert process.wait(30) == 0


def test_a_log_that_is_not_read_stops_no_request(tmp_path: Path) -> None:
    with running(tmp_path) as (_, url):
        line = head("GET", "/" + 4000 * "x", connection="close")  # a long line of the log
        assert all(talk(url, line).startswith(b"HTTP/1.1 404 ") for _ in range(40))


def test_a_banner_that_cannot_be_printed_is_logged(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full, running(tmp_path, stdout=full) as (process, url):
        assert answers(url)
        process.terminate()
        _, errors = process.communicate(timeout=30)
    assert "Cannot write to standard output" in errors
    assert "Traceback" not in errors
    assert process.returncode == 0


def test_a_removed_working_folder_is_not_needed(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    with running(folder) as (_, url):
        folder.rmdir()
        assert parse_response(talk(url, HEALTH)).status == 200
        listed = talk(url, head("GET", "/_mock/stubs", connection="close"))
        assert parse_response(listed).status == 200
        speech = b'{"model":"tts-1","voice":"alloy","input":"Hi.","response_format":"mp3"}'
        spoken = head(content_type="application/json", content_length=len(speech), connection="close")
        assert parse_response(talk(url, spoken + speech)).status == 200


def test_bodies_that_memory_does_not_suffice_for_are_refused_and_others_served(tmp_path: Path) -> None:
    def ask(size: int) -> int:
        body = b'{"model": "gpt-4o-mini", "messages": "' + b"a" * size + b'"}'
        request = head(
            path="/v1/chat/completions",
            content_type="application/json",
            content_length=len(body),
            connection="close",
        )
        with connect(url, timeout=60) as connection:
            connection.sendall(request + body)
            return parse_response(rest_of(connection)).status

    with running(tmp_path, before="ulimit -v 500000") as (process, url):
        assert ask(1000) == 400  # the libraries are loaded now
        with ThreadPoolExecutor(16) as clients:
            statuses = set(clients.map(ask, 16 * [20 << 20]))
        assert statuses <= {400, 503}  # messages are a list
        assert 503 in statuses
        assert eventually(lambda: answers(url))
        assert process.poll() is None
