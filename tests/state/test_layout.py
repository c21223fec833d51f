"""Folders that a server accepts for its state: marked ones, empty ones, and those of earlier versions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mockserver.state.folder import Folder, is_in_use
from mockserver.state.layout import MARKER, StateFolderError
from tests.state.conftest import consent

ID = "0123456789abcdef" * 2
ROW = json.dumps({"kind": "voice_consent", "account": "a", "key": "1", "value": consent("1")}).encode()
EARLIER = {"lock": b"", "values/000000000000.json": ROW, f"blobs/{ID}": b"RIFF", f"incoming/{ID}": b"RI"}


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def everything_in(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def take(folder: Path) -> None:
    Folder(folder).close()


@pytest.mark.parametrize(
    "found", [None, [], ["lost+found"]], ids=["none", "empty", "a file system of its own"]
)
def test_a_folder_without_files_becomes_a_state_folder(tmp_path: Path, found: list[str] | None) -> None:
    folder = tmp_path / "state"
    for name in found or ():
        (folder / name).mkdir(parents=True)
    take(folder)
    assert json.loads((folder / MARKER).read_bytes())["format"] == 2
    take(folder)


@pytest.mark.parametrize(
    "files",
    [
        EARLIER,
        {"lock": b"", "values/000000000000.json": ROW, "values/000000000001.json": b"damaged"},
        {"lock": b"", "values/000000000000.json": ROW, "values/000000000001.tmp": b"{"},
        {"lock": b""},
        {"lock": b"", "mockserver-state.tmp": b'{"for'},
    ],
)
def test_what_an_earlier_version_left_is_taken_over(tmp_path: Path, files: dict[str, bytes]) -> None:
    write(tmp_path, files)
    take(tmp_path)
    assert (tmp_path / MARKER).exists()
    assert all(
        (tmp_path / name).read_bytes() == content for name, content in files.items() if "state" not in name
    )


@pytest.mark.parametrize(
    "files",
    [
        {"blobs/precious.bin": b"x"},
        {"blobs/a/b": b"x", "values/c.json": b"{}", "incoming/d": b"x"},
        {f"blobs/{'a' * 40}": b"a cache of Hugging Face", "refs/main": b"x"},
        {f"blobs/sha256/{'a' * 64}": b"an OCI layout", "index.json": b"{}"},
        {f"blobs/{ID}": b"bytes by their MD5"},
        {"lock": b"", f"blobs/{ID}": b"bytes by their MD5"},
        {"lock": b"", f"blobs/{ID}": b"x", "values/000000000000.json": b"numbers of somebody else's"},
        {"values/000000000000.json": ROW},
        {"lock": b"pid 7"},
        {"lock": b"pid 7", "values/000000000000.json": ROW},
        EARLIER | {"notes.txt": b"x"},
        EARLIER | {"blobs/notes.txt": b"x"},
        EARLIER | {"values/notes.json": b"{}"},
        EARLIER | {"values/damages/1": b"x"},
        EARLIER | {f"incoming/{ID}f": b"x"},
        {"notes.txt": b"x"},
        {".hidden": b"x"},
    ],
    ids=" ".join,
)
def test_a_folder_of_another_program_is_refused_and_left_unchanged(
    tmp_path: Path, files: dict[str, bytes]
) -> None:
    write(tmp_path, files)
    before = everything_in(tmp_path)
    with pytest.raises(
        StateFolderError, match=r"^state: .* is not a state folder of this server\. Name an empty"
    ):
        take(tmp_path)
    assert everything_in(tmp_path) == before


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        (b'{"format": 3}', "a newer version wrote this folder, in format 3.* Start the newer version"),
        (b"", "is damaged .* remove this file"),
        (b"{}", "is damaged"),
        (b"[1]", "is damaged"),
        (b'{"format": "1"}', "is damaged"),
        (b'{"format": true}', "is damaged"),
        (b'{"format": 0}', "is damaged"),
        (b"\0" * 9000, "is damaged"),
        (b"[" * 4000, "is damaged"),
    ],
)
def test_a_marker_that_is_newer_or_damaged_is_refused(tmp_path: Path, marker: bytes, message: str) -> None:
    write(tmp_path, EARLIER | {MARKER: marker})
    before = everything_in(tmp_path)
    with pytest.raises(StateFolderError, match=f"state: .*{MARKER}.*{message}"):
        take(tmp_path)
    assert everything_in(tmp_path) == before


def test_a_folder_whose_damaged_marker_was_removed_is_taken_again(tmp_path: Path) -> None:
    write(tmp_path, EARLIER | {"values/damaged/000000000003.json": b"x", "blobs/damaged/x": b"x"})
    before = everything_in(tmp_path)
    take(tmp_path)
    after = everything_in(tmp_path)
    assert json.loads(after.pop(MARKER) or b"")["format"] == 2
    assert after == before


@pytest.mark.parametrize("name", ["blobs", "values", "incoming", "lock", "state.db", MARKER])
@pytest.mark.parametrize("is_marked", [True, False])
def test_links_are_not_followed(tmp_path: Path, name: str, is_marked: bool) -> None:
    folder, elsewhere = tmp_path / "state", tmp_path / "elsewhere"
    if is_marked:
        take(folder)
    else:
        write(folder, EARLIER)
    is_file = name in ("lock", "state.db", MARKER)
    elsewhere.write_bytes(b"precious") if is_file else write(elsewhere, {ID: b"precious"})
    moved = folder / name
    if moved.is_dir():
        moved.rename(tmp_path / "moved")
    moved.unlink(missing_ok=True)
    moved.symlink_to(elsewhere)
    with pytest.raises(StateFolderError, match=rf"state: .*{name} is not a (file|folder)\. Remove it"):
        take(folder)
    assert (elsewhere if is_file else elsewhere / ID).read_bytes() == b"precious"


@pytest.mark.skipif(os.name == "nt", reason="has no pipes in folders")
def test_a_pipe_in_place_of_a_file_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / MARKER)
    with pytest.raises(StateFolderError, match="is not a file"):
        take(tmp_path)


@pytest.mark.slow
def test_the_command_says_so_in_one_line(tmp_path: Path) -> None:
    write(tmp_path, {"blobs/precious.bin": b"x"})
    command = [sys.executable, "-m", "mockserver", "serve", "--port", "0", "--state", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert f"mockserver: state: {tmp_path} contains blobs and no {MARKER}" in ended.stderr
    assert (tmp_path / "blobs" / "precious.bin").read_bytes() == b"x"


def test_whether_a_server_uses_a_folder_is_seen_without_changing_it(tmp_path: Path) -> None:
    assert not is_in_use(tmp_path)
    assert not list(tmp_path.iterdir())
    held = Folder(tmp_path)
    assert is_in_use(tmp_path)
    held.close()
    assert not is_in_use(tmp_path)
