"""A database that threads and processes use at the same time."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mockserver.state.disk import StateFailed
from mockserver.state.layout import StateFolderError
from mockserver.state.shared import open_shared
from mockserver.state.sqlite.changes import SqliteChanges
from mockserver.state.sqlite.database import Database, ForeignDatabase

COUNT = "CREATE TABLE IF NOT EXISTS counts (n INTEGER)"


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = Database(tmp_path / "store.db")
    made.create(COUNT, "INSERT INTO counts VALUES (0)")
    return made


def add(database: Database) -> None:
    with database.transaction() as cursor:
        (n,) = cursor.execute("SELECT n FROM counts").fetchone()
        cursor.execute("UPDATE counts SET n = ?", (n + 1,))


def add_often(database: Database) -> None:
    for _ in range(50):
        add(database)


def test_an_exception_undoes_a_transaction_and_those_within_it(database: Database) -> None:
    def fail() -> None:
        with database.transaction():
            add(database)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert database.row("SELECT n FROM counts") == (0,)
    add(database)
    assert database.row("SELECT n FROM counts") == (1,)


def test_a_failed_statement_is_a_failed_state_and_the_next_transaction_works(database: Database) -> None:
    message = r"store\.db cannot be used: no such table: other"
    with pytest.raises(StateFailed, match=message) as caught, database.transaction() as cursor:
        cursor.execute("SELECT * FROM other")
    assert not caught.value.no_room
    with pytest.raises(StateFailed, match="no such table"):
        database.rows("SELECT * FROM other")
    add(database)
    assert database.row("SELECT n FROM counts") == (1,)


def test_readers_wait_for_no_transaction_and_see_nothing_of_it(database: Database) -> None:
    with database.transaction() as cursor:
        cursor.execute("UPDATE counts SET n = 7")
        assert database.row("SELECT n FROM counts") == (0,)
    assert database.row("SELECT n FROM counts") == (7,)


def test_threads_share_few_connections_for_reading(database: Database) -> None:
    def read() -> None:
        database.row("SELECT n FROM counts")

    for _ in range(50):
        thread = threading.Thread(target=read)
        thread.start()
        thread.join()
    assert len(database.own().readers) == 1


def test_threads_with_their_own_databases_change_one_after_another(database: Database) -> None:
    with ThreadPoolExecutor(4) as threads:
        others = [Database(database.path) for _ in range(4)]
        list(threads.map(add_often, others))
    assert database.row("SELECT n FROM counts") == (200,)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_has_connections_of_its_own(database: Database) -> None:
    add(database)
    child = os.fork()
    if not child:
        try:
            for _ in range(100):
                add(database)
        finally:
            os._exit(0)
    for _ in range(100):
        add(database)
    assert os.waitpid(child, 0)[1] == 0
    assert database.row("SELECT n FROM counts") == (201,)
    assert Database(database.path).row("PRAGMA integrity_check") == ("ok",)


def test_changes_are_found_after_a_process_was_killed_that_appended_one(database: Database) -> None:
    one, other = SqliteChanges(database), SqliteChanges(Database(database.path))
    one.append(b"first")
    database.shared_number[0] = 0  # as that process leaves it
    assert other.latest() == 1
    other.append(b"second")
    assert one.latest() == 2


def test_a_closed_database_fails_clearly(database: Database) -> None:
    database.close()
    with pytest.raises(StateFailed):
        add(database)


@pytest.mark.parametrize("content", [b"notes", b"SQLite format 3\0" + bytes(4096)])
def test_a_file_that_is_no_database_is_refused_and_left_unchanged(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(StateFolderError, match=r"^store: .*notes\.txt .*Name another file"):
        open_shared(f"sqlite:{path}")
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("CREATE TABLE precious (thing TEXT)", "is a database of another program"),
        ("PRAGMA user_version = 99", "was written by a newer version, in format 99"),
    ],
)
def test_a_database_of_another_program_or_version_is_refused(
    tmp_path: Path, statement: str, message: str
) -> None:
    path = tmp_path / "other.db"
    if "user_version" in statement:
        Database(path).close()
    other = sqlite3.connect(path)
    other.execute(statement)
    other.close()
    before = path.read_bytes()
    with pytest.raises(ForeignDatabase, match=message):
        Database(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("place", ["missing/store.db", "folder"])
def test_a_place_that_cannot_be_used_is_named(tmp_path: Path, place: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(StateFolderError, match=f"^store: .*{place} cannot be used"):
        open_shared(f"sqlite:{tmp_path / place}")


@pytest.mark.skipif(os.name == "nt", reason="has other permissions")
def test_only_the_owner_can_read_it(database: Database) -> None:
    files = list(database.path.parent.iterdir())
    assert len(files) == 4
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_a_closed_database_is_not_opened_again(tmp_path: Path) -> None:
    database = Database(tmp_path / "state.db")
    database.create("CREATE TABLE IF NOT EXISTS words (word)")
    assert database.rows("SELECT word FROM words") == []
    database.close()
    left = {path.name for path in tmp_path.iterdir()}
    with pytest.raises(StateFailed, match="closed"):
        database.rows("SELECT word FROM words")
    assert {path.name for path in tmp_path.iterdir()} == left
