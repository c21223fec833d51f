"""``/_mock/journal/<id>/code`` and ``…/near-misses``: an exchange as code, and the stubs that nearly answered it.

A call with an API key applies to that account, one without a key to every account.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mockserver.control.journal.entries import record_of
from mockserver.control.operation import without_keys
from mockserver.journal.entries import EntryFacts
from mockserver.journal.record import shown
from mockserver.matching.allowance import sharing
from mockserver.reproducing.code import code_of
from mockserver.validation import documents

if TYPE_CHECKING:
    from mockserver.control.contexts import ExchangesContext
    from mockserver.control.operation import Call
    from mockserver.journal.record import Record
    from mockserver.scripting.stubs.stub import Stub

_NEAR_MISSES = 5
_STRICT_REFUSAL = "no_stub_matched"  # the error of ``strict_stubs``


def show_code(context: ExchangesContext, call: Call) -> dict[str, Any]:
    """Return an exchange as code and documents, except what this server would refuse."""
    code = code_of(shown(record_of(context.journal, call)), call.request.host_url.rstrip("/"))
    checks: dict[str, Callable[[Any], object]] = {
        "stub": lambda stub: _check_stub(context, stub),
        "fault": lambda faults: _check_faults(context, faults),
        "fixture": lambda fixture: documents.check(context.schemas, "fixture", fixture),
    }
    for name, check in checks.items():
        if code[name] is not None:
            try:
                check(code[name])
            except ValueError as error:
                code[name], code["missing"][name] = None, f"The server would refuse it: {error}"
    return code


def show_near_misses(context: ExchangesContext, call: Call) -> dict[str, Any]:
    """Return the stubs that differ least from a request, and what its refusal said about them."""
    record = record_of(context.journal, call)
    facts = EntryFacts(record)
    answered = {record.stub, *(turn.stub for turn in (record.realtime.turns if record.realtime else ()))}
    stubs = [
        stub
        for stub in context.stubs.visible(record.account_id)
        if stub.id not in answered and stub.account_id in (None, record.account_id)
    ]
    with sharing(context.journal.limits, len(stubs)):
        misses = [(stub, _differences(context, facts, stub)) for stub in stubs]
    misses.sort(key=lambda miss: (any(each.startswith("endpoint:") for each in miss[1]), len(miss[1])))
    found = [_shown(stub, differences) for stub, differences in misses[:_NEAR_MISSES]]
    return {
        "refusal": _refusal(record),
        "near_misses": without_keys(context.accounts, call.request, found),
    }


def _differences(context: ExchangesContext, facts: EntryFacts, stub: Stub) -> list[str]:
    """Return what differs between a stub and a request, or the turn of a session that is most like it.

    The journal has no languages, and transcripts only of what was transcribed.
    """
    subjects: Sequence[EntryFacts] = facts.turns if stub.pattern.selects_turns else ()
    compared = []
    for subject in subjects or (facts,):
        differences = stub.pattern.differences(subject, listen=subject.heard is not None)
        compared.append([each for each in differences if not each.startswith("language:")])
    nearest = min(compared, key=len)
    if not context.stubs.can_answer(stub, facts.record.endpoint or ""):
        nearest.append("reply: cannot answer this endpoint")
    if not stub.enabled:
        nearest.append("enabled: is switched off")
    account_id = facts.record.account_id
    if account_id is not None and not context.stubs.use.is_due(stub, account_id):
        nearest.append(context.stubs.use.why_not(stub, account_id))
    return nearest


def _shown(stub: Stub, differences: list[str]) -> dict[str, Any]:
    return {
        "stub": stub.id,
        "name": stub.document.get("name"),
        "source": stub.source or None,
        "differences": differences,
    }


def _refusal(record: Record) -> str | None:
    """Return the message of a refusal because no stub matched, which names the nearest one at that time."""
    if record.error != _STRICT_REFUSAL:
        return None
    response = record.response
    error = response.get("error") if isinstance(response, dict) else None
    message = error.get("message") if isinstance(error, dict) else None
    return message if isinstance(message, str) else None


def _check_stub(context: ExchangesContext, stub: dict[str, Any]) -> None:
    documents.check(context.schemas, "stub", stub)
    context.stubs.check(stub, may_read=False)


def _check_faults(context: ExchangesContext, faults: list[dict[str, Any]]) -> None:
    for fault in faults:
        documents.check(context.schemas, "fault", fault)
        context.faults.check(fault)
