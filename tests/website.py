"""A web server with the pages of a test."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType

Answer = Callable[[BaseHTTPRequestHandler], None]


class Website:
    """A web server on a loopback port: ``pages`` are answered by path, ``seen`` has the headers of each request."""

    def __init__(self) -> None:
        self.pages: dict[str, Answer] = {}
        self.seen: list[dict[str, str]] = []
        self.over = threading.Event()
        self.released = threading.Event()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.seen.append(dict(self.headers))
                site.pages[self.path](self)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.host = f"127.0.0.1:{self.port}"

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def page(
        self, path: str, body: bytes, *, status: int = 200, headers: Mapping[str, str] = MappingProxyType({})
    ) -> str:
        """Add a page; return its URL. Without a ``Content-Length`` it gets that of the body."""

        def answer(request: BaseHTTPRequestHandler) -> None:
            request.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | dict(headers)).items():
                request.send_header(name, value)
            request.end_headers()
            request.wfile.write(body)

        self.pages[path] = answer
        return self.url(path)

    def redirect(self, path: str, location: str) -> str:
        return self.page(path, b"", status=302, headers={"Location": location})

    def file(self, path: str, data: bytes) -> str:
        """Add a file that is sent once ``released`` is set; return its URL."""

        def answer(request: BaseHTTPRequestHandler) -> None:
            self.released.wait()
            request.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + data)

        self.pages[path] = answer
        return self.url(path)


@contextlib.contextmanager
def serving() -> Iterator[Website]:
    """Yield a website that runs until the end of the block."""
    site = Website()
    thread = threading.Thread(target=site.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.over.set()
        site.released.set()
        site.server.shutdown()
        site.server.server_close()
