"""A server without free file descriptors continues to work."""

from __future__ import annotations

import os
import resource
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.transport.http_server.talking import HEALTH, answer_on, answers, connect, head, rest_of, running
from tests.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]

KEPT = HEALTH.replace(b"Connection: close\r\n", b"")
BODY = head(content_type="application/json", content_length=500) + b"{"


def cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def spent_in_silence(pid: int, url: str) -> int:
    """Return the ticks that the server computes in half a second of silence and for the request after it."""
    before = cpu_ticks(pid)
    with connect(url) as idle:
        idle.settimeout(0.5)
        with pytest.raises(TimeoutError):
            idle.recv(1)
        idle.settimeout(30)
        idle.sendall(HEALTH)
        assert rest_of(idle).startswith(b"HTTP/1.1 200 ")
    return cpu_ticks(pid) - before


@pytest.mark.parametrize("sent", [KEPT, b"GET /_mock/hea", BODY], ids=["kept", "head", "body"])
def test_more_connections_than_open_files_do_not_stop_the_server(tmp_path: Path, sent: bytes) -> None:
    log = tmp_path / "log"
    with (
        log.open("w") as stderr,
        running(tmp_path, "--log-level", "warning", before="ulimit -n 64", stderr=stderr) as (process, url),
        ExitStack() as stack,
    ):
        for _ in range(150):
            stack.enter_context(connect(url)).sendall(sent)
        for _ in range(20):
            assert answers(url)
        # Engines are loaded in the background in the first second.
        assert eventually(lambda: spent_in_silence(process.pid, url) < 25), "it is busy for half of the time"
    text = log.read_text()
    assert text.count("there is no room for more") == 1
    assert "Traceback" not in text
    assert len(text) < 2000


def test_a_connection_in_use_is_served_to_its_end(tmp_path: Path) -> None:
    speech = b'{"model":"tts-1","voice":"alloy","input":"Hello.","response_format":"pcm"}'
    with running(tmp_path, before="ulimit -n 64") as (_, url), ExitStack() as stack, connect(url) as used:
        used.sendall(
            head(
                content_length=len(speech),
                content_type="application/json",
                connection="close",
                expect="100-continue",
            )
        )
        assert used.recv(100).startswith(b"HTTP/1.1 100 ")  # the request is in progress from here on
        used.sendall(speech[:10])
        for _ in range(100):
            stack.enter_context(connect(url))
        assert answers(url)
        used.sendall(speech[10:])
        assert rest_of(used).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("sent", [b"", b"GET /v1/mod"], ids=["silent", "head"])
def test_a_crowd_does_not_take_the_place_of_a_connection_that_was_served(tmp_path: Path, sent: bytes) -> None:
    with running(tmp_path, before="ulimit -n 64") as (_, url), ExitStack() as stack, connect(url) as kept:
        kept.sendall(KEPT)
        answer_on(kept)
        for _ in range(150):
            stack.enter_context(connect(url)).sendall(sent)
        for _ in range(3):
            assert answers(url)
            kept.sendall(KEPT)
            assert answer_on(kept).startswith(b"HTTP/1.1 200 ")


def test_of_connections_that_are_silent_the_one_stays_that_was_there_before_a_crowd(tmp_path: Path) -> None:
    with running(tmp_path, before="ulimit -n 64") as (_, url), ExitStack() as stack, connect(url) as first:
        for _ in range(50):
            stack.enter_context(connect(url))
        for _ in range(3):
            assert answers(url)
        first.sendall(KEPT)
        assert answer_on(first).startswith(b"HTTP/1.1 200 ")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no limits here")
def test_the_limit_of_open_files_is_raised(tmp_path: Path) -> None:
    with running(tmp_path, before="ulimit -S -n 100; ulimit -H -n 200") as (process, _):
        limits = Path(f"/proc/{process.pid}/limits").read_text()
    assert "Max open files            200                  200" in limits


def test_files_that_cannot_be_opened_any_more_leave_no_connection_behind(tmp_path: Path) -> None:
    """The limit is lowered after the start, as if other files used it up: the error tables cannot be read."""
    form = head(path="/v1/files", content_type="multipart/form-data; boundary=X", content_length=900_000)
    with running(tmp_path, "--socket-timeout", "2") as (process, url):
        assert answers(url)
        open_files = len(os.listdir(f"/proc/{process.pid}/fd"))
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (open_files + 40, open_files + 40))
        with ExitStack() as stack:
            for _ in range(100):
                stack.enter_context(connect(url)).sendall(form + b"--X\r\n")
            time.sleep(3)  # seconds: longer than the socket timeout of the server
        assert answers(url)
        assert eventually(lambda: len(os.listdir(f"/proc/{process.pid}/fd")) <= open_files + 5)
