"""Values that clients keep for the server in opaque texts: ``encrypted_content`` of reasoning and of compactions.

A text has the form of a Fernet token. It hides and protects nothing: its key is part of this program, so that every
server can read it, also a later one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
import zlib
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from mockserver.ids import Ids

_KEY = b"mockserver: sealed values"
_HEAD = struct.Struct(">BQ16s")  # the version, seconds since 1970, an initial vector
_VERSION = 0x80
_BLOCK, _DIGEST = 16, 32
_MAX_BYTES = 16 << 20  # of an unpacked value


def seal(ids: Ids, now: float, value: Any) -> str:
    """Return ``value``, which JSON can express, as an opaque text that was made at ``now``."""
    head = _HEAD.pack(_VERSION, max(int(now), 0), bytes.fromhex(ids.hex_digits(2 * _BLOCK)))
    packed = zlib.compress(msgspec.json.encode(value))
    padding = _BLOCK - len(packed) % _BLOCK
    token = head + _masked(head, packed + bytes([padding]) * padding)
    return base64.urlsafe_b64encode(token + _digest(token)).decode()


def unseal(text: str) -> Any:
    """Return the value of a text of ``seal``. Raises ``ValueError`` for any other text."""
    try:
        token = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise ValueError("not base64") from error
    token, digest = token[:-_DIGEST], token[-_DIGEST:]
    if len(token) < _HEAD.size + _BLOCK or not hmac.compare_digest(digest, _digest(token)):
        raise ValueError("not a sealed value")
    padded = _masked(token[: _HEAD.size], token[_HEAD.size :])
    packing = zlib.decompressobj()
    value = packing.decompress(padded[: -padded[-1]], _MAX_BYTES)
    if packing.unconsumed_tail:
        raise ValueError("too large a value")
    return msgspec.json.decode(value)


def _masked(head: bytes, data: bytes) -> bytes:
    """Return ``data`` combined with a stream of bytes that depends on ``head``; twice gives ``data`` again."""
    mask = hashlib.shake_256(_KEY + head).digest(len(data))
    return (int.from_bytes(data, "big") ^ int.from_bytes(mask, "big")).to_bytes(len(data), "big")


def _digest(token: bytes) -> bytes:
    return hmac.digest(_KEY, token, "sha256")
