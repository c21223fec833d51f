"""Sends changed requests to a running server, and judges the answers."""

from __future__ import annotations

import re
import time
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import mockserver
from tools.fuzz.exchange import Answer, Request, send
from tools.fuzz.requests import Requests

if TYPE_CHECKING:
    from benchmarks.processes import Server
    from tools.fuzz.calls import Call

EPISODE = 150  # requests, after which stubs, faults, clock and settings are reset
PATIENCE = 30.0  # seconds for an answer, and for the health of the server
MAX_MEMORY = 700 << 20  # bytes that the server may hold
# Statuses of the HTTP server itself: unknown transfer coding or HTTP version.
_OF_HTTP = frozenset({501, 505})
_MAY_WAIT = ("/_mock/wait", "/_mock/webhooks/wait")  # as long as requested
_RESET = (
    Request("POST", "/_mock/reset"),
    Request("DELETE", "/_mock/settings"),
    Request("PUT", "/_mock/clock", (("Content-Type", "application/json"),), b'{"frozen": false, "scale": 1}'),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """An error that was found. ``before`` are the accepted control calls that were in force."""

    what: str
    request: Request
    before: tuple[Request, ...]
    detail: str = ""


class MutationFuzzer:
    """Sends requests to ``server``. With the same answers, ``seed`` and episode number repeat the requests."""

    def __init__(self, server: Server, calls: list[Call], seed: int) -> None:
        self._server = server
        self._calls = calls
        self._seed = seed
        self._read = server.output_size()
        self.sent = 0
        self.statuses: dict[int, int] = {}

    def run(self, until: float) -> Iterator[Finding]:
        """Yield findings until the time ``until`` (of ``time.monotonic``), or until the server is dead."""
        number = 0
        while time.monotonic() < until and self._is_healthy():
            yield from self.episode(number, until)
            number += 1

    def episode(self, number: int, until: float) -> Iterator[Finding]:
        """Yield the findings of the requests of one episode."""
        self._set_back()
        requests = Requests(self._calls, Random(f"{self._seed} {number}"))
        in_force: list[Request] = []
        for _ in range(EPISODE):
            if time.monotonic() > until:
                return
            request = requests.next()
            answer = send(self._server.address, request, PATIENCE)
            self.sent += 1
            self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
            requests.learn(answer.body)
            finding = self._judge(request, answer, tuple(in_force))
            if finding is not None:
                yield finding
                if not self._is_healthy():
                    return
                in_force.clear()
            if request.path.startswith("/_mock") and answer.status < 300 and request.method != "GET":
                in_force.append(request)

    def _judge(self, request: Request, answer: Answer, before: tuple[Request, ...]) -> Finding | None:
        """Return what is wrong with an answer, or with the server after it."""
        if traceback := self._traceback():
            return Finding(f"a traceback; {answer.shown}", request, before, traceback)
        if self._is_suspicious(request, answer):
            self._set_back()  # a stub or a fault may ask for it
            request = request.without("x-mock-fault")
            again = send(self._server.address, request, PATIENCE)
            if self._is_suspicious(request, again):
                return Finding(again.shown, request, ())
        if self.sent % 20 == 0 or answer.status <= 0:
            if not self._is_healthy():
                return Finding("the server is not healthy any more", request, before)
            if (held := self._server.memory()) > MAX_MEMORY:
                return Finding(f"the server holds {held >> 20} MiB", request, before)
        return None

    def _is_suspicious(self, request: Request, answer: Answer) -> bool:
        if request.breaks_http and answer.status >= 0:
            return (
                answer.status >= 500
                and answer.status not in _OF_HTTP
                and answer.code not in documented_codes()
            )
        if answer.status == -1 and request.path.startswith(_MAY_WAIT):
            return False
        if answer.status <= 0:
            return True
        return answer.status >= 500 and answer.code not in documented_codes()

    def _is_healthy(self) -> bool:
        return send(self._server.address, Request("GET", "/_mock/health"), PATIENCE).status == 200

    def _set_back(self) -> None:
        for request in _RESET:
            send(self._server.address, request, PATIENCE)

    def _traceback(self) -> str:
        """Return the traceback that the server has logged since the last call, if there is one."""
        if self._server.output_size() == self._read:
            return ""
        output, self._read = self._server.output_since(self._read), self._server.output_size()
        found = re.search(r"^Traceback .*?^\S.*?$(?=\n\S|\Z)", output, re.DOTALL | re.MULTILINE)
        if found is None:
            return output[-3000:] if "Traceback" in output else ""
        return found.group()[-3000:]


@cache
def documented_codes() -> frozenset[str]:
    """Return the codes of the errors that answer with a 5xx and state their reason."""
    table = Path(mockserver.__file__).parent / "catalog" / "errors.toml"
    rows: Mapping[str, Mapping[str, Any]] = tomllib.loads(table.read_text("utf-8"))
    return frozenset(row["code"] for row in rows.values() if row["status"] >= 500 and row.get("code"))
