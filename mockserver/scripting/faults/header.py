"""Parses the request header ``x-mock-fault``, a fault for one request: ``rate_limit_tokens; after=2``."""

from __future__ import annotations

from functools import cache
from typing import Any

from mockserver import strict_json
from mockserver.resources import data_folder
from mockserver.scripting.faults.definition import FaultError
from mockserver.scripting.faults.fault import ERROR
from mockserver.scripting.faults.kinds import KINDS
from mockserver.validation import documents
from mockserver.validation.schemas import Schemas

HEADER = "x-mock-fault"

_MAX_CHARACTERS = 1000  # characters


def document_of(header: str) -> dict[str, Any]:
    """Return the document of the fault in a header: an error by name or status, or a kind of fault, then parameters.

    ``after`` of an error is its ``retry_after``. Raises ``ValueError`` for an invalid header.
    """
    if len(header) > _MAX_CHARACTERS:
        raise FaultError(f"is longer than {_MAX_CHARACTERS} characters. Shorten it.")
    name, *parameters = [part.strip() for part in header.split(";")]
    kind = name.lower()
    document: dict[str, Any] = (
        {"fault": kind}
        if kind in KINDS
        else {ERROR: int(kind) if kind.isascii() and kind.isdigit() else kind}
    )
    for parameter in filter(None, parameters):
        key, equals, value = parameter.partition("=")
        key = key.strip().lower()
        if not equals:
            raise FaultError(f"{parameter!r} does not have the form key=value.")
        if key == "after" and ERROR in document:
            key = "retry_after"
        document[key] = _value(value.strip())
    documents.check(_schemas(), "fault", document)
    return document


def _value(text: str) -> Any:
    """Return the value as a number if it is one, otherwise as text without its quotes."""
    try:
        value = strict_json.parse(text.encode())
    except ValueError:
        return text
    return value if isinstance(value, str | int | float) else text


@cache
def _schemas() -> Schemas:
    return Schemas(data_folder("schemas"))
