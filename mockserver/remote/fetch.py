"""Fetches files by HTTP, only from hosts that the settings allow.

A host name is resolved once, and the connection is made to the address that was checked, which prevents DNS rebinding.
Every redirect is checked like the first URL. Size, time and the size of a decompressed body are limited. Proxies of
the environment are not used.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

from msgspec import Struct

from mockserver.remote.addresses import is_public

if TYPE_CHECKING:
    from http.client import HTTPResponse

_PORTS = {"http": 80, "https": 443}
_REDIRECTS = (301, 302, 303, 307, 308)
_MAX_REDIRECTS = 5
_PIECE = 1 << 16  # bytes
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_GZIP = b"\x1f\x8b"  # the first bytes of a gzip member
_MAX_MEMBERS = 1000  # gzip members of a body

Resolve = Callable[[str, int], Sequence[str]]


class FetchError(Exception):
    """A file cannot be fetched; the message gives the reason."""


class NotAllowed(FetchError):
    """The settings do not allow a URL; the message names the setting."""


class Fetched(Struct, frozen=True):
    """A fetched file; ``name`` is the last segment of its URL's path."""

    name: str
    content_type: str
    data: bytes


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host. Raises ``FetchError`` if it cannot be resolved."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchError(f"The host {host} cannot be resolved: {error}") from error
    return [str(address[0]) for *_, address in found]


class Fetcher(Struct, frozen=True):
    """An HTTP client for the ``allowed`` hosts: names or patterns such as ``*.example.com``, with or without a port.

    An entry without a port allows the standard ports of public addresses. Local and private addresses must be named as
    ``host:port``. A file has at most ``max_bytes``, and takes at most ``seconds`` with all redirects.
    """

    allowed: tuple[str, ...]
    max_bytes: int
    seconds: float
    resolve: Resolve = resolve

    def check(self, url: str) -> None:
        """Raise ``NotAllowed`` unless the URL's host is allowed."""
        self._target(url)

    def fetch(self, url: str) -> Fetched:
        """Return the file at ``url``. Raises ``FetchError``, and ``NotAllowed``, also for a redirect."""
        deadline = time.monotonic() + self.seconds
        for _ in range(_MAX_REDIRECTS + 1):
            target = self._target(url)
            with self._response(target, deadline) as response:
                if response.status not in _REDIRECTS:
                    return self._file(target, response, deadline)
                location = response.getheader("Location")
            if location is None:
                raise FetchError(f"{url} redirects without a Location header.")
            url = redirected(url, location)
        raise FetchError(f"There were more than {_MAX_REDIRECTS} redirects, the last one to {url}.")

    def _target(self, url: str) -> _Target:
        target = _Target.of(url)
        if target is None:
            raise NotAllowed(f"{url} is not an http: or https: URL with a host and without a user name.")
        if not any(_allows(entry, target) for entry in self.allowed):
            raise NotAllowed(
                f"{url} is not fetched: the setting fetch_urls does not allow {target.authority}. Add it there "
                "(--fetch-urls HOST or HOST:PORT), or map the URL to a file (--url-map)."
            )
        return target

    def _addresses(self, target: _Target, deadline: float) -> Sequence[str]:
        """Return the checked addresses of a target. Raises ``NotAllowed`` and ``FetchError``."""
        addresses = _by(deadline, lambda: self.resolve(target.host, target.port))
        if not addresses:
            raise FetchError(f"The host {target.host} has no address.")
        if target.authority not in map(str.lower, self.allowed):
            for address in addresses:
                if not is_public(address):
                    raise NotAllowed(
                        f"{target.host} has the address {address}, which is not public. To allow it, add "
                        f"{target.authority} with its port to the setting fetch_urls."
                    )
        return addresses

    @contextlib.contextmanager
    def _response(self, target: _Target, deadline: float) -> Iterator[HTTPResponse]:
        """Yield the response, whose body is not read yet. Closes the connection at the end or at the deadline."""
        try:
            connection = _Connection(target, self._addresses(target, deadline), deadline)
            with contextlib.closing(connection), _cut_off(connection, deadline):
                connection.request("GET", target.path, headers={"Accept-Encoding": "identity"})
                with connection.getresponse() as response:
                    _left(deadline)  # headers cut off at the deadline are incomplete
                    yield response
        except (OSError, http.client.HTTPException) as error:
            if time.monotonic() >= deadline:
                raise FetchError(f"{target.url} took more than {self.seconds:g} seconds.") from error
            raise FetchError(f"{target.url} cannot be fetched: {error!r}") from error

    def _file(self, target: _Target, response: HTTPResponse, deadline: float) -> Fetched:
        if response.status != 200:
            raise FetchError(f"{target.url} answers {response.status} {response.reason}.")
        if response.length is not None and response.length > self.max_bytes:
            raise self._too_large(target)
        sent = self._bounded(target, _sent(target, response, deadline), self.max_bytes + _PIECE)
        decoded = _decoded(target, response, sent, self.max_bytes + 1)
        data = b"".join(self._bounded(target, decoded, self.max_bytes))
        return Fetched(target.name, response.getheader("Content-Type") or "", data)

    def _bounded(self, target: _Target, pieces: Iterator[bytes], max_bytes: int) -> Iterator[bytes]:
        size = 0
        for piece in pieces:
            size += len(piece)
            if size > max_bytes:
                raise self._too_large(target)
            yield piece

    def _too_large(self, target: _Target) -> FetchError:
        return FetchError(f"{target.url} is larger than {self.max_bytes} bytes (setting max_body_bytes).")


class _Target(Struct, frozen=True):
    """The parts of a URL."""

    url: str
    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def of(cls, url: str) -> _Target | None:
        """Return the target of an http or https URL with a host and without a user; ``None`` for any other."""
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").rstrip("."), parts.port
        except ValueError:
            return None
        if parts.scheme not in _PORTS or not host or "@" in parts.netloc:
            return None
        return cls(url, parts.scheme, host, _PORTS[parts.scheme] if port is None else port, _path(parts))

    @property
    def authority(self) -> str:
        """Return host and port as the setting names them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def has_standard_port(self) -> bool:
        return self.port == _PORTS[self.scheme]

    @property
    def name(self) -> str:
        return PurePosixPath(unquote(self.path.partition("?")[0])).name


class _Connection(http.client.HTTPConnection):
    """A connection to one of the checked addresses; request and TLS still use the host name."""

    def __init__(self, target: _Target, addresses: Sequence[str], deadline: float) -> None:
        super().__init__(target.host, target.port)
        self.wire: socket.socket | None = (
            None  # ``http.client`` drops its own reference before the body is complete
        )
        self.default_port = _PORTS[target.scheme]  # the Host header omits it
        self._target = target
        self._addresses = addresses
        self._deadline = deadline

    def connect(self) -> None:
        """Connect, with a TLS handshake for https."""
        for number, address in enumerate(self._addresses, 1):
            try:
                self.sock = self.wire = socket.create_connection(
                    (address, self._target.port), _left(self._deadline)
                )
                break
            except OSError:
                if number == len(self._addresses):
                    raise
        if self._target.scheme == "https":
            context = ssl.create_default_context()
            self.sock = self.wire = greeting = context.wrap_socket(
                self.sock, server_hostname=self._target.host, do_handshake_on_connect=False
            )
            _left(self._deadline)  # until here, no timer could close the socket
            greeting.do_handshake()
        _left(self._deadline)


def _path(parts: SplitResult) -> str:
    """Return path and query, with characters that are invalid in a request line escaped."""
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return quote(path, safe="/%:=&?~#+!$,;'@()*[]")


def _allows(entry: str, target: _Target) -> bool:
    host, colon, port = entry.lower().rpartition(":")
    if not colon or entry.endswith("]") or not port.isdigit():
        return fnmatchcase(target.host, _bare(entry.lower())) and target.has_standard_port
    return fnmatchcase(target.host, _bare(host)) and target.port == int(port)


def _bare(host: str) -> str:
    """Return a host without the brackets of an IPv6 address."""
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def redirected(url: str, location: str) -> str:
    """Return the target of a redirect. Raises ``FetchError`` for a bad URL, ``NotAllowed`` if it leaves TLS."""
    try:
        target = urljoin(url, location)
    except ValueError as error:
        raise FetchError(f"{url} redirects to {location}, which is not a valid URL: {error}.") from error
    if url.lower().startswith("https:") and not target.lower().startswith("https:"):
        raise NotAllowed(f"{url} redirects to {target}, which is not encrypted.")
    return target


def _left(deadline: float) -> float:
    """Return the seconds until the deadline. Raises ``TimeoutError`` if it has passed."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the deadline has passed")
    return left


@contextlib.contextmanager
def _cut_off(connection: _Connection, deadline: float) -> Iterator[None]:
    """Close a connection at the deadline, even if the server keeps sending."""

    def cut() -> None:
        if connection.wire is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection.wire, socket.SHUT_RDWR)  # bypasses TLS

    timer = threading.Timer(_left(deadline), cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _by(deadline: float, look_up: Callable[[], Sequence[str]]) -> Sequence[str]:
    """Return the result of ``look_up``, run in a thread because it has no timeout. Raises ``TimeoutError``."""
    found: Future[Sequence[str]] = Future()

    def run() -> None:
        try:
            found.set_result(look_up())
        except Exception as error:  # noqa: BLE001 - raised again in the waiting thread
            found.set_exception(error)

    threading.Thread(target=run, name="look-up", daemon=True).start()
    return found.result(_left(deadline))


def _sent(target: _Target, response: HTTPResponse, deadline: float) -> Iterator[bytes]:
    """Yield the body in pieces as it is sent. Raises ``FetchError`` if it is truncated, and ``TimeoutError``."""
    while piece := response.read1(_PIECE):
        _left(deadline)
        yield piece
    _left(deadline)  # the timer may have closed the connection
    if response.length:
        raise FetchError(f"{target.url} is truncated: {response.length} bytes are missing.")


def _decoded(
    target: _Target, response: HTTPResponse, sent: Iterator[bytes], max_bytes: int
) -> Iterator[bytes]:
    """Return the decompressed body in pieces, of at most ``max_bytes`` if it was compressed."""
    encoding = (response.getheader("Content-Encoding") or "identity").lower()
    if encoding == "identity":
        return sent
    if encoding in ("gzip", "x-gzip", "deflate"):
        return _inflated(target, sent, max_bytes)
    raise FetchError(f"{target.url} is compressed with {encoding}, which was not requested.")


def _inflated(target: _Target, sent: Iterator[bytes], max_bytes: int) -> Iterator[bytes]:
    """Yield the decompressed members of a body (RFC 1952), of at most ``max_bytes``. Data after them is ignored."""
    members, inflate = 1, zlib.decompressobj(_GZIP_OR_ZLIB)
    for piece in sent:
        rest = piece
        while rest:
            if inflate.eof:
                if not rest.startswith(_GZIP) or members == _MAX_MEMBERS:
                    return
                members, inflate = members + 1, zlib.decompressobj(_GZIP_OR_ZLIB)
            try:
                plain = inflate.decompress(rest, max_bytes)
            except zlib.error as error:
                raise FetchError(f"{target.url} is not compressed as its header says: {error}") from error
            yield plain
            max_bytes = max(1, max_bytes - len(plain))
            rest = inflate.unused_data
    if not inflate.eof:
        raise FetchError(f"{target.url} is truncated: its compressed data is incomplete.")
