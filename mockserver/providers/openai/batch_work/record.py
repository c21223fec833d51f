"""What is kept of a batch: a value of the store, with the object that clients see and how far the work is.

``batch`` is the object of the API. ``work`` is the rest: ``account`` (who created it), ``headers`` (the settings
of its creation), ``seconds`` (that it takes in each state), ``since`` (when the state began, by the clock),
``input`` (the blob of its lines) and ``purpose`` (of that file), ``lines`` and ``bytes`` (of them that are
answered), ``output`` and ``errors`` (blobs of what was answered, to be joined), the ids that its files will have and
when these expire, ``group`` and ``tokens`` (what it takes of the batch queue). ``blobs`` names all blobs, so that
they are kept as long as the batch needs them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

KIND = "batch"  # in the store
FINAL = frozenset({"completed", "failed", "expired", "cancelled"})
PORTIONS = 100  # in which the lines of a slow batch are answered, at most

_WINDOW = 24 * 3600  # seconds
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


def new_batch(batch_id: str, now: float, asked: Mapping[str, Any]) -> Value:
    """The object of a batch that was just ``asked`` for."""
    return {
        "id": batch_id,
        "object": "batch",
        "endpoint": asked["endpoint"],
        "model": None,
        "errors": None,
        "input_file_id": asked["input_file_id"],
        "completion_window": asked["completion_window"],
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
        "metadata": asked.get("metadata"),
    }


def no_usage() -> Value:
    """The usage of a batch that has answered nothing."""
    return {
        "input_tokens": 0,
        "output_tokens": 0,
        "total_tokens": 0,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }


def add_usage(sums: Value, usage: Mapping[str, Any]) -> None:
    """Adds the usage of an answer to that of its batch. What a stub made up may be anything."""
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


def is_final(value: Value) -> bool:
    """Whether the batch has ended."""
    return value["batch"]["status"] in FINAL


def moved(value: Value, status: str, now: float, **changes: object) -> Value:
    """The value of the batch once it is in another state, its object having the ``changes``, too."""
    batch = value["batch"] | {"status": status, _TIMES[status]: int(now)} | changes
    changed = value | {"batch": batch, "work": value["work"] | {"since": now}}
    return changed | {"blobs": []} if status in FINAL else changed


def failed(value: Value, now: float, errors: list[dict[str, Any]]) -> Value:
    """The value of the batch once it has failed."""
    return moved(value, "failed", now, errors={"object": "list", "data": errors})


def with_blobs(value: Value) -> Value:
    """The value, naming the blobs that its work refers to."""
    work = value["work"]
    named = [work["input"], *work["output"], *work["errors"]]
    return value | {"blobs": [blob for blob in named if blob]}


def since(value: Value, now: float) -> float:
    """When the state began; earlier than was noted where the clock went back, so that the batch does not wait for it.

    A clock that was moved forgets that as the server ends, too.
    """
    work, counts = value["work"], value["batch"]["request_counts"]
    passed = 0.0
    if value["batch"]["status"] == "in_progress" and counts["total"]:
        passed = work["seconds"] * (counts["completed"] + counts["failed"]) / counts["total"]
    return float(min(work["since"], now - passed))


def lines_due(value: Value, now: float) -> int:
    """How many of the lines are to be answered by now, in a batch that is in progress."""
    work, total = value["work"], value["batch"]["request_counts"]["total"]
    passed = now - work["since"]
    if not work["seconds"] or passed >= work["seconds"]:
        return int(total)
    portions = min(total, PORTIONS)
    return int(total * int(portions * passed / work["seconds"]) // portions)


def next_due(value: Value, now: float) -> float:
    """When more lines are to be answered than ``lines_due`` now."""
    work, portions = value["work"], min(value["batch"]["request_counts"]["total"], PORTIONS)
    since, seconds = work["since"], work["seconds"]
    portion = int(portions * max(0.0, now - since) / seconds) + 1
    return float(since + seconds * portion / portions)
