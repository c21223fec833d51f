"""The journal keeps the latest exchanges of every account, within bounds."""

from __future__ import annotations

import itertools
import re
import tracemalloc
from collections.abc import Iterator
from threading import Event, Thread

import pytest
from werkzeug.test import create_environ

from mockserver.audio.clip import Clip
from mockserver.audio.content import Content
from mockserver.clock import Clock
from mockserver.journal.entries import OVERHEAD, JournalPattern, Progress, encoded
from mockserver.journal.journal import Journal
from mockserver.journal.record import as_json
from mockserver.journal.search import Range
from mockserver.pipeline.adapters.wsgi_adapter import request_of
from mockserver.pipeline.exchanges.exchange import begin
from mockserver.pipeline.responses import Reply
from mockserver.state.disk import StateFailed
from mockserver.state.memory.leases import MemoryLeases
from mockserver.state.memory.log import MemoryLog
from mockserver.state.presence import Presence
from mockserver.state.protocols import Bounds
from mockserver.state.shared import SharedState, open_shared
from tests.journal.journal_records import HELLO, TRANSCRIPTION, chat, journal_of, record
from tests.waiting import eventually

ANN, BOB = "org-ann/proj_ann", "org-bob/proj_bob"
ANYTHING = JournalPattern({})


def ids(journal: Journal, account_id: str | None = None) -> list[str]:
    return [each.id for each in journal.records(account_id)]


def clip(data: bytes) -> Clip:
    return Clip(data, "clip.wav", 60)


def test_entries_are_listed_oldest_first() -> None:
    assert ids(journal_of(record(id="a"), record(id="b"))) == ["a", "b"]


def test_an_entry_is_returned_as_it_was_written() -> None:
    entry = chat("Größe \U0001f600 \ud800", id="a")
    expected = chat("Größe \U0001f600 ?", id="a")
    assert journal_of(entry).records(None) == [expected]


def test_beyond_the_number_of_entries_the_oldest_make_room() -> None:
    journal = journal_of(*(record(id=each) for each in "abcd"), entries=2)
    assert ids(journal) == ["c", "d"]
    assert journal.dropped == 2


def test_beyond_the_room_the_oldest_make_room() -> None:
    size = len(encoded(record(id="a"))) + OVERHEAD
    journal = journal_of(*(record(id=each) for each in "abcd"), max_bytes=3 * size)
    assert ids(journal) == ["b", "c", "d"]
    assert journal.size == 3 * size


def test_an_entry_larger_than_the_room_is_not_kept() -> None:
    journal = journal_of(record(), max_bytes=100)
    assert (len(journal), journal.size, journal.dropped) == (0, 0, 1)


def test_the_size_is_the_memory_taken() -> None:
    texts = [f"{number} " + "x" * 500 for number in range(500)]
    journal = journal_of(max_bytes=1 << 30)
    tracemalloc.start()
    for number, text in enumerate(texts):
        journal.add(chat(text, id=f"req_{number:032}", account_id=ANN))
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0.9 < taken / journal.size < 1.1


def test_an_account_sees_only_its_own_entries() -> None:
    journal = journal_of(record(id="a", account_id=ANN), record(id="b", account_id=BOB))
    assert (ids(journal, ANN), ids(journal, BOB), ids(journal)) == (["a"], ["b"], ["a", "b"])
    assert journal.record(ANN, "b") is None


def test_what_an_account_deletes_are_its_own_entries() -> None:
    journal = journal_of(record(id="a", account_id=ANN), record(id="b", account_id=BOB))
    assert journal.delete(ANN) == 1
    assert ids(journal) == ["b"]
    assert journal.size == journal_of(record(id="b")).size


def test_a_reset_of_all_forgets_also_what_was_dropped() -> None:
    journal = journal_of(record(id="a"), record(id="b"), entries=1)
    journal.reset(None)
    assert (ids(journal), journal.dropped, journal.size) == ([], 0, 0)


def test_entries_after_another_are_those_that_came_later() -> None:
    journal = journal_of(*(record(id=each) for each in "abc"))
    after = journal.records(None, within=Range(after=journal.place(None, "a")))
    assert after is not None
    assert [each.id for each in after] == ["b", "c"]
    assert journal.place(None, "?") is None


def test_a_stream_is_in_the_journal_while_it_goes_on() -> None:
    journal, progress = journal_of(), Progress(pieces=0, events=0)
    place = journal.begin(record(in_flight=True), progress)
    progress.events, progress.sent, progress.first_byte_ms = 3, 300, 12.5
    (kept,) = journal.records(None)
    assert (kept.stream_events, kept.bytes_sent, kept.timing.first_byte_ms) == (3, 300, 12.5)
    ended = record(in_flight=False, bytes_sent=400, user_text="longer")
    journal.finish(place, ended)
    (kept,) = journal.records(None)
    assert (kept.in_flight, kept.bytes_sent) == (False, 400)
    assert journal.size == journal_of(ended).size


def test_a_stream_that_ends_after_its_entry_was_deleted_does_not_come_back() -> None:
    journal = journal_of()
    place = journal.begin(record(in_flight=True), Progress(pieces=0))
    journal.reset(None)
    journal.finish(place, record())
    assert (len(journal), journal.size) == (0, 0)


def test_a_snapshot_can_be_restored_elsewhere() -> None:
    journal = journal_of(record(id="a", account_id=ANN), record(id="b", account_id=BOB))
    other = journal_of(record(id="c"))
    other.restore(journal.snapshot(None), None)
    assert other.records(None) == journal.records(None)
    assert other.size == journal.size


def test_a_snapshot_of_an_account_replaces_its_entries_only() -> None:
    journal = journal_of(record(id="a", account_id=ANN), record(id="b", account_id=BOB))
    state = journal.snapshot(ANN)
    journal.add(record(id="c", account_id=ANN))
    journal.restore(state, ANN)
    assert (ids(journal, ANN), ids(journal, BOB)) == (["a"], ["b"])


def test_entries_of_an_account_can_become_anothers() -> None:
    journal = journal_of(record(id="a", account_id=ANN))
    journal.restore(journal.snapshot(ANN), BOB)
    (kept,) = journal.records(BOB)
    assert (kept.organization, kept.project) == ("org-bob", "proj_bob")
    assert journal.count(BOB, JournalPattern({"account": "proj_bob"})) == 1


def test_what_was_in_flight_in_a_snapshot_has_ended_when_it_is_restored() -> None:
    journal = journal_of(record(in_flight=True))
    journal.restore(journal.snapshot(None), None)
    assert journal.records(None)[0].in_flight is False


@pytest.mark.parametrize(
    ("state", "complaint"),
    [
        (None, "entries: Expected `array`, got `null`."),
        ({}, "entries: Expected `array`, got `null`."),
        ({"entries": 1}, "entries: Expected `array`, got `int`."),
        ({"entries": [{"id": "a"}]}, "entries[0]: Object missing required field `time`."),
        ({"entries": [TRANSCRIPTION, 1]}, "entries[1]: Expected `object`, got `int`."),
        ({"entries": [TRANSCRIPTION | {"id": 1}]}, "entries[0].id: Expected `str`, got `int`."),
        (
            {"entries": [TRANSCRIPTION | {"reply": {"text": "", "tool_calls": [1]}}]},
            "entries[0]: tool calls need a name and arguments each.",
        ),
        (
            {"entries": [TRANSCRIPTION | {"reply": {"text": "", "tool_calls": "abc"}}]},
            "entries[0]: tool calls need a name and arguments each.",
        ),
        (
            {"entries": [TRANSCRIPTION | {"headers": None}]},
            "entries[0].headers: Expected `object`, got `null`.",
        ),
        ({"entries": [TRANSCRIPTION | {"more": 1}]}, "entries[0]: Object contains unknown field `more`."),
        (
            {"entries": [TRANSCRIPTION | {"timing": {"first_byte_ms": 1.5}}]},
            "entries[0].timing: Object missing required field `total_ms`.",
        ),
        (
            {"entries": [TRANSCRIPTION | {"audio": [HELLO, {**HELLO, "size": "1"}]}]},
            "entries[0].audio[1].size: Expected `int`, got `str`.",
        ),
    ],
)
def test_what_is_no_snapshot_is_refused_with_its_place_and_changes_nothing(
    state: object, complaint: str
) -> None:
    journal = journal_of(record(id="a"))
    with pytest.raises(ValueError, match=f"^{re.escape(complaint)}$"):
        journal.restore(state, None)
    assert ids(journal) == ["a"]


def test_the_json_of_a_record_is_what_a_snapshot_has() -> None:
    assert list(as_json(record()).items()) == list(TRANSCRIPTION.items())


def test_a_snapshot_of_old_has_no_replies_answers_and_sessions() -> None:
    new = ("response_headers", "response", "reply", "realtime", "pieces", "pieces_dropped")
    old = {name: each for name, each in TRANSCRIPTION.items() if name not in new}
    journal = journal_of()
    journal.restore({"entries": [old]}, None)
    assert journal.records(None) == [record(response_headers={}, response=None)]


def test_audio_is_kept_within_its_bound_the_latest_of_it() -> None:
    journal = journal_of(keep_audio=10)
    first, second, third, large = clip(b"1" * 6), clip(b"2" * 4), clip(b"3" * 5), clip(b"4" * 11)
    for each in (first, second, first, third, large):
        journal.keep_audio([each])
    kept = [journal.audio(each.sha256) for each in (first, second, third, large)]
    assert kept == [None, None, third.content.read(), None]


def test_audio_is_read_while_others_use_the_journal() -> None:
    journal = journal_of(keep_audio=10)
    others = []

    class OnDisk(Content):
        def read(self) -> bytes:
            other = Thread(target=lambda: others.append(journal.audio("none")))
            other.start()
            other.join(timeout=60)
            return super().read()

    large = Clip(OnDisk(b"1"), "clip.wav", 60)
    large.content.sha256  # noqa: B018 - is computed by a read, too
    others.clear()
    journal.keep_audio([large])

    assert others == [None]
    assert journal.audio(large.sha256) == b"1"


def test_no_audio_is_kept_unless_asked_for() -> None:
    journal = journal_of()
    journal.keep_audio([clip(b"1")])
    assert journal.audio(clip(b"1").sha256) is None


def test_a_wait_is_over_at_once_when_enough_has_come() -> None:
    asked = itertools.count()
    journal_of(record()).wait(None, ANYTHING, at_least=1, timeout=600, given_up=lambda: next(asked) > 0)
    assert next(asked) == 1  # whether anybody waits was asked once, before the first look


def test_a_wait_ends_when_the_last_that_was_waited_for_comes() -> None:
    journal, asked = journal_of(record()), Event()

    def nobody_gave_up() -> bool:
        asked.set()
        return False

    waiting = Thread(
        target=journal.wait, args=(None, JournalPattern({"endpoint": "chat"}), 2, 600, nobody_gave_up)
    )
    waiting.start()
    assert asked.wait(60)
    for entry in (chat("One."), record(), chat("Two.")):
        journal.add(entry)
    waiting.join(60)
    assert not waiting.is_alive()


def test_a_wait_sees_how_a_stream_ends() -> None:
    journal, asked = journal_of(), Event()
    place = journal.begin(record(in_flight=True), Progress(pieces=0))

    def nobody_gave_up() -> bool:
        asked.set()
        return False

    waiting = Thread(
        target=journal.wait, args=(None, JournalPattern({"hung_up": True}), 1, 600, nobody_gave_up)
    )
    waiting.start()
    assert asked.wait(60)
    journal.finish(place, record(hung_up=True))
    waiting.join(60)
    assert not waiting.is_alive()


def test_a_wait_ends_when_nobody_waits_any_more() -> None:
    answers = iter([False, False, True])
    journal_of().wait(None, ANYTHING, at_least=1, timeout=600, given_up=lambda: next(answers))
    assert list(answers) == []


def test_a_wait_ends_when_its_time_is_up() -> None:
    asked = itertools.count()
    journal_of().wait(None, ANYTHING, at_least=1, timeout=0, given_up=lambda: next(asked) > 0)
    assert next(asked) == 1


def test_a_journal_of_no_entries_writes_nothing() -> None:
    journal = journal_of(entries=0)
    exchange = begin(journal, "req_1", request_of(create_environ()))
    reply = Reply(iter([b"1"]), 200, "audio/wav")
    body = reply.body
    assert exchange.answered(reply).body is body
    assert not journal.is_kept


# Several processes.


@pytest.fixture
def processes(several: str) -> Iterator[list[Journal]]:
    """Yield the journals of two processes with one store."""
    states = [open_shared(several) for _ in range(2)]
    yield [shared_journal(state) for state in states]
    for state in states:
        state.close()


def shared_journal(state: SharedState) -> Journal:
    log = state.open_log("journal", Bounds(1_000, 1 << 20, OVERHEAD))
    return Journal(Clock(), log, None, Presence(state.leases), is_shared=True, together=state.together)


def test_processes_have_one_journal(processes: list[Journal]) -> None:
    here, there = processes
    for number, journal in enumerate((here, there, here)):
        journal.add(record(id=str(number)))
    assert ids(here) == ids(there) == ["0", "1", "2"]
    assert there.delete(None) == 3
    assert len(here) == 0


def test_a_stream_of_another_process_shows_what_was_last_written(processes: list[Journal]) -> None:
    here, there = processes
    progress = Progress(pieces=0, events=0)
    place = here.begin(record(in_flight=True), progress)
    progress.events = 3
    assert [each.records(None)[0].stream_events for each in processes] == [3, None]
    here.write_progress(place)
    assert there.records(None)[0].stream_events == 3
    assert there.records(None)[0].in_flight
    here.finish(place, record(bytes_sent=400))
    here.write_progress(place)
    assert there.records(None) == [record(bytes_sent=400)]


def test_a_wait_sees_the_progress_of_another_process(processes: list[Journal]) -> None:
    here, there = processes
    place = here.begin(record(in_flight=True), Progress(pieces=0))
    waiting = Thread(target=there.wait, args=(None, JournalPattern({"hung_up": True}), 1, 600))
    waiting.start()
    here.finish(place, record(hung_up=True))
    waiting.join(60)
    assert not waiting.is_alive()


def test_what_a_process_had_in_flight_has_ended_when_it_is_gone(several: str) -> None:
    state, other = open_shared(several), open_shared(several)
    presence = Presence(other.leases)
    log = other.open_log("journal", Bounds(1_000, 1 << 20, OVERHEAD))
    Journal(Clock(), log, None, presence, is_shared=True).begin(record(in_flight=True), Progress(pieces=0))
    journal = shared_journal(state)
    assert journal.records(None)[0].in_flight
    presence.end()
    assert not journal.records(None)[0].in_flight
    for each in (state, other):
        each.close()


def test_an_end_that_cannot_be_written_is_written_later(monkeypatch: pytest.MonkeyPatch) -> None:
    log, closing = MemoryLog(Bounds(1_000, 1 << 20, OVERHEAD)), Event()
    journal = Journal(Clock(), log, None, Presence(MemoryLeases()))
    place = journal.begin(record(in_flight=True), Progress(pieces=0))

    def away(*_: object) -> None:
        raise StateFailed("the store is away")

    with monkeypatch.context() as broken:
        broken.setattr(log, "replace", away)
        journal.finish(place, record(bytes_sent=400))
    monkeypatch.setattr("mockserver.journal.journal.EXTENDED", 0.01)
    tending = Thread(target=journal.tend, args=[closing])
    tending.start()
    assert eventually(lambda: journal.records(None) == [record(bytes_sent=400)])
    closing.set()
    tending.join(60)
