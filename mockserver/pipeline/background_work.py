"""What a provider says of its work in the background, in the same form for all providers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mockserver.state.protocols import Documents


class BackgroundWork(Struct, frozen=True, kw_only=True):
    """Work that continues after its request was answered: a batch, a speech-to-text job, a response.

    Times are in seconds since 1970 by the server's clock.

    - ``endpoint``: as in the catalog, "v1/responses". ``model``: ``None`` until it is known.
    - ``counts``: of the lines of a batch, ``total``, ``completed`` and ``failed``; ``None`` for other work.
    - ``ended_at``: ``None`` if it has not ended, or if the time is not kept.
    - ``next_change_at``: when the clock changes the status or the counts next; ``None`` if the work itself decides.
    - ``expected_end_at``: the earliest end by the clock; ``None`` if the work itself decides, or has ended.
    """

    kind: Literal["batch", "stt_job", "response"]
    id: str
    account_id: str
    endpoint: str
    model: str | None
    status: str
    is_finished: bool
    created_at: float
    ended_at: float | None
    next_change_at: float | None
    expected_end_at: float | None
    counts: dict[str, int] | None = None


def values_of(store: Documents, kind: str, account_id: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield account and value of the stored values of a kind, of one account or, for ``None``, of all."""
    if account_id is None:
        yield from ((owner, value) for owner, _, value in store.all(kind))
    else:
        yield from ((account_id, value) for value in store.values(kind, account_id))
