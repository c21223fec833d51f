"""Numbers by name in a file, which other processes of the machine read while they change, and after a kill."""

from __future__ import annotations

import array
import logging
import mmap
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

Name = tuple[str, ...]

_STEP = 4096  # numbers by which the file grows
_SIZE = 8  # bytes of a number
_decode = msgspec.json.Decoder(tuple[str, ...]).decode


class CountsFile:
    """The numbers of one process. One that takes the place of another goes on with its numbers. Not thread-safe.

    The names are JSON, a line each, in a second file (``.names``), in the order of the numbers.
    """

    def __init__(self, path: Path) -> None:
        """Open the files, which are created if necessary. Raises ``OSError``."""
        self._names_file = _names(path).open("a+b")  # first, because readers look for the other file
        self._names_file.truncate(_complete(path))
        self._numbers_file = path.open("a+b")
        self._places = {name: place for place, name in enumerate(read(path))}
        self._numbers: memoryview[float] = memoryview(b"").cast("d")
        self._open(len(self._places))

    def set(self, name: Name, number: float) -> None:
        """Set a number. One for which there is no room on the disk is not set."""
        place = self._places.get(name)
        if place is None:
            place = len(self._places)
            try:
                self._open(place)
                self._names_file.write(msgspec.json.encode(name) + b"\n")
                self._names_file.flush()
            except OSError as error:
                log.warning("A metric is not counted for other workers: %s", error)
                return
            self._places[name] = place
        self._numbers[place] = number

    def close(self) -> None:
        """Close the files. The numbers stay."""
        self._numbers.release()
        self._names_file.close()
        self._numbers_file.close()

    def _open(self, place: int) -> None:
        """Let the file have a place. Its room is taken from the disk now: later there might be none."""
        if place < len(self._numbers):
            return
        self._numbers_file.write(bytes(_STEP * _SIZE))
        self._numbers_file.flush()
        self._numbers = memoryview(mmap.mmap(self._numbers_file.fileno(), 0)).cast("d")


def read(path: Path) -> dict[Name, float]:
    """Return the numbers in a file, in the order in which they were first set. Raises ``OSError``."""
    lines = _names(path).read_bytes()[: _complete(path)].splitlines()
    numbers = array.array("d", path.read_bytes()[: len(lines) * _SIZE])
    numbers.extend([0.0] * (len(lines) - len(numbers)))
    return dict(zip(map(_decode, lines), numbers, strict=True))


def _names(path: Path) -> Path:
    return path.with_suffix(".names")


def _complete(path: Path) -> int:
    """Return the size of the names that are complete: a process may have been killed while it wrote one."""
    return _names(path).read_bytes().rfind(b"\n") + 1
