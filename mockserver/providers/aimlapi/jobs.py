"""The record of a speech-to-text job, and its status at a time.

A job is a JSON value in the store. Its status depends on the clock and on the work: it is ``queued`` until its time
in that state has passed and the work has begun, then ``generating`` until that time has passed and the work is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mockserver.pipeline.background_work import BackgroundWork

if TYPE_CHECKING:
    from mockserver.state.protocols import Documents

KIND = "stt_job"  # kind of the store's values

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
    """Return a new job. ``created`` is by the clock; ``queued`` and ``generating`` are minimum times in seconds."""
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


def created_by(job: Value, now: float) -> Value:
    """Return the job, created at ``now`` if it is from the future because the clock was set back."""
    return job | {"created": now} if now < job["created"] else job


def status(job: Value, now: float) -> str:
    """Return the status: ``queued``, ``generating``, ``completed`` or ``error``."""
    begins = job["created"] + job["queued"]
    if now < begins or job["work"] == "waiting":
        return "queued"
    if now < begins + job["generating"] or job["work"] == "running":
        return "generating"
    return "completed" if job["error"] is None else "error"


def described(account_id: str, job: Value, now: float) -> BackgroundWork:
    """Return a job in the form that all work in the background has."""
    shown = created_by(job, now)
    state, begins = status(shown, now), shown["created"] + job["queued"]
    ends = begins + job["generating"]
    return BackgroundWork(
        kind="stt_job",
        id=job["id"],
        account_id=account_id,
        endpoint="v1/stt/create",
        model=job["model"],
        status=state,
        is_finished=state in ("completed", "error"),
        created_at=shown["created"],
        ended_at=None,
        next_change_at=next((then for then in (begins, ends) if now < then), None),
        expected_end_at=ends if now < ends else None,
    )


def begun(job: Value) -> Value:
    """Return the job with its work begun, unless it is done."""
    return job if job["work"] == "done" else job | {"work": "running"}


def completed(job: Value, result: Value, answered_by: str) -> Value:
    """Return the job with its result, without its audio."""
    return job | {"work": "done", "result": result, "answered_by": answered_by, "blobs": []}


def failed(job: Value, name: str, message: str) -> Value:
    """Return the job with the error that it ended in, without its audio."""
    return job | {"work": "done", "error": {"name": name, "message": message}, "blobs": []}


def unfinished(store: Documents) -> list[tuple[str, str]]:
    """Return account and id of every job with unfinished work, such as those of an earlier server."""
    return [(account, key) for account, key, job in store.all(KIND) if job["work"] != "done"]
