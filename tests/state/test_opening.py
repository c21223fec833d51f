"""What a server kept is there when the next one opens the folder."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from mockserver.double.store import MemoryStore
from mockserver.state.blobs import Blobs
from mockserver.state.folder import StateFailed
from mockserver.state.opening import open_state


def reopened(blobs: Blobs, folder: Path) -> tuple[MemoryStore, Blobs]:
    blobs.close()
    return open_state(str(folder))


def test_without_a_folder_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store, blobs = open_state("")
    store.put("file", "ann", "1", {})
    blobs.close()
    assert not list(tmp_path.iterdir())


def test_values_come_back_in_order(tmp_path: Path) -> None:
    store, blobs = open_state(str(tmp_path))
    for key in ("b", "a", "c"):
        store.put("file", "ann", key, {"name": key})
    store.put("file", "bob", "d", {"name": "d"})
    store.update("file", "ann", "b", lambda value: {"name": "B"})
    store.remove("file", "ann", "c")
    store, blobs = reopened(blobs, tmp_path)
    store.put("file", "ann", "e", {"name": "é"})
    store, blobs = reopened(blobs, tmp_path)
    assert store.values("file", "ann") == [{"name": "B"}, {"name": "a"}, {"name": "é"}]
    assert max(store.all("file"), key=lambda row: row[0]) == ("bob", "d", {"name": "d"})
    blobs.close()


def test_what_was_reset_does_not_come_back(tmp_path: Path) -> None:
    store, blobs = open_state(str(tmp_path))
    store.put("file", "ann", "1", {})
    store.put("file", "bob", "1", {})
    store.reset("ann")
    store, blobs = reopened(blobs, tmp_path)
    assert [account for account, _, _ in store.all("file")] == ["bob"]
    blobs.close()


def test_a_restored_snapshot_comes_back(tmp_path: Path) -> None:
    store, blobs = open_state(str(tmp_path))
    store.put("file", "ann", "1", {"name": "old"})
    snapshot = store.snapshot(None)
    store.put("file", "ann", "1", {"name": "new"})
    store.put("file", "ann", "2", {})
    store.restore(snapshot, None)
    store, blobs = reopened(blobs, tmp_path)
    assert store.all("file") == [("ann", "1", {"name": "old"})]
    blobs.close()


@pytest.mark.parametrize("content", [b"", b'{"kind": "fi', b"{}", b"[]"])
def test_half_written_values_are_removed(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    store, blobs = open_state(str(tmp_path))
    store.put("file", "ann", "1", {})
    (tmp_path / "values" / "000000000007.json").write_bytes(content)
    (tmp_path / "values" / "000000000008.tmp").write_bytes(content)
    with caplog.at_level(logging.WARNING):
        store, blobs = reopened(blobs, tmp_path)
    assert "000000000007.json holds no value" in caplog.text
    assert store.all("file") == [("ann", "1", {})]
    assert [path.name for path in (tmp_path / "values").iterdir()] == ["000000000000.json"]
    blobs.close()


def test_bytes_without_a_value_go_and_values_without_their_bytes_too(tmp_path: Path) -> None:
    store, blobs = open_state(str(tmp_path))
    with blobs.writer() as writer:
        writer.write(b"RIFF")
        unnamed = writer.commit()
    store.put("file", "ann", "1", {"blobs": ["never written"]})
    store, blobs = reopened(blobs, tmp_path)
    assert unnamed.id not in blobs
    assert not store.all("file")
    store, blobs = reopened(blobs, tmp_path)
    assert not store.all("file")
    blobs.close()


def test_a_value_that_cannot_be_written_is_no_oserror(tmp_path: Path) -> None:
    store, blobs = open_state(str(tmp_path))
    (tmp_path / "values").rmdir()
    with pytest.raises(StateFailed, match="values cannot be written"):
        store.put("file", "ann", "1", {})
    blobs.close()


def test_bytes_stay_until_no_value_on_disk_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, blobs = open_state(str(tmp_path))
    with blobs.writer() as writer:
        writer.write(b"RIFF")
        named = writer.commit()
    store.put("batch", "ann", "1", {"blobs": [named.id]})

    def killed(path: Path, content: bytes) -> None:
        raise OSError("no power")

    with monkeypatch.context() as patched:
        patched.setattr("mockserver.state.value_files.write_whole", killed)
        with pytest.raises(StateFailed):
            store.update("batch", "ann", "1", lambda value: {"blobs": []})
    store, blobs = reopened(blobs, tmp_path)
    assert store.get("batch", "ann", "1") == {"blobs": [named.id]}
    store.update("batch", "ann", "1", lambda value: {"blobs": []})
    assert named.id not in blobs
    blobs.close()
