"""The work on a speech-to-text job: its audio is fetched if need be, heard, and made into a result."""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from mockserver.audio.clip import Clip
from mockserver.audio.content import Content
from mockserver.audio.uploads import FilePart
from mockserver.engines.speakers import with_speakers
from mockserver.errors import ApiError
from mockserver.installation import broken_part
from mockserver.pipeline import request_audio
from mockserver.providers.aimlapi import jobs
from mockserver.providers.aimlapi.results import Heard, Sound, asks_who_spoke, options, result, used
from mockserver.remote.fetch import FetchError
from mockserver.state.disk import StateFailed

if TYPE_CHECKING:
    from mockserver.catalog.records import SttRules
    from mockserver.catalog.tables import Catalog
    from mockserver.engines.transcription import Look, Transcription
    from mockserver.errors import ErrorTable
    from mockserver.providers.aimlapi.contexts import JobsContext
    from mockserver.state.blobs import Blobs

log = logging.getLogger(__name__)

Settle = Callable[[Mapping[str, Any]], None]


def submit(
    context: JobsContext,
    account: str,
    job_id: str,
    settle: Settle = lambda used: None,
    *,
    bounded: bool = True,
) -> None:
    """Has the work on a job done that is in the store, once. Raises ``QueueFull``, if ``bounded``."""
    work = partial(_work, context, account, job_id, settle)
    context.queue.submit((account, job_id), work, bounded=bounded)


def resume(context: JobsContext) -> None:
    """Goes on with the jobs that an earlier server did not finish."""
    for account, job_id in jobs.unfinished(context.store):
        submit(context, account, job_id, bounded=False)


def lookup(context: JobsContext, job: jobs.Value, clip: Clip) -> Transcription | None:
    """Return the transcription of the clip if no engine is needed for it. Raises ``ApiError``."""
    asked, chain = options(rules_of(context.catalog, job), job["request"]), context.transcribers
    with _refusals():
        known = chain.lookup(clip, asked)
        if known is None and not chain.can_listen:
            return chain.transcribe(clip, asked, lambda: None, unknown_audio=job["unknown_audio"])
        return known


def completed(
    context: JobsContext, job: jobs.Value, transcription: Transcription, clip: Clip | None
) -> tuple[jobs.Value, Heard]:
    """The job with its result. Raises ``ApiError`` when the transcript breaks off."""
    rules = rules_of(context.catalog, job)
    with _refusals():
        if asks_who_spoke(rules, job["request"]) and clip is not None:
            transcription = with_speakers(transcription, clip, ())
        segments = tuple(transcription.segments)
        sound = _sound(job, transcription, clip)
    if asks_who_spoke(rules, job["request"]):
        segments = tuple(replace(each, speaker=each.speaker or "A") for each in segments)
    heard = Heard(
        context.ids.uuid(), job["model"], job["request"], job["created"], sound, transcription, segments
    )
    return jobs.completed(job, result(rules, heard), str(transcription.answered_by)), heard


def duration(clip: Clip) -> float:
    """Return the seconds of a clip. Raises ``ApiError``."""
    with _refusals():
        return clip.duration


def failed(errors: ErrorTable, job: jobs.Value, error: ApiError) -> jobs.Value:
    """The job, ended in an error of the catalog."""
    message = errors.rows[error.name]["message"].format_map({"request_id": job["id"]} | error.values)
    return jobs.failed(job, error.name, message)


def rules_of(catalog: Catalog, job: jobs.Value) -> SttRules:
    """How the job's model answers. Raises ``ApiError`` for a model that there is not any more."""
    model = catalog.offers.get(job["model"])
    if model is None or model.stt is None:
        raise ApiError("model_not_found", model=job["model"])
    return model.stt


def _work(context: JobsContext, account: str, job_id: str, settle: Settle) -> None:
    """Works on a job, unless it was forgotten meanwhile. When the server closes it stays as it was.

    What the disk does not take is done again when somebody asks for the job, or at the next start.
    """
    with contextlib.suppress(StateFailed):  # which is in the log
        _finish(context, account, job_id, settle)


def _finish(context: JobsContext, account: str, job_id: str, settle: Settle) -> None:
    store = context.store
    job = store.update(jobs.KIND, account, job_id, jobs.begun)
    if job is None or job["work"] == "done":
        return

    def look() -> None:
        if context.closing.is_set() or store.get(jobs.KIND, account, job_id) is None:
            raise _Forgotten

    try:
        clip = _clip(context, job, look)
        done, heard = completed(context, job, _transcribe(context, job, clip, look), clip)
        usage = used(rules_of(context.catalog, job), heard)
    except _Forgotten:
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
    if store.update(jobs.KIND, account, job_id, lambda _: done) is not None and usage is not None:
        settle(usage)


class _Forgotten(Exception):
    """Nobody waits for a job's result any more, or the server closes."""


def _clip(context: JobsContext, job: jobs.Value, look: Look) -> Clip:
    """The job's audio, kept or fetched. Raises ``ApiError``."""
    try:
        part = _kept(context.blobs, job) or context.url_sources.fetch(job["request"]["url"])
    except FetchError as error:
        raise ApiError("stt_fetch_failed", reason=str(error)) from error
    seconds = context.settings.max_audio_seconds
    return Clip(part.content, part.filename, seconds, keep_samples=True, look=look)


def _kept(blobs: Blobs, job: jobs.Value) -> FilePart | None:
    for blob in job["blobs"]:
        try:
            with blobs.open(blob) as file:
                return FilePart(job["request"].get("file", ""), "", Content(file.read()))
        except KeyError:  # a snapshot has jobs, and not their audio
            raise ApiError("stt_fetch_failed", reason="The audio of the job is gone.") from None
    return None


def _transcribe(context: JobsContext, job: jobs.Value, clip: Clip, look: Look) -> Transcription:
    asked, chain = options(rules_of(context.catalog, job), job["request"]), context.transcribers
    with _refusals():
        known = chain.lookup(clip, asked)
        return known or chain.transcribe(clip, asked, look, unknown_audio=job["unknown_audio"])


def _sound(job: jobs.Value, transcription: Transcription, clip: Clip | None) -> Sound:
    """What there is to say of the file; of one that nobody has seen, what the transcript and the URL say."""
    if clip is None:
        url = job["request"].get("url", "")
        return Sound(hashlib.sha256(url.encode()).hexdigest(), transcription.duration)
    return Sound(clip.sha256, clip.duration, clip.facts.channels)


def _refusals() -> AbstractContextManager[None]:
    return request_audio.refusals(ApiError("audio_undecodable"))
