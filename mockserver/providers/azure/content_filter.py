"""Azure's content filter.

No model judges the texts: a stub flags them, or a mark in the prompt (``wire.moderation``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from mockserver.errors import ApiError
from mockserver.providers.azure.table import azure_table
from mockserver.wire.moderation import marked

if TYPE_CHECKING:
    from mockserver.pipeline.call import Call

Results = dict[str, dict[str, Any]]

_SAFE, _FLAGGED = "safe", "high"


def prompt_results(call: Call) -> Results:
    """Return what the filter finds in the prompt. Raises ``ApiError`` if it blocks the prompt."""
    results = _of_prompt(_flagged(call, "input"))
    if is_blocked(results):
        error = ApiError("content_filter", results=results)
        error.is_scripted = call.scripted is not None
        raise error
    return results


def blocked_prompt() -> Results:
    """Return what the filter finds in a prompt that is blocked without a reason."""
    return _of_prompt({next(iter(azure_table().filter.categories)): _FLAGGED})


def answer_results(call: Call) -> Results:
    """Return what the filter finds in the answer."""
    flagged = _flagged(call, "output")
    detected = {
        name: {"filtered": True, "detected": True}
        for name in azure_table().filter.in_answers
        if _is_detected(name, flagged)
    }
    return dict(sorted({**_severities(flagged), **detected}.items()))


def is_blocked(results: Results) -> bool:
    """Return whether the filter blocks a text with these results."""
    return any(each["filtered"] for each in results.values())


def _flagged(call: Call, part: Literal["input", "output"]) -> Mapping[str, str]:
    """Return the flagged categories of the prompt or the answer, of moderation or of the filter, by severity."""
    found = call.scripted.flagged.get(part, ()) if call.scripted else ()
    flagged = dict(found) if isinstance(found, Mapping) else dict.fromkeys(found, _FLAGGED)
    if part == "input":
        marks = marked(f"{call.facts.prompt}\n{call.facts.user_text}")
        flagged |= {name: severity or _FLAGGED for name, severity in marks.items()}
    return flagged


def _severities(flagged: Mapping[str, str]) -> Results:
    return {
        category: _severity([flagged[each] for each in (category, *others) if each in flagged])
        for category, others in azure_table().filter.categories.items()
    }


def _severity(found: list[str]) -> dict[str, Any]:
    rules = azure_table().filter
    known = (*rules.passed, *rules.blocked)
    severity = max((each for each in found if each in known), key=known.index, default=_SAFE)
    return {"filtered": severity in rules.blocked, "severity": severity}


def is_marked(results: Results) -> bool:
    """Return whether the filter finds anything in a text, even if it passes."""
    return any(each.get("severity", _SAFE) != _SAFE or each["filtered"] for each in results.values())


def _of_prompt(flagged: Mapping[str, str]) -> Results:
    detections = {}
    for name in azure_table().filter.in_prompts:
        found = _is_detected(name, flagged)
        detections[name] = {"filtered": found, "detected": found}
    return dict(sorted({**_severities(flagged), **detections}.items()))


def _is_detected(name: str, flagged: Mapping[str, str]) -> bool:
    return flagged.get(name, _SAFE) != _SAFE
