"""Opens the store and the blobs of a server, in memory or in a state folder."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from mockserver.state.blobs import Blobs, References
from mockserver.state.disk import Troubles, discard, set_aside, tighten
from mockserver.state.folder import Folder
from mockserver.state.layout import BLOBS, INCOMING, VALUES, StateFolderError, files_in, is_blob_id, number_in
from mockserver.state.memory.documents import MemoryDocuments
from mockserver.state.survey import survey, unnamed_in_words
from mockserver.state.value_files import ValueFiles

if TYPE_CHECKING:
    from mockserver.state.survey import Survey
    from mockserver.state.value_rules import ValueRules

log = logging.getLogger(__name__)

_MAX_LOGGED = 20  # damaged or foreign files that are logged one by one


def open_state(path: str, rules: ValueRules) -> tuple[MemoryDocuments, Blobs]:
    """Return the store and the blobs of a server, loaded from the folder ``path``. An empty path keeps all in memory.

    Values that violate the ``rules`` are set aside. Raises ``StateFolderError`` if the folder cannot be used, is not
    a state folder, or is used by another server.
    """
    troubles, store = Troubles(), MemoryDocuments()
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
            f"state: {error.filename or folder.path} cannot be used ({error.strerror}). Allow this user to read "
            "and write all of it, or name another folder."
        ) from error


def _load(store: MemoryDocuments, folder: Folder, rules: ValueRules, troubles: Troubles) -> Blobs:
    """Load the values of the folder into ``store``; its later changes are written to the folder.

    A change is written before it is visible, and blobs are deleted once no value on disk names them.
    """
    for name in (VALUES, BLOBS, INCOMING):
        _tighten(folder.folder(name))
    found = survey(folder.path, rules)
    _clear(found)
    _log(found)
    blobs, files = Blobs(folder, troubles), ValueFiles(folder, troubles, found)
    for path in found.unsettled:
        blobs.settle(path.name)
    store.load((each.kind, each.account, each.key, each.value) for each in found.kept)
    References(blobs, files.write, (each.value for each in found.kept)).follow(store)
    return blobs


def _tighten(folder: Path) -> None:
    """Restrict a folder and the server's files in it to the owner: earlier versions let others read them."""
    tighten(folder)
    for path, is_file in files_in(folder):
        if is_file and (is_blob_id(path.name) or number_in(path.name) is not None):
            tighten(path)


def _clear(found: Survey) -> None:
    """Set damaged files aside, and remove incomplete ones of a killed server.

    Blobs that no value names are kept: their value was lost or damaged, and can be brought back.
    """
    for number, (path, what, reason) in enumerate(found.damaged):
        moved = set_aside(path)
        if number < _MAX_LOGGED:
            log.warning(
                "state: %s cannot be used: %s. Its file is kept as %s", what, reason.rstrip("."), moved
            )
    for path in found.incomplete:
        discard(path)


def _log(found: Survey) -> None:
    """Log the other findings in the folder."""
    if found.damaged:
        log.warning("state: %d values cannot be used and are set aside", len(found.damaged))
    if found.incomplete:
        log.info("state: %d incomplete files are removed", len(found.incomplete))
    for path in found.unnamed[:_MAX_LOGGED]:
        log.warning("state: no value names the blob %s. It is kept", path)
    if found.unnamed:
        log.warning("state: %s", unnamed_in_words(found))
    for path in found.foreign[:_MAX_LOGGED]:
        log.warning("state: %s is not a file of this server, and is left alone", path)
