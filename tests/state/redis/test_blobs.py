"""Blobs of a store in Redis: in it, or outside of it, with exact counts of the documents that name them."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mockserver.state.blobs import BytesGone
from mockserver.state.disk import StateFailed
from mockserver.state.layout import StateFolderError
from mockserver.state.protocols import BlobStore, Documents
from mockserver.state.redis.blobs import RedisBlobs
from mockserver.state.redis.opening import connect, open_documents
from tests.redis_process import RedisProcess
from tests.state.processes import in_processes
from tests.waiting import eventually

LARGE = os.urandom(700_000)
SMALL = b"small"
LIMIT = 100_000  # bytes; larger blobs are outside


@pytest.fixture(params=["redis", "folder", "memory"])
def url(request: pytest.FixtureRequest, redis_server: RedisProcess, tmp_path: Path) -> str:
    """Return a store whose large blobs are in Redis, in a folder, or in a bucket (of this process)."""
    places = {"redis": "", "folder": str(tmp_path / "blobs"), "memory": f"memory://{tmp_path.name}"}
    place = places[request.param]
    return redis_server.url() + (f"&blobs={place}&blobs_from={LIMIT}" if place else "")


@pytest.fixture
def opened(url: str) -> Iterator[tuple[Documents, BlobStore]]:
    documents, blobs = open_documents(connect(url))
    yield documents, blobs
    documents.close()


@pytest.fixture
def documents(opened: tuple[Documents, BlobStore]) -> Documents:
    return opened[0]


@pytest.fixture
def blobs(opened: tuple[Documents, BlobStore]) -> BlobStore:
    return opened[1]


def stored(blobs: BlobStore, content: bytes) -> str:
    """Store bytes in uneven pieces; return their id."""
    with blobs.writer() as writer:
        for begin in range(0, len(content), 77_777):
            writer.write(content[begin : begin + 77_777])
        return writer.commit().id


@pytest.mark.parametrize("content", [b"", SMALL, LARGE[:LIMIT], LARGE[: LIMIT + 1], LARGE[: 1 << 18], LARGE])
def test_what_is_written_can_be_read(blobs: BlobStore, content: bytes) -> None:
    blob_id = stored(blobs, content)
    assert (blobs.size(blob_id), blob_id in blobs) == (len(content), True)
    with blobs.open(blob_id) as file:
        assert file.read() == content


def test_a_part_can_be_read(blobs: BlobStore) -> None:
    with blobs.open(stored(blobs, LARGE)) as file:
        file.seek(300_000)
        assert file.read(1000) == LARGE[300_000:301_000]
        file.seek(-10, io.SEEK_END)
        assert file.read() == LARGE[-10:]


@pytest.mark.parametrize("blob_id", ["0" * 32, "../../etc/passwd", "*", ""])
def test_an_unknown_blob_is_gone(blobs: BlobStore, blob_id: str) -> None:
    assert blob_id not in blobs
    blobs.delete(blob_id)
    with pytest.raises(BytesGone):
        blobs.open(blob_id)


@pytest.mark.parametrize("content", [SMALL, LARGE])
def test_without_a_commit_nothing_is_kept(blobs: BlobStore, content: bytes) -> None:
    with blobs.writer("ab" * 16) as writer:
        writer.write(content)
    assert "ab" * 16 not in blobs


@pytest.mark.parametrize("content", [SMALL, LARGE])
def test_a_blob_goes_with_the_last_document_that_names_it(
    documents: Documents, blobs: BlobStore, content: bytes
) -> None:
    blob_id = stored(blobs, content)
    documents.put("file", "ann", "1", {"blobs": [blob_id]})
    documents.put("batch", "bob", "1", {"blobs": [blob_id, blob_id]})
    documents.remove("file", "ann", "1")
    assert blob_id in blobs
    blobs.delete(blob_id)
    assert blob_id in blobs, "a document names it"
    documents.update("batch", "bob", "1", lambda _: {"blobs": [blob_id]})
    assert blob_id in blobs
    documents.reset("bob")
    assert blob_id not in blobs


def test_a_document_that_is_replaced_by_one_with_the_same_blob_keeps_it(
    documents: Documents, blobs: BlobStore
) -> None:
    blob_id = stored(blobs, LARGE)
    documents.put("file", "ann", "1", {"blobs": [blob_id]})
    documents.put("file", "ann", "1", {"blobs": [blob_id], "name": "b"})
    snapshot = documents.snapshot(None)
    documents.restore(snapshot, None)
    assert blob_id in blobs


def test_only_a_blob_that_no_document_names_expires(
    redis_server: RedisProcess, documents: Documents, blobs: BlobStore, url: str
) -> None:
    blob_id = stored(blobs, SMALL)
    server = connect(url)
    key = server.key("blob", blob_id)
    assert 0 < server.call("TTL", key) <= 3600
    documents.put("file", "ann", "1", {"blobs": [blob_id]})
    assert server.call("TTL", key) == server.call("TTL", f"{key}:pieces") == -1
    server.close()


def test_what_a_killed_process_has_left_outside_is_removed(
    redis_server: RedisProcess, tmp_path: Path
) -> None:
    url = f"{redis_server.url()}&blobs={tmp_path}/blobs&blobs_from={LIMIT}"
    documents, blobs = open_documents(connect(url))
    lost, named = stored(blobs, LARGE), stored(blobs, LARGE)
    documents.put("file", "ann", "1", {"blobs": [named]})
    server = connect(url)
    server.call("ZADD", server.key("blob", "arriving"), 1, lost)  # in 1970, and no document names it
    server.call("SADD", server.key("blob", "unnamed"), "ab" * 16)  # removed, but not from the set
    open_documents(server)[0].close()
    assert [path.name for path in (tmp_path / "blobs").iterdir()] == [named]
    documents.close()


def test_a_folder_that_cannot_be_used_is_reported(redis_server: RedisProcess, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StateFolderError, match="cannot be used"):
        open_documents(connect(f"{redis_server.url()}&blobs={tmp_path}/file/blobs"))
    with pytest.raises(StateFolderError, match="install the package of its kind"):
        open_documents(connect(f"{redis_server.url()}&blobs=nowhere://bucket"))


def test_a_blob_outside_needs_the_option(redis_server: RedisProcess, tmp_path: Path) -> None:
    url = redis_server.url()
    with_folder, blobs = open_documents(connect(f"{url}&blobs={tmp_path}/blobs&blobs_from={LIMIT}"))
    blob_id = stored(blobs, LARGE)
    without = RedisBlobs(connect(url))
    with pytest.raises(StateFailed, match="the option blobs"):
        without.open(blob_id)
    with_folder.close()


def name_and_drop(url: str) -> int:
    """Name one blob in many documents of an account of this process, and remove all but one of them."""
    documents, blobs = open_documents(connect(url))
    account = f"process-{os.getpid()}"
    for number in range(50):
        documents.put("file", account, str(number), {"blobs": ["ab" * 16]})
    for number in range(49):
        documents.remove("file", account, str(number))
    is_kept = "ab" * 16 in blobs
    documents.close()
    return int(is_kept)


@pytest.mark.slow
def test_counts_are_exact_with_several_processes(redis_server: RedisProcess) -> None:
    url = redis_server.url()
    documents, blobs = open_documents(connect(url))
    with blobs.writer("ab" * 16) as writer:
        writer.write(LARGE)
        writer.commit()
    assert in_processes(3, name_and_drop, url) == [1, 1, 1]
    for account, _, _ in documents.all("file"):
        assert "ab" * 16 in blobs
        documents.reset(account)
    assert eventually(lambda: "ab" * 16 not in blobs)
    documents.close()
