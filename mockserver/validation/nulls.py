"""Removes optional members that are null from a JSON body, because the API treats them as absent.

The request's schema defines which members are optional. A null in a required or unknown member stays, so that
validation refuses it. The serialisers of many clients write every member of a type.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]


def drop_nulls(schema: Schema, value: Any) -> None:
    """Remove optional members that are null from ``value``, at every level.

    ``schema`` is resolved (without ``$ref``), and its branches depend on the JSON type (``anyOf``) or on the value of
    a member (``if``).
    """
    if isinstance(value, dict):
        parts = list(_applying(schema, value))
        for name in list(value):
            members = [part["properties"][name] for part in parts if name in part.get("properties", ())]
            if value[name] is None and members and not _is_required(name, parts):
                del value[name]
            for member in members:
                drop_nulls(member, value.get(name))
    elif isinstance(value, list):
        items = [part["items"] for part in _applying(schema, value) if "items" in part]
        for item in value:
            for each in items:
                drop_nulls(each, item)


def _is_required(name: str, parts: list[Schema]) -> bool:
    return any(name in part.get("required", ()) for part in parts)


def _applying(schema: Schema | bool, value: Any) -> Iterator[Schema]:
    """Yield the schema and its subschemas that apply to ``value`` itself."""
    if isinstance(schema, bool):
        return
    yield schema
    for part in (*schema.get("allOf", ()), *schema.get("anyOf", ())):
        yield from _applying(part, value)
    if "if" in schema:
        yield from _applying(schema.get("then" if _is_met(schema["if"], value) else "else", True), value)


def _is_met(condition: Schema, value: Any) -> bool:
    """Return whether ``value`` is an object with the members and values of ``condition``.

    A member that ``condition`` does not require can be absent or null.
    """
    members: Mapping[str, Any] = condition["properties"]
    required = condition.get("required", ())
    return isinstance(value, dict) and all(
        value.get(name) in member.get("enum", [member.get("const")])
        or (value.get(name) is None and name not in required)
        for name, member in members.items()
    )
