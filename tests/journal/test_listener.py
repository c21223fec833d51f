"""What is reported to someone who listens to the journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mockserver.clock import Clock
from mockserver.journal import listener as listeners
from mockserver.journal.entries import OVERHEAD, JournalPattern, Progress
from mockserver.journal.journal import Journal
from mockserver.journal.listener import BadCursor, Kind, Listener
from mockserver.journal.record import Record, as_json
from mockserver.state.presence import Presence
from mockserver.state.protocols import Bounds
from mockserver.state.shared import open_shared
from tests.conftest import empty_store
from tests.journal.journal_records import record

ANN, BOB = "org-ann/proj_ann", "org-bob/proj_bob"
ROOM = Bounds(1_000, 1 << 20, OVERHEAD)

Opened = Callable[[], Journal]


@pytest.fixture(params=["memory", "sqlite", "redis"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    """Yield a function that opens the journal of a process over a store of each kind."""
    shared = open_shared(empty_store(request, tmp_path))
    journal = shared.open_log("journal", ROOM)
    yield lambda: Journal(Clock(), journal, None, Presence(shared.leases))
    shared.close()


@pytest.fixture
def journal(opened: Opened) -> Journal:
    return opened()


@pytest.fixture(autouse=True)
def always_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the progress of entries each time."""
    monkeypatch.setattr(listeners, "_LOOK", 0.0)


def shown(entry: Record) -> bytes:
    return msgspec.json.encode(as_json(entry))


def listen(journal: Journal, account: str | None = None, cursor: str = "", **when: Any) -> Listener:
    return journal.listen(account, JournalPattern(when) if when else None, shown, cursor=cursor)


def news(listener: Listener) -> list[tuple[str, str | None]]:
    """Return the kinds of what is new, with the ids of the entries."""
    return [(each.kind, msgspec.json.decode(each.data).get("id")) for each in listener.news()]


def test_entries_are_reported_once_each(journal: Journal) -> None:
    journal.add(record(id="before"))
    listener = listen(journal)
    assert news(listener) == []
    journal.add(record(id="a"))
    journal.add(record(id="b"))
    assert news(listener) == [("entry", "a"), ("entry", "b")]
    assert news(listener) == []


def test_only_selected_entries_of_the_account_are_reported(journal: Journal) -> None:
    listener = listen(journal, ANN, status="4xx")
    journal.add(record(id="a"))
    journal.add(record(id="b", status=429))
    journal.add(record(id="c", status=429, account_id=BOB))
    assert news(listener) == [("entry", "b")]


def test_a_listener_goes_on_at_a_cursor(journal: Journal) -> None:
    cursor = journal.cursor
    journal.add(record(id="a"))
    first = listen(journal, cursor=cursor)
    assert news(first) == [("entry", "a")]
    journal.add(record(id="b"))
    assert news(listen(journal, cursor=first.cursor)) == [("entry", "b")]


@pytest.mark.parametrize("cursor", ["x", "1", "1-", "-1-2", "1-2-3", "9" * 30 + "-1", "１-２"])
def test_a_text_that_is_no_cursor_is_refused(journal: Journal, cursor: str) -> None:
    with pytest.raises(BadCursor):
        listen(journal, cursor=cursor)


@pytest.mark.parametrize("cursor", ["1-1", "9999999999999999999-9999999999999999999"])
def test_a_cursor_of_another_log_means_that_everything_has_changed(journal: Journal, cursor: str) -> None:
    listener = listen(journal, cursor=cursor)
    assert news(listener) == [("deleted", None)]
    journal.add(record(id="a"))
    assert news(listener) == [("entry", "a")]


def test_deleted_and_restored_entries_are_reported_as_a_whole(journal: Journal) -> None:
    journal.add(record(id="a"))
    listener = listen(journal)
    state = journal.snapshot(None)
    journal.delete(None)
    assert news(listener) == [("deleted", None)]
    journal.restore(state, None)
    assert news(listener) == [("deleted", None)]
    assert news(listener) == []


def test_of_many_changes_the_latest_are_reported(journal: Journal) -> None:
    listener = listen(journal)
    for number in range(60):
        journal.add(record(id=str(number)))
    assert news(listener) == [("skipped", None), *(("entry", str(number)) for number in range(10, 60))]
    assert news(listener) == []


def test_an_entry_in_flight_is_reported_as_it_grows(journal: Journal) -> None:
    listener = listen(journal)
    begun, progress = record(id="a", in_flight=True, bytes_sent=0), Progress()
    place = journal.begin(begun, progress)
    sizes = []
    for sent in (0, 10, 10, 25):
        progress.sent = sent
        sizes.append([msgspec.json.decode(each.data)["bytes_sent"] for each in listener.news()])
    journal.finish(place, record(id="a", bytes_sent=30))
    sizes.append([msgspec.json.decode(each.data)["bytes_sent"] for each in listener.news()])
    assert sizes == [[0], [10], [], [25], [30]]
    assert news(listener) == []


def test_an_entry_that_is_not_selected_any_more_is_removed(journal: Journal) -> None:
    listener = listen(journal, in_flight=True)
    place = journal.begin(record(id="a", in_flight=True), Progress())
    assert news(listener) == [("entry", "a")]
    journal.finish(place, record(id="a"))
    assert news(listener) == [("removed", "a")]
    assert news(listener) == []


def test_the_end_of_an_entry_among_those_that_are_skipped_is_not_reported_again(journal: Journal) -> None:
    listener = listen(journal)
    place = journal.begin(record(id="a", in_flight=True), Progress())
    assert news(listener) == [("entry", "a")]
    journal.finish(place, record(id="a"))
    for number in range(60):
        journal.add(record(id=str(number)))
    assert ("entry", "a") not in news(listener)
    assert news(listener) == []


def test_an_entry_of_another_process_is_reported(opened: Opened) -> None:
    ours, theirs = opened(), opened()
    listener = listen(ours)
    place = theirs.begin(record(id="a", in_flight=True), Progress())
    assert news(listener) == [("entry", "a")]
    theirs.close()  # as if it were killed
    (ended,) = listener.news()
    assert (ended.kind, msgspec.json.decode(ended.data)["in_flight"]) == (Kind.ENTRY, False)
    theirs.finish(place, record(id="a"))
    assert news(listener) == [("entry", "a")]
