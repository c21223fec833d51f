"""Opens the documents and the blobs of a server, in memory or in a state folder."""

from __future__ import annotations

import json
import logging
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from mockserver.state.arrivals import left_behind, remove_empty
from mockserver.state.blobs import Blobs, References
from mockserver.state.disk import (
    StateFailed,
    Troubles,
    discard,
    private_folder,
    set_aside,
    tighten,
    write_whole,
)
from mockserver.state.folder import Folder
from mockserver.state.layout import (
    BLOBS,
    DATABASE,
    INCOMING,
    VALUES,
    StateFolderError,
    files_in,
    is_blob_id,
    mark,
    number_in,
    row_of,
)
from mockserver.state.memory.documents import MemoryDocuments
from mockserver.state.shared import MEMORY, SQLITE
from mockserver.state.survey import STORED, Stored, arrived, survey, unnamed_in_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.state.protocols import BlobStore, Documents
    from mockserver.state.shared import SharedState
    from mockserver.state.sqlite.documents import SqliteDocuments
    from mockserver.state.survey import Damaged, Survey
    from mockserver.state.value_rules import ValueRules

log = logging.getLogger(__name__)

_BESIDE = "-documents"  # what the name of the folder beside a database has at its end
_MAX_LOGGED = 20  # damaged or foreign files that are logged one by one


def open_state(
    path: str, rules: ValueRules, *, store: str = MEMORY, shared: SharedState | None = None
) -> tuple[Documents, BlobStore]:
    """Return the documents and the blobs of a server, in the folder ``path`` and the ``store`` of the settings.

    Without a folder, the store decides: memory keeps all in memory, SQLite in a folder beside its database, Redis in
    Redis, with the connections of the ``shared`` state. With SQLite, several processes can have the folder. Values
    that violate the ``rules`` are set aside. Raises ``StateFolderError`` if the folder cannot be used, is not a state
    folder, or is used by another server.
    """
    if shared is not None and shared.open_documents is not None:
        return _in_the_store(shared.open_documents, path)
    troubles = Troubles()
    scheme, _, place = store.partition(":")
    folder_path = path or (f"{place}{_BESIDE}" if scheme == SQLITE else "")
    if not folder_path:
        documents, blobs = MemoryDocuments(), Blobs(None, troubles)
        References(blobs).follow(documents)
        return documents, blobs
    folder = Folder(Path(folder_path).absolute(), shared=scheme != MEMORY)
    try:
        return _open(
            folder, rules, troubles, shared=scheme != MEMORY, synchronous="FULL" if path else "NORMAL"
        )
    except (OSError, StateFailed) as error:
        folder.close()
        raise _unusable(folder.path, error) from error
    except StateFolderError:
        folder.close()
        raise


def _in_the_store(
    open_documents: Callable[[], tuple[Documents, BlobStore]], path: str
) -> tuple[Documents, BlobStore]:
    if path:
        raise StateFolderError(
            "state: a store in Redis has all files and objects itself. Remove the setting state; for large files, add "
            "?blobs=FOLDER to the URL of the store."
        )
    return open_documents()


def _open(
    folder: Folder, rules: ValueRules, troubles: Troubles, *, shared: bool, synchronous: str
) -> tuple[Documents, BlobStore]:
    """Open a locked folder. If no other process has it open, all of its values are checked."""
    from mockserver.state.sqlite.database import Database
    from mockserver.state.sqlite.documents import SqliteDocuments

    for name in (VALUES, BLOBS, INCOMING):
        _tighten(folder.path / name)
    database = Database(folder.path / DATABASE, synchronous=synchronous, troubles=troubles)
    try:
        with database.transaction() as cursor:  # until the end, no other process opens the folder
            blobs = Blobs(folder, troubles)
            store = SqliteDocuments(database, blobs, shared=shared)
            store.delete_unnamed()
            found = _check(folder.path, cursor, rules) if folder.is_alone else None
            if found is not None:
                _take_in(folder.path, store, found)
            _clear_arrivals(folder.path, cursor)
        if found is not None:
            _end_import(folder.path, found)
            database.reserve()
    except BaseException:
        database.close()
        raise
    return store, blobs


def _unusable(folder: Path, error: OSError | StateFailed) -> StateFolderError:
    if isinstance(error, StateFailed):
        return StateFolderError(
            f"state: {error}. Restore this file from a backup, move it out of the folder, or name another folder."
        )
    return StateFolderError(
        f"state: {error.filename or folder} cannot be used ({error.strerror}). Allow this user to read and write "
        "all of it, or name another folder."
    )


def _tighten(folder: Path) -> None:
    """Restrict a folder and the server's files in it to the owner: earlier versions let others read them."""
    if folder.is_dir():
        tighten(folder)
    for path, is_file in files_in(folder):
        if is_file and (is_blob_id(path.name) or number_in(path.name) is not None):
            tighten(path)


def _check(folder: Path, cursor: sqlite3.Cursor, rules: ValueRules) -> Survey:
    """Return the content of the folder, and log what is wrong in it. Raises ``sqlite3.Error``."""
    (first,) = cursor.execute("PRAGMA quick_check(1)").fetchone()
    if first != "ok":
        raise sqlite3.DatabaseError(f"it is damaged ({first.splitlines()[-1]})")
    found = survey(folder, map(Stored._make, cursor.execute(STORED)), rules)
    for path in found.unnamed[:_MAX_LOGGED]:
        log.warning("state: no value names the blob %s. It is kept", path)
    if found.unnamed:
        log.warning("state: %s", unnamed_in_words(found))
    for path in found.foreign[:_MAX_LOGGED]:
        log.warning("state: %s is not a file of this server, and is left alone", path)
    return found


def _take_in(folder: Path, store: SqliteDocuments, found: Survey) -> None:
    """Take values in files into the database, and unusable ones out of it, within a transaction.

    Bytes that only unusable values name are kept: their values can be repaired and brought back.
    """
    for number, (source, what, reason) in enumerate(found.damaged):
        moved = set_aside(source if isinstance(source, Path) else _exported(folder, source))
        if number < _MAX_LOGGED:
            log.warning("state: %s cannot be used: %s. It is kept as %s", what, reason.rstrip("."), moved)
    if found.damaged:
        log.warning("state: %d values cannot be used and are set aside", len(found.damaged))
    store.take_in((file[1:] for file in found.files), (each.place for each in _stored(found.damaged)))


def _stored(damaged: list[Damaged]) -> list[Stored]:
    return [each.source for each in damaged if isinstance(each.source, Stored)]


def _exported(folder: Path, stored: Stored) -> Path:
    """Write an unusable value of the database to a file, and return that."""
    place, kind, account, key, content = stored
    try:
        value = json.loads(content)
    except (ValueError, TypeError, RecursionError):
        value = content.decode(errors="replace") if isinstance(content, bytes) else content
    path = private_folder(folder / VALUES) / f"{place:012}.json"
    write_whole(path, row_of(kind, account, key, value))
    return path


def _end_import(folder: Path, found: Survey) -> None:
    """Remove the files of values that are in the database now, and incomplete ones."""
    for file in found.files:
        file.path.unlink()
    if found.files:
        log.info("state: %d values in files are taken into the database", len(found.files))
    for path in found.incomplete:
        discard(path)
    if found.incomplete:
        log.info("state: %d incomplete files are removed", len(found.incomplete))
    mark(folder)


def _clear_arrivals(folder: Path, cursor: sqlite3.Cursor) -> None:
    """Settle the blobs of ended processes that a value names, and remove the others."""
    for path in arrived(folder / INCOMING):
        if cursor.execute("SELECT 1 FROM names WHERE blob = ?", (path.name,)).fetchone():
            path.replace(folder / BLOBS / path.name)
        else:
            discard(path)
    for ended in left_behind(folder / INCOMING):
        remove_empty(ended)
