"""The response headers that all endpoints have in common."""

from __future__ import annotations

import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mockserver.gateway.accounts import Account
    from mockserver.wire.ids import Ids

API_VERSION = "2020-10-01"

Headers = list[tuple[str, str]]

_TABLE = Path(__file__).parent.parent / "catalog" / "headers.toml"


class ResponseHeaders:
    """The standing headers of responses: the ``full`` set, or just what clients read."""

    def __init__(self, ids: Ids, *, full: bool) -> None:
        self._ids = ids
        table = tomllib.loads(_TABLE.read_text("utf-8"))
        self._static: Headers = list(table["full"].items()) if full else []
        self._exposed: dict[str, list[str]] = table["exposed"]

    def of_answers(self, operation: str, account: Account, request_id: str, began: float) -> Headers:
        """Those of an operation's answers; ``began`` is the request's start by ``time.perf_counter``."""
        milliseconds = round((time.perf_counter() - began) * 1000)
        return [
            ("openai-organization", account.organization),
            ("openai-processing-ms", str(milliseconds)),
            ("openai-project", account.project),
            ("openai-version", API_VERSION),
            *self._of_network(operation, request_id),
        ]

    def of_provider(self, request_id: str) -> Headers:
        """Those of another provider's answers, of which none are documented."""
        return [("x-request-id", request_id)]

    def of_refusals(self, request_id: str) -> Headers:
        """Those of the gateway's refusals, which no endpoint has seen."""
        return self._of_network("gateway", request_id)

    def _of_network(self, operation: str, request_id: str) -> Headers:
        if not self._static:
            return [("x-request-id", request_id)]
        lines = self._exposed.get(operation, self._exposed["others"])
        exposed = [("access-control-expose-headers", line) for line in lines]
        return [("x-request-id", request_id), *exposed, ("cf-ray", self._ids.ray()), *self._static]
