"""Opens what a server keeps: in memory alone, or in a state folder that brings back what was kept before."""

from __future__ import annotations

import logging
from pathlib import Path

from mockserver.double.store import Change, MemoryStore
from mockserver.state.blobs import Blobs, References, named_in
from mockserver.state.folder import Folder
from mockserver.state.value_files import ValueFiles

log = logging.getLogger(__name__)


def open_state(path: str) -> tuple[MemoryStore, Blobs]:
    """The store and the blobs of a server, as they were left in the folder ``path``; an empty one keeps nothing.

    Raises ``StateFolderError`` when the folder cannot be used, or another server uses it.
    """
    folder = Folder(Path(path).absolute()) if path else None
    store, blobs = MemoryStore(), Blobs(folder)
    references = References(blobs)
    if folder is None:
        store.listen(references.changed)
    else:
        _load(store, blobs, ValueFiles(folder), references)
    return store, blobs


def _load(store: MemoryStore, blobs: Blobs, files: ValueFiles, references: References) -> None:
    """Puts the values of the files into the store, which they and the ``references`` follow from then on.

    The files come first: bytes are deleted when nothing on disk names them any more.
    """
    named: set[str] = set()
    lost = []
    for kind, account, key, value in files.load():
        store.put(kind, account, key, value)
        references.changed([Change(kind, account, key, None, value)])
        named.update(named_in(value))
        if not all(blob_id in blobs for blob_id in named_in(value)):
            lost.append((kind, account, key))
    store.listen(files.changed)
    store.listen(references.changed)
    for kind, account, key in lost:
        log.warning("the bytes of %s %s are gone, and so is it", kind, key)
        store.remove(kind, account, key)
    blobs.keep_only(named)
