"""Watches a server from a process of its own: how soon it tells of its health, and how much memory it takes."""

from __future__ import annotations

import multiprocessing
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from benchmarks.processes import family

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from benchmarks.processes import Server

_PAUSE_SECONDS = 0.05
_PATIENCE = 60.0  # seconds for one answer
_HEALTH = b"GET /_mock/health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


@dataclass(slots=True)
class Watched:
    """What was seen: the slowest answer (s), answers that did not come, and the most memory (bytes).

    The memory is that of the process and its children, pages that they share counted once.
    """

    slowest: float = 0.0
    answers: int = 0
    unanswered: int = 0
    most_memory: int = 0


class Watcher:
    """Watches ``server`` while its ``with`` block runs; then ``seen`` says what was seen."""

    def __init__(self, server: Server) -> None:
        context = multiprocessing.get_context("fork")
        self._told, told = context.Pipe()
        self._process = context.Process(target=_watch, args=(server.pid, server.address, told), daemon=True)
        self.seen = Watched()

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._told.send(None)
        self.seen = self._told.recv()
        self._process.join()


def _watch(pid: int, address: tuple[str, int], told: Connection) -> None:
    seen = Watched()
    while not told.poll(_PAUSE_SECONDS):
        began = time.perf_counter()
        if _is_healthy(address):
            seen.answers += 1
            seen.slowest = max(seen.slowest, time.perf_counter() - began)
        else:
            seen.unanswered += 1
        seen.most_memory = max(seen.most_memory, memory_of_all(pid))
    told.send(seen)


def _is_healthy(address: tuple[str, int]) -> bool:
    try:
        with socket.create_connection(address, timeout=_PATIENCE) as connection:
            connection.sendall(_HEALTH)
            return connection.recv(64).split(b" ")[1:2] == [b"200"]
    except OSError:
        return False


def memory_of_all(pid: int) -> int:
    """Bytes that a process and its children hold (proportional set size)."""
    return sum(_proportional(member) for member in family(pid))


def _proportional(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    except OSError:  # it has just ended
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
