"""Finds the stub for a request, and makes an answer of its reply."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mockserver.errors import ApiError
from mockserver.pipeline.call import Answer
from mockserver.resources import FileBody

if TYPE_CHECKING:
    from mockserver.accounts.accounts import Accounts
    from mockserver.clock import Clock
    from mockserver.matching.facts import Facts, KnownClip, LiveRequest
    from mockserver.pipeline.call import Call
    from mockserver.pipeline.scripted.errors import ScriptedErrors
    from mockserver.scripting.stubs.replies import Scripted
    from mockserver.scripting.stubs.stubs import NearMiss, Stubs

log = logging.getLogger(__name__)


class ScriptedAnswers:
    """Finds the stubs that answer requests."""

    def __init__(self, stubs: Stubs, accounts: Accounts, clock: Clock, errors: ScriptedErrors) -> None:
        self._stubs = stubs
        self._accounts = accounts
        self._clock = clock
        self._errors = errors

    def find(self, call: Call, *, needs_one: bool = True) -> Scripted | None:
        """Return the scripted reply to a request; ``None`` if no stub matches.

        Raises ``ApiError``: the error that the stub replies with, or ``template_failed``, or ``no_stub_matched`` with
        the setting ``strict_stubs``, if the request ``needs_one``.
        """
        strict = needs_one and call.settings.strict_stubs and bool(call.operation.endpoint)
        if not self._stubs and not strict:
            return None
        facts = call.facts
        found = self._stubs.answer(facts, call.account.id)
        if found is None:
            if strict:
                raise self._no_stub(call, facts)
            return None
        stub, used = found
        try:
            scripted = self._stubs.scripted(stub, used, TemplateContext(facts, used, self._clock))
        except ValueError as error:
            log.error("stub %s: %s", stub.id, call.request.logged(error))
            raise ApiError("template_failed", stub=stub.id, reason=str(error)) from error
        if "error" in scripted.reply:
            call.scripted = scripted
            raise self._error(call, scripted.reply["error"])
        return scripted

    def give_back(self, call: Call) -> None:
        """Undo the use of the stub that was to answer a refused request."""
        if call.scripted is not None:
            self._stubs.give_back(call.scripted.stub_id, call.account.id)
            call.scripted = None

    def _error(self, call: Call, error: str | Mapping[str, Any]) -> ApiError:
        row: Mapping[str, Any] = {"name": error} if isinstance(error, str) else error
        return self._errors.make(
            call, row["name"], message=row.get("message"), retry_after=row.get("retry_after")
        )

    def _no_stub(self, call: Call, facts: LiveRequest) -> ApiError:
        misses = self._stubs.nearest(facts, call.account.id, 1)
        nearest = _sentence(self._accounts, call, misses[0]) if misses else "There are no stubs."
        return ApiError("no_stub_matched", endpoint=call.operation.resource, nearest=nearest)


def raw_answer(scripted: Scripted, call: Call) -> Answer | None:
    """Return the answer with the whole body of a stub; ``None`` if the handler makes an answer of its reply.

    Raises ``ApiError`` if the stub's file cannot be read.
    """
    if not scripted.is_raw:
        return None
    try:
        body, content_type = scripted.body(call.operation.event)
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


def nearly_answered(stubs: Stubs, accounts: Accounts, call: Call) -> str:
    """Return a sentence about the nearest stub of the call's endpoint; empty if there is none."""
    misses = stubs.nearest(call.facts, call.account.id, 1) if stubs else []
    of_endpoint = (
        miss
        for miss in misses
        if "endpoint" in miss.stub.pattern.when
        and not any(each.startswith(("endpoint:", "method:", "reply:")) for each in miss.differences)
    )
    return next((_sentence(accounts, call, miss) for miss in of_endpoint), "")


def _sentence(accounts: Accounts, call: Call, miss: NearMiss) -> str:
    """Return the sentence of a refusal about the nearest stub, without secrets."""
    name = miss.stub.document.get("name") or miss.stub.id
    sentence = f"The nearest is {name!r}: {'; '.join(miss.differences) or 'it would match by now'}."
    return call.request.secrets.and_those(accounts.keys_in(sentence)).hide(sentence)


def _duration(clips: Sequence[KnownClip]) -> float | None:
    """Return the duration of the first clip in seconds; ``None`` if there is none or it cannot be decoded."""
    from mockserver.audio.decode import AudioTooLong, UndecodableAudio

    try:
        return clips[0].facts.duration if clips else None
    except (UndecodableAudio, AudioTooLong):
        return None


class TemplateContext(Mapping[str, Any]):
    """The variables of templates. They are computed on access, because the audio may have to be transcribed.

    ``count`` is the number of earlier answers of the stub.
    """

    def __init__(self, facts: Facts, count: int, clock: Clock) -> None:
        clips = facts.clips
        self._values: dict[str, Callable[[], Any]] = {
            "count": lambda: count,
            "duration": lambda: _duration(clips),
            "file": lambda: clips[0].name if clips else None,
            "headers": lambda: facts.headers,
            "heard": lambda: facts.heard,
            "language": lambda: next(iter(facts.languages), None),
            "model": lambda: facts.model,
            "now": clock.now,
            "request": lambda: facts.document,
            "turn": lambda: facts.turn,
            "user_text": lambda: facts.user_text,
        }

    def __getitem__(self, name: str) -> Any:
        return self._values[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)
