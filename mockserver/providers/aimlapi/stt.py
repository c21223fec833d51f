"""``/v1/stt`` of the AI/ML API: speech-to-text jobs, which are created and then polled.

If the transcript is known at once (from a stub, a fixture, the server's own speech), the job is done when it is
created. Audio that must be fetched or transcribed waits in a queue.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from mockserver import json_styles
from mockserver.audio.uploads import FORM_FILE, UPLOAD
from mockserver.engines.answered_by import AnsweredBy
from mockserver.errors import ApiError
from mockserver.pipeline.call import Answer, Call
from mockserver.providers.aimlapi import jobs, work
from mockserver.providers.aimlapi.errors import CONTENT_TYPE
from mockserver.providers.aimlapi.results import JobTranscript, options, usage_of
from mockserver.remote.targets import NotAllowed
from mockserver.scripting.faults.kinds import job_failure
from mockserver.state.disk import StateFailed
from mockserver.work_queue import QueueFull

if TYPE_CHECKING:
    from mockserver.clock import Clock
    from mockserver.ids import Ids
    from mockserver.providers.aimlapi.contexts import JobsContext
    from mockserver.remote.sources import UrlSources

_FAILED = "generation_failed"  # the name of a scripted error
_FAILED_MESSAGE = "Something wrong with the server. Please, try again later."  # unless a message is scripted
_WORDS_PER_SECOND = 2.5  # of a scripted transcript without audio


def create_job(context: JobsContext, call: Call) -> Answer:
    """Create a job for an upload or the audio at a URL."""
    job = _new_job(context.ids, context.clock, call)
    message = _scripted_failure(call)
    if message is not None:
        return _created(context, call, jobs.failed(job, _FAILED, message))
    if call.scripted is not None and call.scripted.has_transcript:
        return _scripted(context, call, job)
    if UPLOAD not in call.audio.files:
        return _queued(context, call, job)
    return _known_or_queued(context, call, job)


def retrieve_job(context: JobsContext, call: Call) -> Answer:
    """Return the status of a job, and its result or error when it has one."""
    place = jobs.KIND, call.account.id, call.path["id"]
    job = context.store.get(*place)
    if job is None:
        raise ApiError("stt_not_found", id=call.path["id"])
    if job["work"] != "done":  # a job of an earlier server or a snapshot may not be in the queue
        work.submit(context, call.account.id, job["id"], bounded=False)
    now = context.clock.now()
    if now < job["created"]:
        job = context.store.update(*place, lambda job: jobs.created_by(job, now)) or job
    status = jobs.status(job, now)
    body = {
        "generation_id": job["id"],
        "status": status,
        "result": job["result"] if status == "completed" else None,
        "error": job["error"] if status == "error" else None,
    }
    answered_by = AnsweredBy.read(job["answered_by"]) if status == "completed" else None
    return Answer(
        json_styles.compact(body), CONTENT_TYPE, answered_by, status=int(call.settings.stt_get_status)
    )


def _new_job(ids: Ids, clock: Clock, call: Call) -> jobs.Value:
    assert call.model is not None
    script = call.scripted.reply.get("job", {}) if call.scripted else {}
    part = call.audio.files.get(UPLOAD)
    request = call.document if part is None else {**_without_url(call.document), "file": part.filename}
    return jobs.new(
        ids.uuid(),
        model=call.model.id,
        request=request,
        created=clock.now(),
        queued=script.get("queued", call.settings.stt_queued_seconds),
        generating=script.get("generating", call.settings.stt_generating_seconds),
        unknown_audio=call.settings.unknown_audio,
    )


def _without_url(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the request without the URL of its audio, which may be a ``data:`` URL with all of it."""
    return {name: value for name, value in document.items() if name not in ("url", "audio")}


def _scripted_failure(call: Call) -> str | None:
    """Return the message of the error that a stub or fault scripts for the job, if any."""
    failure = job_failure(call.fault)
    if failure is not None:
        return failure or _FAILED_MESSAGE
    script = call.scripted.reply.get("job", {}) if call.scripted else {}
    message: str | None = script.get("error")
    return message


def _scripted(context: JobsContext, call: Call, job: jobs.Value) -> Answer:
    """Answer with the transcript of a stub. The audio may be unknown."""
    assert call.scripted is not None
    clip = call.audio.uploaded() if UPLOAD in call.audio.files else None
    languages = options(work.rules_of(context.catalog, job), job["request"]).languages
    try:
        duration = _likely_duration(call.scripted.reply) if clip is None else work.duration(clip)
        transcription = call.scripted.transcription(duration, languages)
        done, transcript = work.completed(context, job, transcription, clip)
    except ApiError as error:
        return _created(context, call, work.failed(context.errors, job, error))
    return _created(context, call, done, transcript)


def _likely_duration(reply: Mapping[str, Any]) -> float:
    """Return the likely duration of a scripted transcript without audio, in seconds."""
    rows = [*reply.get("segments", ()), *reply.get("words", ())]
    words = " ".join([reply.get("text", ""), *(row.get("text", "") for row in rows)]).split()
    return float(max(1.0, len(words) / _WORDS_PER_SECOND, *(row.get("end", 0.0) for row in rows)))


def _known_or_queued(context: JobsContext, call: Call, job: jobs.Value) -> Answer:
    """Answer with the transcript of the upload if it is known, else queue the job."""
    clip = call.audio.uploaded()
    try:
        known = work.lookup(context, job, clip)
        if known is None:
            return _queued(context, call, job)
        done, transcript = work.completed(context, job, known, clip)
    except ApiError as error:
        return _created(context, call, work.failed(context.errors, job, error))
    return _created(context, call, done, transcript)


def _queued(context: JobsContext, call: Call, job: jobs.Value) -> Answer:
    """Queue a job, so that its audio is fetched or transcribed in the background.

    Raises ``ApiError`` if there is no audio, its URL may not be fetched, or the queue is full.
    """
    part = call.audio.files.get(UPLOAD)
    if part is None:
        _check_url(context.url_sources, call)
    else:
        with context.blobs.writer() as writer:
            for piece in part.content.pieces():
                writer.write(piece)
            job["blobs"] = [writer.commit().id]
    try:
        answer = _created(context, call, job)
    except StateFailed:
        for blob_id in job["blobs"]:
            context.blobs.delete(blob_id)
        raise
    try:
        work.submit(context, call.account.id, job["id"], call.settle)
    except QueueFull:
        context.store.remove(jobs.KIND, call.account.id, job["id"])
        raise ApiError("overloaded", reason="Too many speech-to-text jobs are waiting.") from None
    return answer


def _check_url(url_sources: UrlSources, call: Call) -> None:
    url = call.document.get("url")
    if not isinstance(url, str):
        raise ApiError("invalid_request", message="", details=[{"path": ["url"], "message": "Required"}])
    try:
        url_sources.check(url)
    except NotAllowed as error:
        raise ApiError("stt_url_not_fetched", reason=str(error)) from error


def _created(
    context: JobsContext, call: Call, job: jobs.Value, transcript: JobTranscript | None = None
) -> Answer:
    """Store the job, and answer with its id. ``transcript`` is that of a job which is done already."""
    context.store.put(jobs.KIND, call.account.id, job["id"], job)
    answer = Answer(
        json_styles.compact({"generation_id": job["id"], "status": "queued"}),
        CONTENT_TYPE,
        AnsweredBy.read(job["answered_by"]),
        status=201,
    )
    if transcript is not None:
        call.audio.transcripts[FORM_FILE] = replace(
            transcript.transcription, segments=tuple(transcript.segments)
        )
        answer.usage = usage_of(work.rules_of(context.catalog, job), transcript)
    return answer
