"""Asks the stubs for the answer to a request, and answers with what they give byte by byte."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mockserver.errors import ApiError
from mockserver.pipeline.call import Answer
from mockserver.scripting.stubs.replies import FileBody

if TYPE_CHECKING:
    from mockserver.matching.facts import Facts, KnownClip
    from mockserver.pipeline.call import Call
    from mockserver.scripting.stubs.registry import NearMiss
    from mockserver.scripting.stubs.replies import Scripted
    from mockserver.services import Services

log = logging.getLogger(__name__)


def script(services: Services, call: Call) -> Scripted | None:
    """What a stub replies to this request, if one matches.

    Raises ``ApiError``: the one that the stub replies with; or its template failed; or none matches and one
    must (setting ``strict_stubs``).
    """
    strict = call.settings.strict_stubs and bool(call.operation.endpoint)
    if not services.stubs and not strict:
        return None
    facts = call.facts
    found = services.stubs.answer(facts, call.account.id)
    if found is None:
        if strict:
            raise _no_stub(services, call, facts)
        return None
    stub, used = found
    try:
        scripted = services.stubs.scripted(stub, used, TemplateContext(services, facts, used))
    except ValueError as error:
        log.error("stub %s: %s", stub.id, call.request.logged(error))
        raise ApiError("template_failed", stub=stub.id, reason=str(error)) from error
    if "error" in scripted.reply:
        call.scripted = scripted
        raise _error(services, call, scripted.reply["error"])
    return scripted


def raw_answer(scripted: Scripted, call: Call) -> Answer | None:
    """The answer that a stub gives itself, body and all; ``None`` when the endpoint makes it.

    Raises ``ApiError`` when the stub's file cannot be read.
    """
    if not scripted.is_raw:
        return None
    try:
        body, content_type = scripted.body(audio_events=call.operation.is_audio)
    except OSError as error:
        log.error("stub %s: %s", scripted.stub_id, call.request.logged(error))
        raise ApiError("stub_file_unreadable", stub=scripted.stub_id, reason=str(error)) from error
    return Answer(
        body,
        content_type or "application/octet-stream",
        scripted.answered_by,
        (("content-length", str(body.size)),) if isinstance(body, FileBody) else (),
        status=int(scripted.reply.get("status", 200)),
        is_shared=scripted.bodies is not None,
    )


def _error(services: Services, call: Call, error: str | Mapping[str, Any]) -> ApiError:
    from mockserver.pipeline.scripted_errors import scripted_error

    row: Mapping[str, Any] = {"name": error} if isinstance(error, str) else error
    return scripted_error(
        services, call, row["name"], message=row.get("message"), retry_after=row.get("retry_after")
    )


def nearly_answered(services: Services, call: Call) -> str:
    """Return a sentence on the stub of the call's endpoint that nearly matched; empty where there is none."""
    misses = services.stubs.nearest(call.facts, call.account.id, 1) if services.stubs else []
    of_endpoint = (
        miss
        for miss in misses
        if "endpoint" in miss.stub.pattern.when
        and not any(each.startswith(("endpoint:", "method:", "reply:")) for each in miss.differences)
    )
    return next((_nearest(services, call, miss) for miss in of_endpoint), "")


def _no_stub(services: Services, call: Call, facts: Facts) -> ApiError:
    misses = services.stubs.nearest(facts, call.account.id, 1)
    nearest = _nearest(services, call, misses[0]) if misses else "There are no stubs."
    return ApiError("no_stub_matched", endpoint=call.operation.resource, nearest=nearest)


def _nearest(services: Services, call: Call, miss: NearMiss) -> str:
    name = miss.stub.document.get("name") or miss.stub.id
    sentence = f"The nearest is {name!r}: {'; '.join(miss.differences) or 'it would match by now'}."
    return call.request.secrets.and_those(services.accounts.keys_in(sentence)).hide(sentence)


def _duration(clips: Sequence[KnownClip]) -> float | None:
    """Seconds of the first clip, where it can be decoded."""
    from mockserver.audio.decode import AudioTooLong, UndecodableAudio

    try:
        return clips[0].facts.duration if clips else None
    except (UndecodableAudio, AudioTooLong):
        return None


class TemplateContext(Mapping[str, Any]):
    """What templates know of a request, found out when one asks: it may have to be listened to.

    ``count`` is how often the stub has answered before.
    """

    def __init__(self, services: Services, facts: Facts, count: int) -> None:
        clips = facts.clips
        self._values: dict[str, Callable[[], Any]] = {
            "count": lambda: count,
            "duration": lambda: _duration(clips),
            "file": lambda: clips[0].name if clips else None,
            "headers": lambda: facts.headers,
            "heard": lambda: facts.heard,
            "language": lambda: next(iter(facts.languages), None),
            "model": lambda: facts.model,
            "now": services.clock.now,
            "request": lambda: facts.document,
            "user_text": lambda: facts.user_text,
        }

    def __getitem__(self, name: str) -> Any:
        return self._values[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)
