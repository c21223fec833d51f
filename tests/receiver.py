"""A receiver of webhooks."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import openai
from openai.types.webhooks import UnwrapWebhookEvent

from tests.waiting import eventually


@cache
def _sdk(secret: str) -> openai.OpenAI:
    return openai.OpenAI(api_key="sk-mock-receiver", webhook_secret=secret)


@dataclass(frozen=True)
class Received:
    """A request: its headers, in order, and its body."""

    path: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        return dict(self.headers)[name]

    def event(self, secret: str) -> UnwrapWebhookEvent:
        """Return the event as the SDK reads it. Raises its error for a wrong signature."""
        return _sdk(secret).webhooks.unwrap(self.body, dict(self.headers))


@dataclass
class Receiver:
    """A web server that takes webhooks. It answers with the ``statuses`` in order, the last one again and again."""

    statuses: list[int] = field(default_factory=lambda: [200])
    headers: Mapping[str, str] = field(default_factory=dict)
    answer: bytes = b""
    received: list[Received] = field(default_factory=list)
    hangs: bool = False
    released: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/webhook"

    def wait_for(self, count: int) -> list[Received]:
        eventually(lambda: len(self.received) >= count)
        assert len(self.received) == count
        return self.received

    def events(self, secret: str) -> list[str]:
        """Return the ids that the received events are about."""
        return [str(each.event(secret).data.id) for each in self.received]  # type: ignore[union-attr]

    def next_status(self) -> int:
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.received.append(Received(self.path, self.headers.items(), body))
            if receiver.hangs:
                receiver.released.wait()
                return
            self.send_response(receiver.next_status())
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(receiver.answer)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextlib.contextmanager
def receiving(port: int = 0) -> Iterator[Receiver]:
    """Yield a receiver that runs until the end of the block."""
    receiver = Receiver()
    server = ThreadingHTTPServer(("127.0.0.1", port), _handler(receiver))
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.released.set()
        server.shutdown()
        server.server_close()
