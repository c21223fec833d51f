"""Host names and addresses: which are valid in settings, and which mean this machine."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from mockserver.wording import shown

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})"
_HOST_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")  # RFC 1123, and the underscore of container names
_ALLOWED_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[\w.*?-]+)(?::(?P<port>[0-9]{1,5}))?")


def address_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the IP address that ``host`` is, an IPv4-mapped IPv6 address as IPv4; ``None`` for a name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_loopback(host: str) -> bool:
    """Return whether a host name or address means this machine. An IPv6 address may have brackets or a zone."""
    address = address_of(host.strip("[]").partition("%")[0])
    if address is None:
        name = host.lower().rstrip(".")
        return name == "localhost" or name.endswith(".localhost")  # RFC 6761, 6.3
    return address.is_loopback


def check_url(url: str) -> None:
    """Raise ``ValueError`` unless ``url`` is an ``http:`` base URL on this machine.

    A path can be appended to a base URL: it has no query and no fragment. Names below ``.localhost`` are refused,
    because some resolvers look them up in the network.
    """
    if not _is_local_base_url(url):
        raise ValueError(
            f"{shown(url)} is not an http:// URL on this machine. Give one such as http://127.0.0.1:8080/v1"
        )


def _is_local_base_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
        if parts.scheme != "http" or parts.query or parts.fragment or re.search(r"[^!-~]", url):
            return False
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_host(text: str) -> bool:
    """Return whether ``text`` is an IP address or a valid host name, without a port."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return len(text) <= 253 and _HOST_NAME.fullmatch(text) is not None
    return True


def are_allowed_hosts(text: str) -> bool:
    """Return ``True`` if ``text`` is a comma-separated list of ``HOST``, ``*.DOMAIN`` or ``HOST:PORT``.

    Raises ``ValueError`` for the first entry that is not.
    """
    for entry in filter(None, (each.strip() for each in text.split(","))):
        found = _ALLOWED_HOST.fullmatch(entry)
        if found is None or not 0 < int(found["port"] or 1) < 65536:
            raise ValueError(
                f"{shown(entry)} is not HOST, *.DOMAIN or HOST:PORT; write the host without http:// or a path"
            )
    return True
