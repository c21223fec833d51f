"""Servers with several workers, as the tests run them."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.transport.http_server.talking import running
from tests.waiting import eventually


class Served(NamedTuple):
    """A server with workers: the process of its supervisor, and its URL."""

    process: subprocess.Popen[str]
    url: str

    def workers(self) -> list[int]:
        """Return the process ids of the workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def kill_one(self, signal: int) -> None:
        """Send a signal to the oldest worker, and wait for its successor."""
        before = self.workers()
        os.kill(before[0], signal)
        assert eventually(lambda: before[0] not in self.workers() and len(self.workers()) == len(before))

    def end(self) -> str:
        """Wait for the end of the server. Return what it has logged."""
        return self.process.communicate(timeout=60)[1]


@contextmanager
def served(folder: Path, *arguments: str, workers: int = 2, **options: object) -> Iterator[Served]:
    """Yield a server with ``workers`` and a private temporary ``folder``, when they are ready."""
    with tempfile.TemporaryDirectory() as short:  # the path of a Unix socket has at most 107 bytes
        temporary = Path(short, "t")
        temporary.symlink_to(folder)
        environment = f"export TMPDIR='{temporary}'"
        options = {"before": environment, **options}
        with running(folder, "--workers", str(workers), *arguments, **options) as (process, url):  # type: ignore[arg-type]
            yield Served(process, url)


def is_running(pid: int) -> bool:
    """Return whether a process has not ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
