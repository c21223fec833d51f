"""Files that the program reads: data folders that ship with it, files that users write, bodies that it sends."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

MAX_BYTES = 16 << 20  # bytes of a user's file
_PIECE = 1 << 16  # bytes of a file read at a time

_PACKAGE = Path(__file__).parent


class FileNotReadable(Exception):
    """A file cannot be read. The message gives the reason and the remedy; the caller adds the file's name."""


def data_folder(name: str) -> Path:
    """Return the folder ``name`` (``schemas`` or ``fixtures``) that ships with the package.

    It is inside the package in an installed wheel, beside the package in a source checkout.
    """
    packaged = _PACKAGE / name
    return packaged if packaged.is_dir() else _PACKAGE.parent / name


def read_text(path: Path) -> str:
    """Return the text of a user's UTF-8 file, without a leading byte order mark. Raises ``FileNotReadable``."""
    try:
        return read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileNotReadable(
            f"is not UTF-8 text: {error.reason} at byte {error.start}. Save it as UTF-8."
        ) from error


def read_bytes(path: Path, max_bytes: int = MAX_BYTES) -> bytes:
    """Return the content of a user's file of at most ``max_bytes``. Never blocks on a pipe or a device.

    Raises ``FileNotReadable``.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise FileNotReadable("is a folder. Name a file.")
        if not stat.S_ISREG(mode) and str(path) != os.devnull:
            raise FileNotReadable("is a pipe, a socket or a device, not a file. Name a file.")
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except FileNotFoundError:
        reason = "is a link to a file that does not exist" if os.path.islink(path) else "no such file"
        raise FileNotReadable(f"{reason}. Name another file, or none.") from None
    except (OSError, ValueError) as error:
        reason = str(error.strerror if isinstance(error, OSError) else error)
        raise FileNotReadable(
            f"cannot be read: {reason}. Change its permissions, or name another file."
        ) from error
    if len(data) > max_bytes:
        raise FileNotReadable(f"is larger than {max_bytes:,} bytes. Name another file.")
    return data


class FileBody(Iterator[bytes]):
    """The bytes of an open file of ``size`` bytes, in pieces. Closing it closes the file."""

    def __init__(self, opened: BinaryIO) -> None:
        self._opened = opened
        self._left = self.size = opened.seek(0, io.SEEK_END)
        opened.seek(0)

    def __next__(self) -> bytes:
        """Return the next piece. Raises ``OSError`` if the file has become shorter than ``size``."""
        if not self._left:
            raise StopIteration
        piece = self._opened.read(min(_PIECE, self._left))
        if not piece:
            raise OSError(f"{self._opened.name} ends {self._left} bytes early")
        self._left -= len(piece)
        return piece

    def close(self) -> None:
        """Close the file."""
        self._opened.close()
