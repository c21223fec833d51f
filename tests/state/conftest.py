"""Values as servers store them, and the store and blobs of a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mockserver.resources import data_folder
from mockserver.state.blobs import Blobs
from mockserver.state.memory.documents import MemoryDocuments
from mockserver.state.opening import open_state
from mockserver.state.protocols import BlobStore, Documents
from mockserver.state.redis.blobs import RedisBlobs
from mockserver.state.redis.documents import RedisDocuments
from mockserver.state.redis.opening import connect
from mockserver.state.shared import SharedState, open_shared
from mockserver.state.sqlite.database import Database
from mockserver.state.sqlite.documents import SqliteDocuments
from mockserver.state.value_rules import ValueRules
from mockserver.validation.schemas import Schemas
from tests.conftest import empty_store

Opened = Callable[[], tuple[Documents, BlobStore]]
OpenDocuments = Callable[..., Documents]


@pytest.fixture(params=["memory", "sqlite", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return an empty store of each kind, as the setting ``store`` names it."""
    return empty_store(request, tmp_path)


@pytest.fixture
def shared(store: str) -> Iterator[SharedState]:
    """Return the state in an empty store of each kind."""
    state = open_shared(store)
    yield state
    state.close()


@pytest.fixture(params=["memory", "sqlite", "redis"])
def open_documents(request: pytest.FixtureRequest, tmp_path: Path) -> OpenDocuments:
    """Return a function that opens empty documents with the given bounds, in each kind of store."""
    if request.param == "memory":
        return MemoryDocuments
    if request.param == "redis":
        server = connect(empty_store(request, tmp_path))
        return partial(RedisDocuments, server, RedisBlobs(server))
    return partial(SqliteDocuments, Database(tmp_path / "documents.db"), Blobs())


@pytest.fixture(scope="session")
def rules() -> ValueRules:
    return ValueRules(Schemas(data_folder("schemas")))


@pytest.fixture
def opened(tmp_path: Path, rules: ValueRules) -> Opened:
    """Open the folder of the test, which must not be open."""
    return lambda: open_state(str(tmp_path), rules)


def consent(key: str, name: str = "Ann") -> dict[str, Any]:
    """Return a small value without blobs."""
    return {
        "object": "audio.voice_consent",
        "id": key,
        "name": name,
        "language": "en-US",
        "created_at": 1_800_000_000,
    }


def file(key: str, blob_id: str, size: int) -> dict[str, Any]:
    """Return the value of a file."""
    about = {
        "object": "file",
        "id": key,
        "purpose": "batch",
        "filename": "a.jsonl",
        "bytes": size,
        "created_at": 1_800_000_000,
        "expires_at": None,
        "status": "processed",
        "status_details": None,
    }
    return {"file": about, "sha256": "0" * 64, "blobs": [blob_id]}


def kept(blobs: BlobStore, content: bytes) -> str:
    """Store bytes; return their id."""
    with blobs.writer() as writer:
        writer.write(content)
        return writer.commit().id
