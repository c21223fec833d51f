"""Blobs are stored exactly, piece by piece, as a whole or not at all."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mockserver.state.blobs import Blobs, References
from mockserver.state.disk import StateFailed
from mockserver.state.folder import Folder
from mockserver.state.layout import LOCK, MARKER
from mockserver.state.memory.documents import MemoryDocuments
from mockserver.state.protocols import Blob

SMALL, LARGE = b"RIFF" * 100, bytes(range(256)) * 1000


@pytest.fixture(params=["memory", "state folder"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Blobs]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made = Blobs(Folder(tmp_path / "state") if request.param == "state folder" else None)
    yield made
    made.close()


def kept(blobs: Blobs, content: bytes) -> Blob:
    with blobs.writer() as writer:
        for start in range(0, len(content), 1000):
            writer.write(content[start : start + 1000])
        return writer.commit()


def read(blobs: Blobs, blob: Blob) -> bytes:
    with blobs.open(blob.id) as file:
        return file.read()


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.name not in (LOCK, MARKER)]


@pytest.mark.parametrize("content", [b"", SMALL, LARGE], ids=["nothing", "small", "large"])
def test_what_is_committed_can_be_read(blobs: Blobs, content: bytes) -> None:
    blob = kept(blobs, content)
    assert (blob.size, blob.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert read(blobs, blob) == content
    assert blob.id in blobs


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_what_is_not_committed_leaves_nothing(blobs: Blobs, content: bytes, tmp_path: Path) -> None:
    with blobs.writer() as writer:
        writer.write(content)
    assert not files_in(tmp_path)


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_what_is_deleted_is_gone(blobs: Blobs, content: bytes, tmp_path: Path) -> None:
    blob = kept(blobs, content)
    blobs.delete(blob.id)
    blobs.delete(blob.id)
    assert blob.id not in blobs
    assert not files_in(tmp_path)
    with pytest.raises(KeyError):
        blobs.open(blob.id)


def test_who_is_reading_a_deleted_blob_can_go_on(blobs: Blobs) -> None:
    blob = kept(blobs, LARGE)
    with blobs.open(blob.id) as file:
        blobs.delete(blob.id)
        assert file.read() == LARGE


def test_without_a_state_folder_small_ones_touch_no_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    blobs = Blobs()
    kept(blobs, SMALL)
    assert not list(tmp_path.iterdir())


def test_without_a_state_folder_many_small_ones_go_to_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("mockserver.state.blobs._MAX_IN_MEMORY", 1000)
    blobs = Blobs()
    made = [kept(blobs, SMALL) for _ in range(4)]
    assert len(files_in(tmp_path)) == 2
    assert [read(blobs, blob) for blob in made] == [SMALL] * 4
    blobs.delete(made[0].id)
    kept(blobs, SMALL)
    assert len(files_in(tmp_path)) == 2  # there is room again
    blobs.close()
    assert not list(tmp_path.iterdir())


def test_a_state_folder_brings_them_back(tmp_path: Path) -> None:
    before = Blobs(Folder(tmp_path))
    blob = kept(before, SMALL)
    before.close()
    after = Blobs(Folder(tmp_path))
    assert read(after, blob) == SMALL
    after.close()


def test_a_full_disk_is_no_oserror_which_would_mean_that_the_client_left(tmp_path: Path) -> None:
    blobs = Blobs(Folder(tmp_path))
    (tmp_path / "incoming").rename(tmp_path / "elsewhere")
    (tmp_path / "incoming").touch()  # in the place of files
    with blobs.writer() as writer, pytest.raises(StateFailed):
        writer.write(LARGE)
    blobs.close()


def test_a_blob_goes_with_the_last_value_that_names_it(blobs: Blobs) -> None:
    store = MemoryDocuments()
    References(blobs).follow(store)
    blob = kept(blobs, SMALL)
    store.put("upload", "ann", "1", {"blobs": [blob.id]})
    store.put("file", "ann", "2", {"blobs": [blob.id]})
    store.update("upload", "ann", "1", lambda value: {"blobs": []})
    assert blob.id in blobs
    store.remove("file", "ann", "2")
    assert blob.id not in blobs


def test_restoring_a_snapshot_keeps_the_blobs_that_it_names(blobs: Blobs) -> None:
    store = MemoryDocuments()
    References(blobs).follow(store)
    blob, other = kept(blobs, SMALL), kept(blobs, SMALL)
    store.put("file", "ann", "1", {"blobs": [blob.id]})
    snapshot = store.snapshot(None)
    store.put("file", "ann", "2", {"blobs": [other.id]})
    store.restore(snapshot, None)
    assert blob.id in blobs
    assert other.id not in blobs
