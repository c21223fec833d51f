"""Loads the URL map, which replaces audio URLs by local files.

The map is a TOML, JSON or YAML file with one table: URLs or patterns (``*``, ``?``) as keys; as values, paths of audio
files relative to the map, or names of fixtures.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from mockserver.resources import FileNotReadable, read_text
from mockserver.wording import shown


class UrlMapError(Exception):
    """A URL map is invalid. The message names the file, the entry and the problem."""


class UrlMap:
    """Local files by URL or pattern. An exact URL has precedence, then the first matching pattern."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = dict(files)

    def find(self, url: str) -> Path | None:
        """Return the file of ``url``, or ``None``."""
        exact = self._files.get(url)
        return exact or next((file for each, file in self._files.items() if fnmatchcase(url, each)), None)


def load_url_map(path: Path, fixtures: Mapping[str, Path]) -> UrlMap:
    """Load the map at ``path``; ``fixtures`` are audio files by fixture name. Raises ``UrlMapError``."""
    table = _table(path)
    files = {}
    for url, named in table.items():
        file = path.parent / named if isinstance(named, str) else None
        if file is not None and not os.path.isfile(file):
            file = fixtures.get(named)
        if file is None:
            raise UrlMapError(
                f"{path}: {shown(url)}: {shown(named)} is neither a file relative to the map "
                "nor the name of a fixture. Correct it."
            )
        files[url] = file
    return UrlMap(files)


def _table(path: Path) -> Mapping[str, Any]:
    try:
        table = _READERS.get(path.suffix.lower(), _toml)(read_text(path))
    except FileNotReadable as error:
        raise UrlMapError(f"{path}: {error}") from error
    except RecursionError:
        raise UrlMapError(f"{path}: cannot be parsed as a URL map: it is nested too deeply.") from None
    except ValueError as error:
        raise UrlMapError(f"{path}: cannot be parsed as a URL map: {error}.") from error
    if not isinstance(table, Mapping):
        raise UrlMapError(f"{path}: is not a table of URLs and files. Write one entry per URL.")
    return {str(url): named for url, named in table.items()}


def _toml(text: str) -> Any:
    return tomllib.loads(text)


def _yaml(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


_READERS: Mapping[str, Callable[[str], Any]] = {".json": json.loads, ".yaml": _yaml, ".yml": _yaml}
