"""Parses JSON request bodies."""

from __future__ import annotations

import json
from typing import Any

from mockserver.gateway.errors import ApiError


def parse_json(body: bytes) -> dict[str, Any]:
    """The JSON object in ``body``. Raises ``ApiError`` (``invalid_json``) for anything else."""
    try:
        document = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ApiError("invalid_json") from error
    if not isinstance(document, dict):
        raise ApiError("invalid_json")
    return document


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
