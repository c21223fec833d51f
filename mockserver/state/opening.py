"""Opens what a server keeps: in memory alone, or in a state folder that brings back what was kept before."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from mockserver.state.blobs import Blobs, References
from mockserver.state.disk import Troubles, discard, set_aside, tighten
from mockserver.state.folder import Folder
from mockserver.state.layout import BLOBS, INCOMING, VALUES, StateFolderError, files_in, is_blob_id, number_in
from mockserver.state.memory import MemoryStore
from mockserver.state.survey import survey, unnamed_in_words
from mockserver.state.value_files import ValueFiles

if TYPE_CHECKING:
    from mockserver.state.survey import Survey
    from mockserver.state.value_rules import ValueRules

log = logging.getLogger(__name__)

_MAX_LOGGED = 20  # damaged or foreign files that have a line in the log


def open_state(path: str, rules: ValueRules) -> tuple[MemoryStore, Blobs]:
    """Return the store and the blobs of a server, as they were left in the folder ``path``; an empty one keeps nothing.

    Values that do not satisfy the ``rules`` are set aside. Raises ``StateFolderError`` when the folder cannot be
    used, is somebody else's, or another server uses it.
    """
    troubles, store = Troubles(), MemoryStore()
    if not path:
        blobs = Blobs(None, troubles)
        References(blobs).follow(store)
        return store, blobs
    folder = Folder(Path(path).absolute())
    try:
        return store, _load(store, folder, rules, troubles)
    except OSError as error:
        folder.close()
        raise StateFolderError(
            f"state: {error.filename or folder.path} cannot be used ({error.strerror}). Let this user read and "
            "write all of it, or name another folder."
        ) from error


def _load(store: MemoryStore, folder: Folder, rules: ValueRules, troubles: Troubles) -> Blobs:
    """Put the values of the files into the store, which they and the blobs follow from then on.

    The files come first: what they cannot write has not happened, and bytes are deleted when nothing on disk
    names them any more.
    """
    for name in (VALUES, BLOBS, INCOMING):
        _tighten(folder.folder(name))
    found = survey(folder.path, rules)
    _clear(found)
    _tell(found)
    blobs, files = Blobs(folder, troubles), ValueFiles(folder, troubles, found)
    for path in found.unsettled:
        blobs.settle(path.name)
    store.load((each.kind, each.account, each.key, each.value) for each in found.kept)
    References(blobs, files.write, (each.value for each in found.kept)).follow(store)
    return blobs


def _tighten(folder: Path) -> None:
    """Have a folder and what servers wrote in it be for its owner alone: earlier versions let others read it."""
    tighten(folder)
    for path, is_file in files_in(folder):
        if is_file and (is_blob_id(path.name) or number_in(path.name) is not None):
            tighten(path)


def _clear(found: Survey) -> None:
    """Set aside what cannot be used, and remove what was half written when a server was killed.

    Bytes that no value names stay where they are: their value was lost or damaged, and can come back.
    """
    for number, (path, what, reason) in enumerate(found.damaged):
        moved = set_aside(path)
        if number < _MAX_LOGGED:
            log.warning(
                "state: %s cannot be used: %s. Its file is kept as %s", what, reason.rstrip("."), moved
            )
    for path in found.half_written:
        discard(path)


def _tell(found: Survey) -> None:
    """Log what else was found in the folder."""
    if found.damaged:
        log.warning("state: %d values cannot be used, and are set aside", len(found.damaged))
    if found.half_written:
        log.info("state: %d files that were half written are removed", len(found.half_written))
    for path in found.unnamed[:_MAX_LOGGED]:
        log.warning("state: %s was kept, but no value names it. It is left where it is", path)
    if found.unnamed:
        log.warning("state: %s", unnamed_in_words(found))
    for path in found.foreign[:_MAX_LOGGED]:
        log.warning("state: %s is no file of this server, and is left alone", path)
