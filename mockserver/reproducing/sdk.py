"""The methods of the official Python SDK: the table ``sdk_calls.toml``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from msgspec import Struct, convert

from mockserver.catalog.reading import read_table

if TYPE_CHECKING:
    from mockserver.reproducing.sent import SentRequest

_TABLE = Path(__file__).with_name("sdk_calls.toml")
_VERSION = "/v1"
_VARIABLE = re.compile(r"\\{\w+\\}")  # in an escaped path


class SdkCall(Struct, frozen=True):
    """A row of the table: a method of the SDK, its path, the names of its arguments, and those that it adds itself."""

    method: str
    path: str
    required: list[str] = []
    optional: list[str] = []
    implied: dict[str, Any] = {}

    def variables(self, path: str) -> list[str] | None:
        """Return the values of the variables in a percent-encoded path; ``None`` if the method cannot have sent it."""
        expression = _VARIABLE.sub("([^/]+)", re.escape(self.path))
        found = re.fullmatch(_VERSION + expression, path)
        return None if found is None else [unquote(each) for each in found.groups()]


@cache
def sdk_calls() -> Mapping[str, SdkCall]:
    """Return the rows of the table by operation."""
    return convert(dict(read_table(_TABLE)), dict[str, SdkCall])


def sdk_call(operation: str | None, sent: SentRequest) -> SdkCall | None:
    """Return the method that sends a request; ``None`` if there is none, or it would send something else."""
    row = sdk_calls().get(operation or "")
    if row is None or row.variables(sent.path) is None:
        return None
    given = {*sent.document, *(each.field for each in sent.uploads)}
    names = sent.credentials.header if sent.credentials else ""
    return row if names == "authorization" and given.issuperset(row.required) else None


def arguments(row: SdkCall, body: Mapping[str, Any]) -> tuple[list[tuple[str, Any]], dict[str, Any]]:
    """Return the arguments of a method in the order of the table, and the members of a body that it does not know."""
    names = (*row.required, *row.optional)
    given = {name: value for name, value in body.items() if row.implied.get(name, ...) != value}
    others = {name: value for name, value in given.items() if name not in names}
    return [(name, given[name]) for name in names if name in given], others
