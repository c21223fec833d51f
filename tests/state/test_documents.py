"""The store holds values by kind, account and key."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mockserver.state.memory.documents import MemoryDocuments
from mockserver.state.protocols import Change, Documents
from tests.state.conftest import OpenDocuments


@pytest.fixture
def store(open_documents: OpenDocuments) -> Documents:
    return open_documents(capacity=3)


def test_what_is_put_can_be_got_again(store: Documents) -> None:
    store.put("audio", "ann", "1", {"said": "Hi"})
    assert store.get("audio", "ann", "1") == {"said": "Hi"}


def test_the_newer_value_of_a_key_replaces_the_older(store: Documents) -> None:
    store.put("audio", "ann", "1", {"said": "Hi"})
    store.put("audio", "ann", "1", {"said": "Bye"})
    assert store.values("audio", "ann") == [{"said": "Bye"}]


@pytest.mark.parametrize(
    ("kind", "account", "key"), [("audio", "bob", "1"), ("file", "ann", "1"), ("audio", "ann", "2")]
)
def test_kinds_accounts_and_keys_are_kept_apart(store: Documents, kind: str, account: str, key: str) -> None:
    store.put("audio", "ann", "1", {})
    assert store.get(kind, account, key) is None
    assert not store.remove(kind, account, key)
    assert store.update(kind, account, key, lambda value: value) is None


def test_values_come_oldest_first(store: Documents) -> None:
    for number in range(3):
        store.put("audio", "ann", str(number), {"number": number})
    assert [value["number"] for value in store.values("audio", "ann")] == [0, 1, 2]
    assert store.values("audio", "bob") == []


def test_the_oldest_makes_room_for_the_newest(store: Documents) -> None:
    for number in range(5):
        store.put("audio", "ann", str(number), {"number": number})
    store.put("audio", "bob", "1", {})
    assert [value["number"] for value in store.values("audio", "ann")] == [2, 3, 4]


def test_large_values_make_room_for_one_another(open_documents: OpenDocuments) -> None:
    store = open_documents(room_bytes=1000)
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


def test_a_value_too_large_for_a_room_is_not_kept_and_moves_no_other(open_documents: OpenDocuments) -> None:
    store = open_documents(room_bytes=1000)
    store.put("completion", "ann", "0", {"said": "Hi"})
    store.put("completion", "ann", "1", {"said": "x" * 1000})
    assert store.values("completion", "ann") == [{"said": "Hi"}]


class Refused(Exception):
    """A check that fails."""


def test_what_is_checked_stays_so_until_the_value_is_there(open_documents: OpenDocuments) -> None:
    store = open_documents()

    def check() -> None:
        if len(store.values("voice", "ann")) >= 5:
            raise Refused

    with ThreadPoolExecutor(8) as threads:
        put = [
            threads.submit(store.put, "voice", "ann", str(number), {}, check=check) for number in range(200)
        ]
    assert sum(each.exception() is not None for each in put) == 195
    assert len(store.values("voice", "ann")) == 5


def test_the_account_that_was_away_for_longest_makes_room_for_a_new_one(
    open_documents: OpenDocuments,
) -> None:
    store = open_documents(rooms=2)
    store.put("audio", "ann", "1", {})
    store.put("audio", "bob", "1", {})
    store.put("audio", "ann", "2", {})
    store.put("audio", "cid", "1", {})
    assert [len(store.values("audio", name)) for name in ("ann", "bob", "cid")] == [2, 0, 1]


def test_an_account_with_nothing_left_takes_no_room(open_documents: OpenDocuments) -> None:
    store = open_documents(rooms=2)
    store.put("audio", "ann", "1", {})
    store.put("audio", "bob", "1", {})
    store.remove("audio", "bob", "1")
    store.put("audio", "cid", "1", {})
    assert [len(store.values("audio", name)) for name in ("ann", "bob", "cid")] == [1, 0, 1]


def test_a_removed_value_is_gone(store: Documents) -> None:
    store.put("audio", "ann", "1", {})
    assert store.remove("audio", "ann", "1")
    assert store.get("audio", "ann", "1") is None
    assert not store.remove("audio", "ann", "1")


def test_an_update_sees_what_the_one_before_made(open_documents: OpenDocuments) -> None:
    store = open_documents()
    store.put("counter", "ann", "1", {"count": 0})

    def add(value: dict[str, Any]) -> dict[str, Any]:
        return {"count": value["count"] + 1}

    with ThreadPoolExecutor(8) as threads:
        for _ in range(1000):
            threads.submit(store.update, "counter", "ann", "1", add)
    assert store.get("counter", "ann", "1") == {"count": 1000}


def test_a_reset_forgets_one_account_or_all(store: Documents) -> None:
    for account in ("ann", "bob", "cyd"):
        store.put("audio", account, "1", {"of": account})
    store.reset("ann")
    assert store.values("audio", "ann") == []
    assert store.values("audio", "bob") == [{"of": "bob"}]
    store.reset(None)
    assert store.values("audio", "bob") == []


def test_a_snapshot_brings_everything_back_in_order(store: Documents) -> None:
    for key in ("2", "1"):
        store.put("audio", "ann", key, {"key": key})
    store.put("file", "bob", "3", {"key": "3"})
    state = store.snapshot(None)
    store.reset("ann")
    store.put("file", "bob", "4", {"key": "4"})
    store.restore(state, None)
    assert store.values("audio", "ann") == [{"key": "2"}, {"key": "1"}]
    assert store.values("file", "bob") == [{"key": "3"}]


def test_a_snapshot_of_one_account_can_become_anothers(store: Documents) -> None:
    store.put("audio", "ann", "1", {"of": "ann"})
    store.put("audio", "bob", "2", {"of": "bob"})
    store.put("audio", "cyd", "3", {"of": "cyd"})
    store.restore(store.snapshot("ann"), "bob")
    assert store.values("audio", "bob") == [{"of": "ann"}]
    assert store.values("audio", "cyd") == [{"of": "cyd"}]


def test_restoring_more_than_there_is_room_for_keeps_the_newest(store: Documents) -> None:
    larger = MemoryDocuments()
    for key in "12345":
        larger.put("audio", "ann", key, {"key": key})
    store.restore(larger.snapshot(None), None)
    assert store.values("audio", "ann") == [{"key": "3"}, {"key": "4"}, {"key": "5"}]


def test_all_values_of_a_kind_are_listed_with_their_accounts(store: Documents) -> None:
    store.put("file", "ann", "1", {"name": "a"})
    store.put("file", "bob", "2", {"name": "b"})
    store.put("batch", "ann", "3", {})
    assert store.all("file") == [("ann", "1", {"name": "a"}), ("bob", "2", {"name": "b"})]


def test_listeners_get_every_change(store: Documents) -> None:
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


def test_listeners_get_every_eviction(open_documents: OpenDocuments) -> None:
    changes: list[Change] = []
    store = open_documents(capacity=1, rooms=1)
    store.listen(changes.extend)
    for account, key in (("ann", "1"), ("ann", "2"), ("bob", "3")):
        store.put("file", account, key, {})
    assert [change.key for change in changes if change.after is None] == ["1", "2"]


def test_a_change_that_fails_in_the_middle_has_not_happened(store: Documents) -> None:
    store.put("audio", "ann", "1", {"said": "Hi"})
    broken: Any = [{"kind": "audio", "account": "ann", "values": {"2": {}, "3": {"said": object()}}}]
    with pytest.raises(TypeError):
        store.restore(broken, None)
    assert store.all("audio") == [("ann", "1", {"said": "Hi"})]
