"""Faults as values: what goes wrong, and for which requests."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from mockserver.matching.patterns import Pattern

_NO_DIFFERENCE = ("id", "name", "enabled")  # members that random choices do not depend on
ERROR = "error"  # the kind of fault that answers with an error of the catalog


class Fault(Struct, frozen=True):
    """A fault. The members are those of ``schemas/mock/fault.json``.

    ``kind`` is one of ``kinds.KINDS``. ``error`` is the name of an error of the catalog, for the kind ``error``.
    ``since`` is the schema's ``from``. ``nth_request`` counts the account's requests that matched it, from 1.
    A fault that is not ``enabled`` hits nothing.
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
    code: str = "server_error"
    retry_after: float | None = None
    seconds: float | None = None
    jitter: float = 0.0
    at: str = "middle"
    after: int | None = None
    by: int = 16
    bytes_per_second: float = 1000.0
    status: int = 503
    close: int = 1011
    event: str = "*"
    count: int = 1
    audio_seconds: float | None = None
    nth_request: int = 0
    enabled: bool = True

    @property
    def as_json(self) -> dict[str, Any]:
        """Return the fault as the journal records it."""
        members = {"id": self.id, "kind": self.kind, "error": self.error, "occasion": self.nth_request}
        return {name: value for name, value in members.items() if value != ""}

    def chance(self, purpose: str, nth_request: int = 0) -> random.Random:
        """Return a random generator, seeded by the fault's definition, the number of the request and ``purpose``."""
        definition = {name: value for name, value in self.document.items() if name not in _NO_DIFFERENCE}
        written = json.dumps(definition, sort_keys=True)
        return random.Random(f"{self.seed} {written} {nth_request or self.nth_request} {purpose}")  # noqa: S311
