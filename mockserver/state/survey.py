"""Lists the files in a state folder, without changing it: usable values, damaged ones and leftovers."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from mockserver.state.blobs import named_in
from mockserver.state.disk import DAMAGED, PARTIAL
from mockserver.state.layout import BLOBS, INCOMING, VALUES, files_in, is_blob_id, number_in, row_in
from mockserver.state.value_rules import ValueRules, check_bytes

if TYPE_CHECKING:
    from mockserver.state.protocols import Value

_MAX_VALUE_BYTES = 1 << 27  # bytes of a value file; a value is at most half as large


class Kept(NamedTuple):
    """A usable value, and the number of its file."""

    number: int
    kind: str
    account: str
    key: str
    value: Value


class Damaged(NamedTuple):
    """A value file that cannot be used: its path, the value as far as it is named, and the reason."""

    path: Path
    what: str
    reason: str


class Survey(Struct):
    """The content of a state folder."""

    kept: list[Kept] = []
    damaged: list[Damaged] = []
    incomplete: list[Path] = []
    unsettled: list[Path] = []  # blobs in ``incoming/`` that a value names
    unnamed: list[Path] = []  # blobs in ``blobs/`` that no value names
    foreign: list[Path] = []  # files that no server writes
    set_aside: int = 0  # number of files that earlier starts set aside
    sizes: dict[str, int] = {}  # bytes of each blob
    next_number: int = 0  # of the next new value file

    @property
    def counts(self) -> Counter[str]:
        """Return the number of values of each kind."""
        return Counter(each.kind for each in self.kept)


def survey(folder: Path, rules: ValueRules) -> Survey:
    """Return the content of a state folder. Raises ``OSError`` if it cannot be listed."""
    found = Survey()
    _list_blobs(folder, found)
    incoming = _list_incoming(folder, found)
    settled = found.sizes
    found.sizes = {path.name: path.lstat().st_size for path in incoming} | settled
    _read_values(folder, rules, found)
    named = {blob_id for each in found.kept for blob_id in named_in(each.value)}
    for path in incoming:
        is_needed = path.name in named and path.name not in settled
        (found.unsettled if is_needed else found.incomplete).append(path)
    found.unnamed = [folder / BLOBS / blob_id for blob_id in settled if blob_id not in named]
    found.sizes = {
        blob_id: size for blob_id, size in found.sizes.items() if blob_id in settled or blob_id in named
    }
    found.set_aside = sum(1 for name in (VALUES, BLOBS) for _ in files_in(folder / name / DAMAGED))
    return found


def unnamed_in_words(found: Survey) -> str:
    """Return a message about the blobs that no value names, with the remedy."""
    return (
        f"{len(found.unnamed)} files in {found.unnamed[0].parent} are named by no object. Restore the "
        "files of these objects in 'values', from a backup or from 'damaged', or remove the blobs"
    )


def _list_blobs(folder: Path, found: Survey) -> None:
    for path, is_file in files_in(folder / BLOBS):
        if is_file and is_blob_id(path.name):
            found.sizes[path.name] = path.lstat().st_size
        else:
            found.foreign.append(path)


def _list_incoming(folder: Path, found: Survey) -> list[Path]:
    """Return the paths of the blobs in ``incoming/``, and note foreign files in ``found``."""
    incoming: list[Path] = []
    for path, is_file in files_in(folder / INCOMING):
        (incoming if is_file and is_blob_id(path.name) else found.foreign).append(path)
    return incoming


def _read_values(folder: Path, rules: ValueRules, found: Survey) -> None:
    """Read the values of a folder into ``found``. Of two with the same key, the older one counts as damaged."""
    latest: dict[tuple[str, str, str], Kept] = {}
    for path, is_file in files_in(folder / VALUES):
        number = number_in(path.name)
        if number is not None:
            found.next_number = number + 1
        if not is_file or number is None:
            found.foreign.append(path)
        elif path.suffix == PARTIAL:
            found.incomplete.append(path)
        elif kept := _value_in(path, number, rules, found):
            before = latest.pop((kept.kind, kept.account, kept.key), None)
            latest[kept.kind, kept.account, kept.key] = kept
            if before is not None:
                older = path.with_name(f"{before.number:012}.json")
                what = _what(before.kind, before.account, before.key)
                found.damaged.append(Damaged(older, what, f"{path.name} is newer"))
    found.kept = list(latest.values())
    for path, _ in files_in(folder / VALUES / DAMAGED):
        number = number_in(path.name)
        found.next_number = max(found.next_number, 0 if number is None else number + 1)


def _value_in(path: Path, number: int, rules: ValueRules, found: Survey) -> Kept | None:
    """Return the value in a file; ``None`` if it cannot be used, which is noted in ``found``."""
    what = "a value"
    try:
        if path.lstat().st_size > _MAX_VALUE_BYTES:
            raise ValueError("it is larger than any value can be")
        row = row_in(path.read_bytes())
        kind, account, key, value = row["kind"], row["account"], row["key"], row["value"]
        what = _what(kind, account, key)
        rules.check(kind, account, key, value)
        kept = Kept(number, kind, account, key, value)
        check_bytes(kept.value, found.sizes.get)
    except (ValueError, OSError, RecursionError) as error:
        found.damaged.append(Damaged(path, what, str(error)))
        return None
    return kept


def _what(kind: object, account: object, key: object) -> str:
    """Return a description of a value by kind, key and account, shortened."""
    kind, account, key = (
        each[:80] if isinstance(each, str) else f"({type(each).__name__})" for each in (kind, account, key)
    )
    return f"{kind} {key!r} of {account!r}"
