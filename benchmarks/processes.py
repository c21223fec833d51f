"""Server programs as separate processes, with their CPU time and memory (from ``/proc``)."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

_START_SECONDS = 60.0
_STOP_SECONDS = 15.0
_POLL_SECONDS = 0.001
_TICKS = os.sysconf("SC_CLK_TCK")

# A server in a load has its rate limits on, so that their cost is measured, but too high for any machine.
HIGH_LIMITS = ("--limits", "requests_per_minute=1000000000")


class ServerFailed(Exception):
    """A server did not start; the message has its output."""


class Server:
    """A server program on a free port of the loopback interface; a context manager.

    In ``command`` the argument ``PORT`` stands for the port. The program runs in an empty folder, so that no
    settings file is found there, and in ``environment``.
    """

    def __init__(self, command: Sequence[str], *, environment: dict[str, str], ready: str = "/") -> None:
        self.port = _free_port()
        self._command = [str(self.port) if argument == "PORT" else argument for argument in command]
        self._environment = environment
        self._ready = ready
        self.started_in = 0.0  # seconds from the start of the process to its first 200

    def __enter__(self) -> Server:
        self._folder = tempfile.TemporaryDirectory()
        self._output: IO[bytes] = tempfile.TemporaryFile()
        began = time.perf_counter()
        self._process = subprocess.Popen(
            self._command,
            cwd=self._folder.name,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )
        try:
            self._wait_until_ready(began + _START_SECONDS)
        except BaseException:
            self.__exit__()
            raise
        self.started_in = time.perf_counter() - began
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._output.close()
        self._folder.cleanup()

    def kill(self) -> None:
        """End the process at once, as ``kill -9`` does."""
        self._process.kill()
        self._process.wait()

    @property
    def address(self) -> tuple[str, int]:
        """Return the address on which the server listens."""
        return ("127.0.0.1", self.port)

    @property
    def pid(self) -> int:
        """Return the id of the process."""
        return self._process.pid

    def cpu_seconds(self) -> float:
        """Return the CPU time (user and system) of the process and its children so far; in steps of 10 ms."""
        return sum(sum(map(int, _stat(pid)[11:15])) for pid in family(self._process.pid)) / _TICKS

    def memory(self, field: str = "VmRSS") -> int:
        """Return bytes in memory: ``VmRSS`` now, or ``VmHWM``, the peak since ``forget_peak``. Without children."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text("ascii").splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
        raise ServerFailed("the server has ended")

    def descriptors(self) -> int:
        """Return how many files and sockets the process has open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def output_size(self) -> int:
        """Return how many bytes the program has written to its standard output and error."""
        return os.fstat(self._output.fileno()).st_size

    def output_since(self, place: int) -> str:
        """Return what the program has written from the byte ``place`` on."""
        size = self.output_size() - place
        return os.pread(self._output.fileno(), size, place).decode("utf-8", "replace")

    def forget_peak(self) -> None:
        """Let ``memory("VmHWM")`` count from now on."""
        Path(f"/proc/{self._process.pid}/clear_refs").write_text("5", "ascii")

    def _wait_until_ready(self, deadline: float) -> None:
        request = f"GET {self._ready} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()
        while time.perf_counter() < deadline and self._process.poll() is None:
            try:
                with socket.create_connection(self.address, timeout=_START_SECONDS) as connection:
                    connection.sendall(request)
                    if connection.recv(64).split(b" ")[1:2] == [b"200"]:
                        return
            except OSError:
                pass
            time.sleep(_POLL_SECONDS)
        self._output.seek(0)
        raise ServerFailed(
            f"{' '.join(self._command)}: {self._output.read().decode(errors='replace')[-2000:]}"
        )


def mockserver(*arguments: str, environment: dict[str, str], nofile: int | None = None) -> Server:
    """Return our server, as ``mockserver serve`` starts it. ``nofile`` is its limit of open files and sockets."""
    limited = [] if nofile is None else ["prlimit", f"--nofile={nofile}:{nofile}"]
    command = [*limited, sys.executable, "-m", "mockserver", "serve", "--port", "PORT", *arguments]
    return Server(command, environment=environment, ready="/_mock/health")


def clean_environment(bytecode_folder: str | None = None) -> dict[str, str]:
    """Return the environment without our server's settings; bytecode is kept in ``bytecode_folder``."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MOCKSERVER_")}
    if bytecode_folder:
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        environment["PYTHONPYCACHEPREFIX"] = bytecode_folder
    return environment


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _stat(pid: int) -> list[str]:
    """Return the fields of ``/proc/<pid>/stat`` from the third on; none when the process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return []


def children(pid: int) -> list[int]:
    """Return the processes that ``pid`` has started."""
    return [
        int(folder.name)
        for folder in Path("/proc").iterdir()
        if folder.name.isdigit() and (stat := _stat(int(folder.name))) and int(stat[1]) == pid
    ]


def family(pid: int) -> Iterator[int]:
    """Yield ``pid`` and its descendants."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (stat := _stat(int(folder.name))):
            children.setdefault(int(stat[1]), []).append(int(folder.name))
    found = [pid]
    while found:
        yield (member := found.pop())
        found += children.get(member, [])
