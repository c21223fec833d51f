"""A client with little overhead: raw keep-alive sockets, all watched by one thread."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

_BOUNDARY = "benchmarks-of-the-mock-server"
_KEY = "sk-mock-tier-5-benchmark"
_PATIENCE = 60.0  # seconds without received data
_PIECE = 1 << 18


@dataclass(slots=True)
class Reply:
    """A response and when it arrived, in seconds since its request was begun.

    ``arrivals`` are times, each with the number of bytes of the body that had arrived.
    """

    status: int = 0
    body: bytearray = field(default_factory=bytearray)
    arrivals: list[tuple[float, int]] = field(default_factory=list)
    seconds: float = 0.0

    def seconds_until(self, size: int) -> float:
        """Return when the first ``size`` bytes of the body had arrived."""
        return next(seconds for seconds, received in self.arrivals if received >= size)


def post(path: str, content_type: str, body: bytes) -> bytes:
    """Return a whole POST request."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {_KEY}\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def get(path: str) -> bytes:
    """Return a whole GET request."""
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {_KEY}\r\n\r\n"
    return head.encode()


def upload(path: str, fields: Mapping[str, str], audio: bytes) -> bytes:
    """Return a whole POST request with a form: some text fields, and ``audio`` as the file ``clip.wav``."""
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    parts.append(
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="clip.wav"\r\n'
        "Content-Type: audio/wav\r\n\r\n"
    )
    body = "".join(parts).encode() + audio + f"\r\n--{_BOUNDARY}--\r\n".encode()
    return post(path, f"multipart/form-data; boundary={_BOUNDARY}", body)


def exchange(
    address: tuple[str, int], request: bytes, *, count: int = 1, connections: int = 1, refusals: bool = False
) -> list[Reply]:
    """Send ``request`` ``count`` times, over ``connections`` that each wait for their answer before the next.

    Raises ``RuntimeError`` when the server answers other than 200, unless ``refusals`` are allowed; ``TimeoutError``
    when it falls silent.
    """
    replies: list[Reply] = []
    begun = 0
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        opened = [
            stack.enter_context(_Connection(address, selector, refusals=refusals))
            for _ in range(min(connections, count))
        ]
        for connection in opened:
            connection.begin(request)
            begun += 1
        while len(replies) < count:
            events = selector.select(_PATIENCE)
            if not events:
                raise TimeoutError(f"{address} answered {len(replies)} of {count} requests")
            for key, event in events:
                connection = key.data
                if event & selectors.EVENT_WRITE:
                    connection.send()
                elif reply := connection.receive():
                    replies.append(reply)
                    if begun < count:
                        connection.begin(request)
                        begun += 1
    return replies


class _Connection:
    """A keep-alive connection with one exchange at a time."""

    def __init__(self, address: tuple[str, int], selector: selectors.BaseSelector, *, refusals: bool) -> None:
        self._socket = socket.create_connection(address, timeout=_PATIENCE)
        self._socket.setblocking(False)
        self._selector = selector
        self._refusals = refusals
        selector.register(self._socket, selectors.EVENT_READ, self)

    def __enter__(self) -> _Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def begin(self, request: bytes) -> None:
        """Begin to send ``request``."""
        self._unsent = memoryview(request)
        self._raw = bytearray()
        self._reply = Reply()
        self._length: int | None = None  # of the body; None while it is unknown or chunked
        self._began = time.perf_counter()
        self._selector.modify(self._socket, selectors.EVENT_WRITE, self)
        self.send()

    def send(self) -> None:
        """Send as much of the request as the kernel takes."""
        try:
            sent = self._socket.send(self._unsent)
        except BlockingIOError:
            return
        self._unsent = self._unsent[sent:]
        if not self._unsent:
            self._selector.modify(self._socket, selectors.EVENT_READ, self)

    def receive(self) -> Reply | None:
        """Read the available bytes; return the reply once it is complete."""
        data = self._socket.recv(_PIECE)
        now = time.perf_counter() - self._began
        if not data:
            raise RuntimeError(f"the server hung up after {bytes(self._raw)!r}")
        self._raw += data
        if not self._reply.status and not self._read_head():
            return None
        complete = self._read_chunks() if self._length is None else self._read_known(self._length)
        self._reply.arrivals.append((now, len(self._reply.body)))
        self._reply.seconds = now
        return self._reply if complete else None

    def _read_head(self) -> bool:
        head, end, rest = self._raw.partition(b"\r\n\r\n")
        if not end:
            return False
        status_line, *lines = head.decode("latin-1").split("\r\n")
        self._reply.status = int(status_line.split(" ")[1])
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if self._reply.status != 200 and not self._refusals:
            raise RuntimeError(f"{status_line}: {rest.decode(errors='replace')}")
        if "content-length" in headers:
            self._length = int(headers["content-length"])
        self._raw = rest
        return True

    def _read_known(self, length: int) -> bool:
        self._reply.body += self._raw
        self._raw.clear()
        return len(self._reply.body) == length

    def _read_chunks(self) -> bool:
        while (end := self._raw.find(b"\r\n")) >= 0:
            size = int(self._raw[:end], 16)
            after = end + 2 + size + 2
            if len(self._raw) < after:
                return False
            self._reply.body += self._raw[end + 2 : after - 2]
            del self._raw[:after]
            if size == 0:
                return True
        return False
