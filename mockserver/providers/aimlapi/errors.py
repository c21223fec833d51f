"""The refusals of the AI/ML API, in its wording and shape."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from mockserver import json_styles
from mockserver.catalog.reading import read_table
from mockserver.errors import ApiError, Refusal

CONTENT_TYPE = "application/json; charset=utf-8"

_TABLE = Path(__file__).parents[2] / "catalog" / "aimlapi_errors.toml"


def refusal(error: ApiError, row: Mapping[str, Any], *, path: str, request_id: str, now: float) -> Refusal:
    """Return the refusal for ``error``; ``row`` is its row of the catalog, and ``now`` is in seconds since 1970.

    The value ``details`` of the error has the issues of an invalid body, as ``zod.issues`` returns them.
    """
    row = {**row, **_rows().get(error.name, {})}
    values = error.values | error.changes
    own = error.changes.get("message")
    body: dict[str, object] = {"message": row["message"].format_map(values) if own is None else own}
    if "details" in values:
        body["details"] = values["details"]
    elif "detail" in row:
        body["details"] = [{"path": row["at"], "message": row["detail"].format_map(values)}]
    body |= {
        "path": path,
        "requestId": str(UUID(request_id.removeprefix("req_"))),
        "statusCode": row["status"],
        "timestamp": timestamp(now),
    }
    retry = tuple(header for header in error.headers if header[0].startswith("retry-after"))
    return Refusal(row["status"], json_styles.compact(body), CONTENT_TYPE, retry)


def timestamp(seconds: float) -> str:
    """Return a time in ISO 8601, UTC, with milliseconds: ``2026-11-20T12:00:00.000Z``."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


@cache
def _rows() -> Mapping[str, Mapping[str, Any]]:
    return read_table(_TABLE)
