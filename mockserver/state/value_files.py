"""Writes the values of the store to files, one for each, numbered in the order of creation."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mockserver.state.disk import discard, stage, sync
from mockserver.state.layout import VALUES

if TYPE_CHECKING:
    from mockserver.state.disk import Troubles
    from mockserver.state.folder import Folder
    from mockserver.state.protocols import Change, Value
    from mockserver.state.survey import Survey

_Name = tuple[str, str, str]


class ValueFiles:
    """The value files of a state folder, of which some were ``found`` at the start."""

    def __init__(self, folder: Folder, troubles: Troubles, found: Survey) -> None:
        self._folder = folder.folder(VALUES)
        self._troubles = troubles
        self._lock = threading.Lock()
        self._numbers: dict[_Name, int] = {
            (each.kind, each.account, each.key): each.number for each in found.kept
        }
        self._next = found.next_number

    def write(self, changes: Sequence[Change]) -> None:
        """Write changes of the store. All of them are on the disk when the method returns.

        New content is first written to temporary files, so that a full disk changes nothing. Raises ``StateFailed``.
        """
        with self._lock:
            last: dict[_Name, Change] = {}
            for change in changes:
                name = (change.kind, change.account, change.key)
                last.pop(name, None)
                last[name] = change
            removed = {name for name in _removed(changes) if name in self._numbers}
            new = {
                name: self._next + place
                for place, name in enumerate(
                    name for name in last if name in removed or name not in self._numbers
                )
            }
            staged: list[tuple[Path, Path]] = []
            try:
                for name, change in last.items():
                    if change.after is not None:
                        path = self._path(new.get(name, self._numbers.get(name, 0)))
                        staged.append((stage(path, _row(name, change.after)), path))
                for partial, path in staged:
                    partial.replace(path)
                for name in removed:
                    self._path(self._numbers[name]).unlink(missing_ok=True)
                sync(self._folder)
            except OSError as error:
                for partial, _ in staged:
                    discard(partial)
                raise self._troubles.failed(self._folder, error) from error
            for name in removed:
                del self._numbers[name]
            self._numbers |= {name: number for name, number in new.items() if last[name].after is not None}
            self._next += len(new)

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:012}.json"


def _removed(changes: Sequence[Change]) -> set[_Name]:
    """Return the names of values that were removed, even if added again: they get a new number then."""
    return {(each.kind, each.account, each.key) for each in changes if each.after is None}


def _row(name: _Name, value: Value) -> bytes:
    kind, account, key = name
    return json.dumps({"kind": kind, "account": account, "key": key, "value": value}).encode()
