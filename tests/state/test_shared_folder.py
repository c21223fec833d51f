"""Several processes that have the same documents and blobs."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mockserver.resources import data_folder
from mockserver.state.folder import StateFolderInUse
from mockserver.state.opening import open_state
from mockserver.state.protocols import BlobStore, Change, Documents
from mockserver.state.value_rules import ValueRules
from mockserver.validation.schemas import Schemas
from tests.state.conftest import consent, file, kept
from tests.state.processes import in_processes
from tests.waiting import eventually

KIND = "voice_consent"
Opened = tuple[Documents, BlobStore]


def opened(path: str) -> Opened:
    """Open the documents beside the database ``path``, as each process does."""
    return open_state("", ValueRules(Schemas(data_folder("schemas"))), store=f"sqlite:{path}")


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "store.db")


@pytest.fixture
def open_again(path: str) -> Iterator[Callable[[], Opened]]:
    """Return a function that opens the documents as another process."""
    made: list[Opened] = []

    def another() -> Opened:
        made.append(opened(path))
        return made[-1]

    yield another
    for store, blobs in made:
        store.close()
        blobs.close()


def names(store: Documents) -> list[str]:
    return [value["name"] for value in store.values(KIND, "ann")]


def test_what_one_process_has_stored_another_sees_at_once(open_again: Callable[[], Opened]) -> None:
    (mine, _), (yours, _) = open_again(), open_again()
    mine.put(KIND, "ann", "1", consent("1", "first"))
    assert names(yours) == ["first"]
    yours.update(KIND, "ann", "1", lambda value: value | {"name": "second"})
    assert mine.get(KIND, "ann", "1") == consent("1", "second")
    mine.remove(KIND, "ann", "1")
    assert yours.get(KIND, "ann", "1") is None


def test_listeners_of_other_processes_follow_soon(open_again: Callable[[], Opened]) -> None:
    (mine, _), (yours, _) = open_again(), open_again()
    heard: list[Change] = []
    own: list[Change] = []
    yours.listen(heard.extend, KIND)
    mine.listen(own.extend, KIND)
    mine.put(KIND, "ann", "1", consent("1"))
    assert eventually(lambda: heard == [Change(KIND, "ann", "1", None, consent("1"))])
    mine.remove(KIND, "ann", "1")
    assert eventually(lambda: heard[1:] == [Change(KIND, "ann", "1", None, None)])
    yours.put(KIND, "ann", "2", consent("2"))
    assert heard[2:] == [Change(KIND, "ann", "2", None, consent("2"))]
    assert eventually(lambda: len(own) == 3)
    assert len(heard) == 3


def test_bytes_can_be_read_by_all_and_go_with_the_last_value(open_again: Callable[[], Opened]) -> None:
    (mine, my_blobs), (yours, your_blobs) = open_again(), open_again()
    blob_id = kept(my_blobs, b"RIFF")
    with your_blobs.open(blob_id) as early:
        assert early.read() == b"RIFF"
    mine.put("file", "ann", "file-1", file("file-1", blob_id, 4))
    yours.put("file", "ann", "file-2", file("file-2", blob_id, 4))
    mine.remove("file", "ann", "file-1")
    assert your_blobs.size(blob_id) == 4
    yours.remove("file", "ann", "file-2")
    assert blob_id not in my_blobs
    assert blob_id not in your_blobs


def test_one_server_alone_and_several_exclude_each_other(
    path: str, open_again: Callable[[], Opened], rules: ValueRules
) -> None:
    folder = f"{path}-documents"
    store, blobs = open_state(folder, rules)
    with pytest.raises(StateFolderInUse):
        open_again()
    store.close()
    blobs.close()
    open_again()
    with pytest.raises(StateFolderInUse):
        open_state(folder, rules)
    open_again()


def add(value: dict[str, Any]) -> dict[str, Any]:
    return value | {"created_at": value["created_at"] + 1}


def add_often(path: str) -> None:
    store, blobs = opened(path)
    for number in range(100):
        store.update(KIND, "ann", "1", add)
        store.put(KIND, "ann", f"{os.getpid()}-{number}", consent(f"{os.getpid()}-{number}"))
    store.close()
    blobs.close()


@pytest.mark.slow
def test_updates_of_several_processes_are_all_there(path: str, open_again: Callable[[], Opened]) -> None:
    store, _ = open_again()
    store.put(KIND, "ann", "1", consent("1"))
    in_processes(3, add_often, path)
    value = store.get(KIND, "ann", "1")
    assert value == consent("1") | {"created_at": consent("1")["created_at"] + 300}
    assert len(store.values(KIND, "ann")) == 301


def name_and_remove(path: str) -> None:
    """Store files with bytes, and remove every other, until the process is killed."""
    store, blobs = opened(path)
    number = 0
    while True:
        key = f"file-{os.getpid()}-{number}"
        store.put("file", "ann", key, file(key, kept(blobs, b"RIFF"), 4))
        if number % 2:
            store.remove("file", "ann", key)
        number += 1


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_a_killed_process_takes_nothing_of_the_others_with_it(
    path: str, open_again: Callable[[], Opened], rules: ValueRules
) -> None:
    context = multiprocessing.get_context("spawn")
    store, blobs = open_again()
    waiting = kept(blobs, b"named later")
    for _ in range(3):
        before = len(store.values("file", "ann"))
        workers = [context.Process(target=name_and_remove, args=(path,), daemon=True) for _ in range(2)]
        for worker in workers:
            worker.start()
        assert eventually(lambda count=before: len(store.values("file", "ann")) > count + 20)  # type: ignore[misc]
        for worker in workers:
            assert worker.pid is not None
            os.kill(worker.pid, signal.SIGKILL)
            worker.join()
        open_again()
    assert waiting in blobs
    store.put("file", "bob", "file-1", file("file-1", waiting, 11))
    named = [value["blobs"][0] for _, _, value in store.all("file")]
    folder = Path(f"{path}-documents")
    assert all(blob_id in blobs for blob_id in named)
    assert sorted(each.name for each in (folder / "blobs").iterdir()) == sorted(named)
    assert not [each for each in (folder / "incoming").glob("*/*") if each.name != "lock"]
