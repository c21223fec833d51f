"""The URL of a store in Redis: where the server is, and the options of the store."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from msgspec import Struct

from mockserver.state.layout import StateFolderError

if TYPE_CHECKING:
    from urllib.parse import SplitResult

_PREFIX = "mockserver"
_IDLE = 7 * 86_400  # seconds
_TIMEOUT = 3.0  # seconds
_BLOBS_FROM = 1 << 20  # bytes
_OWN_OPTIONS = ("prefix", "idle", "timeout", "blobs", "blobs_from")
_FORMS = "redis://USER:PASSWORD@HOST:PORT/DATABASE, rediss://… (TLS), or unix://PATH?db=DATABASE"


class Address(Struct, frozen=True):
    """A Redis server and how the store uses it.

    ``url`` is for the package ``redis``; ``shown`` is without user, password and options. All keys begin with
    ``prefix``. The state of an account is kept for ``idle`` seconds after its last use. A command may take ``timeout``
    seconds. Blobs above ``blobs_from`` bytes are in the folder or bucket ``blobs``, if there is one.
    """

    url: str
    shown: str
    prefix: str = _PREFIX
    idle: int = _IDLE
    timeout: float = _TIMEOUT
    blobs: str = ""
    blobs_from: int = _BLOBS_FROM


def address_of(store: str) -> Address:
    """Return the address in the setting ``store``. Raises ``StateFolderError`` for an invalid URL."""
    parts = urlsplit(store)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    shown = _shown(parts)
    try:
        _check(parts, query)
        own = {name: query.pop(name) for name in _OWN_OPTIONS if name in query}
        address = Address(
            f"{parts.scheme}://{parts.netloc}{parts.path}?{urlencode(query)}",
            shown,
            own.get("prefix", _PREFIX),
            int(own.get("idle", _IDLE)),
            float(own.get("timeout", _TIMEOUT)),
            own.get("blobs", ""),
            int(own.get("blobs_from", _BLOBS_FROM)),
        )
        if not (address.prefix and address.idle >= 1 and 0.1 <= address.timeout <= 60):
            raise ValueError("prefix must not be empty, idle at least 1, timeout from 0.1 to 60")
    except ValueError as error:
        raise StateFolderError(f"store: {shown} is not a valid URL: {error}. Write {_FORMS}.") from error
    return address


def _check(parts: SplitResult, query: dict[str, str]) -> None:
    _ = parts.port  # raises ValueError for an invalid one
    if parts.scheme == "unix" and not parts.path:
        raise ValueError("it has no path")
    if parts.scheme != "unix" and not parts.hostname:
        raise ValueError("it has no host")
    if parts.fragment:
        raise ValueError("it has a fragment (write # in a password as %23)")
    database = query.get("db", "0") if parts.scheme == "unix" else unquote(parts.path).strip("/") or "0"
    if not (database.isascii() and database.isdigit()):
        raise ValueError(f"the database {database!r} is not a number")


def _shown(parts: SplitResult) -> str:
    """Return the URL without user, password and options."""
    place = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{place}{parts.path}"
