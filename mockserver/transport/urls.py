"""The paths of requests as the client wrote them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.catalog.paths import VERSION


def written_path(environ: Mapping[str, Any]) -> str:
    """Return the path of a WSGI request as the client wrote it, without the query."""
    path: str = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return path if path.isascii() else path.encode("latin-1").decode("utf-8", "replace")


def lacks_version(path: str) -> bool:
    """Return whether ``path`` is not below ``/v1``."""
    return not path.startswith(VERSION + "/")


def has_double_slash(path: str) -> bool:
    """Return whether ``path`` has an empty segment, unlike every path of the API."""
    return "//" in path
