"""The states of a batch; the tests move the clock from one to the next."""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from openai.types import Batch

from mockserver.providers.openai.batch_work.answering import Response, ask
from mockserver.settings.model import Settings
from mockserver.state.files import FileObject, Files
from mockserver.testing.mock_server import MockServer
from tests.providers.openai.batch_work.conftest import Batches, batches_of, chat_line, chat_lines

NOW = 1_800_000_000
DAY = 86_400


@pytest.fixture
def server() -> Iterator[MockServer]:
    """Yield a server whose clock stands still and whose batches take a minute in each state."""
    settings = Settings(port=0, whisper_model="none", frozen_time=float(NOW), batch_seconds=60.0)
    with MockServer(settings) as running:
        yield running


@pytest.fixture
def batches(server: MockServer) -> Batches:
    return batches_of(server)


def times(batch: Batch) -> dict[str, int]:
    """Return when each state began, in seconds after the creation."""
    return {
        name.removesuffix("_at"): value - NOW
        for name, value in batch.to_dict().items()
        if name.endswith("_at") and name != "expires_at" and isinstance(value, int)
    }


def control(server: MockServer, method: str, snapshot: bytes | None = None, key: str = "") -> bytes:
    """Return a function that takes a snapshot of everything or of an account, or restores one."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    request = urllib.request.Request(f"{server.url}/_mock/snapshot", snapshot, headers, method=method)
    with urllib.request.urlopen(request) as response:
        body: bytes = response.read()
        return body


def test_a_batch_passes_through_its_states(server: MockServer, batches: Batches) -> None:
    batch = batches.create(chat_lines(10))
    server.clock.advance(59)
    assert batches.client.batches.retrieve(batch.id).status == "validating"
    server.clock.advance(1)
    batch = batches.until(batch, "in_progress")
    assert batch.request_counts is not None
    assert batch.request_counts.to_dict() == {"total": 10, "completed": 0, "failed": 0}
    server.clock.advance(30)
    batch = batches.until(batch, "in_progress", completed=5)
    assert batch.usage is not None
    assert batch.usage.total_tokens > 0
    server.clock.advance(30)
    batch = batches.until(batch, "finalizing")
    assert batch.output_file_id is None
    server.clock.advance(60)
    batch = batches.until(batch, "completed")
    assert times(batch) == {"created": 0, "in_progress": 60, "finalizing": 120, "completed": 180}
    assert len(batches.output(batch)) == 10


def test_lines_are_answered_as_they_are_due(server: MockServer, batches: Batches) -> None:
    batch = batches.create(chat_lines(6))
    server.clock.advance(60)
    batches.until(batch, "in_progress")
    for answered in (1, 2, 3):
        server.clock.advance(10)
        counts = batches.until(batch, "in_progress", completed=answered).request_counts
        assert counts is not None
        assert counts.completed == answered


def test_a_clock_that_jumps_leaves_no_state_out(server: MockServer, batches: Batches) -> None:
    batch = batches.create(chat_lines(3))
    server.clock.advance(10 * DAY)
    batch = batches.until(batch, "completed")
    assert times(batch) == {"created": 0, "in_progress": 60, "finalizing": 120, "completed": 180}


def test_an_input_that_is_not_in_order_fails_after_it_was_looked_at(
    server: MockServer, batches: Batches
) -> None:
    batch = batches.create(b"{oops\n")
    assert batches.client.batches.retrieve(batch.id).status == "validating"
    server.clock.advance(60)
    assert times(batches.until(batch, "failed")) == {"created": 0, "failed": 60}


def test_a_cancelled_batch_keeps_what_was_answered(server: MockServer, batches: Batches) -> None:
    batch = batches.create([*chat_lines(3), chat_line("bad", temperature=9), chat_line("last")])
    server.clock.advance(60)
    batches.until(batch, "in_progress")
    server.clock.advance(24)
    batches.until(batch, "in_progress", completed=2)
    cancelling = batches.client.batches.cancel(batch.id)
    assert (cancelling.status, cancelling.cancelling_at) == ("cancelling", NOW + 84)
    assert batches.client.batches.cancel(batch.id) == cancelling
    server.clock.advance(60)
    batch = batches.until(batch, "cancelled")
    assert times(batch) == {"created": 0, "in_progress": 60, "cancelling": 84, "cancelled": 144}
    assert batch.request_counts is not None
    assert batch.request_counts.to_dict() == {"total": 5, "completed": 2, "failed": 0}
    assert [line["custom_id"] for line in batches.output(batch)] == ["line-0", "line-1"]
    left = batches.errors(batch)
    assert [line["custom_id"] for line in left] == ["line-2", "bad", "last"]
    assert {line["error"]["code"] for line in left} == {"batch_cancelled"}
    assert batches.client.batches.cancel(batch.id) == batch


@pytest.mark.parametrize("passed", [0, 60, 120])
def test_a_batch_can_be_cancelled_in_any_state(server: MockServer, batches: Batches, passed: int) -> None:
    batch = batches.create(chat_lines(2))
    server.clock.advance(passed)
    batches.until(batch, {0: "validating", 60: "in_progress", 120: "finalizing"}[passed])
    batches.client.batches.cancel(batch.id)
    server.clock.advance(60)
    batch = batches.until(batch, "cancelled")
    assert len(batches.output(batch)) == (2 if passed == 120 else 0)


def test_what_was_not_answered_within_a_day_has_expired(server: MockServer, batches: Batches) -> None:
    batch = batches.create(chat_lines(4), {"x-mock-batch-seconds": str(16 * 3600)})
    server.clock.advance(16 * 3600)
    batches.until(batch, "in_progress")
    server.clock.advance(100 * 3600)
    batch = batches.until(batch, "expired")
    assert times(batch) == {"created": 0, "in_progress": 16 * 3600, "expired": DAY}
    assert [line["custom_id"] for line in batches.output(batch)] == ["line-0", "line-1"]
    left = batches.errors(batch)
    assert [line["custom_id"] for line in left] == ["line-2", "line-3"]
    message = "This request could not be executed before the completion window expired."
    assert {line["error"]["message"] for line in left} == {message}
    assert {line["error"]["code"] for line in left} == {"batch_expired"}


def test_a_batch_that_is_not_looked_at_within_a_day_expires_without_files(
    server: MockServer, batches: Batches
) -> None:
    batch = batches.create(chat_lines(2), {"x-mock-batch-seconds": str(2 * DAY)})
    server.clock.advance(DAY)
    batch = batches.until(batch, "expired")
    assert (batch.output_file_id, batch.error_file_id) == (None, None)


def test_a_line_that_nobody_waits_for_any_more_is_given_up(server: MockServer, batches: Batches) -> None:
    server.break_next("hang", endpoint="chat")
    batch = batches.create(chat_lines(2), {"x-mock-batch-seconds": "0"})
    batches.until(batch, "in_progress")
    assert batches.client.batches.cancel(batch.id).status == "cancelling"
    server.clock.advance(600)
    batch = batches.until(batch, "cancelled")
    codes = {line["custom_id"]: line["error"]["code"] for line in batches.errors(batch)}
    assert codes == {"line-0": "request_timeout", "line-1": "batch_cancelled"}


def test_batches_wait_without_keeping_others_waiting(server: MockServer, batches: Batches) -> None:
    file_id = batches.upload(chat_lines(1))
    for _ in range(20):
        batches.of_file(file_id)
    fast = batches.of_file(file_id, {"x-mock-batch-seconds": "0"})
    assert batches.until(fast, "completed")


def test_a_reset_ends_the_batches_of_its_account(server: MockServer) -> None:
    mine, yours = (batches_of(server, f"sk-mock-tier-5-{name}") for name in ("mine", "yours"))
    kept = yours.create(chat_lines(1))
    mine.create(chat_lines(1))
    server.account("sk-mock-tier-5-mine").reset()
    assert mine.client.batches.list().data == []
    server.clock.advance(180)
    yours.until(kept, "completed")
    assert {entry["headers"].get("x-mock-batch") for entry in server.journal} == {None, kept.id}


def test_a_restored_snapshot_goes_on_with_its_batches(server: MockServer, batches: Batches) -> None:
    batch = batches.create(chat_lines(4))
    server.clock.advance(60)
    batches.until(batch, "in_progress")
    server.clock.advance(30)
    batches.until(batch, "in_progress", completed=2)
    snapshot = control(server, "GET")
    server.reset()
    assert batches.client.batches.list().data == []
    control(server, "PUT", snapshot)
    server.clock.advance(90)
    batch = batches.until(batch, "completed")
    assert [line["custom_id"] for line in batches.output(batch)] == [f"line-{number}" for number in range(4)]


def test_a_batch_that_becomes_anothers_is_worked_at_for_that_account(server: MockServer) -> None:
    mine, yours = "sk-mock-tier-5-giver", "sk-mock-tier-5-taker"
    batch = batches_of(server, mine).create(chat_lines(2))
    control(server, "PUT", control(server, "GET", key=mine), yours)
    server.clock.advance(180)
    taken = batches_of(server, yours)
    assert len(taken.output(taken.until(batch, "completed"))) == 2
    chats = [entry for entry in server.account(yours).journal if entry["endpoint"] == "chat"]
    assert len(chats) == 2


def test_a_snapshot_that_is_restored_while_lines_are_answered_has_the_last_word(
    server: MockServer, batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, released = threading.Event(), threading.Event()

    def held(*arguments: Any) -> Response | None:
        if arguments[2]["custom_id"] == "line-2":
            asked.set()
            assert released.wait(60)
        return ask(*arguments)

    monkeypatch.setattr("mockserver.providers.openai.batch_work.work.ask", held)
    batch = batches.create(chat_lines(4))
    server.clock.advance(60)
    batches.until(batch, "in_progress")
    snapshot = control(server, "GET")
    server.clock.advance(30)
    batches.until(batch, "in_progress", completed=2)
    server.clock.advance(30)
    assert asked.wait(60)
    control(server, "PUT", snapshot)
    released.set()
    server.clock.advance(180)
    batch = batches.until(batch, "completed")
    assert [line["custom_id"] for line in batches.output(batch)] == [f"line-{number}" for number in range(4)]


def test_a_batch_that_is_cancelled_while_its_file_is_made_has_one_file(
    server: MockServer, batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = batches.create(chat_lines(2))
    server.clock.advance(120)
    batches.until(batch, "finalizing")
    add = Files.add

    def cancelled_meanwhile(*arguments: Any, **options: Any) -> FileObject:
        file = add(*arguments, **options)
        batches.client.batches.cancel(batch.id)
        return file

    monkeypatch.setattr(Files, "add", cancelled_meanwhile)
    server.clock.advance(60)
    batches.until(batch, "cancelling")
    server.clock.advance(60)
    batch = batches.until(batch, "cancelled")
    assert [file.id for file in batches.client.files.list(purpose="batch_output")] == [batch.output_file_id]
    assert len(batches.output(batch)) == 2


def test_lines_can_be_answered_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    meeting = threading.Barrier(4, timeout=60)

    def met(*arguments: Any) -> Response | None:
        meeting.wait()  # for four lines to arrive
        return ask(*arguments)

    monkeypatch.setattr("mockserver.providers.openai.batch_work.work.ask", met)
    with MockServer(Settings(port=0, whisper_model="none", batch_lines=4)) as server:
        batches = batches_of(server)
        batch = batches.run(chat_lines(8))
        assert [line["custom_id"] for line in batches.output(batch)] == [
            f"line-{number}" for number in range(8)
        ]
