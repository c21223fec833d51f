"""Opens a store in Redis, after checking that the server there can be used."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from mockserver.installation import GONE, origin_of
from mockserver.state.layout import StateFolderError
from mockserver.state.redis.address import address_of

if TYPE_CHECKING:
    from mockserver.state.redis.address import Address
    from mockserver.state.redis.blobs import RedisBlobs
    from mockserver.state.redis.documents import RedisDocuments
    from mockserver.state.redis.server import RedisServer

log = logging.getLogger(__name__)

_OLDEST = (6, 2)  # version of Redis
_REMEDIES = (
    (
        "WRONGPASS|invalid username-password|NOAUTH|Authentication required",
        "Put the user and password into the URL",
    ),
    ("AUTH.*without any password", "The server has no password: remove it from the URL"),
    ("DB index is out of range|Invalid Database", "Use a database that the server has, usually 0 to 15"),
    (
        "NOPERM|no permissions",
        "Allow this user all commands for the keys and the channel of the prefix, and INFO",
    ),
    ("SSL|CERTIFICATE", "Use redis:// if the server has no TLS; name its CA by ssl_ca_certs=FILE in the URL"),
)
_START = "Start Redis or Valkey there, or correct the URL"


def connect(store: str) -> RedisServer:
    """Return the server of a URL, once it has answered. Raises ``StateFolderError`` if it cannot be used."""
    missing = [name for name in ("redis", "hiredis") if origin_of(name) is None]
    if missing:
        raise StateFolderError(
            f"store: Redis needs the package {missing[0]}: {GONE}. Install it: pip install 'audio-mockserver[redis]'"
        )
    from mockserver.state.redis.server import RedisServer

    address = address_of(store)
    try:
        server = RedisServer(address)
    except ValueError as error:
        raise StateFolderError(f"store: {address.shown} has an option that is not valid: {error}.") from error
    try:
        _check(server)
    except BaseException:
        server.close()
        raise
    return server


def open_documents(server: RedisServer) -> tuple[RedisDocuments, RedisBlobs]:
    """Return the documents and blobs in a server, which closes with the documents.

    Raises ``StateFolderError`` if the folder or bucket for large blobs cannot be used.
    """
    from mockserver.state.redis.blobs import RedisBlobs
    from mockserver.state.redis.documents import RedisDocuments
    from mockserver.state.redis.outside import Outside

    address = server.address
    blobs = RedisBlobs(server, Outside(address.blobs, address.blobs_from) if address.blobs else None)
    return RedisDocuments(server, blobs), blobs


def _check(server: RedisServer) -> None:
    """Raise ``StateFolderError`` if the server cannot be used."""
    from mockserver.state.disk import StateFailed

    shown = server.address.shown
    try:
        about = _fields(server.call("INFO", "everything"))
    except StateFailed as error:
        found = (each for pattern, each in _REMEDIES if re.search(pattern, error.reason, re.IGNORECASE))
        remedy = next(found, _START)
        raise StateFolderError(f"store: {shown} cannot be used: {error.reason}. {remedy}.") from error
    version = about.get("redis_version", "0.0")
    if tuple(int(each) for each in re.findall(r"\d+", version)[:2]) < _OLDEST:
        raise StateFolderError(f"store: {shown} is Redis {version}. Use Redis 6.2 or newer, or Valkey.")
    if about.get("redis_mode") == "sentinel":
        raise StateFolderError(f"store: {shown} is a Sentinel. Name the master that it watches.")
    if about.get("cluster_enabled") == "1":
        raise StateFolderError(
            f"store: {shown} is a node of a cluster, whose nodes change nothing together. Use one server, or several "
            "stores, each for some of the accounts."
        )
    if about.get("role") != "master":
        raise StateFolderError(f"store: {shown} is a replica, which cannot be written to. Name its master.")
    _warn(server.address, about)


def _warn(address: Address, about: dict[str, str]) -> None:
    policy = about.get("maxmemory_policy", "noeviction")
    if about.get("maxmemory", "0") != "0" and policy != "noeviction":
        log.warning(
            "%s removes keys when its memory is full (maxmemory-policy %s), and with them limits and files. "
            "Set it to noeviction.",
            address.shown,
            policy,
        )


def _fields(about: bytes) -> dict[str, str]:
    """Return the fields of the answer to ``INFO``."""
    lines = about.decode("utf-8", "replace").splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line and not line.startswith("#"))
