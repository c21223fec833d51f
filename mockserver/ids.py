"""Generates identifiers in the forms of the API."""

from __future__ import annotations

import hashlib
import itertools
import os
import string
from collections.abc import Callable
from functools import lru_cache
from uuid import UUID

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_REALTIME_EPOCH = 1_576_800_000  # seconds since 1970, from which the ids of the Realtime API count
_LETTERS = "".join(_BASE62[byte % 62] for byte in range(256)).encode()  # the letter or digit for each byte


class Ids:
    """A generator of identifiers: unique ones, or with a ``seed`` the same ones in the same order. Thread-safe.

    ``next_number`` returns the number of a draw, from 1. With a seed, the draw with a number is the same whatever
    process makes it.
    """

    def __init__(self, seed: str = "", next_number: Callable[[], int] | None = None) -> None:
        self._seed = seed
        self._next_number = next_number or itertools.count(1).__next__

    def request_id(self) -> str:
        """Return ``req_`` and 32 hex digits, as in the ``x-request-id`` response header."""
        return "req_" + self._hex(32)

    def ray(self) -> str:
        """Return a ``cf-ray``: 16 hex digits and the code of a data centre."""
        return self._hex(16) + "-MCK"

    def completion_id(self, now: float, prefix: str = "chatcmpl-") -> str:
        """Return the prefix and 29 letters or digits, of which the first 6 encode the time ``now``."""
        return prefix + _digits(int(now), 6) + self._letters(23)

    def moderation_id(self, *, short: bool) -> str:
        """Return ``modr-`` and a number below 10,000, or, unless ``short``, 29 letters or digits."""
        return "modr-" + (str(1 + int(self._hex(4), 16) % 9_999) if short else self._letters(29))

    def audio_id(self, now: float) -> str:
        """Return ``audio_``, the time in 8 hex digits, and 24 more."""
        return "audio_" + self._timed(now)

    def call_id(self) -> str:
        """Return the id of a tool call: ``call_`` and 24 letters or digits."""
        return "call_" + self._letters(24)

    def realtime_id(self, prefix: str, now: float) -> str:
        """Return the prefix and 21 letters or digits, of which the first 5 encode the time ``now``."""
        return prefix + _digits(int(now) - _REALTIME_EPOCH, 5) + self._letters(16)

    def realtime_call_id(self) -> str:
        """Return the id of a function call of the Realtime API: ``call_`` and 16 letters or digits."""
        return "call_" + self._letters(16)

    def ephemeral_key(self, now: float) -> str:
        """Return ``ek_``, the time in 8 hex digits, and 24 more."""
        return "ek_" + self._timed(now)

    def file_id(self) -> str:
        """Return ``file-`` and 22 letters or digits."""
        return "file-" + self._letters(22)

    def upload_id(self, now: float) -> str:
        """Return ``upload_``, the time in 8 hex digits, and 24 more."""
        return "upload_" + self._timed(now)

    def part_id(self, now: float) -> str:
        """Return the id of a part of an upload: ``part_``, the time in 8 hex digits, and 24 more."""
        return "part_" + self._timed(now)

    def voice_id(self) -> str:
        """Return ``voice_`` and 32 hex digits."""
        return "voice_" + self._hex(32)

    def consent_id(self) -> str:
        """Return the id of a voice consent: ``cons_`` and 32 hex digits."""
        return "cons_" + self._hex(32)

    def batch_id(self, now: float) -> str:
        """Return ``batch_``, the time in 8 hex digits, and 24 more."""
        return "batch_" + self._timed(now)

    def batch_request_id(self, now: float) -> str:
        """Return the id of a request of a batch: ``batch_req_``, the time in 8 hex digits, and 24 more."""
        return "batch_req_" + self._timed(now)

    def uuid(self) -> str:
        """Return a random UUID (version 4)."""
        return str(UUID(bytes=self._bytes(16), version=4))

    def obfuscation(self, length: int) -> str:
        """Return ``length`` letters or digits, which pad a chunk to hide its length."""
        return self._letters(length) if length else ""

    def hex_digits(self, count: int) -> str:
        """Return ``count`` random hex digits, an even number of them, for the ids that are composed elsewhere."""
        return self._hex(count)

    def sampling_seed(self) -> int:
        """Return a ``seed`` for a stored completion without one: a signed 64-bit number."""
        return int.from_bytes(self._bytes(8), "big", signed=True)

    def _hex(self, count: int) -> str:
        return self._bytes(count // 2).hex()

    def _timed(self, now: float) -> str:
        return f"{int(now):08x}{self._hex(24)}"

    def _letters(self, count: int) -> str:
        return self._bytes(count).translate(_LETTERS).decode()

    def _bytes(self, count: int) -> bytes:
        """Return the bytes of the next draw."""
        if not self._seed:
            return os.urandom(count)
        return hashlib.shake_128(
            f"{self._next_number()}:{self._seed}".encode("utf-8", "surrogateescape")
        ).digest(count)


@lru_cache(1024)
def fingerprint(model: str) -> str:
    """Return the ``system_fingerprint`` of a model: ``fp_`` and 10 hex digits, always the same."""
    return "fp_" + hashlib.sha256(model.encode()).hexdigest()[:10]


def organization_id(key: str) -> str:
    """Return the organization of an undeclared API key: ``org-`` and 24 letters or digits, always the same."""
    return "org-" + _base62(f"organization:{key}", 24)


def project_id(key: str) -> str:
    """Return the project of an undeclared API key: ``proj_`` and 24 letters or digits, always the same."""
    return "proj_" + _base62(f"project:{key}", 24)


def _base62(text: str, length: int) -> str:
    digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
    return _digits(int.from_bytes(digest, "big"), length)


def _digits(number: int, length: int) -> str:
    """Return the last ``length`` digits of ``number`` in base 62."""
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_BASE62[digit])
    return "".join(reversed(digits))
