"""The helper process, which speaks: ``python -m mockserver.engines.espeak.helper [CONTROL_SOCKET SLOTS LIMITS]``.

espeak-ng keeps its state in global variables, its output depends on what it spoke before, and it can crash. Therefore
this process initialises it once and forks a child for each utterance: every child starts from the same state (the same
request gives the same bytes), and a crash ends only that child. While it waits for its utterance, it rehearses: it
speaks a text without a sound. So it has its own copies of the memory that espeak-ng writes, and the voice data, before
the utterance needs them, which halves the time to the first sound. Without arguments (where there is no ``os.fork``),
the process speaks one utterance, from its standard input to its standard output, and ends.

The server sends a socket and a file through the control socket, and then the request, a line of JSON with the fields of
``SpeechRequest``, through that socket. It receives a byte ``WAITING`` every second while the utterance waits for its
turn, a byte ``STARTED`` when it begins, then frames: a kind (one byte), the length of the payload (uint32), the
payload. If the reader is slower than the synthesis, the frames that the socket does not accept are written to the file.
So the child need not wait for its reader.

The server imports this module too, and the process should start fast: it imports the standard library only.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import struct
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple

from mockserver.engines.speech import SpeechFailed

WAITING = b"."
STARTED = b"!"
FRAME = struct.Struct("!cI")
PCM_FRAME = b"P"  # payload: s16le mono at SAMPLE_RATE
WORD_FRAME = b"W"  # payload: WORD
END_FRAME = b"E"
FAILURE_FRAME = b"F"  # payload: the reason, in UTF-8
WORD = struct.Struct("!II")  # the start of a word: samples into the speech, characters into the text

SAMPLE_RATE = 22_050  # Hz
MAX_SPEECH = 3600  # seconds
IDLE = 0.005  # seconds without a request, after which a child for the next request is forked
SIGN_OF_LIFE = 1.0  # seconds between the ``WAITING`` bytes, which show that this process does not hang
# Requests in this process: ``select`` accepts only file descriptors below 1024. Others wait in the control socket.
MAX_WAITING = 256
_PIECE = 1 << 16  # bytes per receive

Send = Callable[[bytes], None]
Speak = Callable[[bytes, Send], None]


class SpeechLimits(NamedTuple):
    """Limits of one utterance: seconds of processor time (an hour of speech takes about 3), bytes of memory."""

    seconds: int = 60
    memory: int = 1 << 29  # bytes of address space; a child starts with a tenth of it


class SpeechRequest(NamedTuple):
    """A request to espeak-ng.

    ``rate`` is in words per minute, ``pitch`` and ``pitch_range`` are 0 to 100, ``volume`` is a factor (up to 2).
    """

    text: str
    voice: str
    rate: int
    pitch: int
    pitch_range: int
    volume: float

    def to_line(self) -> bytes:
        """Return the request as a line for the helper."""
        return json.dumps(self._asdict()).encode() + b"\n"


# Of all texts tried, only those without a sound leave no trace in the speech after them.
_REHEARSAL = SpeechRequest(".", "gmw/en-us+f4", rate=175, pitch=50, pitch_range=50, volume=1.0)


def main(arguments: list[str]) -> None:
    """Serve the control socket until its other end closes; without arguments, speak one utterance."""
    # The server handles these signals: it finishes its answers, then closes the control socket.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    speak = _prepare()
    if arguments:
        descriptor, slots, *limits = map(int, arguments)
        with socket.socket(fileno=descriptor) as control:
            _serve(control, slots, SpeechLimits(*limits), speak)
    else:
        _rehearse(speak)
        _write_to_stdout(STARTED)
        speak(sys.stdin.buffer.readline(), _write_to_stdout)


def _prepare() -> Speak:
    """Start the engine. Return a function that speaks a request line and sends the frames of the answer."""
    from mockserver.engines.espeak.driver import init_engine

    try:
        engine = init_engine()
    except SpeechFailed as failure:
        answer = _frame(FAILURE_FRAME, str(failure).encode())
        return lambda _line, send: send(answer)
    return lambda line, send: _speak(engine, SpeechRequest(**json.loads(line)), send)


def _rehearse(speak: Speak) -> None:
    speak(_REHEARSAL.to_line(), lambda _answer: None)


def _speak(engine: Any, request: SpeechRequest, send: Send) -> None:
    spoken = 0
    failures: list[str] = []

    def on_word(sample: int, location: int, **_: Any) -> None:
        send(_frame(WORD_FRAME, WORD.pack(sample, location - 1)))

    def on_pcm(data: bytes, **_: Any) -> None:
        nonlocal spoken
        send(_frame(PCM_FRAME, data))
        spoken += len(data) // 2
        if spoken > MAX_SPEECH * SAMPLE_RATE:
            failures.append(f"the text takes longer than {MAX_SPEECH} seconds to speak")
            engine.stop()

    def on_error(exception: Exception, **_: Any) -> None:
        failures.append(str(exception))

    with _connected(engine, {"started-word": on_word, "pcm": on_pcm, "error": on_error}):
        for name in ("voice", "rate", "pitch", "pitch_range", "volume"):
            engine.setProperty(name, getattr(request, name))
        engine.runAndWait()  # This sets the properties and reports errors.
        if not failures:
            engine.say(request.text)
            try:
                engine.runAndWait()
            except SpeechFailed as failure:
                failures.append(str(failure))
    send(_frame(FAILURE_FRAME, failures[0].encode()) if failures else _frame(END_FRAME))


@contextlib.contextmanager
def _connected(engine: Any, callbacks: Mapping[str, Callable[..., None]]) -> Iterator[None]:
    """Let the engine call ``callbacks``, by topic, within the block."""
    tokens = [engine.connect(topic, callback) for topic, callback in callbacks.items()]
    try:
        yield
    finally:
        for token in tokens:
            engine.disconnect(token)


def _frame(kind: bytes, payload: bytes = b"") -> bytes:
    return FRAME.pack(kind, len(payload)) + payload


def _write_to_stdout(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _serve(control: socket.socket, slots: int, limits: SpeechLimits, speak: Speak) -> None:
    """Hand each received socket to a child, in order; at most ``slots`` children speak at a time."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # The kernel reaps children that end: no zombies.
    waiting: deque[list[int]] = deque()
    speaking: set[int] = set()
    spare: _Child | None = None
    next_sign = 0.0
    while True:
        awaited = [*speaking, control.fileno()] if len(waiting) < MAX_WAITING else [*speaking]
        idle = IDLE if speaking else 0.0
        timeout = idle if spare is None else SIGN_OF_LIFE if waiting else None
        ready = select.select(awaited, [], [], timeout)[0]
        for pipe in speaking.intersection(ready):
            os.close(pipe)
            speaking.remove(pipe)
        if control.fileno() in ready:
            descriptors = socket.recv_fds(control, 1, 2)[1]
            if not descriptors:
                return
            waiting.append(descriptors)
        while waiting and len(speaking) < slots:
            inherited = (*chain(*waiting), *speaking)
            child = spare or _fork(control, inherited, limits, speak)
            while not child.give(waiting[0]):
                child = _fork(control, inherited, limits, speak)
            for descriptor in waiting.popleft():
                os.close(descriptor)
            speaking.add(child.pipe)
            spare = None
        if spare is None and not ready:
            spare = _fork(control, (*chain(*waiting), *speaking), limits, speak)
        if time.monotonic() >= next_sign:
            next_sign = time.monotonic() + SIGN_OF_LIFE
            _send_waiting(waiting)


def _send_waiting(connections: Iterable[list[int]]) -> None:
    for connection, *_ in connections:
        with contextlib.suppress(OSError):  # Its reader has disconnected.
            os.write(connection, WAITING)


class _Child(NamedTuple):
    """A child that waits for its socket. It is forked ahead, because a fork takes a noticeable time.

    ``pipe`` is readable (end of file) once the child has ended.
    """

    pipe: int
    handover: socket.socket

    def give(self, descriptors: list[int]) -> bool:
        """Send the child the descriptors of a socket and, optionally, a file. Return whether the child is alive."""
        with self.handover:
            try:
                socket.send_fds(self.handover, [b"?"], descriptors)
            except OSError:
                os.close(self.pipe)
                return False
            return True


def _fork(control: socket.socket, inherited: Iterable[int], limits: SpeechLimits, speak: Speak) -> _Child:
    pipe, childs_end = os.pipe()
    handover, childs_handover = socket.socketpair()
    if os.fork() != 0:
        os.close(childs_end)
        childs_handover.close()
        return _Child(pipe, handover)
    try:
        handover.close()
        control.close()  # Otherwise the server would not notice the death of the helper before this child ends.
        for other in (pipe, *inherited):
            os.close(other)
        _limit_resources(limits)
        _rehearse(speak)
        descriptors = socket.recv_fds(childs_handover, 1, 2)[1]
        if descriptors:
            with (
                contextlib.suppress(OSError),  # The reader has disconnected.
                socket.socket(fileno=descriptors[0]) as connection,
            ):
                _answer(connection, *descriptors[1:], speak=speak)
    finally:
        os._exit(0)


def _limit_resources(limits: SpeechLimits) -> None:
    import resource

    for limit, value in ((resource.RLIMIT_CPU, limits.seconds), (resource.RLIMIT_AS, limits.memory)):
        with contextlib.suppress(ValueError, OSError):  # A stricter limit is in force, or macOS refuses.
            resource.setrlimit(limit, (value, value))


def _answer(connection: socket.socket, file: int | None = None, *, speak: Speak) -> None:
    connection.sendall(STARTED)
    line = b""
    while not line.endswith(b"\n"):
        piece = connection.recv(_PIECE)
        if not piece:
            return  # the reader has disconnected
        line += piece
    speak(line, Outbox(connection, file).send)


class Outbox:
    """A connection to a reader that may be slower than the synthesis; what the socket does not accept goes to ``file``.

    A slow reader therefore costs disk space (at most that of ``MAX_SPEECH``), but neither memory nor a slot. Without a
    file (a descriptor), sending waits for the reader.
    """

    def __init__(self, connection: socket.socket, file: int | None) -> None:
        self._connection = connection
        self._file = file
        self._overflows = False

    def send(self, data: bytes) -> None:
        """Send bytes, or write them to the file. Ends this process if the reader has disconnected."""
        try:
            if not self._overflows:
                data = data[self._send_some(data) :]
                self._overflows = bool(data)
            if data:
                self._write(data)
        except OSError:
            os._exit(0)  # espeak-ng, the caller, does not propagate exceptions.

    def _send_some(self, data: bytes) -> int:
        if self._file is None:
            self._connection.sendall(data)
            return len(data)
        try:
            return self._connection.send(data, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return 0

    def _write(self, data: bytes) -> None:
        assert self._file is not None
        if self._is_disconnected():
            raise ConnectionResetError
        while data:
            data = data[os.write(self._file, data) :]

    def _is_disconnected(self) -> bool:
        """Return whether the reader has closed its end. It sends nothing after the request."""
        try:
            return not self._connection.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK)
        except BlockingIOError:
            return False


if __name__ == "__main__":
    main(sys.argv[1:])
