"""``/_mock/work``: the work that continues after its requests: batches, speech-to-text jobs, background responses."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict

from mockserver.control.operation import ControlError, names_of

if TYPE_CHECKING:
    from mockserver.control.contexts import WorkContext
    from mockserver.control.operation import Call
    from mockserver.pipeline.background_work import BackgroundWork

QUERY = ("limit",)

_LIMIT, _MAX_LIMIT = 200, 10_000
_NUMBER = re.compile(r"[0-9]{1,5}")
_BY_ITSELF = 1.0  # real seconds until work is read again whose next change is not known
_SHORTEST = 0.25  # real seconds until anything is read again


def show_all(context: WorkContext, call: Call) -> dict[str, Any]:
    """Return the latest work of the caller or, without an API key, of every account, newest first."""
    limit = call.query.get("limit", str(_LIMIT))
    if not _NUMBER.fullmatch(limit) or not 1 <= int(limit) <= _MAX_LIMIT:
        raise ControlError(f"limit: must be a whole number from 1 to {_MAX_LIMIT}, got {limit!r}.")
    found = [each for provider in context.providers for each in provider.background_work(call.account_id)]
    found.sort(key=lambda each: (each.created_at, each.id), reverse=True)
    unfinished = [each for each in found if not each.is_finished]
    return {
        "work": [_shown(context, each) for each in found[: int(limit)]],
        "total": len(found),
        "unfinished": len(unfinished),
        "read_again_ms": _read_again(context, unfinished),
        "clock": context.clock.state(),
    }


def _shown(context: WorkContext, work: BackgroundWork) -> dict[str, Any]:
    members = asdict(work)
    return members | names_of(context.accounts, members.pop("account_id"))


def _read_again(context: WorkContext, unfinished: list[BackgroundWork]) -> int | None:
    """Return the real time in milliseconds until something changes; ``None`` if nothing will."""
    waits = [
        _BY_ITSELF if each.next_change_at is None else context.clock.real_seconds_until(each.next_change_at)
        for each in unfinished
    ]
    soonest = min(waits, default=math.inf)
    return None if math.isinf(soonest) else math.ceil(1000 * max(_SHORTEST, soonest))
