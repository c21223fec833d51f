"""What the journal writes down of a request: its headers without secrets, its document without megabytes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from mockserver.double.matchers import finder
from mockserver.gateway.accounts import redact

if TYPE_CHECKING:
    from mockserver.audio.clip import Clip

LONGEST = 4096  # characters of a text that are written down
_START = 80  # characters shown of a longer one
_MOST_VALUES = 5_000  # of a document; what is beyond is counted
_DEEPEST = 50  # lists and objects within each other
_SHORT_SECRET = 12  # characters; shorter ones are not shown in part
_SECRET = re.compile(
    r"authorization|cookie|token|secret|password|credential|api[-_]?key|websocket-protocol", re.IGNORECASE
)
_OPAQUE_SCHEMES = frozenset({"basic", "digest"})  # parts of what follows them may be a password


def headers(environ: Mapping[str, Any]) -> dict[str, str]:
    """The request headers of a WSGI environ, names in lower case, secrets redacted."""
    found = {}
    for key, value in environ.items():
        name, secret = _header(key)
        if name and value:
            found[name] = value if len(value) <= LONGEST and not secret else _told(name, value, secret)
    return found


def query(text: str) -> dict[str, Any]:
    """The arguments of a query string, secrets redacted; of several of one name, a list."""
    found: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        shown = _told(name, value, _SECRET.search(name) is not None)
        found[name] = [*_listed(found[name]), shown] if name in found else shown
    return found


def document(whole: Mapping[str, Any], clips: Mapping[str, Clip]) -> dict[str, Any]:
    """A form or JSON in which facts stand for long strings. ``clips`` are its audio files by place."""
    sounds = {}
    for place, clip in clips.items():
        for encoded in finder(f"{place}.data")(whole):
            sounds[id(encoded)] = {"base64_bytes": clip.content.size, "sha256": clip.sha256}
    excerpt: dict[str, Any] = _Excerpt(sounds).of(whole)
    return excerpt


class _Excerpt:
    """Walks a document once. ``sounds`` are the facts that stand for strings, by identity."""

    def __init__(self, sounds: Mapping[int, dict[str, Any]]) -> None:
        self._sounds = sounds
        self._left = _MOST_VALUES

    def of(self, value: Any, depth: int = 0) -> Any:
        """The value, or what stands for it."""
        if isinstance(value, str):
            return value if len(value) <= LONGEST else self._sounds.get(id(value)) or _facts_of(value)
        if not isinstance(value, dict | list):
            return value
        if len(value) > self._left or depth == _DEEPEST:
            return {"values": len(value)}
        self._left -= len(value)
        if isinstance(value, dict):
            return {_shortened(name): self.of(each, depth + 1) for name, each in value.items()}
        return [self.of(each, depth + 1) for each in value]


def _facts_of(text: str) -> dict[str, Any]:
    return {"length": len(text), "starts": text[:_START]}


def _told(name: str, value: str, secret: bool) -> str:
    return _hidden(name, value) if secret else _shortened(value)


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else text[:_START] + "…"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@lru_cache(maxsize=1024)
def _header(key: str) -> tuple[str, bool]:
    """The header that a key of an environ stands for, and whether it is secret; empty for none."""
    if key.startswith("HTTP_"):
        name = key[5:].replace("_", "-").lower()
        return name, _SECRET.search(name) is not None
    return (key.replace("_", "-").lower() if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else ""), False


def _hidden(name: str, value: str) -> str:
    scheme, space, secret = value.partition(" ") if name.endswith("authorization") else ("", "", value)
    opaque = "cookie" in name or scheme.lower() in _OPAQUE_SCHEMES
    if opaque or len(secret) <= _SHORT_SECRET:
        return f"{scheme}{space}***" if space or not scheme else "***"
    return f"{scheme}{space}{redact(_shortened(secret))}"
