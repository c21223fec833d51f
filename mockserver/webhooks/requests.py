"""The request that delivers an event: its body, and its signed headers in the order of the service."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mockserver.webhooks.signing import signature, wrong_secret

_OLD = 600  # seconds; twice the tolerance of the SDK


def body_of(event: Mapping[str, Any]) -> bytes:
    """Return an event as the service writes it: with a space after each comma and colon, in ASCII.

    Raises ``TypeError`` and ``ValueError`` for one that is not JSON.
    """
    return json.dumps(event, allow_nan=False).encode()


def headers_of(
    webhook_id: str, timestamp: int, body: bytes, secrets: Sequence[str], fault: str | None, user_agent: str
) -> dict[str, str]:
    """Return the headers of an attempt; the faults ``bad_signature`` and ``old_timestamp`` change them."""
    sent_at = timestamp - _OLD if fault == "old_timestamp" else timestamp
    keys = [wrong_secret(secrets[0])] if fault == "bad_signature" else secrets
    return {
        "user-agent": user_agent,
        "content-type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(sent_at),
        "webhook-signature": signature(keys, webhook_id, sent_at, body),
    }
