"""Tells public Internet addresses from local, private and reserved ones, which requests must not reach."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from mockserver.catalog.reading import read_table

_TABLE = Path(__file__).parents[1] / "catalog" / "special_addresses.toml"
_ISATAP = 0x0000_5EFE  # RFC 5214: the 32 bits before an IPv4 address in the last 64 bits
_ISATAP_BITS = 0xFDFF_FFFF  # all of them except the "universal" bit

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def is_public(address: str) -> bool:
    """Return whether ``address`` (IPv4 or IPv6, as ``getaddrinfo`` writes it) is on the public Internet.

    Loopback, private, link-local, multicast and reserved addresses (``catalog/special_addresses.toml``) are not public,
    nor are IPv6 addresses that are translated to one of these, addresses with a zone (``%eth0``), and invalid ones.
    """
    if "%" in address:
        return False
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    blocks = _blocks()
    if any(parsed in block for block in blocks["translated"]):
        return is_public(str(ipaddress.IPv4Address(int(parsed) & 0xFFFF_FFFF)))
    if parsed.version == 6 and int(parsed) >> 32 & _ISATAP_BITS == _ISATAP:
        return False
    return any(parsed in block for block in blocks["unicast"]) and not any(
        parsed in block for block in blocks["special"]
    )


@cache
def _blocks() -> Mapping[str, Sequence[_Network]]:
    """Return the address blocks of the table, by the name of their list."""
    table = read_table(_TABLE)
    return {name: [ipaddress.ip_network(row["block"]) for row in rows] for name, rows in table.items()}
