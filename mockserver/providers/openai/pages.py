"""List objects, and pages of them by ``after``, ``limit`` and ``order`` of the query string."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from mockserver.errors import ApiError
from mockserver.providers.openai.queries import read_query

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mockserver.pipeline.call import Call
    from mockserver.validation.schemas import RequestSchemas

_ENDS_WITH = ("first_id", "last_id", "has_more")

Value = dict[str, Any]


class Paging(Struct, frozen=True):
    """The paging of a list. ``schema`` is the schema of its query, with the defaults of ``limit`` and ``order``.

    ``missing`` is the error for an ``after`` that is not in the list; ``order`` is the real default if it differs from
    the documented one; ``ends_with`` are the last members of the list object, in their order.
    """

    schema: str
    missing: str
    order: str = ""
    ends_with: tuple[str, ...] = _ENDS_WITH


def page(schemas: RequestSchemas, call: Call, values: Iterable[Value], paging: Paging) -> Value:
    """Return a list object of the ``values`` (oldest first) after ``after``, at most ``limit``, in ``order``.

    Raises ``ApiError``.
    """
    after, limit, order = _arguments(schemas, call, paging)
    ordered = list(values)
    if order == "desc":
        ordered.reverse()
    ids = [value["id"] for value in ordered]
    if after is not None and after not in ids and call.strict:
        raise ApiError(paging.missing, id=after, param="after")
    start = ids.index(after) + 1 if after in ids else 0
    found = ordered[start : start + limit]
    return list_object(call, found, has_more=start + len(found) < len(ordered), ends_with=paging.ends_with)


def list_object(
    call: Call, values: list[Value], *, has_more: bool, ends_with: tuple[str, ...] = _ENDS_WITH
) -> Value:
    """Return the list object of a page of ``values``."""
    no_id = None if call.strict else ""  # the documented schemas do not allow null there
    members = {
        "first_id": values[0]["id"] if values else no_id,
        "last_id": values[-1]["id"] if values else no_id,
        "has_more": has_more,
    }
    return {"object": "list", "data": values, **{name: members[name] for name in ends_with}}


def _arguments(schemas: RequestSchemas, call: Call, paging: Paging) -> tuple[str | None, int, str]:
    """Return ``after``, ``limit`` and ``order``. Raises ``ApiError``."""
    query = read_query(schemas, call, paging.schema)
    documented = schemas.documented.properties(paging.schema)
    limit = query.get("limit")
    if not isinstance(limit, int):
        limit = documented["limit"]["default"]
    order = query.get("order", paging.order or documented["order"]["default"])
    return query.get("after"), min(max(limit, 1), documented["limit"]["maximum"]), order
