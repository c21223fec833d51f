"""The store holds values by kind, account and key."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mockserver.state.memory.documents import MemoryDocuments
from mockserver.state.protocols import Change


@pytest.fixture
def store() -> MemoryDocuments:
    return MemoryDocuments(capacity=3)


def test_what_is_put_can_be_got_again(store: MemoryDocuments) -> None:
    store.put("audio", "ann", "1", {"said": "Hi"})
    assert store.get("audio", "ann", "1") == {"said": "Hi"}


def test_the_newer_value_of_a_key_replaces_the_older(store: MemoryDocuments) -> None:
    store.put("audio", "ann", "1", {"said": "Hi"})
    store.put("audio", "ann", "1", {"said": "Bye"})
    assert store.values("audio", "ann") == [{"said": "Bye"}]


@pytest.mark.parametrize(
    ("kind", "account", "key"), [("audio", "bob", "1"), ("file", "ann", "1"), ("audio", "ann", "2")]
)
def test_kinds_accounts_and_keys_are_kept_apart(
    store: MemoryDocuments, kind: str, account: str, key: str
) -> None:
    store.put("audio", "ann", "1", {})
    assert store.get(kind, account, key) is None
    assert not store.remove(kind, account, key)
    assert store.update(kind, account, key, lambda value: value) is None


def test_values_come_oldest_first(store: MemoryDocuments) -> None:
    for number in range(3):
        store.put("audio", "ann", str(number), {"number": number})
    assert [value["number"] for value in store.values("audio", "ann")] == [0, 1, 2]
    assert store.values("audio", "bob") == []


def test_the_oldest_makes_room_for_the_newest(store: MemoryDocuments) -> None:
    for number in range(5):
        store.put("audio", "ann", str(number), {"number": number})
    store.put("audio", "bob", "1", {})
    assert [value["number"] for value in store.values("audio", "ann")] == [2, 3, 4]


def test_large_values_make_room_for_one_another() -> None:
    store = MemoryDocuments(room_bytes=1000)
    for number in range(3):
        store.put("completion", "ann", str(number), {"said": "x" * 400})
    assert [store.get("completion", "ann", str(number)) is None for number in range(3)] == [
        True,
        False,
        False,
    ]
    store.put("completion", "ann", "2", {"said": "short"})
    store.put("completion", "ann", "3", {"said": "x" * 400})
    assert len(store.values("completion", "ann")) == 3


def test_a_value_too_large_for_a_room_is_not_kept_and_moves_no_other() -> None:
    store = MemoryDocuments(room_bytes=1000)
    store.put("completion", "ann", "0", {"said": "Hi"})
    store.put("completion", "ann", "1", {"said": "x" * 1000})
    assert store.values("completion", "ann") == [{"said": "Hi"}]


@pytest.mark.parametrize(
    "change",
    [
        lambda store: store.put("audio", "ann", "3", {"said": "Bye"}),
        lambda store: store.update("audio", "ann", "1", lambda value: {"said": "Bye"}),
        lambda store: store.remove("audio", "bob", "2"),
        lambda store: store.reset(None),
        lambda store: store.restore([], None),
    ],
)
def test_who_reads_waits_for_no_write_and_sees_what_is_written(
    store: MemoryDocuments, change: Callable[[MemoryDocuments], object]
) -> None:
    writing, written = threading.Event(), threading.Event()

    def write(_: Sequence[Change]) -> None:
        writing.set()
        assert written.wait(30)

    store.put("audio", "ann", "1", {"said": "Hi"})
    store.put("audio", "bob", "2", {"said": "Hello"})
    before = store.snapshot(None)
    store.persist(write)
    with ThreadPoolExecutor() as threads:
        changed = threads.submit(change, store)
        assert writing.wait(30)
        assert store.get("audio", "ann", "1") == {"said": "Hi"}
        assert store.values("audio", "bob") == [{"said": "Hello"}]
        assert {key for _, key, _ in store.all("audio")} == {"1", "2"}
        assert sorted(map(json.dumps, store.snapshot(None))) == sorted(map(json.dumps, before))
        assert not changed.done()
        written.set()
        changed.result(30)
    assert sorted(map(json.dumps, store.snapshot(None))) != sorted(map(json.dumps, before))


def test_what_is_checked_stays_so_until_the_value_is_there() -> None:
    store = MemoryDocuments()

    def check() -> None:
        if len(store.values("voice", "ann")) >= 5:
            raise Refused

    with ThreadPoolExecutor(8) as threads:
        put = [
            threads.submit(store.put, "voice", "ann", str(number), {}, check=check) for number in range(200)
        ]
    assert sum(each.exception() is not None for each in put) == 195
    assert len(store.values("voice", "ann")) == 5


def test_the_account_that_was_away_for_longest_makes_room_for_a_new_one() -> None:
    store = MemoryDocuments(rooms=2)
    store.put("audio", "ann", "1", {})
    store.put("audio", "bob", "1", {})
    store.get("audio", "ann", "1")
    store.put("audio", "cid", "1", {})
    assert [len(store.values("audio", name)) for name in ("ann", "bob", "cid")] == [1, 0, 1]


def test_an_account_with_nothing_left_takes_no_room() -> None:
    store = MemoryDocuments(rooms=2)
    store.put("audio", "ann", "1", {})
    store.put("audio", "bob", "1", {})
    store.remove("audio", "bob", "1")
    store.put("audio", "cid", "1", {})
    assert [len(store.values("audio", name)) for name in ("ann", "bob", "cid")] == [1, 0, 1]


def test_a_removed_value_is_gone(store: MemoryDocuments) -> None:
    store.put("audio", "ann", "1", {})
    assert store.remove("audio", "ann", "1")
    assert store.get("audio", "ann", "1") is None
    assert not store.remove("audio", "ann", "1")


def test_an_update_sees_what_the_one_before_made() -> None:
    store = MemoryDocuments()
    store.put("counter", "ann", "1", {"count": 0})

    def add(value: dict[str, Any]) -> dict[str, Any]:
        return {"count": value["count"] + 1}

    with ThreadPoolExecutor(8) as threads:
        for _ in range(1000):
            threads.submit(store.update, "counter", "ann", "1", add)
    assert store.get("counter", "ann", "1") == {"count": 1000}


def test_a_reset_forgets_one_account_or_all(store: MemoryDocuments) -> None:
    for account in ("ann", "bob", "cyd"):
        store.put("audio", account, "1", {"of": account})
    store.reset("ann")
    assert store.values("audio", "ann") == []
    assert store.values("audio", "bob") == [{"of": "bob"}]
    store.reset(None)
    assert store.values("audio", "bob") == []


def test_a_snapshot_brings_everything_back_in_order(store: MemoryDocuments) -> None:
    for key in ("2", "1"):
        store.put("audio", "ann", key, {"key": key})
    store.put("file", "bob", "3", {"key": "3"})
    state = store.snapshot(None)
    store.reset("ann")
    store.put("file", "bob", "4", {"key": "4"})
    store.restore(state, None)
    assert store.values("audio", "ann") == [{"key": "2"}, {"key": "1"}]
    assert store.values("file", "bob") == [{"key": "3"}]


def test_a_snapshot_of_one_account_can_become_anothers(store: MemoryDocuments) -> None:
    store.put("audio", "ann", "1", {"of": "ann"})
    store.put("audio", "bob", "2", {"of": "bob"})
    store.put("audio", "cyd", "3", {"of": "cyd"})
    store.restore(store.snapshot("ann"), "bob")
    assert store.values("audio", "bob") == [{"of": "ann"}]
    assert store.values("audio", "cyd") == [{"of": "cyd"}]


def test_restoring_more_than_there_is_room_for_keeps_the_newest(store: MemoryDocuments) -> None:
    larger = MemoryDocuments()
    for key in "12345":
        larger.put("audio", "ann", key, {"key": key})
    store.restore(larger.snapshot(None), None)
    assert store.values("audio", "ann") == [{"key": "3"}, {"key": "4"}, {"key": "5"}]


def test_all_values_of_a_kind_are_listed_with_their_accounts(store: MemoryDocuments) -> None:
    store.put("file", "ann", "1", {"name": "a"})
    store.put("file", "bob", "2", {"name": "b"})
    store.put("batch", "ann", "3", {})
    assert store.all("file") == [("ann", "1", {"name": "a"}), ("bob", "2", {"name": "b"})]


def test_listeners_get_every_change(store: MemoryDocuments) -> None:
    changes: list[Change] = []
    store.listen(changes.extend)
    store.put("file", "ann", "1", {"name": "a"})
    store.update("file", "ann", "1", lambda value: {"name": "b"})
    store.remove("file", "ann", "1")
    assert changes == [
        Change("file", "ann", "1", None, {"name": "a"}),
        Change("file", "ann", "1", {"name": "a"}, {"name": "b"}),
        Change("file", "ann", "1", {"name": "b"}, None),
    ]


def test_listeners_get_every_eviction() -> None:
    changes: list[Change] = []
    store = MemoryDocuments(capacity=1, rooms=1)
    store.listen(changes.extend)
    for account, key in (("ann", "1"), ("ann", "2"), ("bob", "3")):
        store.put("file", account, key, {})
    assert [change.key for change in changes if change.after is None] == ["1", "2"]


class Refused(Exception):
    """A persistence that stores nothing."""


@pytest.mark.parametrize(
    "change",
    [
        lambda store: store.put("audio", "ann", "4", {}),
        lambda store: store.put("audio", "ann", "1", {"said": "other"}),
        lambda store: store.put("file", "bob", "1", {}),
        lambda store: store.update("audio", "ann", "2", lambda value: {"said": "other"}),
        lambda store: store.remove("audio", "ann", "2"),
        lambda store: store.remove("audio", "bob", "9"),
        lambda store: store.reset("ann"),
        lambda store: store.reset(None),
        lambda store: store.restore([], None),
        lambda store: store.restore(
            [{"kind": "audio", "account": "ann", "values": {"3": {}, "1": {}}}], None
        ),
    ],
)
def test_what_cannot_be_persisted_has_not_happened(
    store: MemoryDocuments, change: Callable[[MemoryDocuments], object]
) -> None:
    for key in ("1", "2", "3"):
        store.put("audio", "ann", key, {"said": key})
    store.put("audio", "bob", "9", {})
    before = store.snapshot(None)
    changes: list[Sequence[Change]] = []

    def refuse(changes: Sequence[Change]) -> None:
        raise Refused

    store.persist(refuse)
    store.listen(changes.append)
    with pytest.raises(Refused):
        change(store)
    assert sorted(map(json.dumps, store.snapshot(None))) == sorted(map(json.dumps, before))
    assert not changes


def test_a_change_that_fails_in_the_middle_has_not_happened(store: MemoryDocuments) -> None:
    store.put("audio", "ann", "1", {"said": "Hi"})
    broken: Any = [{"kind": "audio", "account": "ann", "values": {"2": {}, "3": {"said": object()}}}]
    with pytest.raises(TypeError):
        store.restore(broken, None)
    assert store.all("audio") == [("ann", "1", {"said": "Hi"})]
