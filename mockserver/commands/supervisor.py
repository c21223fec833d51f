"""Keeps the workers of a server running: starts them, restarts those that die, and ends them together.

A worker is a fork of this process, which has no threads and has imported the program already. It ends when the pipe
between both is closed, so that no worker outlives its supervisor, however that ends.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import selectors
import signal
import sys
import time
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec
from msgspec import Struct

from mockserver.commands.standard_streams import flush_or_discard, say

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

log = logging.getLogger(__name__)

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_PIECE = 1 << 16  # bytes
_STABLE = 1.0  # seconds of service after which a worker that dies is restarted at once
_FIRST_WAIT, _MAX_WAIT = (
    0.25,
    30.0,
)  # seconds until one that dies earlier is restarted; those of one that cannot start
_INPUT = 0


class Message(Struct):
    """What a worker says: that it is ``ready`` (with the banner), has ``failed`` (why), or asks all to ``stop``."""

    kind: Literal["ready", "failed", "stop"]
    text: str = ""


class Link(NamedTuple):
    """The worker's end of the connection with its supervisor, a process that has given it a ``number``, from 1 on."""

    number: int
    supervisor: int
    lifeline: int  # a descriptor, at whose end the worker ends
    messages: int

    def say(self, message: Message) -> None:
        """Send a message. Nothing happens if the supervisor has ended."""
        with contextlib.suppress(OSError):
            os.write(self.messages, msgspec.json.encode(message) + b"\n")

    @property
    def is_orphaned(self) -> bool:
        """Return whether the supervisor has ended."""
        return os.getppid() != self.supervisor

    def wait_for_end(self) -> None:
        """Wait until the worker must end."""
        while os.read(self.lifeline, 1):
            pass


class _Worker:
    """A worker as its supervisor sees it: a process, or the time at which the next one is started."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.pid = 0  # no process
        self.messages = -1
        self.received = b""
        self.ready_at = 0.0  # 0: not ready
        self.restart_at = 0.0
        self.failures = 0  # since it was last ready
        self.complaint = ""

    def wait_before_restart(self) -> float:
        """Return the seconds until the process that has just ended is replaced."""
        if self.ready_at:
            self.failures = 0
            return 0.0 if time.monotonic() - self.ready_at >= _STABLE else _FIRST_WAIT
        self.failures += 1
        return float(min(_FIRST_WAIT * 2 ** (self.failures - 1), _MAX_WAIT))


class Supervisor:
    """Runs ``count`` workers. ``work`` is what each one does; it returns the status with which its process exits.

    ``on_end`` is called with the number of a worker whose process has ended.
    The workers have ``patience`` seconds to end; then they are killed, as at a second signal.
    """

    def __init__(
        self, count: int, work: Callable[[Link], int], patience: float, on_end: Callable[[int], object]
    ) -> None:
        self._workers = [_Worker(number) for number in range(1, count + 1)]
        self._work = work
        self._patience = patience
        self._report_end = on_end
        self._banner = ""
        self._has_started = False
        self._kill_at: float | None = None  # it is ending
        self._status = 0

    def run(self, *, stop_on_eof: bool = False, on_stop: Callable[[], object] = lambda: None) -> int:
        """Run the workers until a stop signal, or a worker asks for it. Return the exit status.

        A negative one is the signal that has ended it at once. With ``stop_on_eof``, it also stops when standard input
        ends. ``on_stop`` is called when the end begins.
        """
        self._on_stop = on_stop
        self._pid = os.getpid()
        reading, self._lifeline = os.pipe()
        self._lifeline_of_workers = reading
        self._open_signals()
        self._selector = selectors.SelectSelector()
        self._selector.register(self._signals, selectors.EVENT_READ, self._on_signal)
        if stop_on_eof:
            self._selector.register(_INPUT, selectors.EVENT_READ, self._on_input)
        try:
            self._start(self._workers[0])  # it creates what all share
            while any(worker.pid or worker.restart_at for worker in self._workers):
                for key, _ in self._selector.select(self._wait()):
                    key.data()
                self._restart_and_kill()
        finally:
            self._kill()
        return self._status

    def _open_signals(self) -> None:
        self._signals, self._wakeup = os.pipe()
        for descriptor in (self._signals, self._wakeup):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(self._wakeup, warn_on_full_buffer=False)
        for number in (*_STOP_SIGNALS, signal.SIGCHLD):
            signal.signal(number, _ignore)

    def _start(self, worker: _Worker) -> None:
        """Start the process of a worker. If the system refuses, another attempt is made later."""
        worker.restart_at = worker.ready_at = 0.0
        worker.received, worker.complaint = b"", ""
        reading, writing = os.pipe()
        flush_or_discard()  # what is buffered would be written by both
        gc.collect()
        gc.freeze()  # the worker's collector then leaves the pages that both share alone
        try:
            worker.pid = os.fork()
        except OSError as error:
            log.error("Worker %d cannot be started: %s", worker.number, error)
            os.close(reading)
            os.close(writing)
            worker.restart_at = time.monotonic() + worker.wait_before_restart()
            return
        if not worker.pid:
            os.close(reading)
            self._be(Link(worker.number, self._pid, self._lifeline_of_workers, writing))
        os.close(writing)
        worker.messages = reading
        self._selector.register(reading, selectors.EVENT_READ, lambda: self._on_message(worker))

    def _be(self, link: Link) -> None:
        """Do the work of a worker, in its process."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the supervisor decides
            others = (worker.messages for worker in self._workers if worker.pid)
            for descriptor in (self._lifeline, self._signals, self._wakeup, *others):
                os.close(descriptor)
            self._selector.close()
            status = self._work(link)
        except SystemExit as error:
            status = error.code if isinstance(error.code, int) else 1
        except BaseException:
            log.exception("Worker %d fails", link.number)
        finally:
            flush_or_discard()
            os._exit(status)  # what the supervisor has registered for its own exit is not done here

    def _wait(self) -> float | None:
        """Return the seconds until something is due."""
        times = [worker.restart_at for worker in self._workers if worker.restart_at]
        if self._kill_at is not None:
            times.append(self._kill_at)
        return max(min(times) - time.monotonic(), 0.0) if times else None

    def _restart_and_kill(self) -> None:
        now = time.monotonic()
        if self._kill_at is not None and now >= self._kill_at:
            late = [str(worker.number) for worker in self._workers if worker.pid]
            log.error("Workers that have not stopped in time are killed: %s", ", ".join(late))
            self._kill()
        for worker in self._workers:
            if worker.restart_at and now >= worker.restart_at:
                self._start(worker)

    def _on_signal(self) -> None:
        received = os.read(self._signals, 64)
        for number in received:
            if number in _STOP_SIGNALS:
                if self._kill_at is not None:
                    self._kill()
                    self._status = -number
                self._stop()
        if signal.SIGCHLD in received:
            self._reap()

    def _on_input(self) -> None:
        try:
            is_open = bool(os.read(_INPUT, _PIECE))
        except OSError as error:
            log.warning("Cannot read standard input (%s).", error)
            is_open = False
        if not is_open:
            self._selector.unregister(_INPUT)
            self._stop()

    def _on_message(self, worker: _Worker) -> None:
        received = os.read(worker.messages, _PIECE)
        if not received:
            self._selector.unregister(worker.messages)
            os.close(worker.messages)
            worker.messages = -1
            return
        *lines, worker.received = (worker.received + received).split(b"\n")
        for line in lines:
            message = msgspec.json.decode(line, type=Message)
            if message.kind == "ready":
                self._on_ready(worker, message.text)
            elif message.kind == "failed":
                worker.complaint = message.text
            else:
                self._stop()

    def _on_ready(self, worker: _Worker, banner: str) -> None:
        worker.ready_at = time.monotonic()
        for other in self._workers:
            if not (self._has_started or other.pid or other.restart_at or self._kill_at is not None):
                self._start(other)
        if not self._has_started and all(each.ready_at for each in self._workers):
            self._has_started = True
            say(banner)

    def _reap(self) -> None:
        """Handle the ends of workers."""
        for worker in self._workers:
            if not worker.pid:
                continue
            pid, status = os.waitpid(worker.pid, os.WNOHANG)
            if pid:
                worker.pid = 0
                self._report_end(worker.number)
                while worker.messages >= 0:  # the other end is closed
                    self._on_message(worker)
                self._on_end(worker, os.waitstatus_to_exitcode(status))

    def _on_end(self, worker: _Worker, status: int) -> None:
        if self._kill_at is not None:
            return
        if not self._has_started and not worker.ready_at and status > 0:
            if worker.complaint:
                sys.stderr.write(f"mockserver: {worker.complaint}\n")
            self._status = 1
            self._stop()
            return
        seconds = worker.wait_before_restart()
        why = worker.complaint or (f"signal {-status}" if status < 0 else f"status {status}")
        log.warning("Worker %d has ended (%s). Another one starts in %g s.", worker.number, why, seconds)
        worker.restart_at = time.monotonic() + seconds

    def _stop(self) -> None:
        """Let all workers end."""
        if self._kill_at is None:
            self._kill_at = time.monotonic() + self._patience
            for worker in self._workers:
                worker.restart_at = 0.0
            os.close(self._lifeline)
            self._on_stop()

    def _kill(self) -> None:
        """End all workers at once."""
        for worker in self._workers:
            worker.restart_at = 0.0
            if worker.pid:
                os.kill(worker.pid, signal.SIGKILL)
                os.waitpid(worker.pid, 0)
                worker.pid = 0


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: the wakeup descriptor has the signal."""
