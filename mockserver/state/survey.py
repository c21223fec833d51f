"""Lists the content of a state folder, without changing it: usable values, damaged ones and leftovers."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from mockserver.state.arrivals import left_behind
from mockserver.state.blobs import named_in
from mockserver.state.disk import DAMAGED, PARTIAL
from mockserver.state.layout import (
    BLOBS,
    INCOMING,
    LOCK,
    VALUES,
    files_in,
    folders_in,
    is_blob_id,
    number_in,
    row_in,
)
from mockserver.state.value_rules import ValueRules, check_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mockserver.state.protocols import Value

_MAX_VALUE_BYTES = 1 << 27  # bytes of a value file; a value is at most half as large

Name = tuple[str, str, str]  # kind, account and key of a value


STORED = "SELECT place, kind, account, key, value FROM documents ORDER BY place"


class Stored(NamedTuple):
    """A row of the query ``STORED``: a value in the database, as JSON, and its place there."""

    place: int
    kind: str
    account: str
    key: str
    value: bytes


class ValueFile(NamedTuple):
    """A usable value in a file, which is not in the database yet."""

    path: Path
    kind: str
    account: str
    key: str
    value: Value


class Damaged(NamedTuple):
    """A value that cannot be used: where it is, what it is as far as that is known, and the reason."""

    source: Stored | Path
    what: str
    reason: str


class Survey(Struct):
    """The content of a state folder."""

    counts: Counter[str]  # usable values of each kind
    files: list[ValueFile] = []
    damaged: list[Damaged] = []
    incomplete: list[Path] = []
    unsettled: list[Path] = []  # blobs of ended processes that a value names
    unnamed: list[Path] = []  # blobs in ``blobs/`` that no value names
    foreign: list[Path] = []  # files that no server writes
    set_aside: int = 0  # number of files that earlier starts set aside
    sizes: dict[str, int] = {}  # bytes of each blob


def survey(folder: Path, stored: Iterable[Stored], rules: ValueRules) -> Survey:
    """Return the content of a state folder with these values in its database.

    Raises ``OSError`` if the folder cannot be listed.
    """
    found, named = Survey(Counter()), set[str]()
    _list_blobs(folder, found)
    incoming = arrived(folder / INCOMING)
    settled = found.sizes
    found.sizes = {path.name: path.lstat().st_size for path in incoming} | settled
    names = _check_stored(stored, rules, found, named)
    _read_files(folder, names, rules, found, named)
    for path in incoming:
        is_needed = path.name in named and path.name not in settled
        (found.unsettled if is_needed else found.incomplete).append(path)
    found.unnamed = [folder / BLOBS / blob_id for blob_id in settled if blob_id not in named]
    found.sizes = {
        blob_id: size for blob_id, size in found.sizes.items() if blob_id in settled or blob_id in named
    }
    found.set_aside = sum(1 for name in (VALUES, BLOBS) for _ in files_in(folder / name / DAMAGED))
    return found


def arrived(incoming: Path) -> list[Path]:
    """Return the paths of the blobs in ``incoming/`` that ended processes have left there."""
    folders = (incoming, *left_behind(incoming))  # earlier versions had no folders in it
    return [
        path for folder in folders for path, is_file in files_in(folder) if is_file and is_blob_id(path.name)
    ]


def unnamed_in_words(found: Survey) -> str:
    """Return a message about the blobs that no value names, with the remedy."""
    return (
        f"{len(found.unnamed)} files in {found.unnamed[0].parent} are named by no object. Restore the "
        "files of these objects in 'values', from a backup or from 'damaged', or remove the blobs"
    )


def _list_blobs(folder: Path, found: Survey) -> None:
    """Note the blobs that are settled, and the foreign files beside blobs, in ``found``."""
    for path, is_file in files_in(folder / BLOBS):
        if is_file and is_blob_id(path.name):
            found.sizes[path.name] = path.lstat().st_size
        else:
            found.foreign.append(path)
    for place in (folder / INCOMING, *folders_in(folder / INCOMING)):
        own = {path for path, is_file in files_in(place) if is_file and is_blob_id(path.name)}
        own |= {place / LOCK} if place.name != INCOMING else {*folders_in(place)}
        found.foreign += [path for path, _ in files_in(place) if path not in own]


def _check_stored(
    stored: Iterable[Stored], rules: ValueRules, found: Survey, named: set[str]
) -> dict[Name, int]:
    """Check the values of the database. Return hashes of the usable ones, and add the blobs that they name."""
    usable: dict[Name, int] = {}
    for each in stored:
        _, kind, account, key, content = each
        try:
            value = json.loads(content)
            rules.check(kind, account, key, value)
            check_bytes(value, found.sizes.get)
        except (ValueError, TypeError, RecursionError) as error:
            found.damaged.append(Damaged(each, _what(kind, account, key), str(error)))
            continue
        usable[kind, account, key] = hash(content)
        named.update(named_in(value))
        found.counts[kind] += 1
    return usable


def _read_files(
    folder: Path, stored: dict[Name, int], rules: ValueRules, found: Survey, named: set[str]
) -> None:
    """Read the values in files into ``found``. Of two with the same key, the older one counts as damaged."""
    latest: dict[Name, ValueFile] = {}
    for path, is_file in files_in(folder / VALUES):
        if not is_file or number_in(path.name) is None:
            found.foreign.append(path)
        elif path.suffix == PARTIAL:
            found.incomplete.append(path)
        elif file := _value_in(path, rules, found):
            name, what = file[1:4], _what(*file[1:4])
            before = latest.pop(name, None)
            if before is not None:
                found.damaged.append(Damaged(before.path, what, f"{path.name} is newer"))
            if name in stored and stored[name] != hash(json.dumps(file.value).encode()):
                found.damaged.append(Damaged(path, what, "the database has another value"))
            else:
                latest[name] = file
    for name, file in latest.items():
        found.files.append(file)
        named.update(named_in(file.value))
        found.counts[file.kind] += name not in stored


def _value_in(path: Path, rules: ValueRules, found: Survey) -> ValueFile | None:
    """Return the value in a file; ``None`` if it cannot be used, which is noted in ``found``."""
    what = "a value"
    try:
        if path.lstat().st_size > _MAX_VALUE_BYTES:
            raise ValueError("it is larger than any value can be")
        row = row_in(path.read_bytes())
        kind, account, key, value = row["kind"], row["account"], row["key"], row["value"]
        what = _what(kind, account, key)
        rules.check(kind, account, key, value)
        check_bytes(value, found.sizes.get)
    except (ValueError, OSError, RecursionError) as error:
        found.damaged.append(Damaged(path, what, str(error)))
        return None
    return ValueFile(path, kind, account, key, value)


def _what(kind: object, account: object, key: object) -> str:
    """Return a description of a value by kind, key and account, shortened."""
    kind, account, key = (
        each[:80] if isinstance(each, str) else f"({type(each).__name__})" for each in (kind, account, key)
    )
    return f"{kind} {key!r} of {account!r}"
