"""The URLs that this server sends requests to, and the hosts that the settings allow.

A host name is resolved once, and the addresses are checked, to which the connection is then made.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from urllib.parse import SplitResult, quote, unquote, urlsplit

from msgspec import Struct

from mockserver.remote.addresses import is_public
from mockserver.settings.hosts import is_loopback

PORTS = {"http": 80, "https": 443}

Resolve = Callable[[str, int], Sequence[str]]


class FetchError(Exception):
    """A URL cannot be reached, or not be fetched; the message gives the reason."""


class NotAllowed(FetchError):
    """The settings do not allow a URL; the message names the setting."""


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host. Raises ``FetchError`` if it cannot be resolved."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchError(f"The host {host} cannot be resolved: {error}") from error
    return [str(address[0]) for *_, address in found]


class Target(Struct, frozen=True):
    """The parts of a URL."""

    url: str
    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def of(cls, url: str) -> Target | None:
        """Return the target of an http or https URL with a host and without a user; ``None`` for any other."""
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").rstrip("."), parts.port
        except ValueError:
            return None
        if parts.scheme not in PORTS or not host or "@" in parts.netloc:
            return None
        return cls(url, parts.scheme, host, PORTS[parts.scheme] if port is None else port, _path(parts))

    @property
    def authority(self) -> str:
        """Return host and port as the setting names them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def has_standard_port(self) -> bool:
        """Return whether the port is that of its scheme."""
        return self.port == PORTS[self.scheme]

    @property
    def name(self) -> str:
        """Return the last segment of the path."""
        return PurePosixPath(unquote(self.path.partition("?")[0])).name


class AllowedHosts(Struct, frozen=True):
    """The hosts that a setting allows: names or patterns such as ``*.example.com``, with or without a port.

    An entry without a port allows the standard ports of public addresses. Local and private addresses must be named as
    ``host:port``; with ``loopback``, this machine need not be named. ``done`` is the participle of messages,
    ``remedy`` their end.
    """

    allowed: tuple[str, ...]
    setting: str
    done: str
    remedy: str
    loopback: bool = False

    def target(self, url: str) -> Target:
        """Return the target of a URL. Raises ``NotAllowed`` if the settings do not allow its host."""
        target = Target.of(url)
        if target is None:
            raise NotAllowed(f"{url} is not an http: or https: URL with a host and without a user name.")
        if not self._is_local(target) and not any(_allows(entry, target) for entry in self.allowed):
            raise NotAllowed(
                f"{url} is not {self.done}: the setting {self.setting} does not allow {target.authority}. "
                f"{self.remedy}"
            )
        return target

    def addresses(self, target: Target, deadline: float, resolve: Resolve) -> Sequence[str]:
        """Return the checked addresses of a target. Raises ``NotAllowed`` and ``FetchError``."""
        addresses = _by(deadline, lambda: resolve(target.host, target.port))
        if not addresses:
            raise FetchError(f"The host {target.host} has no address.")
        if target.authority in map(str.lower, self.allowed):
            return addresses
        if self._is_local(target) and all(is_loopback(address) for address in addresses):
            return addresses
        for address in addresses:
            if not is_public(address):
                raise NotAllowed(
                    f"{target.host} has the address {address}, which is not public. To allow it, add "
                    f"{target.authority} with its port to the setting {self.setting}."
                )
        if self._is_local(target):
            raise NotAllowed(f"{target.host} has the address {addresses[0]}, which is not of this machine.")
        return addresses

    def _is_local(self, target: Target) -> bool:
        return self.loopback and is_loopback(target.host)


def _path(parts: SplitResult) -> str:
    """Return path and query, with characters that are invalid in a request line escaped."""
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return quote(path, safe="/%:=&?~#+!$,;'@()*[]")


def _allows(entry: str, target: Target) -> bool:
    host, colon, port = entry.lower().rpartition(":")
    if not colon or entry.endswith("]") or not port.isdigit():
        return fnmatchcase(target.host, _bare(entry.lower())) and target.has_standard_port
    return fnmatchcase(target.host, _bare(host)) and target.port == int(port)


def _bare(host: str) -> str:
    """Return a host without the brackets of an IPv6 address."""
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def left(deadline: float) -> float:
    """Return the seconds until the deadline. Raises ``TimeoutError`` if it has passed."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("the deadline has passed")
    return seconds


def _by(deadline: float, look_up: Callable[[], Sequence[str]]) -> Sequence[str]:
    """Return the result of ``look_up``, run in a thread because it has no timeout. Raises ``TimeoutError``."""
    found: Future[Sequence[str]] = Future()

    def run() -> None:
        try:
            found.set_result(look_up())
        except Exception as error:  # noqa: BLE001 - raised again in the waiting thread
            found.set_exception(error)

    threading.Thread(target=run, name="look-up", daemon=True).start()
    return found.result(left(deadline))
