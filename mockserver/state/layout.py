"""The names and formats of the files in a state folder. Files with other names are foreign and left alone.

======================  ==================================================================================
``mockserver-state.json``  the marker: a JSON object with the ``format`` of the folder
``lock``                locked by the servers that use the folder; empty
``state.db``            the values, in an SQLite database; with ``-wal``, ``-shm`` and ``.lock`` at the end
``values/``             values that are not in the database yet, such as those of format 1: a file
                        ``<12 digits>.json`` for each; ``<12 digits>.tmp`` is incomplete
``blobs/``              a file ``<32 hex digits>`` for each blob that a value names
``incoming/``           the same for blobs that no value names yet, in a folder of each process
``values/damaged/``     values that could not be used
======================  ==================================================================================
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mockserver import strict_json
from mockserver.state.disk import DAMAGED, PARTIAL, write_whole

MARKER, LOCK, DATABASE = "mockserver-state.json", "lock", "state.db"
VALUES, BLOBS, INCOMING = "values", "blobs", "incoming"
FORMAT = 2  # of the state folders that this version writes; it reads those before, too

APPLICATION = 0x61756D6B  # in the header of a database: it is one of this program

_HEADER = b"SQLite format 3\0"
_APPLICATION_AT = slice(68, 72)  # bytes of the header
_FOLDERS = (VALUES, BLOBS, INCOMING)
_OF_DATABASE = (DATABASE, f"{DATABASE}.lock")
_MARKER_PARTIAL = Path(MARKER).with_suffix(PARTIAL).name
_LOST_AND_FOUND = "lost+found"  # in the root of an empty file system
_BLOB = re.compile("[0-9a-f]{32}")
_VALUE = re.compile(rf"([0-9]{{12}})(\.json|{re.escape(PARTIAL)})")
_MAX_MARKER = 1 << 12  # bytes
_ROW = ("kind", "account", "key", "value")  # the members of a value's file
_WHAT = "The state of a mock server for audio APIs. Remove the whole folder, or none of its files."


class StateFolderError(Exception):
    """A state folder cannot be used. The message names the folder and the remedy."""


def is_blob_id(text: str) -> bool:
    """Return whether ``text`` is a valid blob id. Snapshots can contain any id, and the id is a file name."""
    return _BLOB.fullmatch(text) is not None


def number_in(name: str) -> int | None:
    """Return the number in the name of a value file; ``None`` for any other name."""
    found = _VALUE.fullmatch(name)
    return int(found[1]) if found else None


def files_in(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Yield the entries of a folder by name, and whether each is a plain file (no folder, link or pipe).

    The folder for damaged files is left out. A missing folder has no entries.
    """
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.name != DAMAGED:
            yield Path(entry.path), entry.is_file(follow_symlinks=False)


def folders_in(folder: Path) -> Iterator[Path]:
    """Yield the folders of processes in ``incoming/``, which are named like blobs; no links."""
    with contextlib.suppress(FileNotFoundError):
        for entry in os.scandir(folder):
            if is_blob_id(entry.name) and entry.is_dir(follow_symlinks=False):
                yield Path(entry.path)


def is_marked(folder: Path) -> bool:
    """Return whether a folder has the marker. Raises ``StateFolderError`` for a damaged or newer one."""
    path = folder / MARKER
    if not os.path.lexists(path):
        return False
    found = _marker_in(path)
    if found > FORMAT:
        raise StateFolderError(
            f"state: {path}: a newer version wrote this folder, in format {found}; this version reads "
            f"format {FORMAT}. Start the newer version, or name another folder."
        )
    return True


def mark(folder: Path) -> None:
    """Write the marker to a folder, unless it is there."""
    path, content = folder / MARKER, json.dumps({"format": FORMAT, "what": _WHAT}).encode() + b"\n"
    if not path.exists() or path.read_bytes() != content:
        write_whole(path, content)


def check_is_ours(folder: Path) -> None:
    """Raise ``StateFolderError`` unless an existing folder has the marker, is empty, or is of an earlier version.

    Earlier versions wrote no marker. Their folders have ``lock`` and ``values/``, and no foreign files or folders.
    Changes nothing.
    """
    for name in (MARKER, LOCK, DATABASE):
        if os.path.lexists(folder / name) and not _is_plain_file(folder / name):
            raise StateFolderError(
                f"state: {folder / name} is not a file. Remove it, or name another folder."
            )
    for name in _FOLDERS:
        if os.path.lexists(folder / name) and not _is_plain_folder(folder / name):
            raise StateFolderError(
                f"state: {folder / name} is not a folder. Remove it, or name another folder."
            )
    if is_marked(folder):
        return
    names = {path.name for path, _ in files_in(folder)} - {_LOST_AND_FOUND, _MARKER_PARTIAL}
    if LOCK in names and (folder / LOCK).lstat().st_size == 0:
        names.remove(LOCK)
    if names and not _has_our_database(folder, names) and not _is_of_earlier_version(folder, names):
        shown = ", ".join(sorted(names)[:3]) + (", ..." if len(names) > 3 else "")
        raise StateFolderError(
            f"state: {folder} contains {shown} and no {MARKER}: it is not a state folder of this server. "
            "Name an empty folder, or one that does not exist yet."
        )


def row_in(content: bytes) -> dict[str, Any]:
    """Return the content of a value file, whose value is not checked. Raises ``ValueError``."""
    row = strict_json.parse(content)
    if not isinstance(row, dict) or set(row) != set(_ROW):
        raise ValueError(f"it is not a JSON object with {', '.join(_ROW)}")
    return row


def row_of(kind: str, account: str, key: str, value: object) -> bytes:
    """Return the content of a value file."""
    return json.dumps(dict(zip(_ROW, (kind, account, key, value), strict=True))).encode()


def _marker_in(path: Path) -> int:
    """Return the format number in a marker."""
    try:
        with path.open("rb") as file:
            found = strict_json.parse(file.read(_MAX_MARKER))
        number = found["format"]
        if type(number) is not int or number < 1:
            raise ValueError("format is not a number from 1 on")
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise StateFolderError(
            f"state: {path} is damaged ({error}). If the folder contains only the state of a server, remove "
            "this file: the next start writes it again. Otherwise name another folder."
        ) from error
    return number


def _has_our_database(folder: Path, names: set[str]) -> bool:
    """Return whether a folder has a database of this program, and otherwise only its folders."""
    if not {name for name in names if not name.startswith(f"{DATABASE}-")} <= {*_FOLDERS, *_OF_DATABASE}:
        return False
    with contextlib.suppress(OSError), (folder / DATABASE).open("rb") as file:
        header = file.read(100)
        is_ours = header[_APPLICATION_AT] == APPLICATION.to_bytes(4, "big")
        return header.startswith(_HEADER) and is_ours
    return False


def _is_of_earlier_version(folder: Path, names: set[str]) -> bool:
    if not names <= {*_FOLDERS} or VALUES not in names or not os.path.lexists(folder / LOCK):
        return False
    values = list(files_in(folder / VALUES))
    blobs = [*files_in(folder / BLOBS), *files_in(folder / INCOMING)]
    if not all(is_file and number_in(path.name) is not None for path, is_file in values):
        return False
    if not all(is_file and is_blob_id(path.name) for path, is_file in blobs):
        return False
    return not (values or blobs) or any(_is_row(path) for path, _ in values)


def _is_row(path: Path) -> bool:
    try:
        row_in(path.read_bytes())
    except (ValueError, OSError):
        return False
    return True


def _is_plain_file(path: Path) -> bool:
    return stat.S_ISREG(path.lstat().st_mode)


def _is_plain_folder(path: Path) -> bool:
    return stat.S_ISDIR(path.lstat().st_mode)
