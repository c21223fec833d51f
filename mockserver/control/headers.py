"""The headers of every answer: pages of other sites cannot show, frame or store it, and nothing in it is executed."""

from __future__ import annotations

HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; media-src 'self'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
