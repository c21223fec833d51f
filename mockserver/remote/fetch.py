"""Fetches files by HTTP, only from hosts that the settings allow.

A host name is resolved once, and the connection is made to the address that was checked, which prevents DNS rebinding.
Every redirect is checked like the first URL. Size, time and the size of a decompressed body are limited. Proxies of
the environment are not used.
"""

from __future__ import annotations

import contextlib
import http.client
import time
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from msgspec import Struct

from mockserver.remote.connections import Connection, cut_off
from mockserver.remote.targets import AllowedHosts, FetchError, NotAllowed, Resolve, Target, left, resolve

if TYPE_CHECKING:
    from http.client import HTTPResponse

_REDIRECTS = (301, 302, 303, 307, 308)
_MAX_REDIRECTS = 5
_PIECE = 1 << 16  # bytes
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_GZIP = b"\x1f\x8b"  # the first bytes of a gzip member
_MAX_MEMBERS = 1000  # gzip members of a body
_REMEDY = "Add it there (--fetch-urls HOST or HOST:PORT), or map the URL to a file (--url-map)."


class Fetched(Struct, frozen=True):
    """A fetched file; ``name`` is the last segment of its URL's path."""

    name: str
    content_type: str
    data: bytes


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
        self._hosts.target(url)

    def fetch(self, url: str) -> Fetched:
        """Return the file at ``url``. Raises ``FetchError``, and ``NotAllowed``, also for a redirect."""
        deadline = time.monotonic() + self.seconds
        for _ in range(_MAX_REDIRECTS + 1):
            target = self._hosts.target(url)
            with self._response(target, deadline) as response:
                if response.status not in _REDIRECTS:
                    return self._file(target, response, deadline)
                location = response.getheader("Location")
            if location is None:
                raise FetchError(f"{url} redirects without a Location header.")
            url = redirected(url, location)
        raise FetchError(f"There were more than {_MAX_REDIRECTS} redirects, the last one to {url}.")

    @property
    def _hosts(self) -> AllowedHosts:
        return AllowedHosts(self.allowed, "fetch_urls", "fetched", _REMEDY)

    @contextlib.contextmanager
    def _response(self, target: Target, deadline: float) -> Iterator[HTTPResponse]:
        """Yield the response, whose body is not read yet. Closes the connection at the end or at the deadline."""
        try:
            addresses = self._hosts.addresses(target, deadline, self.resolve)
            connection = Connection(target, addresses, deadline)
            with contextlib.closing(connection), cut_off(connection, deadline):
                connection.request("GET", target.path, headers={"Accept-Encoding": "identity"})
                with connection.getresponse() as response:
                    left(deadline)  # headers cut off at the deadline are incomplete
                    yield response
        except (OSError, http.client.HTTPException) as error:
            if time.monotonic() >= deadline:
                raise FetchError(f"{target.url} took more than {self.seconds:g} seconds.") from error
            raise FetchError(f"{target.url} cannot be fetched: {error!r}") from error

    def _file(self, target: Target, response: HTTPResponse, deadline: float) -> Fetched:
        if response.status != 200:
            raise FetchError(f"{target.url} answers {response.status} {response.reason}.")
        if response.length is not None and response.length > self.max_bytes:
            raise self._too_large(target)
        sent = self._bounded(target, _sent(target, response, deadline), self.max_bytes + _PIECE)
        decoded = _decoded(target, response, sent, self.max_bytes + 1)
        data = b"".join(self._bounded(target, decoded, self.max_bytes))
        return Fetched(target.name, response.getheader("Content-Type") or "", data)

    def _bounded(self, target: Target, pieces: Iterator[bytes], max_bytes: int) -> Iterator[bytes]:
        size = 0
        for piece in pieces:
            size += len(piece)
            if size > max_bytes:
                raise self._too_large(target)
            yield piece

    def _too_large(self, target: Target) -> FetchError:
        return FetchError(f"{target.url} is larger than {self.max_bytes} bytes (setting max_body_bytes).")


def redirected(url: str, location: str) -> str:
    """Return the target of a redirect. Raises ``FetchError`` for a bad URL, ``NotAllowed`` if it leaves TLS."""
    try:
        target = urljoin(url, location)
    except ValueError as error:
        raise FetchError(f"{url} redirects to {location}, which is not a valid URL: {error}.") from error
    if url.lower().startswith("https:") and not target.lower().startswith("https:"):
        raise NotAllowed(f"{url} redirects to {target}, which is not encrypted.")
    return target


def _sent(target: Target, response: HTTPResponse, deadline: float) -> Iterator[bytes]:
    """Yield the body in pieces as it is sent. Raises ``FetchError`` if it is truncated, and ``TimeoutError``."""
    while piece := response.read1(_PIECE):
        left(deadline)
        yield piece
    left(deadline)  # the timer may have closed the connection
    if response.length:
        raise FetchError(f"{target.url} is truncated: {response.length} bytes are missing.")


def _decoded(
    target: Target, response: HTTPResponse, sent: Iterator[bytes], max_bytes: int
) -> Iterator[bytes]:
    """Return the decompressed body in pieces, of at most ``max_bytes`` if it was compressed."""
    encoding = (response.getheader("Content-Encoding") or "identity").lower()
    if encoding == "identity":
        return sent
    if encoding in ("gzip", "x-gzip", "deflate"):
        return _inflated(target, sent, max_bytes)
    raise FetchError(f"{target.url} is compressed with {encoding}, which was not requested.")


def _inflated(target: Target, sent: Iterator[bytes], max_bytes: int) -> Iterator[bytes]:
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
