"""Which network addresses nobody is to be sent to by a request: those that are not out in the Internet."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from mockserver.catalog.reading import read_table

_TABLE = Path(__file__).parents[1] / "catalog" / "special_addresses.toml"
_ISATAP = 0x0000_5EFE  # RFC 5214: what stands before an IPv4 address in the last 64 bits,
_ISATAP_BITS = 0xFDFF_FFFF  # but for the bit that says whether that is unique

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def is_public(address: str) -> bool:
    """Return whether ``address`` (IPv4 or IPv6, as ``getaddrinfo`` writes it) is one of the public Internet.

    Not those of this machine, private and link-local networks, multicast and reserved ones
    (``catalog/special_addresses.toml``), nor IPv6 addresses that lead to such an IPv4 address. What is no address at
    all, or one in a zone (``%eth0``), is not public.
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
    """Return the blocks of the table, by the name of their list."""
    table = read_table(_TABLE)
    return {name: [ipaddress.ip_network(row["block"]) for row in rows] for name, rows in table.items()}
