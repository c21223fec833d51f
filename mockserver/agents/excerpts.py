"""Bounded JSON for agents: long texts, base64 and lists are cut, so that they do not fill the agent's context."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

MAX_CHARACTERS = 16_000  # of an answer

_BASE64 = re.compile(r"[A-Za-z0-9+/_=-]{120,}")
_BASE64_SHOWN = 24  # characters
_MEMBERS = 40  # of an object that are always shown: those of a journal entry


class _Cut(NamedTuple):
    """The longest texts, in characters, and lists and objects, in members, that are shown."""

    characters: int
    members: int


_CUTS = (_Cut(12_000, 100), _Cut(2_000, 100), _Cut(400, 40), _Cut(120, 12), _Cut(60, 5), _Cut(30, 2))


def bounded(value: Any) -> str:
    """Return a JSON value as text of at most about 16,000 characters, cut as little as possible."""
    text = ""
    for cut in _CUTS:
        text = json.dumps(_shortened(value, cut), ensure_ascii=False)
        text = text.encode("utf-8", "replace").decode()  # unpaired surrogates
        if len(text) <= MAX_CHARACTERS:
            return text
    return f"{text[:MAX_CHARACTERS]}… ({len(text) - MAX_CHARACTERS:,} more characters)"


def excerpt(text: str, characters: int = 160) -> str:
    """Return the beginning of a text, in which base64 is cut."""
    text = _BASE64.sub(_base64_excerpt, text)
    return text if len(text) <= characters else f"{text[:characters]}… ({len(text):,} characters)"


def _base64_excerpt(found: re.Match[str]) -> str:
    return f"{found[0][:_BASE64_SHOWN]}… ({len(found[0]):,} characters)"


def _shortened(value: Any, cut: _Cut) -> Any:
    if isinstance(value, str):
        return excerpt(value, cut.characters)
    if isinstance(value, list):
        shown = [_shortened(each, cut) for each in value[: cut.members]]
        return shown if len(value) <= cut.members else [*shown, f"… {len(value) - cut.members:,} more"]
    if isinstance(value, dict):
        members = list(value.items())
        shown_members = {
            excerpt(name, cut.characters): _shortened(each, cut)
            for name, each in members[: max(cut.members, _MEMBERS)]
        }
        if len(members) > len(shown_members):
            shown_members["…"] = f"{len(members) - len(shown_members):,} more"
        return shown_members
    return value
