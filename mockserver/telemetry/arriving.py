"""What is known of a request when its span begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Arriving(NamedTuple):
    """A request that has arrived, without secrets but in its ``headers``.

    ``arrived`` is the time of its arrival by ``time.perf_counter``. ``host`` and ``port`` are those that the client has
    called, ``resource`` and ``route`` those of its operation. ``connection`` is the id of the handshake of a message,
    and ``opens_connection`` is true for a handshake. ``is_inner`` is true for requests of the server itself.
    """

    id: str
    arrived: float
    method: str
    path: str
    headers: Mapping[str, str]
    scheme: str
    host: str | None
    port: int | None
    resource: str | None
    route: str | None
    connection: str | None
    opens_connection: bool
    is_inner: bool
