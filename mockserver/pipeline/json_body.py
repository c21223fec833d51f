"""Parses JSON request bodies."""

from __future__ import annotations

from typing import Any

from mockserver import strict_json
from mockserver.errors import ApiError


def parse_json(body: bytes, most_values: int | None = None) -> dict[str, Any]:
    """The JSON object in ``body``.

    Raises ``ApiError``: ``too_many_values`` for more than ``most_values`` of values and names, ``invalid_json`` for
    anything else that is no object.
    """
    try:
        document = strict_json.parse(body, most_values)
    except strict_json.TooManyValues as error:
        raise ApiError("too_many_values", most=most_values) from error
    except ValueError as error:
        raise ApiError("invalid_json") from error
    if not isinstance(document, dict):
        raise ApiError("invalid_json")
    return document
