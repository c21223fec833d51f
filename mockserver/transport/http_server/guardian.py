"""Kills a server that does not stop after a signal. Also the program of the watching process.

A thread that holds the interpreter's lock prevents Python from handling signals, but Python's C code still writes the
signal number to a pipe (``signal.set_wakeup_fd``). A small process reads the pipe, waits, and kills the server if
necessary.

The arguments of the program are the server's process id, the pipe's file descriptor and the seconds. It imports only
the standard library.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_COMMAND = (sys.executable, "-I", "-S", __file__)


class Guardian:
    """A process that watches this one, on systems with signals (POSIX).

    Create it in the main thread. It kills this process ``seconds`` after the first stop signal, or at the second one.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None
        if os.name == "posix":
            self._signals, self._written_to = os.pipe()
            os.set_blocking(self._written_to, False)
            signal.set_wakeup_fd(self._written_to, warn_on_full_buffer=False)

    def start(self) -> None:
        """Start the watching process. It ends with this one, which closes the pipe. Raises ``OSError``."""
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
        """Stop watching."""
        if os.name == "posix":
            signal.set_wakeup_fd(-1)
            os.close(self._written_to)
            if self._process is not None:
                self._process.wait()


def main(server: int, signals: int, seconds: float) -> None:
    """Watch the ``server`` until it has ended."""
    for number in (*_STOP_SIGNALS, signal.SIGHUP, signal.SIGQUIT):  # a terminal sends them to both processes
        signal.signal(number, signal.SIG_IGN)
    if not _must_stop(signals, None) or _must_stop(signals, seconds) is False:
        return
    message = f"The server (process {server}) has not stopped in time and is killed."
    print(message, file=sys.stderr, flush=True)  # noqa: T201
    os.kill(server, signal.SIGKILL)


def _must_stop(signals: int, seconds: float | None) -> bool | None:
    """Return ``True`` after a stop signal, ``False`` after the end of the server, ``None`` after ``seconds``."""
    while select.select([signals], [], [], seconds)[0]:
        numbers = os.read(signals, 64)
        if not numbers:
            return False
        if any(each in numbers for each in _STOP_SIGNALS):
            return True
    return None


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
