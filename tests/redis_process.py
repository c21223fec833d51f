"""A real Redis server for tests, on a Unix socket in a folder of its own."""

from __future__ import annotations

import itertools
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.waiting import eventually

_NAMES = itertools.count()


class RedisProcess:
    """A ``redis-server`` that can be stopped, killed and started again. Without ``options``, it keeps nothing."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._socket = folder / "redis.sock"
        self._command = [
            *("redis-server", "--port", "0", "--unixsocket", str(self._socket), "--dir", str(folder)),
            *("--save", "", "--loglevel", "warning", *options),
        ]

    def url(self, prefix: str = "") -> str:
        """Return the URL of a store; without ``prefix``, of an empty one."""
        return f"unix://{self._socket}?prefix={prefix or f'test-{next(_NAMES)}'}"

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        assert eventually(self._answers), "redis-server does not start"

    def kill(self) -> None:
        """End the server as a crash would."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Stop the server: it accepts connections, but does not answer."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Continue after ``stop``."""
        self._process.send_signal(signal.SIGCONT)

    def ask(self, *command: str) -> bytes:
        """Return the first bytes of the answer to a command."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(30)
            client.connect(str(self._socket))
            client.sendall(" ".join(command).encode() + b"\r\n")
            return client.recv(1 << 16)

    def about(self, section: str) -> dict[str, str]:
        """Return the fields of a section of ``INFO``."""
        lines = self.ask("INFO", section).decode().splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def _answers(self) -> bool:
        try:
            return self.ask("PING").startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return False


@contextmanager
def redis_process(*options: str) -> Iterator[RedisProcess]:
    """Yield a server. Skips the test where there is none."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    with tempfile.TemporaryDirectory(prefix="redis-", ignore_cleanup_errors=True) as folder:
        server = RedisProcess(Path(folder), *options)
        try:
            server.start()
            yield server
        finally:
            server.kill()
