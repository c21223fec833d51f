"""The state that a server stored is there when the next one opens the folder."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from mockserver.state.disk import StateFailed
from mockserver.state.inspection import inspect
from mockserver.state.layout import StateFolderError, row_of
from mockserver.state.opening import open_state
from mockserver.state.protocols import BlobStore, Change, Documents
from mockserver.state.value_rules import ValueRules
from tests.state.conftest import Opened, consent, file, kept

KIND = "voice_consent"


def nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


def reopened(blobs: BlobStore, opened: Opened) -> tuple[Documents, BlobStore]:
    blobs.close()
    return opened()


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def sql(folder: Path, statement: str, *values: object) -> None:
    """Change the database of a folder that is not open."""
    with contextlib.closing(sqlite3.connect(folder / "state.db")) as connection, connection:
        connection.execute(statement, values)


def names(store: Documents, account: str = "ann") -> list[str]:
    return [value["name"] for value in store.values(KIND, account)]


def test_without_a_folder_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rules: ValueRules
) -> None:
    monkeypatch.chdir(tmp_path)
    store, blobs = open_state("", rules)
    store.put(KIND, "ann", "1", consent("1"))
    blobs.close()
    assert not list(tmp_path.iterdir())


def test_values_come_back_in_order(opened: Opened) -> None:
    store, blobs = opened()
    for key in ("b", "a", "c"):
        store.put(KIND, "ann", key, consent(key, key))
    store.put(KIND, "bob", "d", consent("d", "d"))
    store.update(KIND, "ann", "b", lambda value: value | {"name": "B"})
    store.remove(KIND, "ann", "c")
    store, blobs = reopened(blobs, opened)
    store.put(KIND, "ann", "e", consent("e", "é"))
    store, blobs = reopened(blobs, opened)
    assert names(store) == ["B", "a", "é"]
    assert names(store, "bob") == ["d"]
    blobs.close()


def test_an_upload_without_a_file_that_an_earlier_version_began_comes_back(opened: Opened) -> None:
    begun = {
        "id": "upload-1",
        "object": "upload",
        "bytes": 6,
        "created_at": 1_800_000_000,
        "filename": "a.jsonl",
        "purpose": "batch",
        "status": "pending",
        "expires_at": 1_800_003_600,
        "file": None,
    }
    store, blobs = opened()
    part = {"blob": kept(blobs, b"abc"), "size": 3}
    value = {"upload": begun, "lifetime": None, "parts": {"part-1": part}, "blobs": [part["blob"]]}
    store.put("upload", "ann", "upload-1", value)
    store, blobs = reopened(blobs, opened)
    assert store.get("upload", "ann", "upload-1") == value
    blobs.close()


def test_what_was_reset_does_not_come_back(opened: Opened) -> None:
    store, blobs = opened()
    store.put(KIND, "ann", "1", consent("1"))
    store.put(KIND, "bob", "1", consent("1"))
    store.reset("ann")
    store, blobs = reopened(blobs, opened)
    assert [account for account, _, _ in store.all(KIND)] == ["bob"]
    blobs.close()


def test_a_restored_snapshot_comes_back(opened: Opened) -> None:
    store, blobs = opened()
    for key in ("1", "2"):
        store.put(KIND, "ann", key, consent(key, "old"))
    snapshot = store.snapshot(None)
    store.put(KIND, "ann", "1", consent("1", "new"))
    store.put(KIND, "ann", "3", consent("3", "new"))
    store.restore(snapshot, None)
    store, blobs = reopened(blobs, opened)
    assert [(key, value["name"]) for _, key, value in store.all(KIND)] == [("1", "old"), ("2", "old")]
    blobs.close()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"kind": "fi',
        b"{}",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"kind":"voice_consent","account":"ann","key":"7","value":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"kind":"voice_consent","account":"ann","key":"7","value":NaN}',
        *(
            json.dumps({"kind": KIND, "account": "ann", "key": "7", "value": consent("7")} | changed).encode()
            for changed in cast(
                "list[dict[str, Any]]",
                [
                    {"kind": "unknown"},
                    {"kind": ["file"]},
                    {"kind": None},
                    {"account": 7},
                    {"account": "a\r\nb"},
                    {"key": [7]},
                    {"key": nested(300)},
                    {"account": nested(300)},
                    {"kind": nested(300)},
                    {"key": "8"},
                    {"value": "text"},
                    {"value": None},
                    {"value": {}},
                    {"value": consent("7") | {"created_at": "today"}},
                    {"value": consent("7") | {"created_at": 1.0}},
                    {"value": consent("7") | {"name": None}},
                    {"more": 1},
                ],
            )
        ),
    ],
    ids=lambda content: content[:60].decode("latin-1"),
)
def test_what_cannot_be_used_is_set_aside(
    tmp_path: Path, opened: Opened, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    store, blobs = opened()
    store.put(KIND, "ann", "1", consent("1"))
    blobs.close()
    (tmp_path / "values").mkdir()
    (tmp_path / "values" / "000000000007.json").write_bytes(content)
    for _ in range(2):
        with caplog.at_level(logging.WARNING):
            store, blobs = opened()
        assert store.all(KIND) == [("ann", "1", consent("1"))]
        assert files_in(tmp_path / "values") == [f"damaged{os.sep}000000000007.json"]
        assert (tmp_path / "values" / "damaged" / "000000000007.json").read_bytes() == content
        blobs.close()
    assert caplog.text.count("It is kept as") == 1


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"null", b'{"id": "2"}', b"[" * 5000, "text"])
def test_a_row_that_cannot_be_used_is_set_aside_as_a_file_and_comes_back_when_it_is_repaired(
    tmp_path: Path, opened: Opened, content: object, caplog: pytest.LogCaptureFixture
) -> None:
    store, blobs = opened()
    for key in ("1", "2"):
        store.put(KIND, "ann", key, consent(key, key))
    store.close()
    blobs.close()
    sql(tmp_path, "UPDATE documents SET value = ? WHERE key = '1'", content)
    for _ in range(2):
        store, blobs = opened()
        assert names(store) == ["2"]
        blobs.close()
    assert caplog.text.count("voice_consent '1' of 'ann' cannot be used") == 1
    damaged = tmp_path / "values" / "damaged" / "000000000001.json"
    row = json.loads(damaged.read_bytes())
    damaged.unlink()
    (tmp_path / "values" / damaged.name).write_text(json.dumps(row | {"value": consent("1", "repaired")}))
    store, blobs = opened()
    assert names(store) == ["2", "repaired"]
    assert files_in(tmp_path / "values") == []
    blobs.close()


def test_the_log_names_what_was_set_aside_and_why(
    tmp_path: Path, opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    store, blobs = opened()
    store.put("file", "org/proj", "file-1", file("file-1", kept(blobs, b"RIFF"), 5))
    blobs.close()
    _, blobs = opened()
    assert "file 'file-1' of 'org/proj' cannot be used: the blob " in caplog.text
    assert "has 4 bytes, not 5" in caplog.text
    assert "values/damaged/000000000001.json" in caplog.text.replace(os.sep, "/")
    blobs.close()


def test_nothing_that_was_set_aside_is_ever_replaced(tmp_path: Path, opened: Opened) -> None:
    _, blobs = opened()
    (tmp_path / "values").mkdir()
    for content in (b"first", b"second", b"third"):
        blobs.close()
        (tmp_path / "values" / "000000000000.json").write_bytes(content)
        _, blobs = opened()
    kept_aside = sorted(path.read_bytes() for path in (tmp_path / "values" / "damaged").iterdir())
    assert kept_aside == [b"first", b"second", b"third"]
    blobs.close()


@pytest.mark.parametrize("loss", ["one is damaged", "one is gone", "all are gone", "the database is gone"])
def test_bytes_stay_whose_values_are_lost_and_serve_them_when_they_come_back(
    tmp_path: Path, opened: Opened, loss: str, caplog: pytest.LogCaptureFixture, rules: ValueRules
) -> None:
    store, blobs = opened()
    ids = [kept(blobs, content) for content in (b"RIFF", b"RIFX")]
    for blob_id in ids:
        store.put("file", "ann", f"file-{blob_id}", file(f"file-{blob_id}", blob_id, 4))
    blobs.close()
    store.close()
    if loss == "one is damaged":
        sql(tmp_path, "UPDATE documents SET value = x'00' WHERE place = 1")
    elif loss == "one is gone":
        sql(tmp_path, "DELETE FROM documents WHERE place = 1")
    elif loss == "all are gone":
        sql(tmp_path, "DELETE FROM documents")
    else:
        (tmp_path / "state.db").unlink()
    lost = ids if "all" in loss or "database" in loss else ids[:1]
    for _ in range(2):
        is_well, text = inspect(tmp_path, rules)
        assert not is_well
        assert f"{len(lost)} files in {tmp_path / 'blobs'} are named by no object" in text
        assert all(blob_id in text for blob_id in lost)
        store, blobs = opened()
        assert len(store.all("file")) == 2 - len(lost)
        assert files_in(tmp_path / "blobs") == sorted(ids)
        blobs.close()
    assert all(f"{blob_id}. It is kept" in caplog.text for blob_id in lost)
    for number, blob_id in enumerate(ids):
        (tmp_path / "values").mkdir(exist_ok=True)
        row = row_of("file", "ann", f"file-{blob_id}", file(f"file-{blob_id}", blob_id, 4))
        (tmp_path / "values" / f"{number:012}.json").write_bytes(row)
    store, blobs = opened()
    assert sorted(value["blobs"][0] for _, _, value in store.all("file")) == sorted(ids)
    blobs.close()


def test_wherever_a_server_is_killed_the_next_one_has_all_or_nothing_and_no_leftovers(
    tmp_path: Path, rules: ValueRules, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, moments = tmp_path / "state", tmp_path / "moments"
    moments.mkdir()

    def keep_moment(*_: object) -> None:
        """Copy the folder as it is now."""
        shutil.copytree(state, moments / str(len(list(moments.iterdir()))))

    def with_moments(name: str) -> None:
        """Copy the folder before each call of a method that changes it."""
        method = getattr(Path, name)

        def copying(path: Path, *arguments: Any, **options: Any) -> Any:
            if path.is_relative_to(state):
                keep_moment()
            return method(path, *arguments, **options)

        monkeypatch.setattr(Path, name, copying)

    store, blobs = open_state(str(state), rules)
    store.put("file", "ann", "file-0", file("file-0", kept(blobs, b"RIFF"), 4))
    for name in ("replace", "rename", "unlink"):
        with_moments(name)
    with store._database.transaction() as cursor:  # type: ignore[attr-defined]
        cursor.connection.set_trace_callback(keep_moment)
    store.put("file", "ann", "file-1", file("file-1", kept(blobs, b"RIFX"), 4))
    store.put("file", "ann", "file-1", file("file-1", kept(blobs, b"RIFXX"), 5))
    store.remove("file", "ann", "file-1")
    monkeypatch.undo()
    blobs.close()
    seen = set()
    for moment in moments.iterdir():
        store, blobs = open_state(str(moment), rules)
        found = {key: blobs.size(value["blobs"][0]) for _, key, value in store.all("file")}
        seen.add(tuple(found.items()))
        assert files_in(moment / "blobs") == sorted(value["blobs"][0] for _, _, value in store.all("file"))
        assert {Path(name).name for name in files_in(moment / "incoming")} == {"lock"}
        assert len(list((moment / "incoming").iterdir())) == 1
        assert not (moment / "values" / "damaged").exists()
        blobs.close()
    assert seen == {
        (("file-0", 4),),
        (("file-0", 4), ("file-1", 4)),
        (("file-0", 4), ("file-1", 5)),
    }


@pytest.mark.parametrize("damage", ["gone", "shorter", "longer", "a folder", "a link"])
def test_a_value_whose_bytes_are_not_there_is_set_aside(tmp_path: Path, opened: Opened, damage: str) -> None:
    store, blobs = opened()
    blob_id = kept(blobs, b"RIFF")
    store.put("file", "ann", "file-1", file("file-1", blob_id, 4))
    blobs.close()
    path = tmp_path / "blobs" / blob_id
    path.unlink()
    if damage == "a folder":
        path.mkdir()
    elif damage == "a link":
        (tmp_path / "elsewhere").write_bytes(b"RIFF")
        path.symlink_to(tmp_path / "elsewhere")
    elif damage != "gone":
        path.write_bytes({"shorter": b"RIF", "longer": b"RIFFF"}[damage])
    store, blobs = opened()
    assert not store.all("file")
    assert files_in(tmp_path / "values") == [f"damaged{os.sep}000000000001.json"]
    assert damage not in ("a folder", "a link") or os.path.lexists(path)
    blobs.close()


def test_of_two_values_with_one_key_the_newer_is_kept(tmp_path: Path, opened: Opened) -> None:
    _, blobs = opened()
    blobs.close()
    (tmp_path / "values").mkdir()
    for number, name in ((3, "old"), (5, "new")):
        row = {"kind": KIND, "account": "ann", "key": "1", "value": consent("1", name)}
        (tmp_path / "values" / f"{number:012}.json").write_text(json.dumps(row))
    store, blobs = opened()
    assert names(store) == ["new"]
    store.remove(KIND, "ann", "1")
    store, blobs = reopened(blobs, opened)
    assert not store.all(KIND)
    assert files_in(tmp_path / "values") == [f"damaged{os.sep}000000000003.json"]
    blobs.close()


def test_what_no_server_wrote_is_left_alone(
    tmp_path: Path, opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    _, blobs = opened()
    blobs.close()
    foreign: dict[str, Any] = {
        "notes.txt": b"1",
        "values/abc.json": b"{}",
        "values/notes.tmp": b"2",
        "blobs/precious.bin": b"3",
        "blobs/sha256/0123": b"4",
        f"blobs/{'a' * 40}": b"5",
        "incoming/half.bin": b"6",
        f"incoming/{'b' * 32}/deep": b"7",
        "values/000000000009.json/deep": b"8",
    }
    for name, content in foreign.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    store, blobs = opened()
    store.put(KIND, "ann", "1", consent("1"))
    store, blobs = reopened(blobs, opened)
    assert names(store) == ["Ann"]
    blobs.close()
    assert {name: (tmp_path / name).read_bytes() for name in foreign} == foreign
    assert "precious.bin is not a file of this server, and is left alone" in caplog.text


def test_what_was_half_written_and_bytes_that_no_value_ever_named_are_removed(
    tmp_path: Path, opened: Opened
) -> None:
    store, blobs = opened()
    named, unnamed = kept(blobs, b"RIFF"), kept(blobs, b"RIFX")
    store.put("file", "ann", "file-1", file("file-1", named, 4))
    writer = blobs.writer()
    writer.write(bytes(1 << 17))
    (tmp_path / "values").mkdir()
    (tmp_path / "values" / "000000000008.tmp").write_bytes(b"{")
    store, blobs = reopened(blobs, opened)
    assert unnamed not in blobs
    assert [key for _, key, _ in store.all("file")] == ["file-1"]
    assert files_in(tmp_path / "values") == []
    assert files_in(tmp_path / "blobs") == [named]
    assert [Path(name).name for name in files_in(tmp_path / "incoming")] == ["lock"]
    writer.__exit__()
    blobs.close()


def refuse(folder: Path, change: str, why: str = "no power") -> None:
    """Let the database of a folder refuse changes of documents."""
    sql(folder, f"CREATE TRIGGER refuse BEFORE {change} ON documents BEGIN SELECT RAISE(ABORT, '{why}'); END")


@pytest.mark.parametrize("change", ["INSERT", "UPDATE", "DELETE"])
def test_a_change_that_cannot_be_written_has_not_happened(
    tmp_path: Path, opened: Opened, change: str
) -> None:
    store, blobs = opened()
    for key in ("1", "2"):
        store.put(KIND, "ann", key, consent(key, "old"))
    before = store.snapshot(None)
    heard: list[Change] = []
    store.listen(heard.extend)
    refuse(tmp_path, change)
    changes: dict[str, list[Callable[[], object]]] = {
        "INSERT": [lambda: store.put(KIND, "ann", "3", consent("3"))],
        "UPDATE": [
            lambda: store.put(KIND, "ann", "1", consent("1", "new")),
            lambda: store.update(KIND, "ann", "1", lambda each: each | {"name": "new"}),
        ],
        "DELETE": [
            lambda: store.remove(KIND, "ann", "1"),
            lambda: store.reset(None),
            lambda: store.restore([], None),
        ],
    }
    for refused in changes[change]:
        with pytest.raises(StateFailed, match=r"state\.db cannot be used: no power"):
            refused()
        assert store.snapshot(None) == before
    assert not heard
    store, blobs = reopened(blobs, opened)
    assert store.snapshot(None) == before
    blobs.close()


def test_what_a_full_database_refuses_is_not_there(opened: Opened) -> None:
    store, blobs = opened()
    store.put(KIND, "ann", "1", consent("1"))
    with store._database.transaction() as cursor:  # type: ignore[attr-defined]
        cursor.connection.execute("PRAGMA max_page_count = 1")  # no more than there are
    with pytest.raises(StateFailed) as caught:
        store.put(KIND, "ann", "2", consent("2", "x" * 1_000_000))
    assert caught.value.no_room
    assert names(store) == ["Ann"]
    assert store.remove(KIND, "ann", "1")
    blobs.close()


def test_bytes_stay_until_no_value_on_disk_names_them(tmp_path: Path, opened: Opened) -> None:
    store, blobs = opened()
    named = kept(blobs, b"RIFF")
    store.put("file", "ann", "file-1", file("file-1", named, 4))
    refuse(tmp_path, "DELETE")
    with pytest.raises(StateFailed):
        store.remove("file", "ann", "file-1")
    assert named in blobs
    sql(tmp_path, "DROP TRIGGER refuse")
    store.remove("file", "ann", "file-1")
    assert named not in blobs
    blobs.close()


@pytest.mark.parametrize("content", [b"SQLite format 3\0" + bytes(4096), b"notes", b"\0" * 100_000])
def test_a_database_that_is_damaged_is_refused_and_left_unchanged(
    tmp_path: Path, opened: Opened, content: bytes
) -> None:
    opened()[1].close()
    for path in tmp_path.glob("state.db*"):
        path.unlink()
    (tmp_path / "state.db").write_bytes(content)
    with pytest.raises(StateFolderError, match=r"^state: .*state\.db .*Restore this file from a backup"):
        opened()
    assert (tmp_path / "state.db").read_bytes() == content


def test_a_database_with_damage_inside_is_refused(tmp_path: Path, opened: Opened) -> None:
    store, blobs = opened()
    for number in range(200):
        store.put(KIND, "ann", str(number), consent(str(number), "x" * 100))
    store.close()
    blobs.close()
    with (tmp_path / "state.db").open("r+b") as database:
        database.seek(4096 * 3)
        database.write(b"\xff" * 4096 * 4)
    with pytest.raises(StateFolderError, match=r"state\.db cannot be used: .*Restore this file"):
        opened()


def test_a_database_of_another_program_is_refused(tmp_path: Path, opened: Opened) -> None:
    opened()[1].close()
    for path in tmp_path.glob("state.db*"):
        path.unlink()
    sql(tmp_path, "CREATE TABLE precious (thing TEXT)")
    with pytest.raises(StateFolderError, match=r"state\.db is a database of another program"):
        opened()


def test_a_folder_of_the_earlier_format_is_converted(tmp_path: Path, opened: Opened) -> None:
    blob_id = "0123456789abcdef" * 2
    rows = [
        row_of(KIND, "ann", "2", consent("2", "first")),
        row_of(KIND, "ann", "1", consent("1", "second")),
        row_of("file", "ann", "file-1", file("file-1", blob_id, 4)),
    ]
    for name in ("values", "blobs", "incoming"):
        (tmp_path / name).mkdir()
    for number, row in enumerate(rows):
        (tmp_path / "values" / f"{number:012}.json").write_bytes(row)
    (tmp_path / "incoming" / blob_id).write_bytes(b"RIFF")
    (tmp_path / "incoming" / ("0" * 32)).write_bytes(b"half")
    (tmp_path / "lock").touch()
    (tmp_path / "mockserver-state.json").write_text('{"format": 1}')
    for _ in range(2):
        store, blobs = opened()
        assert names(store) == ["first", "second"]
        assert blobs.size(blob_id) == 4
        assert files_in(tmp_path / "values") == []
        assert files_in(tmp_path / "blobs") == [blob_id]
        assert json.loads((tmp_path / "mockserver-state.json").read_bytes())["format"] == 2
        blobs.close()


def test_a_conversion_that_is_interrupted_loses_nothing(
    tmp_path: Path, rules: ValueRules, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder is copied at each file that is changed, and before each statement of the database."""
    state, moments = tmp_path / "state", tmp_path / "moments"
    (state / "values").mkdir(parents=True)
    moments.mkdir()
    for number in range(4):
        row = row_of(KIND, "ann", str(number), consent(str(number), str(number)))
        (state / "values" / f"{number:012}.json").write_bytes(row)
    (state / "lock").touch()
    unlink = Path.unlink

    def copying(path: Path, *, missing_ok: bool = False) -> None:
        if path.is_relative_to(state):
            shutil.copytree(state, moments / str(len(list(moments.iterdir()))))
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", copying)
    open_state(str(state), rules)[1].close()
    monkeypatch.undo()
    assert len(list(moments.iterdir())) >= 4
    for moment in moments.iterdir():
        store, blobs = open_state(str(moment), rules)
        assert names(store) == ["0", "1", "2", "3"]
        assert not list((moment / "values").rglob("*"))
        blobs.close()


def test_a_value_in_a_file_replaces_none_in_the_database(
    tmp_path: Path, opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    store, blobs = opened()
    store.put(KIND, "ann", "1", consent("1", "newer"))
    blobs.close()
    (tmp_path / "values").mkdir()
    (tmp_path / "values" / "000000000007.json").write_bytes(row_of(KIND, "ann", "1", consent("1", "older")))
    store, blobs = opened()
    assert names(store) == ["newer"]
    assert files_in(tmp_path / "values") == [f"damaged{os.sep}000000000007.json"]
    assert "the database has another value" in caplog.text
    blobs.close()


@pytest.mark.skipif(os.name == "nt", reason="has other permissions")
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o277])
def test_only_the_owner_can_read_what_is_kept(tmp_path: Path, rules: ValueRules, umask: int) -> None:
    state, before = tmp_path / "state", os.umask(umask)
    try:
        store, blobs = open_state(str(state), rules)
        store.put("file", "ann", "file-1", file("file-1", kept(blobs, b"RIFF"), 4))
        writer = blobs.writer()
        writer.write(bytes(1 << 17))
        modes = {path: path.stat().st_mode & 0o777 for path in (state, *state.rglob("*"))}
    finally:
        os.umask(before)
    writer.__exit__()
    blobs.close()
    assert {"state.db", "state.db-wal", "lock", "blobs"} < {path.name for path in modes}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} <= {0o600}


@pytest.mark.skipif(os.name == "nt", reason="has other permissions")
def test_what_an_earlier_version_let_others_read_is_tightened(tmp_path: Path, opened: Opened) -> None:
    store, blobs = opened()
    store.put("file", "ann", "file-1", file("file-1", kept(blobs, b"RIFF"), 4))
    store.close()
    blobs.close()
    (tmp_path / "blobs" / "foreign").touch()
    for path in tmp_path.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    (tmp_path / "mockserver-state.json").unlink()
    (tmp_path / "blobs" / "foreign").unlink()
    _, blobs = opened()
    assert {path.stat().st_mode & 0o077 for path in tmp_path.rglob("*")} == {0}
    blobs.close()
