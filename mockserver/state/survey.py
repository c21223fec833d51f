"""Lists what is in a state folder, without changing it: usable values, damaged ones and leftovers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mockserver.state.blobs import named_in
from mockserver.state.disk import DAMAGED, PARTIAL
from mockserver.state.layout import BLOBS, INCOMING, VALUES, files_in, is_blob_id, number_in, row_in
from mockserver.state.value_rules import ValueRules, check_bytes

if TYPE_CHECKING:
    from mockserver.state.memory import Value

_MAX_VALUE_BYTES = 1 << 27  # bytes of a value's file; a value is at most half as large


class Kept(NamedTuple):
    """A value that can be used, and the number of its file."""

    number: int
    kind: str
    account: str
    key: str
    value: Value


class Damaged(NamedTuple):
    """The file of a value that cannot be used: its object, as far as the file names it, and the reason."""

    path: Path
    what: str
    reason: str


@dataclass(slots=True)
class Survey:
    """What is in a state folder."""

    kept: list[Kept] = field(default_factory=list)
    damaged: list[Damaged] = field(default_factory=list)
    half_written: list[Path] = field(default_factory=list)
    unsettled: list[Path] = field(default_factory=list)  # bytes in ``incoming/`` that a value names
    unnamed: list[Path] = field(default_factory=list)  # bytes in ``blobs/`` that no value names
    foreign: list[Path] = field(default_factory=list)  # what no server has written
    set_aside: int = 0  # files that earlier servers could not use
    sizes: dict[str, int] = field(default_factory=dict)  # bytes of each blob
    next_number: int = 0  # of a new value's file

    @property
    def counts(self) -> Counter[str]:
        """Return how many values there are of each kind."""
        return Counter(each.kind for each in self.kept)


def survey(folder: Path, rules: ValueRules) -> Survey:
    """Return what a state folder has. Raises ``OSError`` where it cannot be listed."""
    found = Survey()
    _look_at_bytes(folder, found)
    incoming = _look_at_incoming(folder, found)
    settled = found.sizes
    found.sizes = {path.name: path.lstat().st_size for path in incoming} | settled
    _look_at_values(folder, rules, found)
    named = {blob_id for each in found.kept for blob_id in named_in(each.value)}
    for path in incoming:
        is_needed = path.name in named and path.name not in settled
        (found.unsettled if is_needed else found.half_written).append(path)
    found.unnamed = [folder / BLOBS / blob_id for blob_id in settled if blob_id not in named]
    found.sizes = {
        blob_id: size for blob_id, size in found.sizes.items() if blob_id in settled or blob_id in named
    }
    found.set_aside = sum(1 for name in (VALUES, BLOBS) for _ in files_in(folder / name / DAMAGED))
    return found


def unnamed_in_words(found: Survey) -> str:
    """Return how many bytes no value names, and what to do about them."""
    return (
        f"{len(found.unnamed)} files in {found.unnamed[0].parent} are kept though no object names them. Bring the "
        "files of these objects back into 'values', from a backup or from 'damaged', or remove the bytes"
    )


def _look_at_bytes(folder: Path, found: Survey) -> None:
    for path, is_file in files_in(folder / BLOBS):
        if is_file and is_blob_id(path.name):
            found.sizes[path.name] = path.lstat().st_size
        else:
            found.foreign.append(path)


def _look_at_incoming(folder: Path, found: Survey) -> list[Path]:
    """Return the bytes that are being written, or were when a server ended."""
    incoming: list[Path] = []
    for path, is_file in files_in(folder / INCOMING):
        (incoming if is_file and is_blob_id(path.name) else found.foreign).append(path)
    return incoming


def _look_at_values(folder: Path, rules: ValueRules, found: Survey) -> None:
    """Keep of two values with the same key the one that was written last."""
    latest: dict[tuple[str, str, str], Kept] = {}
    for path, is_file in files_in(folder / VALUES):
        number = number_in(path.name)
        if number is not None:
            found.next_number = number + 1
        if not is_file or number is None:
            found.foreign.append(path)
        elif path.suffix == PARTIAL:
            found.half_written.append(path)
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
    """Return the value in a file; ``None`` where it cannot be used, which is noted in ``found``."""
    what = "a value"
    try:
        if path.lstat().st_size > _MAX_VALUE_BYTES:
            raise ValueError("it is larger than any value")
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
    """Return a value in words, as far as its file names it."""
    kind, account, key = (
        each[:80] if isinstance(each, str) else f"({type(each).__name__})" for each in (kind, account, key)
    )
    return f"{kind} {key!r} of {account!r}"
