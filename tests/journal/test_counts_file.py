"""Numbers in a file: read by other processes, and there after a kill."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import pytest

from mockserver.journal.counts_file import CountsFile, read
from tests.waiting import eventually


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "1.metrics"


@pytest.fixture
def file(path: Path) -> Iterator[CountsFile]:
    opened = CountsFile(path)
    yield opened
    opened.close()


def test_what_is_set_is_read_by_others(path: Path, file: CountsFile) -> None:
    assert read(path) == {}
    file.set(("requests", "chat"), 1)
    file.set(("sum",), 0.1)
    file.set(("requests", "chat"), 2)
    file.set(("", 'a"\n\u2028€'), 1e300)
    assert read(path) == {
        ("requests", "chat"): 2,
        ("sum",): 0.1,
        ("", 'a"\n\u2028€'): 1e300,
    }


def test_many_numbers_have_room(path: Path, file: CountsFile) -> None:
    for number in range(10_000):
        file.set((str(number),), number)
    assert read(path) == {(str(number),): number for number in range(10_000)}


def test_the_next_process_goes_on_after_a_name_that_was_half_written(path: Path, file: CountsFile) -> None:
    file.set(("a",), 1)
    with path.with_suffix(".names").open("ab") as names:
        names.write(b'["b')
    assert read(path) == {("a",): 1}
    following = CountsFile(path)
    following.set(("c",), 3)
    following.set(("a",), 2)
    following.close()
    assert read(path) == {("a",): 2, ("c",): 3}


def test_a_number_without_room_on_the_disk_is_left_out(
    path: Path, file: CountsFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.set(("a",), 1)

    def full(data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(file, "_names_file", type("Full", (), {"write": staticmethod(full)})())
        file.set(("b",), 2)
    file.set(("a",), 3)
    assert read(path) == {("a",): 3}


def count_until_killed(path: Path) -> None:
    file, number = CountsFile(path), 0
    while True:
        number += 1
        for each in ("first", "second"):
            file.set((each,), number)


@pytest.mark.slow
def test_a_killed_process_leaves_its_last_numbers(path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=count_until_killed, args=[path])
    process.start()
    assert eventually(lambda: path.exists() and read(path).get(("second",), 0) > 1000)
    process.kill()
    process.join(60)
    numbers = read(path)
    assert numbers["first",] - numbers["second",] in (0, 1)
