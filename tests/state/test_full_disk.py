"""A full disk: refused objects do not exist, acknowledged ones stay, and work continues later.

A limit on the file sizes of the running server process stands for the full disk.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from time import sleep

import httpx
import openai
import pytest

from tests.state.test_restart import LARGE, served
from tests.waiting import eventually

if sys.platform != "linux":
    pytest.skip("prlimit is needed", allow_module_level=True)

import resource

pytestmark = pytest.mark.slow

MESSAGES = [{"role": "user", "content": "Hello."}]
CHAT = {"model": "gpt-4o-mini", "messages": MESSAGES}


@contextmanager
def full(process: Popen[str], size: int = 0) -> Iterator[None]:
    """Let no file of the process grow beyond ``size`` bytes within the block."""
    _, most = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, most))
    try:
        yield
    finally:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (most, most))


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_what_a_full_disk_refuses_is_not_there_and_what_was_acknowledged_stays(tmp_path: Path) -> None:
    with served(tmp_path, "--state", "state") as (process, client):
        kept = client.files.create(file=("kept.bin", LARGE), purpose="evals")
        upload = client.uploads.create(filename="b", purpose="batch", bytes=6, mime_type="text/plain")
        part = client.uploads.parts.create(upload.id, data=b"abc")
        chat = client.chat.completions.create(**CHAT, store=True)  # type: ignore[call-overload]
        snapshot = httpx.get(f"{client.base_url.copy_with(path='/_mock/snapshot')}").json()
        before = files_in(tmp_path / "state")
        with full(process):
            for refused in (
                lambda: client.files.create(file=("large.bin", LARGE), purpose="evals"),
                lambda: client.files.create(file=("small.jsonl", b"{}\n"), purpose="batch"),
                lambda: client.uploads.create(filename="b", purpose="batch", bytes=3, mime_type="text/plain"),
                lambda: client.uploads.parts.create(upload.id, data=b"def"),
                lambda: client.uploads.cancel(upload.id),
                lambda: client.chat.completions.create(**CHAT, store=True),  # type: ignore[call-overload]
                lambda: client.chat.completions.update(chat.id, metadata={"a": "b"}),
            ):
                with pytest.raises(openai.InternalServerError) as caught:
                    refused()
                assert (caught.value.status_code, caught.value.code) == (507, "mock_storage_full")
            restored = httpx.put(f"{client.base_url.copy_with(path='/_mock/snapshot')}", json=snapshot)
            assert restored.status_code == 507
            assert "Nothing was changed" in restored.json()["error"]
            assert client.files.list().data == [kept]
            assert client.chat.completions.create(**CHAT).choices  # type: ignore[call-overload]
        assert files_in(tmp_path / "state") == before
        client.uploads.parts.create(upload.id, data=b"def")
        process.kill()
        process.wait()
    with served(tmp_path, "--state", "state") as (_, client):
        assert client.files.content(kept.id).content == LARGE
        assert client.chat.completions.retrieve(chat.id).metadata == {}
        with pytest.raises(openai.BadRequestError, match="bytes"):
            client.uploads.complete(upload.id, part_ids=[part.id])


def test_a_full_disk_has_room_for_deletions(tmp_path: Path) -> None:
    with served(tmp_path, "--state", "state") as (process, client):
        gone = client.files.create(file=("large.bin", LARGE), purpose="evals")
        database, log = tmp_path / "state" / "state.db", tmp_path / "state" / "state.db-wal"
        with full(process, min(database.stat().st_size, log.stat().st_size)):
            with pytest.raises(openai.InternalServerError, match="no room left"):
                client.files.create(file=("larger.bin", 2 * LARGE), purpose="evals")
            assert client.files.delete(gone.id).deleted
        process.kill()
        process.wait()
    with served(tmp_path, "--state", "state") as (_, client):
        assert client.files.list().data == []
        assert not list((tmp_path / "state" / "blobs").iterdir())


def test_a_stream_that_cannot_be_stored_ends_with_the_error(tmp_path: Path) -> None:
    with served(tmp_path, "--state", "state") as (process, client), full(process):
        with pytest.raises(openai.APIError, match="no room left"):
            list(client.chat.completions.create(**CHAT, store=True, stream=True))  # type: ignore[call-overload]
        assert client.chat.completions.list().data == []


def test_without_a_state_folder_a_full_disk_for_temporary_files_is_no_crash(tmp_path: Path) -> None:
    with served(tmp_path) as (process, client):
        client.files.create(file=("first.bin", LARGE), purpose="evals")
        with full(process), pytest.raises(openai.InternalServerError) as caught:
            client.files.create(file=("large.bin", LARGE), purpose="evals")
        assert caught.value.status_code == 507
        assert client.files.create(file=("large.bin", LARGE), purpose="evals").bytes == len(LARGE)


def test_a_batch_waits_for_room_and_then_goes_on(tmp_path: Path) -> None:
    lines = [
        {"custom_id": str(number), "method": "POST", "url": "/v1/chat/completions", "body": CHAT}
        for number in range(300)
    ]
    with served(tmp_path, "--state", "state") as (process, client):
        data = "".join(json.dumps(line) + "\n" for line in lines).encode()
        source = client.files.create(file=("lines.jsonl", data), purpose="batch")
        batch = client.batches.create(
            input_file_id=source.id, endpoint="/v1/chat/completions", completion_window="24h"
        )
        with full(process):
            sleep(1)
            assert client.batches.retrieve(batch.id).status in ("validating", "in_progress")
        assert eventually(lambda: client.batches.retrieve(batch.id).status == "completed")
        batch = client.batches.retrieve(batch.id)
        assert batch.output_file_id is not None
        answered = client.files.content(batch.output_file_id).content.splitlines()
        assert [json.loads(line)["custom_id"] for line in answered] == [str(number) for number in range(300)]
