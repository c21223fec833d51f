"""Which hosts are this machine."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from mockserver.wording import shown


def is_loopback(host: str) -> bool:
    """Return whether a host name or address means this machine; IPv6 also in brackets, or with a zone."""
    address = address_of(host.strip("[]").partition("%")[0])
    if address is None:
        name = host.lower().rstrip(".")
        return name == "localhost" or name.endswith(".localhost")  # RFC 6761, 6.3
    return address.is_loopback


def address_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return a host that is an address, an IPv4 one also where it is written as IPv6; ``None`` for a name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def check_url(url: str) -> None:
    """Raises ``ValueError`` unless ``url`` is an ``http:`` URL of this machine that a path can be added to."""
    if not _is_loopback(url):
        raise ValueError(
            f"{shown(url)} is not an http:// address of this machine. Give one such as http://127.0.0.1:8080/v1"
        )


def _is_loopback(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
        if parts.scheme != "http" or parts.query or parts.fragment or re.search(r"[^!-~]", url):
            return False
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
