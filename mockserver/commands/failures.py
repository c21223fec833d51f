"""Ends failed commands with a one-line message and exit status 1."""

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

_MAX_LENGTH = 4_000  # characters of a message


def fail(error: object) -> NoReturn:
    """Write ``error`` to standard error in one line, and exit with status 1."""
    sys.stderr.write(f"mockserver: {one_line(str(error))}\n")
    sys.exit(1)


def one_line(text: str) -> str:
    """Return ``text`` as one line without control characters, truncated to 4,000 characters."""
    line = " ".join(text.split())
    if len(line) > _MAX_LENGTH:
        line = line[:_MAX_LENGTH] + "..."
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in line)


@contextlib.contextmanager
def exit_with_message() -> Iterator[None]:
    """Call ``fail`` for an error that users can fix. Decorates the ``run`` of a command."""
    try:
        yield
    except STARTUP_FAILURES as error:
        fail(error)
