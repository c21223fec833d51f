"""Reads ``openai_paths.toml``: all calls of OpenAI's API, including those that this server does not answer.

Paths are written without ``/v1`` (``/responses/{response_id}``), like the routes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from mockserver.catalog.reading import read_table
from mockserver.wording import nearest_name

VERSION = "/v1"
WEBSOCKET = "WEBSOCKET"  # the method of a GET that requests a WebSocket

_TABLE = Path(__file__).parent / "openai_paths.toml"
_PLACEHOLDER = re.compile(r"\{[^{}/]*\}|<[^<>/]*>|\*")


class KnownCall(NamedTuple):
    """A call of a service: the service, the method, the template of the path, the resource, and a hint.

    The hint says what to do instead. ``asks_for_bearer`` is true if its 401 names the missing scheme.
    """

    service: str
    method: str
    path: str
    resource: str
    hint: str = ""
    asks_for_bearer: bool = False


def without_version(path: str) -> str:
    """Return a path without ``/v1``, as in the tables."""
    return path[len(VERSION) :] if path.startswith(VERSION + "/") else path


def lacks_version(path: str) -> bool:
    """Return whether ``path`` is not below ``/v1``."""
    return not path.startswith(VERSION + "/")


def with_version(path: str) -> str:
    """Return a path of OpenAI's API with ``/v1``, which the request may lack."""
    return VERSION + without_version(path)


def has_double_slash(path: str) -> bool:
    """Return whether ``path`` has an empty segment, unlike every path of the API."""
    return "//" in path


def path_expression(template: str) -> str:
    """Return a path template as a regular expression: ``{id}`` and ``<id>`` match one segment, ``*`` anything."""
    fixed = map(re.escape, _PLACEHOLDER.split(template))
    open_parts = ["(?s:.*)" if part == "*" else "[^/]+" for part in _PLACEHOLDER.findall(template)]
    return "".join(_interleaved(fixed, open_parts))


def path_pattern(template: str) -> re.Pattern[str]:
    """Compile a path template of our tables. Templates of callers are not allowed: they could take hours to match."""
    return re.compile(path_expression(template))


def shape(template: str) -> str:
    """Return a template without the names of its placeholders. It is equal for templates of the same paths."""
    return _PLACEHOLDER.sub("{}", template)


@cache
def known_calls() -> tuple[KnownCall, ...]:
    """Return all calls of OpenAI's API."""
    rows = _table()
    asking = frozenset(rows["asks_for_bearer"])
    return tuple(
        KnownCall(
            "OpenAI",
            method,
            path,
            resource,
            _hint(rows["hints"], resource),
            resource.partition(".")[0] in asking,
        )
        for resource, paths in rows["calls"].items()
        for path, methods in paths.items()
        for method in methods
    )


def calls_of(path: str) -> tuple[KnownCall, ...]:
    """Return the calls of a path (without ``/v1``); none if the API does not have the path."""
    found = next((each for each in _templates() if each.pattern.fullmatch(path)), None)
    return () if found is None else found.calls


def similar_path(path: str) -> str:
    """Return the path of OpenAI's API that is most similar to ``path`` (both with ``/v1``); empty if none is."""
    nearest = nearest_name(without_version(path), {call.path for call in known_calls()}, cutoff=0.8)
    return VERSION + nearest if nearest else ""


class _Template(NamedTuple):
    pattern: re.Pattern[str]
    calls: tuple[KnownCall, ...]


@cache
def _table() -> dict[str, Any]:
    return read_table(_TABLE)


@cache
def _templates() -> tuple[_Template, ...]:
    """Return the templates, those with the fewest placeholders first."""
    by_path: dict[str, list[KnownCall]] = {}
    for call in known_calls():
        by_path.setdefault(call.path, []).append(call)
    ordered = sorted(by_path, key=lambda path: path.count("{"))
    return tuple(_Template(path_pattern(path), tuple(by_path[path])) for path in ordered)


def _hint(hints: Mapping[str, str], resource: str) -> str:
    """Return the hint of a resource, or of its nearest parent with a hint."""
    while resource not in hints and "." in resource:
        resource = resource.rpartition(".")[0]
    return hints.get(resource, "")


def _interleaved(fixed: Iterable[str], open_parts: list[str]) -> Iterator[str]:
    for number, text in enumerate(fixed):
        yield text
        if number < len(open_parts):
            yield open_parts[number]
