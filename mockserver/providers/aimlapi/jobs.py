"""What is kept of a speech-to-text job, and what its state is at a time.

A job is a JSON value in the store. Its states follow the clock as its script says, and the work on it: it is
``queued`` until the first is over and the work begun, ``generating`` until the second is over and the work done.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mockserver.state.memory import MemoryStore

KIND = "stt_job"  # in the store

Value = dict[str, Any]


def new(
    job_id: str,
    *,
    model: str,
    request: Mapping[str, Any],
    created: float,
    queued: float,
    generating: float,
    unknown_audio: str,
) -> Value:
    """A job whose work waits. ``created`` is by the clock; ``queued`` and ``generating`` are the least seconds."""
    return {
        "id": job_id,
        "model": model,
        "request": dict(request),
        "created": created,
        "queued": queued,
        "generating": generating,
        "unknown_audio": unknown_audio,
        "work": "waiting",
        "result": None,
        "error": None,
        "answered_by": "",
        "blobs": [],
    }


def on_time(job: Value, now: float) -> Value:
    """The job; one that is of the future, because the clock went back, as if it had been made now."""
    return job | {"created": now} if now < job["created"] else job


def status(job: Value, now: float) -> str:
    """``queued``, ``generating``, ``completed`` or ``error``."""
    begins = job["created"] + job["queued"]
    if now < begins or job["work"] == "waiting":
        return "queued"
    if now < begins + job["generating"] or job["work"] == "running":
        return "generating"
    return "completed" if job["error"] is None else "error"


def begun(job: Value) -> Value:
    """The job as it is worked on; one that is done stays so."""
    return job if job["work"] == "done" else job | {"work": "running"}


def completed(job: Value, result: Value, answered_by: str) -> Value:
    """The job with its result; the audio is let go."""
    return job | {"work": "done", "result": result, "answered_by": answered_by, "blobs": []}


def failed(job: Value, name: str, message: str) -> Value:
    """The job with the error that it ended in; the audio is let go."""
    return job | {"work": "done", "error": {"name": name, "message": message}, "blobs": []}


def unfinished(store: MemoryStore) -> list[tuple[str, str]]:
    """Account and id of every job whose work is not done, as after a restart."""
    return [(account, key) for account, key, job in store.all(KIND) if job["work"] != "done"]
