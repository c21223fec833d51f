"""A state folder belongs to one server; temporary ones are removed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from mockserver.settings.model import Settings
from mockserver.state.disk import write_whole
from mockserver.state.folder import Folder, TemporaryFolder
from mockserver.state.layout import StateFolderError
from mockserver.testing.mock_server import MockServer

HOLD = """
import sys, tempfile
from mockserver.state.folder import TemporaryFolder
tempfile.tempdir = sys.argv[1]
held = TemporaryFolder()
print(held.path, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_folder_is_made(tmp_path: Path) -> None:
    with_parents = tmp_path / "a" / "b"
    Folder(with_parents).close()
    assert with_parents.is_dir()


def test_two_servers_do_not_share_a_folder(tmp_path: Path) -> None:
    held = Folder(tmp_path)
    with pytest.raises(StateFolderError, match=r"another server is using .*name another folder"):
        Folder(tmp_path)
    held.close()
    Folder(tmp_path).close()


def test_what_is_no_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateFolderError, match=r"file cannot be used as a folder .*Name a writable"):
        Folder(tmp_path / "file")


def test_a_server_gives_its_folder_free_when_it_ends(tmp_path: Path) -> None:
    settings = Settings(port=0, whisper_model="none", state=str(tmp_path))
    with MockServer(settings), pytest.raises(StateFolderError):
        MockServer(settings)
    MockServer(settings).stop()


@pytest.mark.slow
def test_the_command_says_in_one_line_that_the_folder_is_in_use(tmp_path: Path) -> None:
    held = Folder(tmp_path)
    command = [sys.executable, "-m", "mockserver", "serve", "--port", "0", "--state", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert f"another server is using {tmp_path}" in ended.stderr
    held.close()


def test_a_temporary_folder_is_removed_when_it_is_closed(temporary_files: Path) -> None:
    folder = TemporaryFolder()
    assert folder.path.parent == temporary_files
    folder.close()
    assert not folder.path.exists()


def test_a_temporary_folder_is_removed_at_the_end_of_the_process(tmp_path: Path) -> None:
    holder = subprocess.run([sys.executable, "-c", HOLD, tmp_path], input="", capture_output=True, check=True)
    assert holder.stdout
    assert not list(tmp_path.iterdir())


def test_the_temporary_folder_of_a_killed_process_is_removed_by_the_next(temporary_files: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(temporary_files)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        left_behind = Path(holder.stdout.readline().strip())
        TemporaryFolder().close()
        assert left_behind.exists()  # its process is alive
        holder.kill()
    TemporaryFolder().close()
    assert not left_behind.exists()


def test_a_file_is_replaced_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "1.json"
    write_whole(path, b"first")

    def fails(descriptor: int) -> None:
        raise OSError("no room")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError, match="no room"):
        write_whole(path, b"second")
    assert path.read_bytes() == b"first"


@pytest.mark.skipif(os.name == "nt", reason="has no links for everybody")
def test_folders_that_only_look_temporary_are_left_alone(temporary_files: Path) -> None:
    (temporary_files / "elsewhere").mkdir()
    (temporary_files / "elsewhere" / "lock").touch()
    (temporary_files / "mockserver-blobs-link").symlink_to(temporary_files / "elsewhere")
    foreign = [temporary_files / "mockserver-blobs-foreign" / name for name in ("lock", "blobs/precious")]
    marked = temporary_files / "mockserver-blobs-marked"
    Folder(marked).close()
    own, precious = marked / "blobs" / ("0" * 32), marked / "blobs" / "precious"
    for path in (*foreign, own, precious):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    TemporaryFolder().close()
    assert all(path.exists() for path in (*foreign, precious))
    assert (temporary_files / "elsewhere" / "lock").exists()
    assert not own.exists()
