"""The ids of responses, conversations and their items, which carry the time and the chain that they belong to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from mockserver.ids import Ids

_UUID = "[0-9a-f]{12}8(?P<marker>[0-9a-f]{3})[0-9a-f]{16}"
_KEY_FIRST = re.compile(f"[a-z]+_(?P<key>[0-9a-f]{{16}})0[01]{_UUID}")
_KEY_LAST = re.compile(f"[a-z]+_{_UUID}(?P<key>[0-9a-f]{{16}})")
_OF_COMPACTIONS = "01"
_FIRST_MARKER, _MARKERS = 0x190, 20  # every recorded marker is one of these

KEY_DIGITS = 16


class Chain(Struct, frozen=True):
    """What the ids of a conversation share: of all responses that continue each other, and of their items.

    ``key`` has 16 hex digits, ``marker`` 3.
    """

    key: str
    marker: str


def new_chain(ids: Ids) -> Chain:
    """Return a new chain, for a response that continues none or for a conversation."""
    key = "0" + ids.hex_digits(KEY_DIGITS)[1:]
    return Chain(key, f"{_FIRST_MARKER + int(ids.hex_digits(4), 16) % _MARKERS:03x}")


def chain_of(identifier: str) -> Chain | None:
    """Return the chain of a response, a conversation or an item; ``None`` if the id is not in the API's form."""
    found = _KEY_FIRST.fullmatch(identifier) or _KEY_LAST.fullmatch(identifier)
    return Chain(found["key"], found["marker"]) if found else None


def response_id(ids: Ids, chain: Chain, now: float) -> str:
    """Return the id of a response that is created at ``now``."""
    return item_id(ids, chain, now, "resp")


def item_id(ids: Ids, chain: Chain, now: float, prefix: str) -> str:
    """Return the id of an item of a response that is begun at ``now``; ``prefix`` is ``msg``, ``rs``, ``fc``, …"""
    return f"{prefix}_{chain.key}00{_uuid(ids, chain, now)}"


def compaction_id(ids: Ids, chain: Chain, now: float) -> str:
    """Return the id of the response object of a compaction."""
    return f"resp_{chain.key}{_OF_COMPACTIONS}{_uuid(ids, chain, now)}"


def conversation_id(ids: Ids, chain: Chain, now: float) -> str:
    """Return the id of a conversation that is created at ``now``."""
    return conversation_item_id(ids, chain, now, "conv")


def conversation_item_id(ids: Ids, chain: Chain, now: float, prefix: str = "msg") -> str:
    """Return the id of an item that is put into a conversation at ``now`` without a response."""
    return f"{prefix}_{_uuid(ids, chain, now)}{chain.key}"


def _uuid(ids: Ids, chain: Chain, now: float) -> str:
    """Return 32 hex digits, a UUID of version 8: seconds, fraction of a second, marker, random bits."""
    bits = int(ids.hex_digits(16), 16)
    variant = 0b10 << 62 | bits >> 2
    seconds = int(now)
    fraction = int((now - seconds) * 0x10000)
    return f"{seconds & 0xFFFFFFFF:08x}{fraction & 0xFFFF:04x}8{chain.marker}{variant:016x}"
