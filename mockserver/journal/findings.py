"""Finds problems that a test may overlook: endpoints that are not served, unknown models, wrong URLs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from mockserver.catalog.own_models import how_to_add
from mockserver.catalog.paths import (
    VERSION,
    calls_of,
    has_double_slash,
    lacks_version,
    similar_path,
    without_version,
)

if TYPE_CHECKING:
    from mockserver.journal.record import Record


def findings(entries: Iterable[Record], is_known: Callable[[str], bool] = lambda model: False) -> list[str]:
    """Return the problems of journal records, a line for each kind of call.

    ``is_known`` returns whether a model with that id exists for the account, on any usage tier.
    """
    return list(dict.fromkeys(line for entry in entries for line in _of(entry, is_known)))


def _of(entry: Record, is_known: Callable[[str], bool]) -> Iterator[str]:
    path, call = entry.path, f"{entry.method} {entry.path}"
    if entry.error == "endpoint_not_served":
        hint = next((each.hint.replace("{base_url}", "…/v1") for each in calls_of(without_version(path))), "")
        advice = hint or "Script the answer with a stub."
        yield f"{call} is not served by this mock server. {advice} See docs/clients.md."
    elif entry.error == "model_not_found" and entry.model and calls_of(without_version(path)):
        model = entry.model
        if is_known(model):
            yield f"The usage tier of this account does not have the model {model!r}. Set another tier."
        else:
            yield how_to_add(model)
    elif entry.error == "unknown_url" and _is_of_the_api(path):
        yield f"{call}: the API does not have this URL for the model {entry.model!r}."
    elif entry.error == "unknown_url":
        yield f"{call}: the API has no such URL. {remedy(path)}"
    if lacks_version(path) and calls_of(path) and entry.endpoint is not None and entry.error != "unknown_url":
        yield f"{call}: the base URL lacks {VERSION}. The real API answers with 404. Add {VERSION}."


def _is_of_the_api(path: str) -> bool:
    return not lacks_version(path) and not has_double_slash(path) and bool(calls_of(without_version(path)))


def remedy(path: str) -> str:
    """Return advice on a path that the API does not have, as the client wrote it."""
    if has_double_slash(path):
        return "Remove the slash at the end of the base URL."
    if lacks_version(path) and calls_of(path):
        return f"Add {VERSION} to the base URL."
    similar = similar_path(path)
    return f"Did you mean {similar}?" if similar else "A stub can answer it."
