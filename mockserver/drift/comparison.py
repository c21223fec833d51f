"""Compares the schemas and tables of this server with the installed SDK, by the pairs of ``catalog/drift.toml``."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from mockserver.catalog.reading import read_file
from mockserver.drift import models, schema_places, sdk_places
from mockserver.drift.endpoints import compare_endpoints
from mockserver.drift.findings import Finding, Kind
from mockserver.drift.places import Places, add, differences, flat

if TYPE_CHECKING:
    from mockserver.catalog.tables import Catalog

_SDK = "openai"


class NoSdk(Exception):
    """The official SDK is not installed. The message has the remedy."""


class _DriftFile(Struct, frozen=True):
    requests: list[dict[str, Any]]
    events: list[dict[str, Any]]
    models: list[dict[str, str]]
    voices: list[dict[str, str]]


def sdk_version() -> str:
    """Return the version of the installed SDK. Raises ``NoSdk``."""
    try:
        return version(_SDK)
    except PackageNotFoundError:
        problem = "the official SDK (openai) is not installed, so there is nothing to compare with"
        raise NoSdk(f"{problem}. Install it beside the mock server: pip install openai") from None


def compare(catalog: Catalog, schemas: Path) -> list[Finding]:
    """Return all differences, including accepted ones. Raises ``NoSdk``.

    ``schemas`` is the folder of the JSON Schemas.
    """
    sdk_version()
    pairs = read_file(_DriftFile, catalog.folder / "drift.toml")
    found: list[Finding] = []
    for row in pairs.requests:
        found += _compare_shapes(schemas, row, missing="missing_parameter", extra="extra_parameter")
    for row in pairs.events:
        found += _compare_shapes(schemas, row, missing="missing_event", extra="extra_event")
    for row in pairs.models:
        found += _or_missing(row["sdk"], models.compare_models(catalog, row["sdk"], row["endpoint"]))
    for row in pairs.voices:
        found += _or_missing(row["sdk"], models.compare_voices(catalog, row["sdk"], row["member"]))
    return [*found, *compare_endpoints(_resources(), _served())]


def _compare_shapes(schemas: Path, row: dict[str, Any], *, missing: Kind, extra: Kind) -> list[Finding]:
    """Compare a schema with the corresponding types of the SDK, taken together."""
    theirs: Places = {}
    for name in row["sdk"]:
        try:
            found = sdk_places.places_of(name)
        except (ImportError, AttributeError) as error:
            return [_missing_type(name, error)]
        for place, texts in found.items():
            add(theirs, flat(place) if row.get("flat") else place, texts)
    ours = schema_places.places_of(schemas, row["schema"])
    return list(differences(row["schema"], ours, theirs, missing=missing, extra=extra))


def _or_missing(name: str, findings: Iterator[Finding]) -> list[Finding]:
    try:
        return list(findings)
    except (ImportError, AttributeError, KeyError) as error:
        return [_missing_type(name, error)]


def _missing_type(name: str, error: Exception) -> Finding:
    return Finding("missing_type", name, f"the SDK has no such type ({error}): is it too old, or drift.toml?")


def _resources() -> Path:
    spec = find_spec(_SDK)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "resources"


def _served() -> set[tuple[str, str]]:
    from mockserver.providers.openai.routes import OPERATIONS

    return {(each.method, each.path) for each in OPERATIONS}
