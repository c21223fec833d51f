"""The files of all accounts: uploaded by clients, or created by the server for them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, BinaryIO

from mockserver.state.disk import StateFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.clock import Clock
    from mockserver.ids import Ids
    from mockserver.state.protocols import Blob, BlobStore, Documents

KIND = "file"

_DAY = 86_400  # seconds
# Default lifetimes by purpose, in seconds. Source: API reference, Upload file.
_LIFETIMES: Mapping[str, int] = {"batch": 30 * _DAY, "batch_output": 30 * _DAY}

FileObject = dict[str, Any]


class Files:
    """Files by account and id. An expired file is removed at the next access to it. Thread-safe."""

    def __init__(self, store: Documents, blobs: BlobStore, clock: Clock, ids: Ids) -> None:
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
        """Create a file from a committed ``blob`` and return its object.

        ``lifetime`` is in seconds; the default depends on the purpose. ``file_id`` is an id that was promised earlier;
        a file with that id is replaced. Raises ``StateFailed``; the blob is deleted then.
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
        """Return the id of a file's blob, or ``None``. The blob is kept as long as a value of the store names it."""
        value = self._store.get(KIND, account_id, file_id)
        return value["blobs"][0] if value else None

    def list(self, account_id: str) -> list[FileObject]:
        """Return the files of an account, oldest first."""
        files = [value["file"] for value in self._store.values(KIND, account_id)]
        return [file for file in files if not self._is_expired(account_id, file)]

    def open(self, account_id: str, file_id: str) -> BinaryIO:
        """Open a file for reading. Raises ``KeyError`` if there is none."""
        value = self._store.get(KIND, account_id, file_id)
        if value is None or self._is_expired(account_id, value["file"]):
            raise KeyError(file_id)
        return self._blobs.open(value["blobs"][0])

    def remove(self, account_id: str, file_id: str) -> bool:
        """Remove a file and its blob. Return whether there was one."""
        return self.get(account_id, file_id) is not None and self._store.remove(KIND, account_id, file_id)

    def _is_expired(self, account_id: str, file: FileObject) -> bool:
        """Return whether a file has expired; such a file is removed."""
        if file["expires_at"] is None or self._clock.now() < file["expires_at"]:
            return False
        with contextlib.suppress(StateFailed):  # logged; removal is tried again at the next access
            self._store.remove(KIND, account_id, file["id"])
        return True
