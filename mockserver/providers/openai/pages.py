"""Lists that are answered page by page: ``after``, ``limit`` and ``order`` of the query string."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mockserver.errors import ApiError
from mockserver.validation import explanations as explain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mockserver.pipeline.call import Call
    from mockserver.validation.schemas import RequestSchemas

Value = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Paging:
    """How a list is paged: the ``schema`` of its query, whose ``limit`` and ``order`` have the defaults.

    ``missing`` is the error for an ``after`` that is not in the list; ``order`` is the real default where it is
    another than the documented one; ``ends_with`` are the last members of the list object, in their order.
    """

    schema: str
    missing: str
    order: str = ""
    ends_with: tuple[str, ...] = ("first_id", "last_id", "has_more")


def page(schemas: RequestSchemas, call: Call, values: Iterable[Value], paging: Paging) -> Value:
    """A list object of the ``values`` (oldest first) after ``after``, at most ``limit``, in ``order``.

    Raises ``ApiError``.
    """
    after, limit, order = _asked(schemas, call, paging)
    ordered = list(values)
    if order == "desc":
        ordered.reverse()
    ids = [value["id"] for value in ordered]
    if after is not None and after not in ids and call.strict:
        raise ApiError(paging.missing, id=after, param="after")
    start = ids.index(after) + 1 if after in ids else 0
    found = ordered[start : start + limit]
    nothing = None if call.strict else ""  # the documented schemas have no null there
    members = {
        "first_id": found[0]["id"] if found else nothing,
        "last_id": found[-1]["id"] if found else nothing,
        "has_more": start + len(found) < len(ordered),
    }
    return {"object": "list", "data": found, **{name: members[name] for name in paging.ends_with}}


def _asked(schemas: RequestSchemas, call: Call, paging: Paging) -> tuple[str | None, int, str]:
    asked: Value = call.request.query.to_dict()
    if re.fullmatch(r"-?[0-9]{1,9}", asked.get("limit", "")):
        asked["limit"] = int(asked["limit"])
    if call.strict and (violations := schemas.real.violations(paging.schema, asked)):
        raise explain.refusal(violations)
    documented = schemas.documented.properties(paging.schema)
    limit = asked.get("limit")
    if not isinstance(limit, int):
        limit = documented["limit"]["default"]
    order = asked.get("order", paging.order or documented["order"]["default"])
    return asked.get("after"), min(max(limit, 1), documented["limit"]["maximum"]), order
