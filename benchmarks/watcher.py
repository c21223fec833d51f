"""Watches a server from a separate process: the duration of its health checks, and its memory."""

from __future__ import annotations

import contextlib
import multiprocessing
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from benchmarks.processes import ServerFailed, family

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from benchmarks.processes import Server

_PAUSE_SECONDS = 0.05
HEALTH_TIMEOUT = 60.0  # seconds for one health check
_HEALTH = b"GET /_mock/health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


@dataclass(slots=True)
class Watched:
    """The slowest health check (s), the counts of checks with and without an answer, and the peak of memory.

    The memory is that of the process and its children (bytes); pages that they share are counted once. A peak of the
    process between two samples counts, too; one of a child does not.
    """

    slowest: float = 0.0
    answers: int = 0
    unanswered: int = 0
    most_memory: int = 0


class Watcher:
    """Watches ``server`` while its ``with`` block runs; ``seen`` has the findings afterwards."""

    def __init__(self, server: Server) -> None:
        context = multiprocessing.get_context("fork")
        self._pipe, end = context.Pipe()
        self._process = context.Process(target=_watch, args=(server, end), daemon=True)
        self.seen = Watched()

    def __enter__(self) -> Self:
        self._process.start()
        self._pipe.recv()  # the first sample has been taken
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.send(None)  # ends the loop of ``_watch``
        self.seen = self._pipe.recv()
        self._process.join()


def _watch(server: Server, pipe: Connection) -> None:
    server.forget_peak()
    before, resident = memory_of_all(server.pid), server.memory()
    seen = Watched(most_memory=before)
    pipe.send(None)
    ended = False
    while not ended:
        ended = pipe.poll(_PAUSE_SECONDS)  # a load that ends at once is checked, too
        began = time.perf_counter()
        if _is_healthy(server.address):
            seen.answers += 1
            seen.slowest = max(seen.slowest, time.perf_counter() - began)
        else:
            seen.unanswered += 1
        seen.most_memory = max(seen.most_memory, memory_of_all(server.pid))
    with contextlib.suppress(ServerFailed):
        seen.most_memory = max(seen.most_memory, before + server.memory("VmHWM") - resident)
    pipe.send(seen)


def _is_healthy(address: tuple[str, int]) -> bool:
    try:
        with socket.create_connection(address, timeout=HEALTH_TIMEOUT) as connection:
            connection.sendall(_HEALTH)
            return connection.recv(64).split(b" ")[1:2] == [b"200"]
    except OSError:
        return False


def memory_of_all(pid: int) -> int:
    """Return the bytes of memory of a process and its children (proportional set size)."""
    return sum(_proportional(member) for member in family(pid))


def _proportional(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    except OSError:  # the process has just ended
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
