"""Compares models, their shutdown dates, and voices of the catalog with the SDK."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING

import typing_extensions

from mockserver.drift.findings import Finding
from mockserver.drift.sdk_places import find_type, texts_of

if TYPE_CHECKING:
    from mockserver.catalog.tables import Catalog

_DEPRECATED = re.compile(r'- ((?:"[^"]+",? ?)+):\s*Announced shutdown date: (\d{4}-\d\d-\d\d)')


def compare_models(catalog: Catalog, sdk: str, endpoint: str) -> Iterator[Finding]:
    """Yield the differences between the models of the alias ``sdk`` and those of ``endpoint``, and their dates."""
    listed, dates = texts_of(find_type(sdk)), shutdown_dates(sdk)
    for name in sorted(listed):
        model = catalog.model(name)
        if model is None:
            yield Finding("missing_model", name, f"the SDK has the model {name}, the catalog has not.")
            continue
        known = f"{model.shutdown_date} {model.conflicts.get('shutdown_date', '')}"
        date = dates.get(name)
        if (date or "None") not in known:
            message = (
                f"the SDK says that {name} shuts down on {date}, the catalog says {model.shutdown_date}."
            )
            yield Finding(
                "shutdown_date", name, message if date else message.replace(f"on {date}", "on no date")
            )
    for model in catalog.models:
        if endpoint in model.endpoints and model.id not in listed:
            yield Finding("extra_model", model.id, f"the SDK has no model {model.id} for {endpoint}.")


def shutdown_dates(sdk: str) -> dict[str, str]:
    """Return the announced dates by model, from the text after the alias ``sdk`` in its module."""
    source = inspect.getsource(import_module(sdk.partition(":")[0]))
    text = re.sub(r"\s+", " ", source)
    return {
        name: date for names, date in _DEPRECATED.findall(text) for name in re.findall(r'"([^"]+)"', names)
    }


def compare_voices(catalog: Catalog, sdk: str, member: str) -> Iterator[Finding]:
    """Yield the differences between the voices of a ``member`` of the type ``sdk`` and those of the catalog."""
    theirs = texts_of(typing_extensions.get_type_hints(find_type(sdk), include_extras=True)[member])
    ours = {voice.name for voice in catalog.voices}
    for name in sorted(theirs - ours):
        yield Finding("missing_voice", name, f"the SDK has the voice {name} ({sdk}), the catalog has not.")
    for name in sorted(ours - theirs):
        yield Finding("extra_voice", name, f"the SDK has no voice {name} ({sdk}).")
