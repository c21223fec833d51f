"""The values of the store as files: one for each, written as a whole, named by when it first came."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mockserver.state.folder import Folder, StateFailed, write_whole

if TYPE_CHECKING:
    from mockserver.double.store import Change, Value

log = logging.getLogger(__name__)


class ValueFiles:
    """Follows a store, so that the next server finds its values."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder.folder("values")
        self._lock = threading.Lock()
        self._numbers: dict[tuple[str, str, str], int] = {}
        self._next = 0

    def load(self) -> Iterator[tuple[str, str, str, Value]]:
        """Kind, account, key and value of each, in the order they came. What was half written is removed."""
        for path in self._folder.glob("*.tmp"):
            path.unlink()
        for path in sorted(self._folder.glob("*.json")):
            try:
                row = json.loads(path.read_bytes())
                kind, account, key, value = row["kind"], row["account"], row["key"], row["value"]
            except (ValueError, KeyError, TypeError):
                log.warning("%s holds no value and is removed", path)
                path.unlink()
                continue
            self._next = int(path.stem) + 1
            self._numbers[kind, account, key] = int(path.stem)
            yield kind, account, key, value

    def changed(self, changes: Sequence[Change]) -> None:
        """A listener of the store. Raises ``StateFailed``."""
        try:
            with self._lock:
                for change in changes:
                    self._follow(change)
        except OSError as error:
            raise StateFailed(f"{self._folder} cannot be written: {error}") from error

    def _follow(self, change: Change) -> None:
        name = (change.kind, change.account, change.key)
        if change.after is None:
            self._path(self._numbers.pop(name)).unlink(missing_ok=True)
            return
        if name not in self._numbers:
            self._numbers[name], self._next = self._next, self._next + 1
        row = {"kind": change.kind, "account": change.account, "key": change.key, "value": change.after}
        write_whole(self._path(self._numbers[name]), json.dumps(row).encode())

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:012}.json"
