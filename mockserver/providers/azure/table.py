"""Reads ``catalog/azure.toml``, which explains its columns."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from msgspec import Struct

from mockserver.catalog.reading import read_file

_TABLE = Path(__file__).parents[2] / "catalog" / "azure.toml"

Headers = Mapping[str, str]


class ModelCall(Struct, frozen=True):
    """A row of ``calls``: a call to a model."""

    limited: str
    does: str
    deployed: bool = False
    since: str = ""
    models: Mapping[str, str] = {}


class FilterRules(Struct, frozen=True):
    """The categories and severities of the content filter."""

    blocked: tuple[str, ...]
    passed: tuple[str, ...]
    in_prompts: tuple[str, ...]
    in_answers: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]]


class Versions(Struct, frozen=True):
    """The values of ``api-version`` that are known."""

    dated: tuple[str, ...]
    v1: tuple[str, ...]
    foundry: tuple[str, ...]


class AzureTable(Struct, frozen=True):
    """The table."""

    region: str
    not_offered: tuple[str, ...]
    deployed: tuple[str, ...]
    foundry: tuple[str, ...]
    calls: Mapping[str, ModelCall]
    since: Mapping[str, str]
    versions: Versions
    filter: FilterRules
    model_names: Mapping[str, str]
    dated_models: Mapping[str, str]
    headers: Headers
    model_headers: Headers
    chat_headers: Headers
    responses_headers: Headers
    offer_headers: Headers


@cache
def azure_table() -> AzureTable:
    """Return the table. Raises ``CatalogError``."""
    return read_file(AzureTable, _TABLE)
