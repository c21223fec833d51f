"""Makes faults that the next request like that of an exchange fails with."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from msgspec import Struct

from mockserver.catalog.reading import read_file
from mockserver.reproducing.stub import when_of

_TABLE = Path(__file__).with_name("faults.toml")


class _Row(Struct, frozen=True):
    """A row of the table: what a request must ask for, and the members of the fault."""

    needs: str
    fault: dict[str, Any]


class _Table(Struct, frozen=True):
    faults: list[_Row]


def faults_of(entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the faults that can hit a request like that of an exchange, each once. Raises ``CannotReproduce``."""
    asked, when = _asked_for(entry), when_of(entry)
    return [{"when": when, "times": 1, **row.fault} for row in _rows() if row.needs in asked]


@cache
def _rows() -> list[_Row]:
    return read_file(_Table, _TABLE).faults


def _asked_for(entry: Mapping[str, Any]) -> set[str]:
    """Return what a request has asked for (see ``matching.facts.LiveRequest.asks_for``)."""
    if entry.get("realtime") is not None:
        return {"session"}
    request = entry["request"]
    modalities = request.get("modalities")
    has_sound = entry["endpoint"] == "speech" or (isinstance(modalities, list) and "audio" in modalities)
    asked = {
        "events": request.get("stream") is True or entry["stream_events"] is not None,
        "sound": has_sound,
        "job": entry["operation"] == "create_stt",
    }
    return {"body", *(name for name, is_asked in asked.items() if is_asked)}
