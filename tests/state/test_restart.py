"""The objects of clients are there after a restart, also after `kill -9`."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import openai
import pytest

from tests.waiting import eventually

pytestmark = pytest.mark.slow

PATIENCE = 60.0  # seconds
LARGE = bytes(range(256)) * 2000


@contextmanager
def served(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], openai.OpenAI]]:
    """Yield a server process and a client; temporary files are in ``folder``, too."""
    command = [sys.executable, "-m", "mockserver", "serve", "--port", "0", *arguments]
    environment = {**os.environ, "TMPDIR": str(folder), "MOCKSERVER_WHISPER_MODEL": "none"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment, cwd=folder
    ) as process:
        assert process.stdout is not None
        try:
            (url,) = re.findall(r"http://\S+/v1", process.stdout.readline())
            with openai.OpenAI(base_url=url, api_key="sk-mock-restart", max_retries=0) as client:
                yield process, client
        finally:
            process.kill()


def blobs_in(incoming: Path) -> list[Path]:
    """Return the files of processes for blobs that no value names yet."""
    return [path for path in incoming.glob("*/*") if path.name != "lock"]


def begin_upload(client: openai.OpenAI, data: bytes) -> socket.socket:
    """Send the larger part of an upload; return the connection."""
    connection = socket.create_connection(
        (client.base_url.host, client.base_url.port or 80), timeout=PATIENCE
    )
    head = (
        f"POST /v1/files HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {client.api_key}\r\n"
        f"Content-Type: multipart/form-data; boundary=edge\r\nContent-Length: {len(data) * 2}\r\n\r\n"
    )
    part = '--edge\r\nContent-Disposition: form-data; name="file"; filename="half.bin"\r\n\r\n'
    connection.sendall((head + part).encode() + data)
    return connection


def test_a_killed_server_leaves_whole_files_and_no_half_ones(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with served(tmp_path, "--state", "state") as (process, client):
        small = client.files.create(file=("small.jsonl", b"{}\n"), purpose="batch")
        large = client.files.create(file=("large.bin", LARGE), purpose="evals")
        upload = client.uploads.create(filename="b", purpose="batch", bytes=3, mime_type="text/plain")
        part = client.uploads.parts.create(upload.id, data=b"abc")
        with begin_upload(client, LARGE):
            assert eventually(lambda: blobs_in(state / "incoming"))
            process.kill()
            process.wait()
    with served(tmp_path, "--state", "state") as (_, client):
        assert not blobs_in(state / "incoming")
        assert len(list((state / "blobs").iterdir())) == 3
        assert client.files.list().data == [large, small]
        assert client.files.content(small.id).content == b"{}\n"
        assert client.files.content(large.id).content == LARGE
        completed = client.uploads.complete(upload.id, part_ids=[part.id])
        assert completed.file is not None
        assert client.files.content(completed.file.id).content == b"abc"


def test_stored_chats_outlive_the_server(tmp_path: Path) -> None:
    with served(tmp_path, "--state", "state") as (_, client):
        stored = client.chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello."}], store=True
        )
    with served(tmp_path, "--state", "state") as (_, client):
        kept = client.chat.completions.retrieve(stored.id)
        assert kept.choices[0].message.content == stored.choices[0].message.content


def test_responses_and_conversations_outlive_a_killed_server(tmp_path: Path) -> None:
    with served(tmp_path, "--state", "state") as (process, client):
        conversation = client.conversations.create(metadata={"topic": "demo"})
        said = client.responses.create(model="gpt-4o-mini", input="Hello.", conversation=conversation.id)
        background = client.responses.create(model="gpt-4o-mini", input="Later.", background=True)
        process.kill()
        process.wait()
    with served(tmp_path, "--state", "state") as (_, client):
        assert client.responses.retrieve(said.id).output_text == said.output_text
        assert client.conversations.retrieve(conversation.id) == conversation
        assert len(client.conversations.items.list(conversation.id).data) == 2
        assert eventually(lambda: client.responses.retrieve(background.id).status == "completed")
        second = client.responses.create(
            model="gpt-4o-mini", input="And?", previous_response_id=background.id
        )
        assert second.id[5:21] == background.id[5:21]


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
def test_without_a_state_folder_nothing_stays(tmp_path: Path) -> None:
    with served(tmp_path) as (process, client):
        client.files.create(file=("large.bin", LARGE), purpose="evals")
        assert list(tmp_path.glob("*/blobs/*"))
        process.terminate()
        process.wait(PATIENCE)
    assert not list(tmp_path.iterdir())


def test_a_file_whose_bytes_were_cut_short_is_an_error_and_no_wait(tmp_path: Path) -> None:
    with served(tmp_path, "--state", "state") as (_, client):
        large = client.files.create(file=("large.bin", LARGE), purpose="evals")
        (blob,) = (tmp_path / "state" / "blobs").iterdir()
        os.truncate(blob, 1000)
        with pytest.raises(openai.InternalServerError, match=r"has 1000 bytes in place of 512000") as caught:
            client.with_options(timeout=PATIENCE).files.content(large.id)
        assert caught.value.code == "mock_storage_failed"
        blob.unlink()
        with pytest.raises(openai.NotFoundError):
            client.with_options(timeout=PATIENCE).files.content(large.id)
    with served(tmp_path, "--state", "state") as (_, client):
        assert client.files.list().data == []
        assert list((tmp_path / "state" / "values" / "damaged").iterdir())


def test_a_file_that_is_cut_short_while_it_is_sent_ends_the_connection(tmp_path: Path) -> None:
    data = bytes(64 << 20)  # more than the socket buffers hold
    with served(tmp_path, "--state", "state") as (_, client):
        large = client.files.create(file=("large.bin", data), purpose="evals")
        (blob,) = (tmp_path / "state" / "blobs").iterdir()
        url, key = f"{client.base_url}files/{large.id}/content", f"Bearer {client.api_key}"
        with httpx.stream("GET", url, headers={"authorization": key}) as response:
            pieces = response.iter_bytes(1000)
            next(pieces)
            os.truncate(blob, 1000)
            with pytest.raises(httpx.RemoteProtocolError):
                list(pieces)
