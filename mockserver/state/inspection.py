"""Describes a state folder for ``mockserver doctor``, without changing it."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from mockserver.state.folder import is_in_use, unusable
from mockserver.state.layout import DATABASE, StateFolderError, check_is_ours
from mockserver.state.sqlite.database import read
from mockserver.state.survey import STORED, Stored, survey, unnamed_in_words

if TYPE_CHECKING:
    from mockserver.state.survey import Survey
    from mockserver.state.value_rules import ValueRules

_MAX_NAMED = 20  # files in a list


def inspect(folder: Path, rules: ValueRules) -> tuple[bool, str]:
    """Return whether a state folder is in order, and a description of its content.

    Raises ``StateFolderError`` if a server could not use it.
    """
    try:
        if not folder.exists():
            _check_access(next(each for each in folder.parents if each.exists()))
            return True, f"{folder} does not exist yet; a server creates it at its start"
        check_is_ours(folder)
        _check_access(folder)
        found = content_of(folder, rules)
    except OSError as error:
        raise unusable(folder, error) from error
    except sqlite3.Error as error:
        raise StateFolderError(f"state: {folder / DATABASE} cannot be used: {error}.") from error
    if is_in_use(folder):
        return False, f"state: another server is using {folder}. It has {_kept(found)}."
    about = f"{folder} is writable, and no server uses it; it has {_kept(found)}"
    return not (found.damaged or found.set_aside or found.unnamed), "; ".join([about, *_troubles(found)])


def content_of(folder: Path, rules: ValueRules) -> Survey:
    """Return the content of a state folder, which is only read. Raises ``OSError`` and ``sqlite3.Error``."""
    database = folder / DATABASE
    rows = read(database, STORED) if database.exists() else []
    return survey(folder, map(Stored._make, rows), rules)


def _check_access(folder: Path) -> None:
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise PermissionError(0, "this user may not read and write it", str(folder))


def _kept(found: Survey) -> str:
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(found.counts.items()))
    objects = f"{found.counts.total()} objects ({kinds})" if kinds else "no objects"
    return f"{objects} with {sum(found.sizes.values())} bytes"


def _names(paths: list[Path]) -> str:
    """Return the names of the first files."""
    return ", ".join(path.name for path in paths[:_MAX_NAMED]) + (", ..." if len(paths) > _MAX_NAMED else "")


def _troubles(found: Survey) -> list[str]:
    """Return descriptions of the problems and of the foreign files in the folder."""
    lines = []
    if found.incomplete:
        lines.append(f"{len(found.incomplete)} incomplete files, which the next start removes")
    if found.unnamed:
        lines.append(f"{unnamed_in_words(found)}: {_names(found.unnamed)}")
    if found.damaged:
        _, what, reason = found.damaged[0]
        lines.append(
            f"{len(found.damaged)} objects that cannot be used, which the next start sets aside: {what} ({reason})"
        )
    if found.set_aside:
        lines.append(
            f"{found.set_aside} files set aside earlier, in the folders 'damaged': repair or remove them"
        )
    if found.foreign:
        lines.append(f"{len(found.foreign)} foreign files or folders, such as {found.foreign[0]}")
    return lines
