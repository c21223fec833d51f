"""The response headers that all endpoints have in common."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    import flask

    from mockserver.gateway.accounts import Account
    from mockserver.wire.ids import Ids

API_VERSION = "2020-10-01"

_TABLE = Path(__file__).parent.parent / "catalog" / "headers.toml"


class ResponseHeaders:
    """Puts the standing headers on responses: the ``full`` set, or just what clients read."""

    def __init__(self, ids: Ids, *, full: bool) -> None:
        self._ids = ids
        self._static: dict[str, str] = tomllib.loads(_TABLE.read_text("utf-8"))["full"] if full else {}

    def put_all(self, response: flask.Response, account: Account, request_id: str, began: float) -> None:
        """On answers of an endpoint; ``began`` is the request's start by ``time.perf_counter``."""
        headers = response.headers
        headers["openai-organization"] = account.organization
        headers["openai-processing-ms"] = str(round((time.perf_counter() - began) * 1000))
        headers["openai-project"] = account.project
        headers["openai-version"] = API_VERSION
        self.put_outer(response, request_id)

    def put_outer(self, response: flask.Response, request_id: str) -> None:
        """On refusals of the gateway, which no endpoint has seen."""
        response.headers["x-request-id"] = request_id
        if self._static:
            response.headers["access-control-expose-headers"] = "X-Request-ID, CF-Ray"
            response.headers["cf-ray"] = self._ids.ray()
            for name, value in self._static.items():
                response.headers[name] = value
