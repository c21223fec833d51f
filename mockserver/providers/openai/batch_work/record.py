"""The record of a batch: a value of the store, with the object that clients see and the progress of the work.

``batch`` is the object of the API. ``work`` has the rest: ``account`` (that created it), ``headers`` (the settings
of its creation), ``seconds`` (in each state), ``since`` (when the state began, by the clock), ``input`` (the blob of
its lines) and ``purpose`` (of that file), ``mount`` (what precedes the paths of its lines), ``lines`` and ``bytes``
(of the input that are answered), ``output`` and ``errors`` (blobs of answers, to be joined), the ids of its result
files and their lifetime, ``group`` and ``tokens`` (its place in the batch queue), ``announce`` (true after its end
until that is announced to webhooks). ``blobs`` names all blobs, so that they are kept as long as they are needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.pipeline.background_work import BackgroundWork

KIND = "batch"  # kind of the store's values
FINAL = frozenset({"completed", "failed", "expired", "cancelled"})
PORTIONS = 100  # portions in which the lines of a slow batch are answered, at most

_WINDOW = 24 * 3600  # seconds
_STATES_LEFT = {"validating": 3, "in_progress": 2, "finalizing": 1, "cancelling": 1}  # with the state itself
_TIMES = {
    "in_progress": "in_progress_at",
    "finalizing": "finalizing_at",
    "completed": "completed_at",
    "failed": "failed_at",
    "expired": "expired_at",
    "cancelling": "cancelling_at",
    "cancelled": "cancelled_at",
}

Value = dict[str, Any]


def new_batch(batch_id: str, now: float, body: Mapping[str, Any]) -> Value:
    """Return the object of a new batch; ``body`` is that of its request."""
    return {
        "id": batch_id,
        "object": "batch",
        "endpoint": body["endpoint"],
        "model": None,
        "errors": None,
        "input_file_id": body["input_file_id"],
        "completion_window": body["completion_window"],
        "status": "validating",
        "output_file_id": None,
        "error_file_id": None,
        "created_at": int(now),
        "in_progress_at": None,
        "expires_at": int(now) + _WINDOW,
        "finalizing_at": None,
        "completed_at": None,
        "failed_at": None,
        "expired_at": None,
        "cancelling_at": None,
        "cancelled_at": None,
        "request_counts": {"total": 0, "completed": 0, "failed": 0},
        "usage": no_usage(),
        "metadata": body.get("metadata"),
    }


def no_usage() -> Value:
    """Return the usage of a batch without answers."""
    return {
        "input_tokens": 0,
        "output_tokens": 0,
        "total_tokens": 0,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }


def add_usage(sums: Value, usage: Mapping[str, Any]) -> None:
    """Add the usage of an answer to that of its batch. Invalid values, which stubs can make, count as 0."""
    read = usage.get("prompt_tokens_details") or usage.get("input_tokens_details")
    written = usage.get("completion_tokens_details") or usage.get("output_tokens_details")
    sums["input_tokens"] += _count(usage, "prompt_tokens", "input_tokens")
    sums["input_tokens_details"]["cached_tokens"] += _count(read, "cached_tokens")
    sums["output_tokens"] += _count(usage, "completion_tokens", "output_tokens")
    sums["output_tokens_details"]["reasoning_tokens"] += _count(written, "reasoning_tokens")
    sums["total_tokens"] += _count(usage, "total_tokens")


def _count(usage: object, *names: str) -> int:
    counts = [usage.get(name) for name in names] if isinstance(usage, Mapping) else []
    return next((count for count in counts if isinstance(count, int)), 0)


def to_be_announced(value: Value) -> Value:
    """Return the record of a batch whose end is still to be announced to webhooks."""
    return value | {"work": value["work"] | {"announce": True}}


def is_to_be_announced(value: Value) -> bool:
    """Return whether the end of a batch is still to be announced."""
    return bool(value["work"].get("announce"))


def announced(value: Value) -> Value:
    """Return the record of a batch whose end is announced."""
    return value | {"work": {name: member for name, member in value["work"].items() if name != "announce"}}


def is_final(value: Value) -> bool:
    """Return whether the batch has ended."""
    return value["batch"]["status"] in FINAL


def moved(value: Value, status: str, now: float, **changes: object) -> Value:
    """Return the record of a batch in another state, with ``changes`` to its object."""
    batch = value["batch"] | {"status": status, _TIMES[status]: int(now)} | changes
    changed = value | {"batch": batch, "work": value["work"] | {"since": now}}
    return changed | {"blobs": []} if status in FINAL else changed


def failed(value: Value, now: float, errors: list[dict[str, Any]]) -> Value:
    """Return the record of a batch that has failed."""
    return moved(value, "failed", now, errors={"object": "list", "data": errors})


def with_blobs(value: Value) -> Value:
    """Return the record with the names of the blobs that its work refers to."""
    work = value["work"]
    named = [work["input"], *work["output"], *work["errors"]]
    return value | {"blobs": [blob for blob in named if blob]}


def since(value: Value, now: float) -> float:
    """Return when the state began. If the clock was set back, it is earlier than recorded, so that no batch waits.

    The clock is also set back when a server ends whose clock was moved.
    """
    work, counts = value["work"], value["batch"]["request_counts"]
    passed = 0.0
    if value["batch"]["status"] == "in_progress" and counts["total"]:
        passed = work["seconds"] * (counts["completed"] + counts["failed"]) / counts["total"]
    return float(min(work["since"], now - passed))


def described(account_id: str, value: Value, now: float) -> BackgroundWork:
    """Return a batch in the form that all work in the background has."""
    batch = value["batch"]
    return BackgroundWork(
        kind="batch",
        id=batch["id"],
        account_id=account_id,
        endpoint=batch["endpoint"].removeprefix("/"),
        model=batch["model"],
        status=batch["status"],
        is_finished=is_final(value),
        created_at=batch["created_at"],
        ended_at=batch[_TIMES[batch["status"]]] if is_final(value) else None,
        next_change_at=_next_change(value, now),
        expected_end_at=_expected_end(value, now),
        counts=dict(batch["request_counts"]),
    )


def _next_change(value: Value, now: float) -> float | None:
    """Return when the clock changes a batch next; ``None`` if it has ended, or its lines take what they take."""
    seconds, batch = value["work"]["seconds"], value["batch"]
    if not seconds or is_final(value):
        return None
    is_answering = batch["status"] == "in_progress" and batch["request_counts"]["total"]
    then = next_due(value, now) if is_answering else since(value, now) + seconds
    return then if batch["status"] == "cancelling" else min(then, batch["expires_at"])


def _expected_end(value: Value, now: float) -> float | None:
    seconds, batch = value["work"]["seconds"], value["batch"]
    left = _STATES_LEFT.get(batch["status"])
    if not seconds or left is None:
        return None
    then: float = since(value, now) + seconds * left
    return then if batch["status"] == "cancelling" else min(then, batch["expires_at"])


def lines_due(value: Value, now: float) -> int:
    """Return how many lines of a batch in progress are due to be answered."""
    work, total = value["work"], value["batch"]["request_counts"]["total"]
    passed = now - work["since"]
    if not work["seconds"] or passed >= work["seconds"]:
        return int(total)
    portions = min(total, PORTIONS)
    return int(total * int(portions * passed / work["seconds"]) // portions)


def next_due(value: Value, now: float) -> float:
    """Return the time at which more lines are due."""
    work, portions = value["work"], min(value["batch"]["request_counts"]["total"], PORTIONS)
    since, seconds = work["since"], work["seconds"]
    portion = int(portions * max(0.0, now - since) / seconds) + 1
    return float(since + seconds * portion / portions)
