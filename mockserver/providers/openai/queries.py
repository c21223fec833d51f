"""The arguments of a query string, typed by a schema."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mockserver.validation import explanations as explain

if TYPE_CHECKING:
    from mockserver.pipeline.call import Call
    from mockserver.validation.schemas import RequestSchemas

_INTEGER = re.compile(r"-?[0-9]{1,640}")  # every Python converts so many digits
_BOOLEANS = {"true": True, "false": False}

Value = dict[str, Any]


def read_query(schemas: RequestSchemas, call: Call, schema: str) -> Value:
    """Return the arguments, with the types that ``schema`` gives them; lists may be written ``name[]``.

    In strictness ``real`` they are valid. Raises ``ApiError``.
    """
    types = {name: row.get("type") for name, row in schemas.documented.properties(schema).items()}
    query: Value = {}
    for written, values in call.request.query.lists():
        name = written.removesuffix("[]")
        query[name] = values if types.get(name) == "array" else _typed(values[0], types.get(name))
    if call.strict and (violations := schemas.real.violations(schema, query)):
        raise explain.refusal(violations)
    return query


def _typed(text: str, wanted: object) -> object:
    """Return an argument as a value of the wanted type, or as it is if it is none."""
    if wanted == "integer" and _INTEGER.fullmatch(text):
        return int(text)
    return _BOOLEANS.get(text, text) if wanted == "boolean" else text
