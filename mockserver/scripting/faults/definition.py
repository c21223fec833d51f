"""What a fault is: which kinds there are, what each can be told, and which requests it means."""

from __future__ import annotations

import json
import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mockserver.matching.conditions import Pattern

if TYPE_CHECKING:
    from mockserver.errors import ErrorTable
    from mockserver.matching.facts import Facts

ERROR = "error"  # the kind of a fault that is an error of the catalog

# What each kind can be told, beside what every fault can.
KINDS: Mapping[str, frozenset[str]] = {
    ERROR: frozenset({"message", "retry_after"}),
    "latency": frozenset({"seconds", "jitter"}),
    "hang": frozenset({"seconds"}),
    "connection_reset": frozenset({"at", "after"}),
    "truncated_body": frozenset({"after"}),
    "malformed_json": frozenset(),
    "wrong_content_length": frozenset({"by", "seconds"}),
    "sse_cut": frozenset({"after"}),
    "sse_duplicate": frozenset({"after"}),
    "sse_delay": frozenset({"after", "seconds"}),
    "sse_garble": frozenset({"after"}),
    "sse_no_done": frozenset(),
    "corrupt_audio": frozenset(),
    "slow_drip": frozenset({"bytes_per_second", "seconds"}),
    "job_error": frozenset({"message"}),
}
_PARTICULAR = frozenset().union(*KINDS.values())
_TRIGGERS = ("times", "every", "probability", "until")


class FaultError(ValueError):
    """A fault that makes no sense. The message names the place in it and what is wrong."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, for which requests. The members are those of ``schemas/mock/fault.json``.

    ``kind`` is a key of ``KINDS``; ``error`` the name of an error of the catalog, for that kind; ``since`` the
    schema's ``from``. ``nth_request`` numbers the requests of an account that it met, from 1.
    """

    id: str
    document: Mapping[str, Any]
    pattern: Pattern
    kind: str
    seed: str
    error: str = ""
    times: int | None = None
    every: int = 1
    probability: float = 1.0
    since: float = float("-inf")
    until: float = float("inf")
    message: str | None = None
    retry_after: float | None = None
    seconds: float | None = None
    jitter: float = 0.0
    at: str = "middle"
    after: int | None = None
    by: int = 16
    bytes_per_second: float = 1000.0
    nth_request: int = 0

    def concerns(self, facts: Facts) -> bool:
        """Whether it can hit this request: one of the pattern, that asks for what the fault breaks."""
        if self.kind.startswith("sse_") and not _asks_for_events(facts):
            return False
        if self.kind == "corrupt_audio" and not _asks_for_sound(facts):
            return False
        if self.kind == "job_error" and "stt" not in facts.endpoint_names:
            return False
        return self.pattern.matches(facts)

    @property
    def told(self) -> dict[str, Any]:
        """The fault as the journal tells it."""
        told = {"id": self.id, "kind": self.kind, "error": self.error, "occasion": self.nth_request}
        return {name: value for name, value in told.items() if value != ""}

    def chance(self, purpose: str, nth_request: int = 0) -> random.Random:
        """A source of chance that is the same whenever that request of an account meets this definition."""
        definition = {name: value for name, value in self.document.items() if name not in ("id", "name")}
        drawn_from = json.dumps(definition, sort_keys=True)
        return random.Random(f"{self.seed} {drawn_from} {nth_request or self.nth_request} {purpose}")  # noqa: S311


def define(
    document: Mapping[str, Any],
    id_: str,
    *,
    seed: str,
    errors: ErrorTable,
    endpoints: Collection[str],
) -> Fault:
    """The fault of a document that satisfies its schema; ``seed`` is the server's.

    Raises ``FaultError`` and ``PatternError`` naming what makes no sense.
    """
    if (ERROR in document) == ("fault" in document):
        raise FaultError("Give one of 'error' and 'fault': what goes wrong.")
    kind = document.get("fault", ERROR)
    if kind not in KINDS or document.get("fault") == ERROR:
        raise FaultError(
            f"fault: there is no {kind!r}. There are {', '.join(sorted(KINDS.keys() - {ERROR}))}."
        )
    for name in _PARTICULAR & document.keys():
        if name not in KINDS[kind]:
            takers = ", ".join(each for each, takes in KINDS.items() if name in takes)
            raise FaultError(f"{name}: does not go with {kind}. It goes with {takers}.")
    if document.get("from", float("-inf")) >= document.get("until", float("inf")):
        raise FaultError("until: is not after 'from'.")
    told = {name: _whole(document[name]) for name in (*KINDS[kind], *_TRIGGERS) if name in document}
    if "from" in document:
        told["since"] = document["from"]
    if kind == ERROR:
        told["error"] = errors.name_of(document[ERROR])
    pattern = Pattern(document.get("when", {}), endpoints)
    return Fault(id_, document, pattern, kind, str(document.get("seed", seed)), **told)


def _whole(value: Any) -> Any:
    """A number that JSON writes as ``2.0`` but means as 2."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _asks_for_events(facts: Facts) -> bool:
    asked = facts.document.get("stream") in (True, "true") or facts.document.get("stream_format") == "sse"
    return asked or "text/event-stream" in facts.headers.get("accept", "")


def _asks_for_sound(facts: Facts) -> bool:
    modalities = facts.document.get("modalities")
    return "speech" in facts.endpoint_names or (isinstance(modalities, list) and "audio" in modalities)
