"""The folder or bucket for large blobs of a store in Redis, by fsspec."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO, NoReturn, TypeVar, cast

from mockserver.installation import GONE, origin_of
from mockserver.state.blobs import BytesGone
from mockserver.state.disk import StateFailed
from mockserver.state.layout import StateFolderError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

T = TypeVar("T")


class Outside:
    """A folder or bucket at ``url``, such as ``/mnt/blobs`` or ``s3://bucket/path``.

    Blobs above ``blobs_from`` bytes are there.

    Methods raise ``StateFailed`` if it cannot be used.
    """

    def __init__(self, url: str, blobs_from: int) -> None:
        """Open the folder. Raises ``StateFolderError`` if that is impossible."""
        if origin_of("fsspec") is None:
            raise StateFolderError(
                f"store: blobs={url} needs the package fsspec: {GONE}. Install it: "
                "pip install 'audio-mockserver[redis]'"
            )
        import fsspec

        self.blobs_from = blobs_from
        self._url = url
        try:
            self._files: AbstractFileSystem
            self._files, self._root = fsspec.core.url_to_fs(url)
            self._files.makedirs(self._root, exist_ok=True)
            test = self._path(f"test-{uuid.uuid4().hex}")  # a bucket may be readable only
            self._files.pipe_file(test, b"")
            self._files.rm_file(test)
        except Exception as error:
            raise StateFolderError(
                f"store: blobs={url} cannot be used: {str(error).rstrip('.')}. Name a folder or bucket that exists and "
                "can be written to; for a bucket, install the package of its kind, such as s3fs."
            ) from error

    def create(self, blob_id: str) -> BinaryIO:
        """Return a new file for a blob."""
        return self._do(lambda: cast("BinaryIO", self._files.open(self._path(blob_id), "wb")))

    def write(self, file: BinaryIO, piece: bytes) -> None:
        """Append bytes to a file of ``create``."""
        self._do(lambda: file.write(piece))

    def close(self, file: BinaryIO) -> None:
        """Complete a file of ``create``."""
        self._do(file.close)

    def open(self, blob_id: str) -> BinaryIO:
        """Open a blob for reading. Raises ``BytesGone`` if there is none."""
        try:
            return cast("BinaryIO", self._files.open(self._path(blob_id), "rb"))
        except FileNotFoundError as error:
            raise BytesGone(blob_id) from error
        except Exception as error:  # noqa: BLE001 - each kind of storage has errors of its own
            self._fail(error)

    def remove(self, blob_id: str) -> None:
        """Remove a blob, if it is there."""
        try:
            self._files.rm_file(self._path(blob_id))
        except FileNotFoundError:
            return
        except Exception as error:  # noqa: BLE001
            self._fail(error)

    def _path(self, blob_id: str) -> str:
        return f"{self._root.rstrip('/')}/{blob_id}"

    def _do(self, action: Callable[[], T]) -> T:
        try:
            return action()
        except Exception as error:  # noqa: BLE001
            self._fail(error)

    def _fail(self, error: Exception) -> NoReturn:
        raise StateFailed(f"{self._url} cannot be used: {error}", str(error)) from error
