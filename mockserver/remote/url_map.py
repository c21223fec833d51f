"""The map of URLs: which audio file on this machine stands for a URL, so that nothing need be fetched.

A file of TOML, JSON or YAML with one table: URLs, or patterns of them (``*``, ``?``), each with the path of an
audio file, relative to the map, or the name of a fixture.
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
    """A map of URLs cannot be used. The message names the file, the entry and the remedy."""


class UrlMap:
    """Which file stands for a URL: one that is named as it is, else the first pattern that matches."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = dict(files)

    def find(self, url: str) -> Path | None:
        """Return the file, or ``None``."""
        exact = self._files.get(url)
        return exact or next((file for each, file in self._files.items() if fnmatchcase(url, each)), None)


def load_url_map(path: Path, fixtures: Mapping[str, Path]) -> UrlMap:
    """Load the map in a file; ``fixtures`` are audio files by fixture name. Raises ``UrlMapError``."""
    table = _table(path)
    files = {}
    for url, named in table.items():
        file = path.parent / named if isinstance(named, str) else None
        if file is not None and not os.path.isfile(file):
            file = fixtures.get(named)
        if file is None:
            raise UrlMapError(
                f"{path}: {shown(url)}: {shown(named)} is neither an audio file, seen from the map, "
                "nor the name of a fixture."
            )
        files[url] = file
    return UrlMap(files)


def _table(path: Path) -> Mapping[str, Any]:
    try:
        table = _READERS.get(path.suffix.lower(), _toml)(read_text(path))
    except FileNotReadable as error:
        raise UrlMapError(f"{path}: {error}") from error
    except RecursionError:
        raise UrlMapError(f"{path}: cannot be read as a map of URLs: it is nested too deeply.") from None
    except ValueError as error:
        raise UrlMapError(f"{path}: cannot be read as a map of URLs: {error}.") from error
    if not isinstance(table, Mapping):
        raise UrlMapError(f"{path}: is no table of URLs with the files that stand for them.")
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
