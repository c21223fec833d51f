"""The files of all accounts: those that clients uploaded, and those that the server made for them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, BinaryIO

from mockserver.state.disk import StateFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.clock import Clock
    from mockserver.ids import Ids
    from mockserver.state.blobs import Blob, Blobs
    from mockserver.state.memory import MemoryStore

KIND = "file"

_DAY = 86_400  # seconds
# Seconds that files of a purpose stay where nobody says how long. Source: API reference, Upload file.
_LIFETIMES: Mapping[str, int] = {"batch": 30 * _DAY, "batch_output": 30 * _DAY}

FileObject = dict[str, Any]


class Files:
    """Files by account and id. An expired one is gone as soon as somebody asks for it. Thread-safe."""

    def __init__(self, store: MemoryStore, blobs: Blobs, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._blobs = blobs
        self._clock = clock
        self._ids = ids

    def add(
        self,
        account_id: str,
        blob: Blob,
        *,
        filename: str,
        purpose: str,
        lifetime: int | None = None,
        file_id: str = "",
    ) -> FileObject:
        """Make a file of committed bytes. ``lifetime`` is in seconds, else that of the purpose.

        A ``file_id`` is given where it was promised already; a file of that id is replaced. Raises ``StateFailed``,
        the bytes being forgotten.
        """
        now = int(self._clock.now())
        lifetime = lifetime or _LIFETIMES.get(purpose)
        file: FileObject = {
            "object": "file",
            "id": file_id or self._ids.file_id(),
            "purpose": purpose,
            "filename": filename,
            "bytes": blob.size,
            "created_at": now,
            "expires_at": now + lifetime if lifetime else None,
            "status": "processed",
            "status_details": None,
        }
        value = {"file": file, "sha256": blob.sha256, "blobs": [blob.id]}
        try:
            self._store.put(KIND, account_id, file["id"], value)
        except StateFailed:
            self._blobs.delete(blob.id)
            raise
        return file

    def get(self, account_id: str, file_id: str) -> FileObject | None:
        """Return the file object, or ``None``."""
        value = self._store.get(KIND, account_id, file_id)
        return value["file"] if value and not self._is_expired(account_id, value["file"]) else None

    def blob_id(self, account_id: str, file_id: str) -> str | None:
        """Return where its bytes are, or ``None``. They stay as long as a value of the store names the blob."""
        value = self._store.get(KIND, account_id, file_id)
        return value["blobs"][0] if value else None

    def list(self, account_id: str) -> list[FileObject]:
        """Return all of an account, oldest first."""
        files = [value["file"] for value in self._store.values(KIND, account_id)]
        return [file for file in files if not self._is_expired(account_id, file)]

    def open(self, account_id: str, file_id: str) -> BinaryIO:
        """Read the bytes. Raises ``KeyError`` when there is no such file."""
        value = self._store.get(KIND, account_id, file_id)
        if value is None or self._is_expired(account_id, value["file"]):
            raise KeyError(file_id)
        return self._blobs.open(value["blobs"][0])

    def remove(self, account_id: str, file_id: str) -> bool:
        """Forget a file and its bytes. Return whether there was one."""
        return self.get(account_id, file_id) is not None and self._store.remove(KIND, account_id, file_id)

    def _is_expired(self, account_id: str, file: FileObject) -> bool:
        """Return whether a file has expired; such a file is removed."""
        if file["expires_at"] is None or self._clock.now() < file["expires_at"]:
            return False
        with contextlib.suppress(
            StateFailed
        ):  # which is logged; removing it is tried again at the next access
            self._store.remove(KIND, account_id, file["id"])
        return True
