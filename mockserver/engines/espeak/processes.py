"""The server's side of the processes that speak (``pyttsx3_helper``): starts, asks and ends them."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from mockserver.engines.espeak.helper import STARTED, WAITING
from mockserver.engines.speech import SpeechFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import WriteableBuffer

    from mockserver.engines.espeak.helper import SpeechLimits, SpeechRequest

# This process has shown the warnings of the package when it imported it.
_COMMAND = (sys.executable, "-W", "ignore", "-m", "mockserver.engines.espeak.helper")
_IMPORT_ROOT = Path(__file__).parents[3]  # Where ``python -m`` finds the package, and nothing of the user's.


class SpeechProcesses(Protocol):
    """Something that starts processes to speak in."""

    def start(self) -> None:
        """Get ready to speak, if that is not done yet."""
        ...

    def answer(self, request: SpeechRequest) -> AbstractContextManager[IO[bytes]]:
        """Return the frames of the answer once it is the request's turn. Leaving the context ends the synthesis.

        Raises ``SpeechFailed`` when no process can be started. Reading may raise ``TimeoutError``; leaving
        the context with it raises ``SpeechFailed``.
        """
        ...

    def close(self) -> None:
        """End the processes."""
        ...


class ForkingHelper:
    """One helper process, which forks a child for each request (POSIX).

    One that gives no sign of life for ``patience`` seconds, or has a child that does not, is replaced. A child that
    takes more than ``limits`` ends.
    """

    def __init__(self, slots: int, patience: float, limits: SpeechLimits) -> None:
        self._slots = slots
        self._limits = limits
        self._patience = patience
        self._lock = threading.Lock()
        self._running: _Helper | None = None
        self._closed = False

    def start(self) -> None:
        """Start the helper, if it is not running."""
        self._helper()

    @contextmanager
    def answer(self, request: SpeechRequest) -> Iterator[IO[bytes]]:
        """See ``SpeechProcesses``. A helper that has died is replaced."""
        helper, frames = self._ask(request)
        try:
            yield frames
        except TimeoutError as error:
            self._forget(helper)
            raise SpeechFailed("the speech process hangs") from error
        finally:
            frames.close()

    def close(self) -> None:
        """End the helper; children end when their reader does."""
        with self._lock:
            self._closed = True
            helper, self._running = self._running, None
        if helper:
            helper.end()

    def _ask(self, request: SpeechRequest) -> tuple[_Helper, IO[bytes]]:
        for _ in range(2):
            helper = self._helper()
            frames = helper.ask(request)
            if frames:
                return helper, frames
            self._forget(helper)
        raise SpeechFailed("the speech process does not start")

    def _helper(self) -> _Helper:
        with self._lock:
            if self._closed:
                raise SpeechFailed("the speaker is closed")
            self._running = self._running or _Helper(self._slots, self._patience, self._limits)
            return self._running

    def _forget(self, helper: _Helper) -> None:
        with self._lock:
            if self._running is helper:
                self._running = None
        helper.kill()


class _Helper:
    """A running helper process and the control socket to it."""

    def __init__(self, slots: int, patience: float, limits: SpeechLimits) -> None:
        self._patience = patience
        self._control, helpers_end = socket.socketpair()
        self._control.settimeout(patience)
        with helpers_end:
            descriptor = helpers_end.fileno()
            self._process = subprocess.Popen(  # noqa: S603 (our own command)
                [*_COMMAND, str(descriptor), str(slots), *map(str, limits)],
                pass_fds=[descriptor],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                cwd=_IMPORT_ROOT,
            )

    def ask(self, request: SpeechRequest) -> IO[bytes] | None:
        """Return the frames of the answer once a child has begun; ``None`` if the helper is dead or hangs."""
        connection, helpers_end = socket.socketpair()
        connection.settimeout(self._patience)
        answer = _Answer(connection, _temporary_file())
        try:
            with helpers_end:
                socket.send_fds(self._control, [b"?"], [helpers_end.fileno(), *answer.files()])
            connection.sendall(request.to_line())
            sign = connection.recv(1)
            while sign == WAITING:
                sign = connection.recv(1)
        except OSError:
            sign = b""
        if sign != STARTED:
            answer.close()
            return None
        return io.BufferedReader(answer)

    def end(self) -> None:
        """Close the control socket, upon which the helper ends."""
        self._control.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End a helper that may hang; its children speak on."""
        self._control.close()
        self._process.kill()
        self._process.wait()


class _Answer(io.RawIOBase):
    """What comes through a socket, then what is in a file, where the other end writes what the socket did not take."""

    def __init__(self, connection: socket.socket, file: IO[bytes] | None) -> None:
        super().__init__()
        self._connection = connection
        self._file = file
        self._position = 0  # The position of the file itself is the other end's.

    def files(self) -> list[int]:
        """Return the file's descriptor, if there is a file."""
        return [self._file.fileno()] if self._file else []

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Raise ``TimeoutError`` if nothing comes for too long."""
        count = self._connection.recv_into(buffer)
        if count == 0 and self._file:
            view = memoryview(buffer)
            data = os.pread(self._file.fileno(), len(view), self._position)
            count = len(data)
            view[:count] = data
            self._position += count
        return count

    def close(self) -> None:
        super().close()
        self._connection.close()
        if self._file:
            self._file.close()


def _temporary_file() -> IO[bytes] | None:
    """Return an empty file that nobody else can open and that is gone once it is closed; ``None`` without a disk."""
    try:
        return tempfile.TemporaryFile(buffering=0)
    except OSError:
        return None


class SpareProcesses:
    """A fresh process for each request, one of them started ahead (where there is no ``os.fork``).

    Gives the same bytes as forking, but each utterance costs the start of a process, slots are not given in
    order of arrival, and a slow reader holds his.
    """

    def __init__(self, slots: int) -> None:
        self._slots = threading.Semaphore(slots)
        self._lock = threading.Lock()
        self._spare: _Spare | None = None
        self._closed = False

    def start(self) -> None:
        """Start the spare process, if there is none."""
        with self._lock:
            self._spare = self._spare or self._new_spare()

    @contextmanager
    def answer(self, request: SpeechRequest) -> Iterator[IO[bytes]]:
        """See ``SpeechProcesses``."""
        with self._slots:
            process = self._take()
            try:
                self.start()
                yield process.ask(request)
            finally:
                process.end()

    def close(self) -> None:
        """End the spare process; one that speaks ends when its reader does."""
        with self._lock:
            self._closed = True
            spare, self._spare = self._spare, None
        if spare:
            spare.end()

    def _take(self) -> _Spare:
        with self._lock:
            spare, self._spare = self._spare, None
            if spare and spare.is_alive():
                return spare
            if spare:
                spare.end()
            return self._new_spare()

    def _new_spare(self) -> _Spare:
        if self._closed:
            raise SpeechFailed("the speaker is closed")
        return _Spare()


class _Spare:
    """A process that waits for the one request it will answer."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 (our own command)
            _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=_IMPORT_ROOT
        )

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: SpeechRequest) -> IO[bytes]:
        """Return the frames of the answer, once the process has begun."""
        requests, frames = self._process.stdin, self._process.stdout
        assert requests
        assert frames
        try:
            requests.write(request.to_line())
            requests.flush()
        except OSError as error:
            raise SpeechFailed("the speech process died before it spoke") from error
        if frames.read(1) != STARTED:
            raise SpeechFailed("the speech process does not start")
        return frames

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()  # Closes the pipes too, and minds no broken one.
