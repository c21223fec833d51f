"""Kills the server if it does not end after a signal, whatever its threads do. Also the program that watches it.

A thread that keeps the interpreter's lock keeps Python from handling signals. Its C code still writes the number of a
signal to a pipe (``signal.set_wakeup_fd``). A small process reads it, waits, and kills the server if need be.

The program is started with the server's process id, the pipe's file descriptor and the seconds; it needs the standard
library only.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys

_ENDINGS = (signal.SIGINT, signal.SIGTERM)
_COMMAND = (sys.executable, "-I", "-S", __file__)


class Guardian:
    """Watches this process from another one, where the system has signals (POSIX).

    Make it in the main thread. It kills this process ``seconds`` after the first signal to end, or at the second.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None
        if os.name == "posix":
            self._signals, self._written_to = os.pipe()
            os.set_blocking(self._written_to, False)
            signal.set_wakeup_fd(self._written_to, warn_on_full_buffer=False)

    def start(self) -> None:
        """Start the process that watches. It ends when this one does, which closes the pipe. Raises ``OSError``."""
        if os.name == "posix":
            command = [*_COMMAND, str(os.getpid()), str(self._signals), str(self._seconds)]
            self._process = subprocess.Popen(  # noqa: S603 (our own command)
                command,
                pass_fds=[self._signals],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                cwd="/",
            )
            os.close(self._signals)

    def end(self) -> None:
        """Watch no longer."""
        if os.name == "posix":
            signal.set_wakeup_fd(-1)
            os.close(self._written_to)
            if self._process is not None:
                self._process.wait()


def main(server: int, signals: int, seconds: float) -> None:
    """Watch the ``server`` until it has ended."""
    for number in (*_ENDINGS, signal.SIGHUP, signal.SIGQUIT):  # a terminal sends them to both
        signal.signal(number, signal.SIG_IGN)
    if not _must_end(signals, None):
        return
    if _must_end(signals, seconds) is False:
        return
    print(f"The server (process {server}) has not ended in time and is killed.", file=sys.stderr, flush=True)  # noqa: T201
    os.kill(server, signal.SIGKILL)


def _must_end(signals: int, seconds: float | None) -> bool | None:
    """Return ``True`` for a signal to end, ``False`` once the server has ended, ``None`` after ``seconds``."""
    while select.select([signals], [], [], seconds)[0]:
        numbers = os.read(signals, 64)
        if not numbers:
            return False
        if any(each in numbers for each in _ENDINGS):
            return True
    return None


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
