"""A slow disk: writers wait for it, readers do not."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai
import pytest

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer

PATIENCE = 30  # seconds after which a test fails


class SlowDisk:
    """Makes ``os.fsync`` and the commits of SQLite wait from ``stall`` to ``go_on``."""

    def __init__(self) -> None:
        self.waits = threading.Event()
        self._goes_on = threading.Event()
        self._goes_on.set()
        self._fsync = os.fsync
        self._connect = sqlite3.connect

    def fsync(self, descriptor: int) -> None:
        self._wait()
        self._fsync(descriptor)

    def connect(self, *arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = self._connect(*arguments, **options)
        connection.set_trace_callback(lambda statement: self._wait() if statement == "COMMIT" else None)
        return connection

    def _wait(self) -> None:
        if not self._goes_on.is_set():
            self.waits.set()
            assert self._goes_on.wait(PATIENCE)

    def stall(self) -> None:
        self.waits.clear()
        self._goes_on.clear()

    def go_on(self) -> None:
        self._goes_on.set()


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowDisk]:
    made = SlowDisk()
    monkeypatch.setattr("mockserver.state.disk.os.fsync", made.fsync)
    monkeypatch.setattr("mockserver.state.sqlite.database.sqlite3.connect", made.connect)
    yield made
    made.go_on()


@pytest.mark.parametrize(
    "write",
    [
        lambda client, _: client.files.create(file=("b.jsonl", b"{}\n"), purpose="batch"),
        lambda client, file_id: client.files.delete(file_id),
        lambda client, _: client.chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello."}], store=True
        ),
    ],
    ids=["a file comes", "a file goes", "a chat is stored"],
)
def test_who_reads_waits_for_no_other_request_that_is_written(
    tmp_path: Path, disk: SlowDisk, write: Callable[[openai.OpenAI, str], object]
) -> None:
    settings = Settings(state=str(tmp_path / "state"), whisper_model="none")
    with (
        MockServer(settings) as server,
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="k", max_retries=0, timeout=PATIENCE) as client,
        ThreadPoolExecutor() as threads,
    ):
        kept = client.files.create(file=("a.bin", bytes(100_000)), purpose="evals")
        disk.stall()
        written = threads.submit(write, client, kept.id)
        assert disk.waits.wait(PATIENCE)
        assert client.files.list().data == [kept]
        assert client.files.retrieve(kept.id) == kept
        assert client.files.content(kept.id).content == bytes(100_000)
        assert not client.chat.completions.list().data
        assert not client.batches.list().data
        assert not written.done()
        disk.go_on()
        written.result(PATIENCE)
        assert client.files.list().data != [kept] or client.chat.completions.list().data
