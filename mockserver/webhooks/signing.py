"""Signatures of webhooks (Standard Webhooks, version 1: HMAC-SHA256 of id, timestamp and body)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence

PREFIX = "whsec_"
_SECRET_BYTES = 32


def secret_of(hex_digits: str) -> str:
    """Return a signing secret made of random bytes, given as 64 hex digits."""
    return PREFIX + base64.b64encode(bytes.fromhex(hex_digits)).decode()


def hint_of(secret: str) -> str:
    """Return the masked form of a secret: its last four characters."""
    return f"{PREFIX}...{secret[-4:]}"


def check_secret(secret: str) -> None:
    """Raise ``ValueError`` for a secret with the prefix ``whsec_`` that is not base64, and for an unsendable one."""
    if not secret or not secret.isprintable():
        raise ValueError("is empty or has control characters; use whsec_ and base64")
    if secret.startswith(PREFIX):
        try:
            base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except ValueError as error:
            raise ValueError(f"is not base64 after {PREFIX} ({error})") from error


def signature(secrets: Sequence[str], webhook_id: str, timestamp: int, body: bytes) -> str:
    """Return the header ``webhook-signature``: a signature with each of the secrets, separated by spaces."""
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    return " ".join(f"v1,{_mac(_key(secret), signed)}" for secret in secrets)


def wrong_secret(secret: str) -> str:
    """Return another secret, always the same, for signatures that are wrong on purpose."""
    return secret_of(hashlib.sha256(secret.encode()).hexdigest()[: 2 * _SECRET_BYTES])


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(PREFIX)) if secret.startswith(PREFIX) else secret.encode()


def _mac(key: bytes, signed: bytes) -> str:
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
