"""Files are stored by account and expire by the clock."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mockserver.clock import Clock
from mockserver.ids import Ids
from mockserver.state.blobs import Blobs, References
from mockserver.state.files import Files
from mockserver.state.memory.documents import MemoryDocuments
from mockserver.state.protocols import Blob

NOW = 1_700_000_000


@pytest.fixture
def clock() -> Clock:
    return Clock(frozen_at=NOW)


@pytest.fixture
def blobs() -> Iterator[Blobs]:
    made = Blobs()
    yield made
    made.close()


@pytest.fixture
def files(blobs: Blobs, clock: Clock) -> Files:
    store = MemoryDocuments()
    References(blobs).follow(store)
    return Files(store, blobs, clock, Ids("seed"))


def kept(blobs: Blobs, content: bytes = b"{}\n") -> Blob:
    with blobs.writer() as writer:
        writer.write(content)
        return writer.commit()


def test_a_file_is_described_as_by_the_real_api(files: Files, blobs: Blobs) -> None:
    file = files.add("ann", kept(blobs), filename="a.jsonl", purpose="user_data")
    assert file == {
        "object": "file",
        "id": file["id"],
        "purpose": "user_data",
        "filename": "a.jsonl",
        "bytes": 3,
        "created_at": NOW,
        "expires_at": None,
        "status": "processed",
        "status_details": None,
    }
    assert files.get("ann", file["id"]) == file


def test_its_bytes_can_be_read(files: Files, blobs: Blobs) -> None:
    file = files.add("ann", kept(blobs, b"\0\1\2"), filename="a", purpose="user_data")
    with files.open("ann", file["id"]) as opened:
        assert opened.read() == b"\0\1\2"


def test_accounts_do_not_see_each_others(files: Files, blobs: Blobs) -> None:
    file = files.add("ann", kept(blobs), filename="a", purpose="user_data")
    assert files.get("bob", file["id"]) is None
    assert files.list("bob") == []
    assert not files.remove("bob", file["id"])
    with pytest.raises(KeyError):
        files.open("bob", file["id"])


def test_they_are_listed_oldest_first(files: Files, blobs: Blobs) -> None:
    made = [files.add("ann", kept(blobs), filename=name, purpose="user_data") for name in "abc"]
    assert files.list("ann") == made


def test_a_removed_file_takes_its_bytes_with_it(files: Files, blobs: Blobs) -> None:
    blob = kept(blobs)
    file = files.add("ann", blob, filename="a", purpose="user_data")
    assert files.remove("ann", file["id"])
    assert blob.id not in blobs
    assert not files.remove("ann", file["id"])


@pytest.mark.parametrize(
    ("purpose", "lifetime", "seconds"),
    [("batch", None, 2_592_000), ("batch", 3600, 3600), ("evals", 7200, 7200)],
)
def test_a_file_is_gone_when_its_time_is_over(
    files: Files, blobs: Blobs, clock: Clock, purpose: str, lifetime: int | None, seconds: int
) -> None:
    blob = kept(blobs)
    file = files.add("ann", blob, filename="a", purpose=purpose, lifetime=lifetime)
    assert file["expires_at"] == NOW + seconds
    clock.advance(seconds - 1)
    assert files.list("ann") == [file]
    clock.advance(1)
    assert files.list("ann") == []
    assert files.get("ann", file["id"]) is None
    with pytest.raises(KeyError):
        files.open("ann", file["id"])
    assert blob.id not in blobs
