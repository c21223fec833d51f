"""Identifiers as the API writes them."""

from __future__ import annotations

import hashlib
import random
import string
import threading

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


class Ids:
    """Makes identifiers: unique ones, or with a ``seed`` the same ones in the same order. Thread-safe."""

    def __init__(self, seed: str = "") -> None:
        self._random: random.Random = random.Random(seed) if seed else random.SystemRandom()  # noqa: S311 - no secrets
        self._lock = threading.Lock()

    def request_id(self) -> str:
        """``req_`` and 32 hex digits, as in the ``x-request-id`` response header."""
        with self._lock:
            return f"req_{self._random.getrandbits(128):032x}"


def organization_id(key: str) -> str:
    """The organization of an undeclared API key: ``org-`` and 24 letters or digits, always the same."""
    return "org-" + _base62(f"organization:{key}", 24)


def project_id(key: str) -> str:
    """The project of an undeclared API key: ``proj_`` and 24 letters or digits, always the same."""
    return "proj_" + _base62(f"project:{key}", 24)


def _base62(text: str, length: int) -> str:
    number = int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest(), "big")
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_BASE62[digit])
    return "".join(digits)
