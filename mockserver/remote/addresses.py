"""Which network addresses nobody is to be sent to by a request: those that are not out in the Internet."""

from __future__ import annotations

import ipaddress

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
_NOWHERE = (
    ipaddress.IPv6Network("64:ff9b:1::/48"),  # RFC 8215: NAT64 of a local network
    ipaddress.IPv6Network("::/96"),  # RFC 4291: "IPv4-compatible", the loopback and the unspecified one
    ipaddress.IPv6Network("fec0::/10"),  # RFC 3879: site-local
)


def is_public(address: str) -> bool:
    """Whether ``address`` (IPv4 or IPv6, as ``getaddrinfo`` writes it) is one of the public Internet.

    Not those of this machine, private and link-local networks, multicast and reserved ones, nor IPv6 addresses
    that lead to such an IPv4 address. What is no address at all is not public.
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(map(_is_global, _destinations(parsed)))


def _is_global(address: _Address) -> bool:
    return address.is_global and not (
        address.is_multicast
        or address.is_reserved
        or (address.version == 6 and any(address in network for network in _NOWHERE))
    )


def _destinations(address: _Address) -> list[_Address]:
    """Where packets to an address end up: those to some of IPv6 at IPv4 addresses within."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address in _NAT64:
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    return [address, *filter(None, (address.sixtofour, *(address.teredo or ())))]
