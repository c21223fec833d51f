"""Stubs that are written down: folders of YAML and JSON files, read at the start and when they change."""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mockserver.resources import data_folder
from mockserver.scripting.stubs.located import Located, Place, SourceError
from mockserver.scripting.stubs.text import dotted, line_named, schema_error, stubs_in
from mockserver.settings.model import SettingsError
from mockserver.validation.schemas import Schemas

log = logging.getLogger(__name__)

Check = Callable[[dict[str, Any]], object]

_ENDINGS = (".yaml", ".yml", ".json")
_MAX_FILE_BYTES = 1 << 25  # bytes
_NOT_OF_IDS = re.compile(r"[^A-Za-z0-9._-]")
_MAX_STEM = 180  # characters of an id
_PATIENCE = 20  # times as long as it takes to look, the watcher waits before it looks again


class StubFileError(SettingsError):
    """The stubs that the settings name cannot be used. The message names file, line, place and remedy.

    ``missing`` is the file that a reply names, where what is wrong is that there is none.
    """

    def __init__(self, message: str, missing: Path | None = None) -> None:
        super().__init__(message)
        self.missing = missing


@dataclass(frozen=True, slots=True)
class StubDocument:
    """A stub as it is written down, with an id. ``source`` is its file and line.

    The files that its replies name are relative to ``folder``.
    """

    document: dict[str, Any]
    source: str
    folder: Path


def load_stubs(folders: Sequence[Path], check: Check, schemas: Schemas | None = None) -> list[StubDocument]:
    """Return the stubs of the ``*.yaml``, ``*.yml`` and ``*.json`` files of some folders, by folder, name and line.

    ``check`` raises ``ValueError``, whose message begins with the place, for a stub that satisfies its
    schema and still makes no sense. Raises ``StubFileError`` for the first that cannot be used.
    """
    reader = _Reader(check, schemas or Schemas(data_folder("schemas")))
    for folder in folders:
        for path in _files_of(folder):
            reader.read(path)
    return reader.found


class StubWatcher:
    """Reads the stubs of some folders again when a file of them comes, goes or changes.

    ``on_change`` is given the new set. Of a set that cannot be used the log tells once, and the old one stays.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        on_change: Callable[[list[StubDocument]], None],
        check: Check,
        closing: threading.Event,
        interval: float = 0.5,
    ) -> None:
        """Take an ``interval`` in seconds; it is longer where looking takes long. ``closing`` ends the thread."""
        self._folders = tuple(folders)
        self._on_change = on_change
        self._check = check
        self._closing = closing
        self._interval = interval
        self._missing: Path | None = None
        self._failure = ""  # of the last look, which is told once
        self._seen = self._look()

    def start(self) -> None:
        """Watch in a thread of its own, for changes since the watcher was made."""
        threading.Thread(target=self._watch, name="stubs", daemon=True).start()

    def poll(self) -> None:
        """Look once, and read the stubs if anything is not as it was."""
        now = self._look()
        if now == self._seen and not (self._missing and _is_file(self._missing)):
            return
        self._seen, self._missing = now, None
        try:
            documents = load_stubs(self._folders, self._check)
        except StubFileError as error:
            self._missing = error.missing
            log.error("%s The stubs stay as they were.", error)
            return
        self._on_change(documents)
        log.info("%d stubs loaded anew.", len(documents))

    def _watch(self) -> None:
        pause = self._interval
        while not self._closing.wait(pause):
            began = time.monotonic()
            try:
                self.poll()
                self._failure = ""
            except Exception as error:
                if repr(error) != self._failure:
                    log.exception("The stubs cannot be read again, and stay as they were.")
                self._failure = repr(error)
            pause = max(self._interval, _PATIENCE * (time.monotonic() - began))

    def _look(self) -> dict[Path, tuple[int, int, int] | None]:
        """Return the identity, size and time of change of every file; ``None`` for what cannot be looked at."""
        seen: dict[Path, tuple[int, int, int] | None] = {}
        for folder in self._folders:
            try:
                seen |= {path: _state(path) for path in _entries(folder)}
            except OSError:
                seen[folder] = None
        return seen


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _files_of(folder: Path) -> list[Path]:
    try:
        return _entries(folder)
    except NotADirectoryError as error:
        raise StubFileError(f"{folder}: is not a folder. Give the folder that the file is in.") from error
    except FileNotFoundError as error:
        raise StubFileError(f"{folder}: there is no such folder. Make it, or name another.") from error
    except OSError as error:
        raise StubFileError(f"{folder}: cannot be read: {error.strerror}. Give a folder of stubs.") from error


def _entries(folder: Path) -> list[Path]:
    """Return what should be files of stubs, in the order of their names. Raises ``OSError``."""
    with os.scandir(folder) as entries:
        names = [
            entry.name
            for entry in entries
            if entry.name.endswith(_ENDINGS) and not entry.name.startswith(".") and not _is_folder(entry)
        ]
    return [folder / name for name in sorted(names)]


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size <= _MAX_FILE_BYTES and path.is_file():
            return path.read_bytes()
    except OSError as error:
        raise StubFileError(f"{path}: cannot be read: {error.strerror}. Mend it, or take it away.") from error
    raise StubFileError(
        f"{path}: is not a file of at most {_MAX_FILE_BYTES} bytes. Part it, or take it away."
    )


class _Reader:
    """Reads one file after the other, and gives every stub its id."""

    def __init__(self, check: Check, schemas: Schemas) -> None:
        self.found: list[StubDocument] = []
        self._check = check
        self._schemas = schemas
        self._numbers: Counter[str] = Counter()  # of stubs, by the name of the file
        self._sources: dict[str, str] = {}  # of stubs, by id

    def read(self, path: Path) -> None:
        """Read the stubs of a file. Raises ``StubFileError``."""
        try:
            for located, place, stub in stubs_in(_content(path), is_json=path.suffix == ".json"):
                self._check_stub(stub, located, place)
                _check_files(path, stub, located, place)
                self._take(path, stub, located, place)
        except SourceError as error:
            raise StubFileError(f"{path}:{error.line}: {error}") from error
        except (MemoryError, RecursionError) as error:
            raise StubFileError(f"{path}: takes too much to read: {error!r}. Part it.") from error

    def _check_stub(self, stub: Any, located: Located, place: Place) -> None:
        if not self._schemas.is_valid("mock/stub", stub):
            raise schema_error(self._schemas.violations("mock/stub", stub), located, place)
        try:
            self._check(stub)
        except ValueError as error:
            raise SourceError(line_named(str(error), located, place), str(error)) from error

    def _take(self, path: Path, stub: dict[str, Any], located: Located, place: Place) -> None:
        stem = _NOT_OF_IDS.sub("-", path.stem)[:_MAX_STEM]
        self._numbers[stem] += 1
        id_ = stub.get("id", f"{stem}:{self._numbers[stem]}")
        source = f"{path}:{located.line_of(place)}"
        if id_ in self._sources:
            message = f"id: {id_!r} is that of the stub at {self._sources[id_]}, too. Give each its own."
            raise SourceError(located.line_of((*place, "id")), message)
        self._sources[id_] = source
        self.found.append(StubDocument({**stub, "id": id_}, source, path.parent))


def _check_files(path: Path, stub: dict[str, Any], located: Located, place: Place) -> None:
    """Raise ``StubFileError`` for a file that a reply names and that is not there."""
    for where, reply in _replies(stub):
        for member in ("audio", "file"):
            named = reply.get(member)
            if isinstance(named, str) and not _is_file(path.parent / named):
                line = located.line_of((*place, *where, member))
                raise StubFileError(
                    f"{path}:{line}: {dotted((*where, member))}: there is no file {path.parent / named}. "
                    f"Paths are relative to {path.parent}.",
                    missing=path.parent / named,
                )


def _replies(stub: dict[str, Any]) -> Iterator[tuple[Place, dict[str, Any]]]:
    if "reply" in stub:
        yield ("reply",), stub["reply"]
    yield from ((("replies", number), reply) for number, reply in enumerate(stub.get("replies", ())))
