"""How commands fail: one line that names the place and the remedy, and exit status 1."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import NoReturn

from mockserver.catalog.tables import CatalogError
from mockserver.engines.fixtures import FixtureError
from mockserver.engines.speech import SpeechFailed
from mockserver.engines.transcription import EngineFailed
from mockserver.remote.url_map import UrlMapError
from mockserver.settings.model import SettingsError
from mockserver.state.layout import StateFolderError
from mockserver.validation.schemas import SchemaError

STARTUP_FAILURES = (
    CatalogError,
    FixtureError,
    SpeechFailed,
    EngineFailed,
    SchemaError,
    SettingsError,
    StateFolderError,
    UrlMapError,
    OSError,
)


_MAX_CHARACTERS = 4_000  # characters


def fail(error: object) -> NoReturn:
    """Say what is wrong, in a line, and end the program."""
    sys.stderr.write(f"mockserver: {one_line(str(error))}\n")
    sys.exit(1)


def one_line(text: str) -> str:
    """Return a text without line breaks and other control characters, and without megabytes."""
    line = " ".join(text.split())
    if len(line) > _MAX_CHARACTERS:
        line = line[:_MAX_CHARACTERS] + "..."
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in line)


@contextlib.contextmanager
def exit_with_message() -> Iterator[None]:
    """End the program with ``fail`` for what a user can mend. Decorates the ``run`` of a command."""
    try:
        yield
    except STARTUP_FAILURES as error:
        fail(error)
