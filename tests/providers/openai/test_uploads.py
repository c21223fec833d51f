"""`/v1/uploads`, through the official SDK, and its refusals."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

import openai
import pytest
from openai.types import Upload

from mockserver.app import services_of
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from mockserver.validation.schemas import Schemas

NOW = 1_800_000_000
DATA = bytes(range(256)) * 1000


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    """Yield a server whose clock stands still."""
    settings = Settings(port=0, whisper_model="none", log_level="warning", frozen_time=NOW)
    with MockServer(settings) as running:
        yield running


@pytest.fixture(autouse=True)
def now(server: MockServer) -> None:
    """Return the time at which each test begins."""
    server.clock.reset()


def begin(client: openai.OpenAI, size: int = len(DATA), **changes: Any) -> Upload:
    asked = {"filename": "a.jsonl", "purpose": "batch", "bytes": size, "mime_type": "application/jsonl"}
    return client.uploads.create(**{**asked, **changes})


def parts(client: openai.OpenAI, upload: Upload, *pieces: bytes) -> list[str]:
    """Upload the pieces as parts; return their ids."""
    return [client.uploads.parts.create(upload.id, data=piece).id for piece in pieces]


def refusal(error: openai.APIStatusError) -> tuple[int, str, str | None]:
    body = error.response.json()["error"]
    return error.status_code, body["message"], body["param"]


def test_an_upload_is_pending_for_an_hour(client: openai.OpenAI) -> None:
    upload = begin(client)
    assert upload.id.startswith("upload_")
    assert (upload.status, upload.bytes, upload.filename, upload.purpose) == (
        "pending",
        len(DATA),
        "a.jsonl",
        "batch",
    )
    assert (upload.created_at, upload.expires_at, upload.file) == (NOW, NOW + 3600, None)


def test_a_part_is_described(client: openai.OpenAI) -> None:
    upload = begin(client)
    part = client.uploads.parts.create(upload.id, data=DATA)
    assert part.id.startswith("part_")
    assert (part.upload_id, part.created_at, part.object) == (upload.id, NOW, "upload.part")


def test_parts_become_a_file_in_the_order_asked_for(client: openai.OpenAI) -> None:
    upload = begin(client)
    last, first = parts(client, upload, DATA[100_000:], DATA[:100_000])
    completed = client.uploads.complete(upload.id, part_ids=[first, last])
    assert completed.status == "completed"
    assert completed.file is not None
    assert (completed.file.filename, completed.file.bytes) == ("a.jsonl", len(DATA))
    assert client.files.retrieve(completed.file.id) == completed.file
    assert client.files.content(completed.file.id).content == DATA


def test_the_md5_is_checked(client: openai.OpenAI) -> None:
    upload = begin(client)
    ids = parts(client, upload, DATA)
    with pytest.raises(openai.BadRequestError) as caught:
        client.uploads.complete(upload.id, part_ids=ids, md5="0" * 32)
    found = hashlib.md5(DATA, usedforsecurity=False).hexdigest()
    message = f"The MD5 of the uploaded bytes is {found}, not {'0' * 32}."
    assert refusal(caught.value) == (400, message, "md5")
    assert client.uploads.complete(upload.id, part_ids=ids, md5=found.upper()).status == "completed"


def test_a_file_in_chunks_is_uploaded_in_one_call(client: openai.OpenAI) -> None:
    upload = client.uploads.upload_file_chunked(
        file=DATA,
        filename="a.jsonl",
        bytes=len(DATA),
        mime_type="application/jsonl",
        purpose="batch",
        part_size=100_000,
    )
    assert upload.file is not None
    assert client.files.content(upload.file.id).content == DATA


def test_the_async_sdk_does_the_same(server: MockServer) -> None:
    async def use() -> tuple[bytes, str]:
        async with openai.AsyncOpenAI(
            base_url=server.base_url, api_key="sk-mock-async-upload", _strict_response_validation=True
        ) as client:
            upload = await client.uploads.upload_file_chunked(
                file=io.BytesIO(DATA).getvalue(),
                filename="a.jsonl",
                bytes=len(DATA),
                mime_type="application/jsonl",
                purpose="batch",
                part_size=100_000,
            )
            assert upload.file is not None
            begun = await client.uploads.create(
                filename="b", purpose="batch", bytes=1, mime_type="application/jsonl"
            )
            content = await client.files.content(upload.file.id)
            return content.content, (await client.uploads.cancel(begun.id)).status

    assert asyncio.run(use()) == (DATA, "cancelled")


def test_the_file_expires_as_was_asked_for(client: openai.OpenAI, server: MockServer) -> None:
    upload = begin(client, 1, expires_after={"anchor": "created_at", "seconds": 7200})
    ids = parts(client, upload, b"1")
    server.clock.advance(60)
    completed = client.uploads.complete(upload.id, part_ids=ids)
    assert completed.file is not None
    assert completed.file.expires_at == NOW + 60 + 7200


def test_parts_may_come_at_the_same_time(client: openai.OpenAI) -> None:
    upload = begin(client)
    pieces = [DATA[start : start + 16_000] for start in range(0, len(DATA), 16_000)]
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda piece: parts(client, upload, piece)[0], pieces))
    completed = client.uploads.complete(upload.id, part_ids=ids)
    assert completed.file is not None
    assert client.files.content(completed.file.id).content == DATA


def test_an_upload_that_is_completed_twice_at_once_is_one_file(client: openai.OpenAI) -> None:
    upload = begin(client)
    ids = parts(client, upload, DATA)

    def complete(_: int) -> bool:
        try:
            return client.uploads.complete(upload.id, part_ids=ids).status == "completed"
        except openai.BadRequestError:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(complete, range(8))) == 1
    assert len(client.files.list().data) == 1


def test_an_upload_that_is_cancelled_while_it_is_completed_is_cancelled(
    server: MockServer, client: openai.OpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = begin(client)
    ids = parts(client, upload, DATA)
    blobs = services_of(server.app).blobs
    open_blob = blobs.open

    def cancel_and_open(blob_id: str) -> BinaryIO:
        client.uploads.cancel(upload.id)
        return open_blob(blob_id)

    monkeypatch.setattr(blobs, "open", cancel_and_open)
    with pytest.raises(openai.BadRequestError, match="is cancelled"):
        client.uploads.complete(upload.id, part_ids=ids)
    assert client.files.list().data == []


def test_a_cancelled_upload_takes_no_more_parts(client: openai.OpenAI) -> None:
    upload = begin(client)
    assert client.uploads.cancel(upload.id).status == "cancelled"
    message = f"The Upload {upload.id} is cancelled; only a pending one can be changed."
    for change in (
        lambda: parts(client, upload, DATA),
        lambda: client.uploads.complete(upload.id, part_ids=[]),
        lambda: client.uploads.cancel(upload.id),
    ):
        with pytest.raises(openai.BadRequestError) as caught:
            change()
        assert refusal(caught.value) == (400, message, "upload_id")


def test_a_completed_upload_is_over(client: openai.OpenAI) -> None:
    upload = begin(client, 1)
    ids = parts(client, upload, b"1")
    client.uploads.complete(upload.id, part_ids=ids)
    with pytest.raises(openai.BadRequestError, match="is completed"):
        client.uploads.complete(upload.id, part_ids=ids)
    assert len(client.files.list().data) == 1


def test_an_upload_expires(client: openai.OpenAI, server: MockServer) -> None:
    upload = begin(client, 1)
    ids = parts(client, upload, b"1")
    server.clock.advance(3600)
    with pytest.raises(openai.BadRequestError, match="is expired"):
        client.uploads.complete(upload.id, part_ids=ids)


def test_the_bytes_must_be_as_many_as_announced(client: openai.OpenAI) -> None:
    upload = begin(client, 10)
    ids = parts(client, upload, b"12345")
    with pytest.raises(openai.BadRequestError) as caught:
        client.uploads.complete(upload.id, part_ids=ids)
    message = "The Parts have 5 bytes, but the Upload was created with 10."
    assert refusal(caught.value) == (400, message, "part_ids")


def test_more_bytes_than_announced_are_refused(client: openai.OpenAI) -> None:
    upload = begin(client, 4)
    with pytest.raises(openai.BadRequestError) as caught:
        parts(client, upload, b"12345")
    message = f"The Parts of the Upload {upload.id} have 5 bytes, more than the 4 that it was created with."
    assert refusal(caught.value) == (400, message, "data")


def test_a_part_counts_once(client: openai.OpenAI) -> None:
    upload = begin(client, 10)
    first, _ = parts(client, upload, b"12345", b"67890")
    with pytest.raises(openai.BadRequestError) as caught:
        client.uploads.complete(upload.id, part_ids=[first, first])
    assert refusal(caught.value) == (400, f"The Part {first} is listed more than once.", "part_ids")


def test_an_unknown_part_is_refused(client: openai.OpenAI) -> None:
    upload = begin(client)
    with pytest.raises(openai.BadRequestError) as caught:
        client.uploads.complete(upload.id, part_ids=["part_gone"])
    assert refusal(caught.value) == (400, f"The Upload {upload.id} has no Part part_gone.", "part_ids")


def test_nobody_sees_the_uploads_of_others(client: openai.OpenAI) -> None:
    upload = begin(client)
    stranger = client.with_options(api_key="sk-mock-stranger")
    for use in (
        lambda: parts(stranger, upload, DATA),
        lambda: stranger.uploads.complete(upload.id, part_ids=[]),
        lambda: stranger.uploads.cancel(upload.id),
    ):
        with pytest.raises(openai.NotFoundError) as caught:
            use()
        assert refusal(caught.value) == (404, f"No such Upload object: {upload.id}", "upload_id")


@pytest.mark.parametrize(
    ("changes", "status", "message", "param"),
    [
        (
            {"bytes": (8 << 30) + 1, "purpose": "assistants"},
            400,
            (
                "Invalid 'bytes': integer above maximum value. Expected a value <= 8589934592, "
                "but got 8589934593 instead."
            ),
            "bytes",
        ),
        (
            {"bytes": -1},
            400,
            "Invalid 'bytes': integer below minimum value. Expected a value >= 0, but got -1 instead.",
            "bytes",
        ),
        (
            {"bytes": (200 << 20) + 1},
            413,
            "The file has 209715201 bytes; a file of purpose batch may have at most 209715200.",
            "file",
        ),
        (
            {"purpose": "music"},
            400,
            "Invalid value: 'music'. Supported values are: 'fine-tune', 'assistants', 'batch', 'user_data', 'vision', and 'evals'.",
            "purpose",
        ),
        (
            {"bytes": "many"},
            400,
            "Invalid type for 'bytes': expected an integer, but got a string instead.",
            "bytes",
        ),
    ],
)
def test_what_cannot_be_uploaded_is_refused(
    client: openai.OpenAI, changes: dict[str, Any], status: int, message: str, param: str
) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        begin(client, **changes)
    assert refusal(caught.value) == (status, message, param)


def test_a_part_of_more_than_64_megabytes_is_refused(client: openai.OpenAI) -> None:
    upload = begin(client, 100 << 20)
    with pytest.raises(openai.APIStatusError) as caught:
        parts(client, upload, bytes((64 << 20) + 1))
    message = "The Part has 67108865 bytes or more; a Part may have at most 67108864."
    assert refusal(caught.value) == (413, message, "data")


def test_answers_satisfy_the_documented_schema(client: openai.OpenAI, schemas: Schemas) -> None:
    marked = client.with_options(default_headers={"x-mock-strictness": "schema"})
    upload = begin(marked, 1)
    part = marked.uploads.parts.with_raw_response.create(upload.id, data=b"1").http_response.json()
    completed = marked.uploads.with_raw_response.complete(upload.id, part_ids=[part["id"]]).http_response
    assert schemas.violations("openai/upload_part.response", part) == []
    assert schemas.violations("openai/upload.response", completed.json()) == []
    assert schemas.violations("openai/upload.response", upload.to_dict()) == []


def test_an_upload_that_is_over_leaves_only_its_file(tmp_path: Path) -> None:
    with MockServer(Settings(port=0, whisper_model="none", state=str(tmp_path))) as keeping:
        kept = keeping.client
        for end in ("complete", "cancel"):
            upload = begin(kept)
            ids = parts(kept, upload, DATA[:100_000], DATA[100_000:])
            if end == "complete":
                kept.uploads.complete(upload.id, part_ids=ids)
            else:
                kept.uploads.cancel(upload.id)
        assert [path.stat().st_size for path in (tmp_path / "blobs").iterdir()] == [len(DATA)]


def test_strictness_schema_answers_for_an_upload_that_was_not_begun(
    client: openai.OpenAI, schemas: Schemas
) -> None:
    lenient = client.with_options(default_headers={"x-mock-strictness": "schema"})
    part = lenient.uploads.parts.create("upload_nobody", data=b"1")
    completed = lenient.uploads.complete("upload_nobody", part_ids=[part.id])
    cancelled = lenient.uploads.cancel("upload_nobody")
    assert (part.upload_id, completed.status, cancelled.status) == ("upload_nobody", "completed", "cancelled")
    for answer in (completed, cancelled):
        assert schemas.violations("openai/upload.response", answer.to_dict()) == []
    with pytest.raises(openai.NotFoundError):
        client.uploads.cancel("upload_nobody")
