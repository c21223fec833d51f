"""Starts, uses and ends the helper processes (``helper``) from the server."""

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

# The server has already shown the warnings of the package when it imported it.
_COMMAND = (sys.executable, "-W", "ignore", "-m", "mockserver.engines.espeak.helper")
_IMPORT_ROOT = Path(__file__).parents[
    3
]  # the folder in which ``python -m`` finds the package, not the user's modules


class SpeechProcesses(Protocol):
    """A pool of processes that speak."""

    def start(self) -> None:
        """Start a process, if none is ready."""
        ...

    def answer(self, request: SpeechRequest) -> AbstractContextManager[IO[bytes]]:
        """Return the stream of the answer's frames when it is the request's turn. Leaving the context ends it.

        Raises ``SpeechFailed`` if no process can be started. Reading may raise ``TimeoutError``, which becomes
        ``SpeechFailed`` when it leaves the context.
        """
        ...

    def close(self) -> None:
        """End the processes."""
        ...


class ForkingHelper:
    """One helper process, which forks a child for each request (POSIX).

    If the helper, or one of its children, sends nothing for ``timeout`` seconds, the helper is replaced. A child that
    exceeds ``limits`` ends.
    """

    def __init__(self, slots: int, timeout: float, limits: SpeechLimits) -> None:
        self._slots = slots
        self._limits = limits
        self._timeout = timeout
        self._lock = threading.Lock()
        self._running: _Helper | None = None
        self._closed = False

    def start(self) -> None:
        """Start the helper, if it is not running."""
        self._helper()

    @contextmanager
    def answer(self, request: SpeechRequest) -> Iterator[IO[bytes]]:
        """Implement ``SpeechProcesses.answer``. A helper that has died is replaced."""
        helper, frames = self._send(request)
        try:
            yield frames
        except TimeoutError as error:
            self._forget(helper)
            raise SpeechFailed("the speech process hangs") from error
        finally:
            frames.close()

    def close(self) -> None:
        """End the helper. Its children end with their readers."""
        with self._lock:
            self._closed = True
            helper, self._running = self._running, None
        if helper:
            helper.end()

    def _send(self, request: SpeechRequest) -> tuple[_Helper, IO[bytes]]:
        for _ in range(2):
            helper = self._helper()
            frames = helper.send(request)
            if frames:
                return helper, frames
            self._forget(helper)
        raise SpeechFailed("the speech process does not start")

    def _helper(self) -> _Helper:
        with self._lock:
            if self._closed:
                raise SpeechFailed("the speaker is closed")
            self._running = self._running or _Helper(self._slots, self._timeout, self._limits)
            return self._running

    def _forget(self, helper: _Helper) -> None:
        with self._lock:
            if self._running is helper:
                self._running = None
        helper.kill()


class _Helper:
    """A running helper process and its control socket."""

    def __init__(self, slots: int, timeout: float, limits: SpeechLimits) -> None:
        self._timeout = timeout
        self._control, helpers_end = socket.socketpair()
        self._control.settimeout(timeout)
        with helpers_end:
            descriptor = helpers_end.fileno()
            self._process = subprocess.Popen(  # noqa: S603 (our own command)
                [*_COMMAND, str(descriptor), str(slots), *map(str, limits)],
                pass_fds=[descriptor],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                cwd=_IMPORT_ROOT,
            )

    def send(self, request: SpeechRequest) -> IO[bytes] | None:
        """Return the stream of the answer's frames once a child has begun; ``None`` if the helper is dead or hangs."""
        connection, helpers_end = socket.socketpair()
        connection.settimeout(self._timeout)
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
        """Close the control socket, which ends the helper."""
        self._control.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Kill the helper, which may hang. Its children continue."""
        self._control.close()
        self._process.kill()
        self._process.wait()


class _Answer(io.RawIOBase):
    """The bytes of a socket, followed by those of the file to which the sender wrote what the socket did not accept."""

    def __init__(self, connection: socket.socket, file: IO[bytes] | None) -> None:
        super().__init__()
        self._connection = connection
        self._file = file
        self._position = 0  # in the file; the sender uses the position of the descriptor itself

    def files(self) -> list[int]:
        """Return the descriptor of the file, if there is a file."""
        return [self._file.fileno()] if self._file else []

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read some bytes. Raises ``TimeoutError`` if nothing arrives in time."""
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
    """Return an unnamed file that is deleted when it is closed; ``None`` if it cannot be created."""
    try:
        return tempfile.TemporaryFile(buffering=0)
    except OSError:
        return None


class SpareProcesses:
    """A new process for each request, with one started in advance (for systems without ``os.fork``).

    The bytes are the same as with forking, but each utterance costs the start of a process, slots are not assigned in
    order of arrival, and a slow reader occupies a slot.
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
        """Implement ``SpeechProcesses.answer``."""
        with self._slots:
            process = self._take()
            try:
                self.start()
                yield process.send(request)
            finally:
                process.end()

    def close(self) -> None:
        """End the spare process. A process that speaks ends with its reader."""
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
    """A process that waits for its only request."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 (our own command)
            _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=_IMPORT_ROOT
        )

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def send(self, request: SpeechRequest) -> IO[bytes]:
        """Return the stream of the answer's frames once the process has begun."""
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
        self._process.communicate()  # It also closes the pipes and ignores broken ones.
