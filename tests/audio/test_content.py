"""Bytes in memory and bytes on disk are read in the same way."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from mockserver.audio import content as module
from mockserver.audio.content import LARGE, Content, ContentWriter, Spool

DATA = bytes(range(256)) * 40
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks at open files in /proc")


def on_disk(data: bytes) -> Content:
    writer = ContentWriter(Spool())
    for start in range(0, len(data), 1000):
        writer.write(data[start : start + 1000])
    return writer.content()


def spooled() -> list[Path]:
    """Return the open files of this process that have no name any more."""
    files = [Path("/proc/self/fd", name) for name in os.listdir("/proc/self/fd")]
    return [file for file in files if file.is_symlink() and "(deleted)" in os.readlink(file)]


@pytest.mark.parametrize("made", [Content, on_disk])
def test_all_or_a_part_can_be_read(made: Callable[[bytes], Content]) -> None:
    content = made(DATA)
    assert (content.size, content.sha256) == (len(DATA), hashlib.sha256(DATA).hexdigest())
    assert content.read() == b"".join(content.pieces()) == DATA
    assert content.part(10, 20) == DATA[10:30]
    assert content.part(len(DATA) - 5, 20) == DATA[-5:]
    assert content.part(len(DATA) + 5, 20) == b""


@pytest.mark.parametrize("made", [Content, on_disk])
def test_readers_know_where_they_are_themselves(made: Callable[[bytes], Content]) -> None:
    content = made(DATA)
    with content.open() as first, content.open(100, 200) as second:
        assert first.read(10) == DATA[:10]
        assert second.read() == DATA[100:200]
        assert first.read(10) == DATA[10:20]
        assert second.seek(-10, io.SEEK_END) == 90
        assert second.read(50) == DATA[190:200]


def test_contents_are_equal_when_their_bytes_are() -> None:
    assert on_disk(DATA) == Content(DATA)
    assert on_disk(DATA) != Content(DATA[1:])


def test_several_share_a_file() -> None:
    spool = Spool()
    contents = []
    for data in (DATA, DATA[::-1]):
        writer = ContentWriter(spool)
        writer.write(data)
        contents.append(writer.content())
    assert [each.read() for each in contents] == [DATA, DATA[::-1]]


def test_threads_read_at_the_same_time() -> None:
    content, wrong = on_disk(DATA), set[int]()

    def read(start: int) -> None:
        for _ in range(200):
            if content.part(start, 500) != DATA[start : start + 500]:
                wrong.add(start)

    threads = [threading.Thread(target=read, args=(1000 * number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@on_linux
def test_a_file_is_private_has_no_name_and_is_deleted_with_its_content() -> None:
    before = spooled()
    content = on_disk(DATA)
    (file,) = set(spooled()) - set(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.stat().st_nlink == 0
    del content
    assert spooled() == before


@on_linux
def test_only_what_is_large_is_put_aside() -> None:
    before = spooled()
    small, large = Content.aside(bytes(LARGE)), Content.aside(bytes(LARGE + 1))
    assert len(spooled()) == len(before) + 1
    assert (small.size, large.read()) == (LARGE, bytes(LARGE + 1))


def test_without_a_disk_everything_stays_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_disk(**_: object) -> None:
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(tempfile, "TemporaryFile", no_disk)
    module.has_disk.cache_clear()
    try:
        assert Content.aside(bytes(LARGE + 1)).read() == bytes(LARGE + 1)
    finally:
        module.has_disk.cache_clear()
