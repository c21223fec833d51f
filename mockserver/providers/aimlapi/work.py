"""The work on a speech-to-text job: fetches its audio if necessary, transcribes it, and renders the result."""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from mockserver.audio.clip import Clip
from mockserver.audio.content import Content
from mockserver.audio.uploads import FilePart
from mockserver.engines.speakers import with_speakers
from mockserver.errors import ApiError
from mockserver.installation import broken_part
from mockserver.pipeline import request_audio
from mockserver.providers.aimlapi import jobs
from mockserver.providers.aimlapi.results import (
    AudioFacts,
    JobTranscript,
    diarizes,
    options,
    result,
    usage_of,
)
from mockserver.remote.targets import FetchError
from mockserver.state.disk import StateFailed

if TYPE_CHECKING:
    from mockserver.catalog.records import SttRules
    from mockserver.catalog.tables import Catalog
    from mockserver.engines.transcription import Look, Transcription
    from mockserver.errors import ErrorTable
    from mockserver.providers.aimlapi.contexts import JobsContext
    from mockserver.state.protocols import BlobStore

log = logging.getLogger(__name__)

Settle = Callable[[Mapping[str, Any]], None]


def submit(
    context: JobsContext,
    account: str,
    job_id: str,
    settle: Settle = lambda usage: None,
    *,
    bounded: bool = True,
) -> None:
    """Queue the work on a job of the store, unless it is queued already. Raises ``QueueFull`` if ``bounded``."""
    work = partial(_work, context, account, job_id, settle)
    context.queue.submit((account, job_id), work, bounded=bounded)


def resume(context: JobsContext) -> None:
    """Continue the jobs that an earlier server did not finish."""
    for account, job_id in jobs.unfinished(context.store):
        submit(context, account, job_id, bounded=False)


def lookup(context: JobsContext, job: jobs.Value, clip: Clip) -> Transcription | None:
    """Return the transcription of the clip if it needs no engine. Raises ``ApiError``."""
    wanted, chain = options(rules_of(context.catalog, job), job["request"]), context.transcribers
    with _refusals():
        known = chain.lookup(clip, wanted)
        if known is None and not chain.can_listen:
            return chain.transcribe(clip, wanted, lambda: None, unknown_audio=job["unknown_audio"])
        return known


def completed(
    context: JobsContext, job: jobs.Value, transcription: Transcription, clip: Clip | None
) -> tuple[jobs.Value, JobTranscript]:
    """Return the job with its result, and its transcript. Raises ``ApiError`` if the transcription fails."""
    rules = rules_of(context.catalog, job)
    with _refusals():
        if diarizes(rules, job["request"]) and clip is not None:
            transcription = with_speakers(transcription, clip, ())
        segments = tuple(transcription.segments)
        audio = _audio_facts(job, transcription, clip)
    if diarizes(rules, job["request"]):
        segments = tuple(replace(each, speaker=each.speaker or "A") for each in segments)
    transcript = JobTranscript(
        context.ids.uuid(), job["model"], job["request"], job["created"], audio, transcription, segments
    )
    return jobs.completed(job, result(rules, transcript), str(transcription.answered_by)), transcript


def duration(clip: Clip) -> float:
    """Return the duration of a clip in seconds. Raises ``ApiError``."""
    with _refusals():
        return clip.duration


def failed(errors: ErrorTable, job: jobs.Value, error: ApiError) -> jobs.Value:
    """Return the job with an error of the catalog."""
    message = errors.rows[error.name]["message"].format_map({"request_id": job["id"]} | error.values)
    return jobs.failed(job, error.name, message)


def rules_of(catalog: Catalog, job: jobs.Value) -> SttRules:
    """Return the rules of the job's model. Raises ``ApiError`` if the model does not exist any more."""
    model = catalog.offers.get(job["model"])
    if model is None or model.stt is None:
        raise ApiError("model_not_found", model=job["model"])
    return model.stt


def _work(context: JobsContext, account: str, job_id: str, settle: Settle) -> None:
    """Finish a job, unless another process does, it was removed in the meantime, or the server closes.

    If the disk fails or that process dies, the work is repeated when the job is polled, or at the next start.
    """
    name = f"{jobs.KIND}:{account}/{job_id}"
    with contextlib.suppress(StateFailed):  # which is logged already
        if context.leases.take(name):
            try:
                _finish(context, account, job_id, settle)
            finally:
                context.leases.give_up(name)


def _finish(context: JobsContext, account: str, job_id: str, settle: Settle) -> None:
    store = context.store
    job = store.update(jobs.KIND, account, job_id, jobs.begun)
    if job is None or job["work"] == "done":
        return

    def look() -> None:
        if context.closing.is_set() or store.get(jobs.KIND, account, job_id) is None:
            raise _NotNeeded

    try:
        clip = _clip(context, job, look)
        done, transcript = completed(context, job, _transcribe(context, job, clip, look), clip)
        usage = usage_of(rules_of(context.catalog, job), transcript)
    except _NotNeeded:
        return
    except ApiError as error:
        done, usage = failed(context.errors, job, error), None
    except Exception as error:
        complaint = broken_part(error)
        log.error("speech-to-text job %s failed: %s", job_id, complaint or error, exc_info=not complaint)
        name = "broken_installation" if complaint else "server_error"
        done, usage = failed(context.errors, job, ApiError(name, reason=complaint)), None
    if context.closing.is_set():
        return
    is_first = False

    def finished(now: jobs.Value) -> jobs.Value:
        nonlocal is_first
        is_first = now["work"] != "done"  # no other process was quicker
        return done if is_first else now

    if store.update(jobs.KIND, account, job_id, finished) is not None and is_first and usage is not None:
        settle(usage)


class _NotNeeded(Exception):
    """The result of a job is not needed any more: it was removed, or the server closes."""


def _clip(context: JobsContext, job: jobs.Value, look: Look) -> Clip:
    """Return the job's audio, stored or fetched. Raises ``ApiError``."""
    try:
        part = _stored(context.blobs, job) or context.url_sources.fetch(job["request"]["url"])
    except FetchError as error:
        raise ApiError("stt_fetch_failed", reason=str(error)) from error
    seconds = context.settings.max_audio_seconds
    return Clip(part.content, part.filename, seconds, keep_samples=True, look=look)


def _stored(blobs: BlobStore, job: jobs.Value) -> FilePart | None:
    for blob in job["blobs"]:
        try:
            with blobs.open(blob) as file:
                return FilePart(job["request"].get("file", ""), "", Content(file.read()))
        except KeyError:  # a snapshot has jobs without their audio
            raise ApiError("stt_fetch_failed", reason="The audio of the job is gone.") from None
    return None


def _transcribe(context: JobsContext, job: jobs.Value, clip: Clip, look: Look) -> Transcription:
    wanted, chain = options(rules_of(context.catalog, job), job["request"]), context.transcribers
    with _refusals():
        known = chain.lookup(clip, wanted)
        return known or chain.transcribe(clip, wanted, look, unknown_audio=job["unknown_audio"])


def _audio_facts(job: jobs.Value, transcription: Transcription, clip: Clip | None) -> AudioFacts:
    """Return the facts of the audio file. Without it, they are made up from the transcript and the URL."""
    if clip is None:
        url = job["request"].get("url", "")
        return AudioFacts(hashlib.sha256(url.encode()).hexdigest(), transcription.duration)
    return AudioFacts(clip.sha256, clip.duration, clip.facts.channels)


def _refusals() -> AbstractContextManager[None]:
    return request_audio.refusals(ApiError("audio_undecodable"))
