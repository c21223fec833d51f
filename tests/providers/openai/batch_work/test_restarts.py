"""Batches survive the end of a server with a state folder, however it ends."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import openai
import pytest

from mockserver.app import build_services, create_wsgi_app
from mockserver.providers.openai.batch_work.answering import Response, ask
from mockserver.settings.model import Settings
from mockserver.state.blobs import Blobs
from mockserver.testing.mock_server import MockServer
from tests.providers.openai.batch_work.conftest import Batches, batches_of, chat_line, chat_lines
from tests.waiting import eventually

KEY = "sk-mock-tier-1-restarts"
NOW = 1_800_000_000.0


@contextmanager
def process(folder: Path, *options: str) -> Iterator[Batches]:
    """Yield a server in a separate process, with its state in ``folder``; kill it at the end."""
    command = [sys.executable, "-m", "mockserver", "serve", "--port", "0", "--state", str(folder)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MOCKSERVER_")}
    with subprocess.Popen(
        [*command, "--whisper-model", "none", "--log-level", "warning", *options],
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    ) as server:
        try:
            assert server.stdout is not None
            found = re.search(r"http://\S+/v1", server.stdout.readline())
            assert found is not None
            with openai.OpenAI(base_url=found[0], api_key=KEY, max_retries=0) as client:
                yield Batches(client)
        finally:
            server.kill()


@pytest.mark.slow
def test_a_killed_server_loses_no_line_and_answers_none_twice(tmp_path: Path) -> None:
    lines = [
        chat_line(f"line-{number}", f"Line {number}", temperature=9 * (number % 50 == 0))
        for number in range(3000)
    ]
    with process(tmp_path) as batches:
        batch = batches.until(batches.create(lines), "in_progress", completed=1000)
    with process(tmp_path) as batches:
        kept = batches.client.batches.retrieve(batch.id).request_counts
        assert kept is not None
        assert 0 < kept.completed < 3000
        batches.until(batch, "in_progress", "completed", completed=kept.completed + 500)
    with process(tmp_path) as batches:
        batch = batches.until(batch, "completed")
        good, bad = batches.output(batch), batches.errors(batch)
    ids = [line["custom_id"] for line in lines]
    assert [line["custom_id"] for line in good] == [each for number, each in enumerate(ids) if number % 50]
    assert [line["custom_id"] for line in bad] == [each for number, each in enumerate(ids) if not number % 50]
    assert batch.request_counts is not None
    assert batch.request_counts.to_dict() == {"total": 3000, "completed": 2940, "failed": 60}
    assert batch.usage is not None
    assert batch.usage.total_tokens == sum(line["response"]["body"]["usage"]["total_tokens"] for line in good)


@pytest.mark.slow
def test_the_files_and_their_batch_are_all_that_a_killed_server_leaves(tmp_path: Path) -> None:
    with process(tmp_path) as batches:
        batch = batches.until(batches.create(chat_lines(2000)), "in_progress", completed=500)
    with process(tmp_path) as batches:
        batches.until(batch, "completed")
        assert len(batches.client.files.list().data) == 2
        assert eventually(lambda: len(list((tmp_path / "blobs").iterdir())) == 2)  # input and output
        # The bytes of its parts are deleted after the batch is seen to be completed. The running server has a lock.
        incoming = tmp_path / "incoming"
        assert eventually(lambda: [each.name for each in incoming.rglob("*") if each.is_file()] == ["lock"])


def test_lines_are_answered_by_the_whole_app_from_the_first_one_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound = []
    monkeypatch.setattr(
        "mockserver.providers.openai.batch_work.batches.Batches.bind",
        lambda self, app, operations: bound.append(app),
    )
    services = build_services(Settings(whisper_model="none", state=str(tmp_path)))
    assert bound == [create_wsgi_app(services)]
    services.close()


@contextmanager
def frozen(folder: Path, **options: float) -> Iterator[MockServer]:
    """Return a server whose clock stands still, with its state in ``folder``."""
    settings = {"frozen_time": NOW, "batch_seconds": 60.0} | options
    with MockServer(Settings(port=0, whisper_model="none", state=str(folder), **settings)) as running:  # type: ignore[arg-type]
        yield running


def test_a_batch_goes_on_where_it_was(tmp_path: Path) -> None:
    with frozen(tmp_path) as server:
        batches = batches_of(server, KEY)
        batch = batches.create(chat_lines(4))
        server.clock.advance(60)
        batches.until(batch, "in_progress")
        server.clock.advance(30)
        batches.until(batch, "in_progress", completed=2)
    with frozen(tmp_path, frozen_time=NOW + 90) as server:
        batches = batches_of(server, KEY)
        batch = batches.until(batch, "in_progress", completed=2)
        assert "chat" not in {entry["endpoint"] for entry in server.journal}
        server.clock.advance(90)
        batch = batches.until(batch, "completed")
        assert [line["custom_id"] for line in batches.output(batch)] == [
            f"line-{number}" for number in range(4)
        ]
    with frozen(tmp_path, frozen_time=NOW + 180) as server:
        batches = batches_of(server, KEY)
        assert batches.client.batches.retrieve(batch.id) == batch
        assert len(batches.output(batch)) == 4


def test_an_unfinished_batch_is_still_in_the_queue(tmp_path: Path) -> None:
    with frozen(tmp_path) as server:
        batches = batches_of(server, KEY)
        batch = batches.create([chat_line("a", "x" * 7_999_990)])
        server.clock.advance(60)
        batches.until(batch, "in_progress")
    with frozen(tmp_path, frozen_time=NOW + 60) as server:
        batches = batches_of(server, KEY)
        assert batches.run(chat_lines(1), {"x-mock-batch-seconds": "0"}).status == "failed"


def test_what_the_server_missed_has_expired(tmp_path: Path) -> None:
    with frozen(tmp_path) as server:
        batch = batches_of(server, KEY).create(chat_lines(2), {"x-mock-batch-seconds": "172800"})
    with frozen(tmp_path, frozen_time=NOW + 200_000) as server:
        assert batches_of(server, KEY).until(batch, "expired").expired_at == NOW + 86_400


def test_without_a_state_folder_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with MockServer(Settings(port=0, whisper_model="none")) as server:
        batches = batches_of(server)
        assert len(batches.output(batches.run(chat_lines(500)))) == 500
    assert list(tmp_path.iterdir()) == []


def test_a_line_that_outlasts_its_server_changes_nothing_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, released = threading.Event(), threading.Event()

    def held(*arguments: Any) -> Response | None:
        if arguments[2]["custom_id"] == "line-1":
            asked.set()
            assert released.wait(60)
        return ask(*arguments)

    monkeypatch.setattr("mockserver.providers.openai.batch_work.work.ask", held)
    monkeypatch.setattr("mockserver.schedule._PATIENCE", 0.01)
    others = set(threading.enumerate())
    with MockServer(Settings(port=0, whisper_model="none", state=str(tmp_path))) as server:
        batches_of(server).create(chat_lines(2))
        assert asked.wait(60)
        workers = [each for each in set(threading.enumerate()) - others if each.name.startswith("batch-")]
    left = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    released.set()
    for worker in workers:
        worker.join(60)
    assert [worker.is_alive() for worker in workers] == [False]
    assert left == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


def test_a_clock_that_goes_back_does_not_stop_a_batch(tmp_path: Path) -> None:
    with frozen(tmp_path, batch_seconds=0.0) as server:
        batches = batches_of(server, KEY)
        server.clock.advance(3600)
        batch = batches.create(chat_lines(300))
        server.clock.advance(-7200)
        assert len(batches.output(batches.until(batch, "completed"))) == 300


@pytest.mark.parametrize("seconds", [0.0, 60.0])
def test_a_batch_goes_on_where_the_clock_forgot_that_it_was_moved(tmp_path: Path, seconds: float) -> None:
    with frozen(tmp_path, batch_seconds=60.0) as server:
        batches = batches_of(server, KEY)
        server.clock.advance(36_000)
        batch = batches.create(chat_lines(4), {"x-mock-batch-seconds": str(seconds)})
        if seconds:
            server.clock.advance(60)
            batches.until(batch, "in_progress")
            server.clock.advance(30)
            batches.until(batch, "in_progress", completed=2)
    with frozen(tmp_path) as server:
        batches = batches_of(server, KEY)
        if seconds:
            batches.until(batch, "in_progress", completed=2)
            server.clock.advance(29)
            batches.until(batch, "in_progress", completed=3)
            server.clock.advance(1)
            batches.until(batch, "finalizing")
            server.clock.advance(60)
        batch = batches.until(batch, "completed")
        assert [line["custom_id"] for line in batches.output(batch)] == [
            f"line-{number}" for number in range(4)
        ]


def test_a_batch_whose_input_was_cut_short_fails_and_says_so(tmp_path: Path) -> None:
    with frozen(tmp_path) as server:
        batches = batches_of(server, KEY)
        batch = batches.create(chat_lines(4))
        server.clock.advance(60)
        batches.until(batch, "in_progress")
        batches.client.files.delete(batch.input_file_id)
    (blob,) = (tmp_path / "blobs").iterdir()
    blob.write_bytes(b"\n".join(blob.read_bytes().splitlines()[:2]) + b"\n")
    with frozen(tmp_path, frozen_time=NOW + 120) as server:
        batch = batches_of(server, KEY).until(batch, "failed")
        assert batch.errors is not None
        assert batch.errors.data is not None
        assert "ends before the last line" in (batch.errors.data[0].message or "")


def test_a_reset_that_takes_the_bytes_away_from_the_work_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    opened, was_reset = Blobs.open, threading.Event()

    with frozen(tmp_path, batch_seconds=0.0) as server:

        def reset_before(blobs: Blobs, blob_id: str) -> BinaryIO:
            if not was_reset.is_set():
                was_reset.set()
                server.reset()
            return opened(blobs, blob_id)

        batches = batches_of(server, KEY)
        monkeypatch.setattr(Blobs, "open", reset_before)
        batches.create(chat_lines(2))
        assert was_reset.wait(60)
        assert len(batches.output(batches.run(chat_lines(1)))) == 1
    assert "fails" not in caplog.text
