"""Keeps a server running if standard output or error is closed, full, or not read."""

from __future__ import annotations

import logging
import os
import select
import stat
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

_INPUT, _OUTPUT, _ERROR = 0, 1, 2
_TIMEOUT = 1.0  # seconds that a log line waits for a reader, if the last line was read
_PIECE = 512  # bytes that a writable pipe accepts without blocking (POSIX, PIPE_BUF)


def open_closed_streams() -> None:
    """Open standard input, output and error on the null device if they are closed.

    Otherwise a connection would get one of their file descriptors, and error messages would be written to it.
    """
    nowhere = os.open(os.devnull, os.O_RDWR)
    while nowhere <= _ERROR:
        nowhere = os.dup(nowhere)
    os.close(nowhere)


def say(text: str) -> None:
    """Print ``text``. If that fails, log a warning and discard further output."""
    try:
        print(text, flush=True)  # noqa: T201
    except OSError as error:
        log.warning("Cannot write to standard output (%s). The server continues.", error)
        with open(os.devnull, "w") as nowhere:  # otherwise Python would try again at exit
            os.dup2(nowhere.fileno(), _OUTPUT)


def at_end_of_input(act: Callable[[], None]) -> None:
    """Call ``act``, in a thread, when standard input ends or cannot be read. What is read is discarded."""

    def read() -> None:
        try:
            while os.read(_INPUT, _PIECE):
                pass
        except OSError as error:
            log.warning("Cannot read standard input (%s).", error)
        act()

    threading.Thread(target=read, name="input", daemon=True).start()


def flush_or_discard() -> None:
    """Flush standard output and error, and discard what cannot be written: Python would fail on it at exit."""
    for stream, number in ((sys.stdout, _OUTPUT), (sys.stderr, _ERROR)):
        try:
            stream.flush()
        except OSError:
            with open(os.devnull, "w") as nowhere:
                os.dup2(nowhere.fileno(), number)


def log_handler() -> logging.Handler:
    """Return a handler that logs to standard error. If that is a pipe, no thread waits long for its reader."""
    if os.name == "posix" and sys.stderr is sys.__stderr__ and stat.S_ISFIFO(os.fstat(_ERROR).st_mode):
        return _PipeHandler()
    return logging.StreamHandler(sys.stderr)


class _PipeHandler(logging.Handler):
    """A handler that writes to standard error, a pipe. It drops lines that are not read in time."""

    _has_reader = True

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record as a line."""
        try:
            line = f"{self.format(record)}\n".encode(errors="backslashreplace")
        except Exception:  # noqa: BLE001 - a message that cannot be formatted must not fail its caller
            self.handleError(record)
            return
        try:
            while line and self._is_read():
                line = line[os.write(_ERROR, line[:_PIECE]) :]
        except OSError:  # its reader has ended
            return

    def _is_read(self) -> bool:
        """Return whether the pipe accepts a piece."""
        _, ready, _ = select.select([], [_ERROR], [], _TIMEOUT if self._has_reader else 0)
        self._has_reader = bool(ready)
        return self._has_reader
