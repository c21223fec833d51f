"""Parses authorities (``Host``) and origins of HTTP requests strictly: only the canonical form is valid.

Browsers and HTTP libraries send this form. Any other form can be an attack that relies on two programs reading it
differently; it is refused rather than interpreted.
"""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

_MAX_NAME = 255  # characters of a host name (RFC 1035, 2.3.4)
# RFC 952 and 1123: letters, digits and inner hyphens.
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")  # a last label that browsers read as the end of an IPv4 address
_PORT = re.compile(r"0|[1-9][0-9]{0,4}")
_HIGHEST_PORT = 65_535
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Authority(NamedTuple):
    """A host with its explicit port, if any.

    ``host`` is a name in lower case without a final dot, an IPv4 address in dotted decimals, or an IPv6 address without
    brackets in its shortest form.
    """

    host: str
    port: int | None

    def port_of(self, scheme: str) -> int:
        """Return the port, or the default port of the scheme, ``http`` or ``https``."""
        return _DEFAULT_PORTS[scheme] if self.port is None else self.port


class Origin(NamedTuple):
    """The origin of a web page: its scheme, ``http`` or ``https``, and its authority."""

    scheme: str
    authority: Authority

    def is_of(self, host: Authority) -> bool:
        """Return whether pages of this origin are served by ``host``."""
        return self.authority.host == host.host and self.authority.port_of(self.scheme) == host.port_of(
            self.scheme
        )


def parse_authority(text: str) -> Authority | None:
    """Return the authority in a ``Host`` header (RFC 9110, 7.2); ``None`` if it is not ``HOST`` or ``HOST:PORT``.

    User information, paths, several hosts, zones of IPv6, underscores, percent signs, white space, letters beyond ASCII
    and IPv4 addresses other than four decimal numbers are refused.
    """
    if not text.isascii():
        return None
    if text.startswith("["):
        literal, bracket, rest = text[1:].partition("]")
        host = _ipv6(literal) if bracket else None
    else:
        name, colon, digits = text.partition(":")
        host, rest = _name_or_ipv4(name), colon + digits
    if host is None:
        return None
    if not rest:
        return Authority(host, None)
    port = rest[1:]
    if rest[0] != ":" or not _PORT.fullmatch(port) or int(port) > _HIGHEST_PORT:
        return None
    return Authority(host, int(port))


def parse_origin(text: str) -> Origin | None:
    """Return the origin in an ``Origin`` header (RFC 6454, 7); ``None`` if it is not one ``http`` or ``https`` origin.

    ``null``, several origins, other schemes, and anything after the authority are refused.
    """
    scheme, _, rest = text.partition("://")
    scheme = scheme.lower()
    if scheme not in _DEFAULT_PORTS:
        return None
    authority = parse_authority(rest)
    return None if authority is None else Origin(scheme, authority)


def _ipv6(literal: str) -> str | None:
    if "%" in literal:
        return None
    try:
        return ipaddress.IPv6Address(literal).compressed
    except ValueError:
        return None


def _name_or_ipv4(text: str) -> str | None:
    labels = text.lower().removesuffix(".").split(".")
    if len(text) > _MAX_NAME or not all(map(_LABEL.fullmatch, labels)):
        return None
    if not _NUMBER.fullmatch(labels[-1]):
        return ".".join(labels)
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        return None
