"""Reads folders of stub files (YAML and JSON), at the start and when they change."""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from mockserver.resources import data_folder
from mockserver.scripting.stubs.text import schema_error, stubs_in
from mockserver.settings.model import SettingsError
from mockserver.validation.located import Located, Place, SourceError, dotted
from mockserver.validation.schemas import Schemas

log = logging.getLogger(__name__)

Check = Callable[[dict[str, Any]], object]

_ENDINGS = (".yaml", ".yml", ".json")
_MAX_FILE_BYTES = 1 << 25  # bytes
_NOT_OF_IDS = re.compile(r"[^A-Za-z0-9._-]")
_MAX_STEM = 180  # characters of a file name that its stubs' ids begin with
_PAUSE = 20  # the watcher pauses at least this many times as long as one look takes


class StubFileError(SettingsError):
    """An invalid stub file. The message names file, line, place and remedy.

    ``missing`` is the file that a reply names, if the error is that it does not exist.
    """

    def __init__(self, message: str, missing: Path | None = None) -> None:
        super().__init__(message)
        self.missing = missing


class StubDocument(Struct, frozen=True):
    """The document of a stub in a file, with an id. ``source`` is its file and line.

    Paths in its replies are relative to ``folder``.
    """

    document: dict[str, Any]
    source: str
    folder: Path


def load_stubs(folders: Sequence[Path], check: Check, schemas: Schemas | None = None) -> list[StubDocument]:
    """Return the stubs of the ``*.yaml``, ``*.yml`` and ``*.json`` files in folders, ordered by folder, name and line.

    ``check`` raises ``ValueError``, with a message that begins with the place, for a stub that satisfies its
    schema but is invalid. Raises ``StubFileError`` for the first invalid stub.
    """
    reader = _Reader(check, schemas or Schemas(data_folder("schemas")))
    for folder in folders:
        for path in _files_of(folder):
            reader.read(path)
    return reader.found


class StubWatcher:
    """Reloads the stubs of folders when one of their files is added, removed or changed.

    Calls ``on_change`` with the new stubs. If they are invalid, logs that once and keeps the old ones.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        on_change: Callable[[list[StubDocument]], None],
        check: Check,
        closing: threading.Event,
        interval: float = 0.5,
    ) -> None:
        """Take an ``interval`` in seconds, which grows if a look takes long. ``closing`` ends the thread."""
        self._folders = tuple(folders)
        self._on_change = on_change
        self._check = check
        self._closing = closing
        self._interval = interval
        self._missing: Path | None = None
        self._failure = ""  # of the last look; each is logged once
        self._seen = self._look()

    def start(self) -> None:
        """Start a thread that watches for changes since the watcher was created."""
        threading.Thread(target=self._watch, name="stubs", daemon=True).start()

    def poll(self) -> None:
        """Look once, and reload the stubs if a file has changed."""
        now = self._look()
        if now == self._seen and not (self._missing and _is_file(self._missing)):
            return
        self._seen, self._missing = now, None
        try:
            documents = load_stubs(self._folders, self._check)
        except StubFileError as error:
            self._missing = error.missing
            log.error("%s The stubs were not reloaded.", error)
            return
        self._on_change(documents)
        log.info("%d stubs reloaded.", len(documents))

    def _watch(self) -> None:
        pause = self._interval
        while not self._closing.wait(pause):
            began = time.monotonic()
            try:
                self.poll()
                self._failure = ""
            except Exception as error:
                if repr(error) != self._failure:
                    log.exception("The stubs could not be reloaded.")
                self._failure = repr(error)
            pause = max(self._interval, _PAUSE * (time.monotonic() - began))

    def _look(self) -> dict[Path, tuple[int, int, int] | None]:
        """Return inode, size and modification time of every file; ``None`` for one that cannot be read."""
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
    except OSError:  # a link to itself
        return False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # an invalid file name
        return False


def _files_of(folder: Path) -> list[Path]:
    try:
        return _entries(folder)
    except NotADirectoryError as error:
        raise StubFileError(f"Not a folder: {folder}. Give the folder that the file is in.") from error
    except FileNotFoundError as error:
        raise StubFileError(f"No such folder: {folder}. Create it, or choose another.") from error
    except OSError as error:
        raise StubFileError(
            f"{folder}: cannot be read: {error.strerror}. Choose a folder that can be read."
        ) from error


def _entries(folder: Path) -> list[Path]:
    """Return the paths of the stub files, ordered by name. Raises ``OSError``."""
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
        raise StubFileError(f"{path}: cannot be read: {error.strerror}. Fix it, or remove it.") from error
    raise StubFileError(f"{path}: is not a file of at most {_MAX_FILE_BYTES} bytes. Split it, or remove it.")


class _Reader:
    """Reads files one by one, and gives every stub its id."""

    def __init__(self, check: Check, schemas: Schemas) -> None:
        self.found: list[StubDocument] = []
        self._check = check
        self._schemas = schemas
        self._numbers: Counter[str] = Counter()  # of stubs, by file name
        self._sources: dict[str, str] = {}  # file and line, by id

    def read(self, path: Path) -> None:
        """Read the stubs of a file. Raises ``StubFileError``."""
        try:
            for located, place, stub in stubs_in(_content(path), is_json=path.suffix == ".json"):
                self._check_stub(stub, located, place)
                _check_files(path, stub, located, place)
                self._take(path, stub, located, place)
        except SourceError as error:
            raise StubFileError(f"{path}:{error.mark.line}: {error}") from error
        except (MemoryError, RecursionError) as error:
            raise StubFileError(
                f"{path}: takes too much memory or depth to read: {error!r}. Split it."
            ) from error

    def _check_stub(self, stub: Any, located: Located, place: Place) -> None:
        if not self._schemas.is_valid("mock/stub", stub):
            raise schema_error(self._schemas.violations("mock/stub", stub), located, place)
        try:
            self._check(stub)
        except ValueError as error:
            raise SourceError(located.mark_named(str(error), place), str(error)) from error

    def _take(self, path: Path, stub: dict[str, Any], located: Located, place: Place) -> None:
        stem = _NOT_OF_IDS.sub("-", path.stem)[:_MAX_STEM]
        self._numbers[stem] += 1
        id_ = stub.get("id", f"{stem}:{self._numbers[stem]}")
        source = f"{path}:{located.mark_of(place).line}"
        if id_ in self._sources:
            message = f"id: {id_!r} is already used by the stub at {self._sources[id_]}. Choose another."
            raise SourceError(located.mark_of((*place, "id")), message)
        self._sources[id_] = source
        self.found.append(StubDocument({**stub, "id": id_}, source, path.parent))


def _check_files(path: Path, stub: dict[str, Any], located: Located, place: Place) -> None:
    """Raise ``StubFileError`` if a file that a reply names does not exist."""
    for where, reply in _replies(stub):
        for member in ("audio", "file"):
            named = reply.get(member)
            if isinstance(named, str) and not _is_file(path.parent / named):
                line = located.mark_of((*place, *where, member)).line
                raise StubFileError(
                    f"{path}:{line}: {dotted((*where, member))}: no such file: {path.parent / named}. "
                    f"Paths are relative to {path.parent}.",
                    missing=path.parent / named,
                )


def _replies(stub: dict[str, Any]) -> Iterator[tuple[Place, dict[str, Any]]]:
    if "reply" in stub:
        yield ("reply",), stub["reply"]
    yield from ((("replies", number), reply) for number, reply in enumerate(stub.get("replies", ())))
