"""``/v1/stt`` of the AI/ML API: speech-to-text jobs, created by one request and asked about by others.

What is known of the audio at once (a stub, a fixture, the server's own speech) is answered as the job is made;
what must be fetched or listened to waits in a queue.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mockserver import json_styles
from mockserver.audio.uploads import FORM_FILE, UPLOAD
from mockserver.engines.answered_by import AnsweredBy
from mockserver.errors import ApiError
from mockserver.pipeline.call import Answer, Call
from mockserver.providers.aimlapi import jobs, work
from mockserver.providers.aimlapi.errors import CONTENT_TYPE
from mockserver.providers.aimlapi.results import Heard, options, used
from mockserver.providers.aimlapi.work_queue import QueueFull
from mockserver.remote.fetch import NotAllowed
from mockserver.scripting.faults.kinds import job_failure
from mockserver.state.disk import StateFailed
from mockserver.wire.transcripts import text_of

if TYPE_CHECKING:
    from mockserver.clock import Clock
    from mockserver.ids import Ids
    from mockserver.providers.aimlapi.contexts import JobsContext
    from mockserver.remote.sources import UrlSources

_FAILED = "generation_failed"  # the name of an error that a stub or fault scripts
_WRONG = "Something wrong with the server. Please, try again later."  # and its message, where they give none
_WORDS_PER_SECOND = 2.5  # of a transcript whose audio nobody has


def create_job(context: JobsContext, call: Call) -> Answer:
    """Makes a job of the audio: an upload, or what is at a URL."""
    job = _new_job(context.ids, context.clock, call)
    message = _scripted_failure(call)
    if message is not None:
        return _created(context, call, jobs.failed(job, _FAILED, message))
    if call.scripted is not None and call.scripted.has_transcript:
        return _scripted(context, call, job)
    if UPLOAD not in call.audio.files:
        return _queued(context, call, job)
    return _heard_or_queued(context, call, job)


def retrieve_job(context: JobsContext, call: Call) -> Answer:
    """How far a job is, and its result once there is one."""
    place = jobs.KIND, call.account.id, call.path["id"]
    job = context.store.get(*place)
    if job is None:
        raise ApiError("stt_not_found", id=call.path["id"])
    if job["work"] != "done":  # of an earlier server, or a snapshot, nobody may be working on it
        work.submit(context, call.account.id, job["id"], bounded=False)
    now = context.clock.now()
    if now < job["created"]:
        job = context.store.update(*place, lambda job: jobs.on_time(job, now)) or job
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
    """The request without the URL of audio that is there: it may hold all of it."""
    return {name: value for name, value in document.items() if name not in ("url", "audio")}


def _scripted_failure(call: Call) -> str | None:
    """The message that the job is to end with, where a stub or fault says that it fails."""
    failure = job_failure(call.fault)
    if failure is not None:
        return failure or _WRONG
    script = call.scripted.reply.get("job", {}) if call.scripted else {}
    message: str | None = script.get("error")
    return message


def _scripted(context: JobsContext, call: Call, job: jobs.Value) -> Answer:
    """A stub says what is said, even where nobody has the audio."""
    assert call.scripted is not None
    clip = call.audio.uploaded() if UPLOAD in call.audio.files else None
    asked = options(work.rules_of(context.catalog, job), job["request"])
    try:
        duration = _likely_duration(call.scripted.reply) if clip is None else work.duration(clip)
        transcription = call.scripted.transcription(duration, asked.languages)
        done, heard = work.completed(context, job, transcription, clip)
    except ApiError as error:
        return _created(context, call, work.failed(context.errors, job, error))
    return _created(context, call, done, heard)


def _likely_duration(reply: Mapping[str, Any]) -> float:
    """Seconds of the audio of a scripted transcript, as nobody has it."""
    rows = [*reply.get("segments", ()), *reply.get("words", ())]
    words = " ".join([reply.get("text", ""), *(row.get("text", "") for row in rows)]).split()
    return float(max(1.0, len(words) / _WORDS_PER_SECOND, *(row.get("end", 0.0) for row in rows)))


def _heard_or_queued(context: JobsContext, call: Call, job: jobs.Value) -> Answer:
    clip = call.audio.uploaded()
    try:
        known = work.lookup(context, job, clip)
        if known is None:
            return _queued(context, call, job)
        done, heard = work.completed(context, job, known, clip)
    except ApiError as error:
        return _created(context, call, work.failed(context.errors, job, error))
    return _created(context, call, done, heard)


def _queued(context: JobsContext, call: Call, job: jobs.Value) -> Answer:
    """Has the audio fetched or listened to in the background. Raises ``ApiError``: no audio, no way, no room."""
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


def _created(context: JobsContext, call: Call, job: jobs.Value, heard: Heard | None = None) -> Answer:
    """Keeps the job and says that there is one. ``heard`` is what it will answer, where that is known."""
    context.store.put(jobs.KIND, call.account.id, job["id"], job)
    answer = Answer(
        json_styles.compact({"generation_id": job["id"], "status": "queued"}),
        CONTENT_TYPE,
        AnsweredBy.read(job["answered_by"]),
        status=201,
    )
    if heard is not None:
        call.audio.transcripts[FORM_FILE] = text_of(heard.segments)
        answer.usage = used(work.rules_of(context.catalog, job), heard)
    return answer
