"""Opens the socket on which the server listens."""

from __future__ import annotations

import socket

_BACKLOG = 1024  # connections that wait to be accepted


class PortInUse(OSError):
    """The address of the server is in use by another program."""


def open_listener(host: str, port: int) -> socket.socket:
    """Return a socket that listens on ``host`` and ``port`` (0: any free one).

    Raises ``PortInUse`` or ``OSError`` naming address and remedy.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        is_any = family == socket.AF_INET6 and address[0] == "::" and socket.has_dualstack_ipv6()
        listener = socket.create_server(address, family=family, backlog=_BACKLOG, dualstack_ipv6=is_any)
    except OSError as error:
        raise _failed(host, port, error) from error
    # Accepted connections inherit it: a response that is sent in pieces does not wait for the client's ACKs.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.settimeout(0)
    return listener


def _failed(host: str, port: int, error: OSError) -> OSError:
    """Return the exception to raise if the server cannot listen."""
    is_local = _is_local(host)
    if is_local and _answers(host, port):
        return PortInUse(
            f"{host}:{port} is in use by another program. "
            "Choose another port with --port, or --port 0 for a free one."
        )
    reason = error if is_local else f"this machine has no address {host!r}, but has 127.0.0.1"
    return OSError(f"cannot listen on {host}:{port}: {reason}. Check --host and --port.")


def _is_local(host: str) -> bool:
    """Return whether this machine has the address ``host``."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.bind(address)
    except OSError:
        return False
    return True


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False
