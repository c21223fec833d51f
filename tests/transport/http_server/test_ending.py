"""The server ends when it must, whatever its threads do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.transport.http_server.talking import answers, connect, head, running
from tests.waiting import eventually

pytestmark = pytest.mark.slow

posix = pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")

# A server with a thread in C code that keeps the interpreter's lock, or that only takes long.
HANGING = """
import ctypes, sys, threading
from pathlib import Path
from mockserver.commands import serve
from mockserver.settings.model import Settings

def hang():
    Path("hanging").touch()
    LIBRARY(None).sleep(1000)

guardian = serve.Guardian

class Watched(guardian):
    def start(self):
        super().start()
        threading.Thread(target=hang, daemon=DAEMON).start()

serve.Guardian = Watched
serve.run(Settings(port=0, whisper_model="none", shutdown_seconds=SECONDS))
"""


@contextmanager
def hanging(folder: Path, library: str, *, seconds: float, daemon: bool) -> Iterator[subprocess.Popen[str]]:
    """Yield a server with a thread that hangs."""
    program = HANGING.replace("LIBRARY", f"ctypes.{library}").replace("SECONDS", str(seconds))
    command = [sys.executable, "-c", program.replace("DAEMON", str(daemon))]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=folder, env=environment) as process:
        try:
            assert eventually((folder / "hanging").exists)
            time.sleep(0.2)  # the file is written just before the lock is taken
            yield process
        finally:
            process.kill()
            process.communicate()


@posix
def test_a_thread_that_keeps_the_interpreter_is_no_reason_to_live_on(tmp_path: Path) -> None:
    with hanging(tmp_path, "PyDLL", seconds=0.2, daemon=True) as process:
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert "has not stopped in time and is killed" in errors


@posix
def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    with hanging(tmp_path, "PyDLL", seconds=1000, daemon=True) as process:
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)  # otherwise the two signals may merge
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL


@posix
def test_a_thread_that_does_not_end_is_left(tmp_path: Path) -> None:
    with hanging(tmp_path, "CDLL", seconds=0.2, daemon=False) as process:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode in (1, -signal.SIGKILL)


@posix
def test_a_request_that_does_not_end_is_broken_off(tmp_path: Path) -> None:
    with running(tmp_path, "--shutdown-seconds", "0.3") as (process, url), connect(url) as connection:
        connection.sendall(head(content_type="application/json", content_length=500, expect="100-continue"))
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "1 requests were not finished within 0.3 s" in errors


def test_a_server_ends_with_its_standard_input_if_it_is_asked_to(tmp_path: Path) -> None:
    with (
        running(tmp_path, "--stop-on-eof", stdin=subprocess.PIPE) as (process, url),
        connect(url) as connection,
    ):
        connection.sendall(head("GET", "/_mock/health"))
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
        process.communicate("What is written is discarded.\n", timeout=60)
    assert process.returncode == 0


@posix
def test_it_ends_with_the_program_that_has_started_it_even_if_that_is_killed(tmp_path: Path) -> None:
    starting = [sys.executable, "-m", "mockserver", "serve", "--port", "0", "--stop-on-eof"]
    program = f"import subprocess; subprocess.run({starting}, input=None, stdin=subprocess.PIPE)"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=environment
    ) as starter:
        assert starter.stdout is not None
        url = starter.stdout.readline().split()[2].removesuffix("/v1")
        starter.kill()
        assert "Press Ctrl-C" in starter.stdout.read()  # ends when the server closes its output
    with pytest.raises(ConnectionRefusedError):
        connect(url)


def test_a_server_in_a_program_ends_within_its_time_too() -> None:
    settings = Settings(port=0, whisper_model="none", shutdown_seconds=0.2, log_level="error")
    with MockServer(settings) as server, connect(server) as connection:
        connection.sendall(head(content_type="application/json", content_length=500, expect="100-continue"))
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        server.stop()
        assert connection.recv(100) in (b"", b"HTTP/1.1 400 ")


@posix
def test_a_signal_during_the_start_ends_it_without_a_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mockserver", "serve", "--port", "0", "--whisper-model", "none"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    for delay in (0.05, 0.2, 0.4, 0.6):
        with subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env=environment,
        ) as process:
            time.sleep(delay)
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=60)
        assert process.returncode in (0, -signal.SIGTERM)
        assert "Traceback" not in errors


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_nothing_is_left_of_a_server_that_is_killed(tmp_path: Path) -> None:
    with running(tmp_path) as (process, url):
        assert eventually(
            lambda: len(children_of(process.pid)) >= 2
        )  # the watching process and the speaking one
        assert answers(url)
        children = children_of(process.pid)
        process.kill()
        process.wait()
        assert eventually(lambda: not any(Path(f"/proc/{child}").exists() for child in children))


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
