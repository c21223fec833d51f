"""The report of the doctor on a state folder, which stays unchanged."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mockserver.state.inspection import inspect
from mockserver.state.layout import StateFolderError
from mockserver.state.value_rules import ValueRules
from tests.state.conftest import Opened, consent, file, kept


def everything_in(folder: Path) -> dict[Path, tuple[float, bytes | None]]:
    return {
        path: (path.stat().st_mtime, path.read_bytes() if path.is_file() else None)
        for path in (folder, *folder.rglob("*"))
    }


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path, rules: ValueRules) -> None:
    is_well, text = inspect(tmp_path / "a" / "b", rules)
    assert is_well
    assert "does not exist yet; a server creates it" in text
    assert not list(tmp_path.iterdir())


def test_objects_and_leftovers_and_what_is_damaged_are_counted(
    tmp_path: Path, opened: Opened, rules: ValueRules
) -> None:
    store, blobs = opened()
    for number in range(3):
        store.put("voice_consent", "ann", str(number), consent(str(number)))
    store.put("file", "ann", "file-1", file("file-1", kept(blobs, b"RIFF"), 4))
    kept(blobs, b"nobody's")
    store.close()
    blobs.close()
    assert (
        "4 objects (1 file, 3 voice_consent) with 4 bytes; 1 incomplete files" in inspect(tmp_path, rules)[1]
    )
    with closing(sqlite3.connect(tmp_path / "state.db")) as database, database:
        database.execute("UPDATE documents SET value = 'null' WHERE key = '2'")
    (tmp_path / "values").mkdir()
    (tmp_path / "values" / "000000000009.tmp").touch()
    (tmp_path / "notes").touch()
    (tmp_path / "blobs" / "notes").touch()
    before = everything_in(tmp_path)
    is_well, text = inspect(tmp_path, rules)
    assert not is_well
    assert "3 objects (1 file, 2 voice_consent)" in text
    assert "2 incomplete files, which the next start removes" in text
    assert (
        "1 objects that cannot be used, which the next start sets aside: voice_consent '2' of 'ann'" in text
    )
    assert f"foreign files or folders, such as {tmp_path / 'blobs' / 'notes'}" in text
    assert everything_in(tmp_path) == before
    opened()[1].close()
    assert "1 files set aside earlier" in inspect(tmp_path, rules)[1]


def test_a_folder_in_use_and_one_of_another_program(
    tmp_path: Path, opened: Opened, rules: ValueRules
) -> None:
    _, blobs = opened()
    assert inspect(tmp_path, rules) == (
        False,
        f"state: another server is using {tmp_path}. It has no objects with 0 bytes.",
    )
    blobs.close()
    (tmp_path / "mockserver-state.json").unlink()
    (tmp_path / "notes").touch()
    with pytest.raises(StateFolderError, match="not a state folder"):
        inspect(tmp_path, rules)
