"""Snapshots of the store include the bytes of files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer

LINES = b'{"custom_id": "1"}\n'


def started() -> MockServer:
    return MockServer(Settings(port=0, whisper_model="none", log_level="warning"))


@pytest.fixture
def server() -> Iterator[MockServer]:
    with started() as running:
        yield running


def snapshot(server: MockServer) -> Any:
    return httpx.get(f"{server.url}/_mock/snapshot").raise_for_status().json()


def restore(server: MockServer, state: Any) -> httpx.Response:
    return httpx.put(f"{server.url}/_mock/snapshot", json=state)


def upload(server: MockServer, data: bytes = LINES) -> str:
    return server.client.files.create(file=("a.jsonl", data), purpose="batch").id


def content(server: MockServer, file_id: str) -> bytes:
    return server.client.files.content(file_id).content


def test_a_file_comes_back_after_a_reset(server: MockServer) -> None:
    file_id = upload(server)
    state = snapshot(server)
    server.reset()
    assert restore(server, state).status_code == 200
    assert content(server, file_id) == LINES


def test_a_file_comes_to_another_server(server: MockServer) -> None:
    file_id = upload(server)
    with started() as other:
        restore(other, snapshot(server)).raise_for_status()
        assert content(other, file_id) == LINES


def test_what_came_later_is_gone(server: MockServer) -> None:
    file_id = upload(server)
    state = snapshot(server)
    later = upload(server)
    restore(server, state).raise_for_status()
    assert [file.id for file in server.client.files.list()] == [file_id]
    with pytest.raises(openai.NotFoundError):
        content(server, later)


def test_a_snapshot_has_a_large_file_without_its_bytes(server: MockServer) -> None:
    large = bytes((1 << 20) + 1)
    file_id = upload(server, large)
    state = snapshot(server)
    assert not any("blobs" in room for room in state["state"]["store"])
    restore(server, state).raise_for_status()
    assert content(server, file_id) == large  # the server still has them
    server.reset()
    restore(server, state).raise_for_status()
    assert server.client.files.list().data == []


def test_no_snapshot_has_the_server_read_its_files(server: MockServer, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    file_id = upload(server)
    state = snapshot(server)
    (room,) = (room for room in state["state"]["store"] if room["kind"] == "file")
    room["values"][file_id]["blobs"] = [str(tmp_path / "secret")]
    response = restore(server, state)
    assert response.status_code == 400
    assert "blobs" in response.text
    room["blobs"] = {str(tmp_path / "new"): "AAAA"}
    response = restore(server, state)
    assert response.status_code == 400
    assert re.search("blobs", response.text)
    assert not (tmp_path / "new").exists()


def test_bytes_that_are_no_base64_are_refused(server: MockServer) -> None:
    file_id = upload(server)
    state = snapshot(server)
    (room,) = (room for room in state["state"]["store"] if room["kind"] == "file")
    room["blobs"] = dict.fromkeys(["0" * 32], "no base64")
    assert restore(server, state).status_code == 400
    assert content(server, file_id) == LINES


def nested(levels: int) -> Any:
    value: Any = {}
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda room, key: room.update(kind="unknown"), "unknown 'unknown'. Known: audio, batch"),
        (lambda room, key: room["values"].update({key: {}}), "'file'"),
        (lambda room, key: room["values"].update(other=room["values"][key]), "not the key 'other'"),
        (lambda room, key: room["values"][key]["file"].update(bytes=5), "bytes, not 5"),
        (lambda room, key: room["values"][key]["file"].update(created_at="now"), "created_at"),
        (lambda room, key: room["values"][key]["file"].update(status=nested(450)), "nested"),
        (lambda room, key: room["values"][key].update(blobs=[]), "blobs"),
        (lambda room, key: room.update(account="a\r\nb"), "account"),
    ],
)
def test_values_that_no_server_would_keep_are_refused_and_nothing_is_restored(
    server: MockServer, change: Callable[[Any, str], None], message: str
) -> None:
    first = upload(server)
    state = snapshot(server)
    large = upload(server, bytes((1 << 20) + 1))
    (room,) = (room for room in state["state"]["store"] if room["kind"] == "file")
    change(room, first)
    answer = restore(server, state)
    assert answer.status_code == 400
    assert message in answer.json()["error"]
    assert content(server, first) == LINES
    assert content(server, large) == bytes((1 << 20) + 1)


def test_a_snapshot_that_is_refused_in_another_part_takes_no_large_file_away(server: MockServer) -> None:
    state = snapshot(server)
    large = upload(server, bytes((1 << 20) + 1))
    state["state"]["journal"] = {"entries": [{"id": 1}]}
    assert restore(server, state).status_code == 400
    assert content(server, large) == bytes((1 << 20) + 1)


def test_bytes_of_a_refused_snapshot_are_not_kept(tmp_path: Path) -> None:
    settings = Settings(port=0, whisper_model="none", log_level="warning", state=str(tmp_path))
    with MockServer(settings) as server:
        upload(server)
        state = snapshot(server)
        (room,) = (room for room in state["state"]["store"] if room["kind"] == "file")
        room["blobs"] = {"0" * 32: "AAAA"}
        restore(server, state).raise_for_status()
        room["blobs"] = {"1" * 32: "AAAA", "2" * 32: "no base64"}
        assert restore(server, state).status_code == 400
        assert len(list((tmp_path / "blobs").iterdir())) == 1
