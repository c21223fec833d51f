"""Parses JSON request bodies."""

from __future__ import annotations

from typing import Any

from mockserver import strict_json
from mockserver.gateway.errors import ApiError


def parse_json(body: bytes) -> dict[str, Any]:
    """The JSON object in ``body``. Raises ``ApiError`` (``invalid_json``) for anything else."""
    try:
        document = strict_json.parse(body)
    except ValueError as error:
        raise ApiError("invalid_json") from error
    if not isinstance(document, dict):
        raise ApiError("invalid_json")
    return document
