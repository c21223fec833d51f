"""Azure's content filter. No model judges the texts: a stub flags them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from mockserver.errors import ApiError
from mockserver.providers.azure.table import azure_table

if TYPE_CHECKING:
    from mockserver.pipeline.call import Call

Results = dict[str, dict[str, Any]]

_SAFE, _FLAGGED = "safe", "high"


def prompt_results(call: Call) -> Results:
    """Return what the filter finds in the prompt. Raises ``ApiError`` if it blocks the prompt."""
    flagged = _flagged(call, "input")
    results = dict(
        sorted({**_severities(flagged), **_detections(azure_table().filter.in_prompts, flagged)}.items())
    )
    if is_blocked(results):
        error = ApiError("content_filter", results=results)
        error.is_scripted = call.scripted is not None
        raise error
    return results


def blocked_prompt() -> Results:
    """Return what the filter finds in a prompt that is blocked without a reason."""
    rules = azure_table().filter
    flagged = {next(iter(rules.categories)): _FLAGGED}
    return dict(sorted({**_severities(flagged), **_detections(rules.in_prompts, flagged)}.items()))


def answer_results(call: Call) -> Results:
    """Return what the filter finds in the answer."""
    flagged = _flagged(call, "output")
    detected = {
        name: {"detected": True, "filtered": True}
        for name in azure_table().filter.in_answers
        if name in flagged
    }
    return dict(sorted({**_severities(flagged), **detected}.items()))


def is_blocked(results: Results) -> bool:
    """Return whether the filter blocks a text with these results."""
    return any(each["filtered"] for each in results.values())


def _flagged(call: Call, part: Literal["input", "output"]) -> Mapping[str, str]:
    """Return the flagged categories of the prompt or the answer, of moderation or of the filter, by severity."""
    found = call.scripted.flagged.get(part, ()) if call.scripted else ()
    return found if isinstance(found, Mapping) else dict.fromkeys(found, _FLAGGED)


def _severities(flagged: Mapping[str, str]) -> Results:
    return {
        category: _severity([flagged[each] for each in (category, *others) if each in flagged])
        for category, others in azure_table().filter.categories.items()
    }


def _severity(found: list[str]) -> dict[str, Any]:
    rules = azure_table().filter
    severities = (*rules.passed, *rules.blocked)
    severity = max(found, key=severities.index, default=_SAFE)
    return {"filtered": severity in rules.blocked, "severity": severity}


def _detections(names: tuple[str, ...], flagged: Mapping[str, str]) -> Results:
    return {name: {"filtered": name in flagged, "detected": name in flagged} for name in names}
