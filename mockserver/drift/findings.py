"""Findings of a comparison: the differences, their severity, and accepted differences."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from msgspec import Struct

from mockserver.catalog.reading import read_file, record, rows_of

Kind = Literal[
    "missing_parameter",
    "missing_literal",
    "missing_event",
    "missing_endpoint",
    "missing_model",
    "missing_voice",
    "shutdown_date",
    "extra_parameter",
    "extra_literal",
    "extra_event",
    "extra_endpoint",
    "extra_model",
    "extra_voice",
    "missing_type",
    "stale_acceptance",
]
# The most serious first.
KINDS: tuple[Kind, ...] = Kind.__args__  # type: ignore[attr-defined]


class Finding(Struct, frozen=True, order=True):
    """A difference. ``where`` is a schema or table and the place in it; ``message`` is one sentence."""

    kind: Kind
    where: str
    message: str


class Acceptance(Struct, frozen=True):
    """An intended difference: the findings of a ``kind`` at places that match the pattern ``where``."""

    kind: Kind
    where: str
    reason: str

    def covers(self, finding: Finding) -> bool:
        """Return whether this row accepts the finding."""
        return finding.kind == self.kind and fnmatchcase(finding.where, self.where.replace("[", "[[]"))


class _AcceptedFile(Struct, frozen=True):
    accepted: list[dict[str, object]]


def read_accepted(file: Path) -> tuple[Acceptance, ...]:
    """Return the accepted differences in ``file``, with reasons. Raises ``CatalogError``."""
    rows = rows_of(read_file(_AcceptedFile, file).accepted, f"{file.name}, accepted", "kind", "where")
    return tuple(record(Acceptance, row, where) for row, where in rows)


def without_accepted(findings: Iterable[Finding], accepted: Iterable[Acceptance]) -> list[Finding]:
    """Return the findings that are not accepted, the most serious first, and one for each unused acceptance."""
    found, left = list(findings), []
    used: set[Acceptance] = set()
    for finding in found:
        covering = [each for each in accepted if each.covers(finding)]
        used.update(covering)
        if not covering:
            left.append(finding)
    for each in accepted:
        if each not in used:
            message = (
                f"accepted as {each.kind} ({each.reason}), but there is no such difference: remove the row."
            )
            left.append(Finding("stale_acceptance", each.where, message))
    return sorted(left, key=lambda finding: (KINDS.index(finding.kind), finding.where, finding.message))
