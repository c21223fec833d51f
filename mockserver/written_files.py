"""Reads files that people write: settings, maps of URLs, fixtures. Anything else may stand in their place."""

from __future__ import annotations

import os
import stat
from pathlib import Path

MAX_BYTES = 16 << 20  # bytes


class FileNotReadable(Exception):
    """A file cannot be read; the message says why and what to do, and leaves it to the caller to name the file."""


def read_text(path: Path) -> str:
    """Return the text of a file in UTF-8, without the byte order mark that it may begin with.

    Raises ``FileNotReadable``.
    """
    try:
        return read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileNotReadable(
            f"is not UTF-8 text: {error.reason} at byte {error.start}. Save it as UTF-8."
        ) from error


def read_bytes(path: Path, most: int = MAX_BYTES) -> bytes:
    """Return what is in a file of at most ``most`` bytes. Never waits for a pipe or a device.

    Raises ``FileNotReadable``.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise FileNotReadable("is a folder. Name a file.")
        if not stat.S_ISREG(mode) and str(path) != os.devnull:
            raise FileNotReadable("is no file, but a pipe, a socket or a device. Name a file.")
        with path.open("rb") as file:
            data = file.read(most + 1)
    except FileNotFoundError:
        what = "leads to a file that is not there" if os.path.islink(path) else "there is no such file"
        raise FileNotReadable(f"{what}. Name another, or none.") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise FileNotReadable(
            f"cannot be read: {reason}. Change its permissions, or name another."
        ) from error
    if len(data) > most:
        raise FileNotReadable(f"is larger than {most:,} bytes. Name another.")
    return data
