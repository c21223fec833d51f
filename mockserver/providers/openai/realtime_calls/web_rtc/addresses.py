"""The addresses at which a connection can be reached: those at which the server itself can be."""

from __future__ import annotations

import sys
from typing import Any

from mockserver.settings.hosts import address_of, is_loopback

_LOOPBACK = "127.0.0.1"


def listen_on(host: str, connection: Any) -> None:
    """Have a connection, which has its remote description, open its sockets where the server listens.

    aioice uses all addresses of the machine but loopback. Its ``get_component_candidates`` gets the addresses at which
    it opens sockets.
    """
    for transport in {
        _ice_transport(each) for each in (*connection.getTransceivers(), connection.sctp) if each
    }:
        ice = transport.iceGatherer._connection
        original = ice.get_component_candidates

        async def gather(addresses: list[str], *, _original: Any = original, **more: Any) -> Any:
            return await _original(addresses=addresses_for(host, addresses), **more)

        ice.get_component_candidates = gather


def addresses_for(host: str, addresses: list[str]) -> list[str]:
    """Return the addresses of a server that listens on ``host``, on a machine that has ``addresses`` and loopback.

    Browsers send from the other addresses of the machine to loopback, which is certain to arrive on Linux only.
    """
    if is_loopback(host) and sys.platform == "linux":
        return [_LOOPBACK]
    address = address_of(host)
    if (
        address is None or address.is_unspecified or address.is_loopback
    ):  # names can be those of several addresses
        return [*addresses, _LOOPBACK]
    return [str(address)]


def _ice_transport(part: Any) -> Any:
    """Return the ICE transport of a transceiver or of the data channels."""
    dtls = part.transport if hasattr(part, "maxChannels") else part.receiver.transport
    return dtls.transport
