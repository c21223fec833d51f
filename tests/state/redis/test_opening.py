"""A store in Redis that cannot be used is refused with the reason and the remedy."""

from __future__ import annotations

import logging
import re
import socket
import sys
from collections.abc import Iterator
from threading import Thread

import pytest

from mockserver.state.disk import StateFailed
from mockserver.state.layout import StateFolderError
from mockserver.state.shared import open_shared
from tests.redis_process import RedisProcess, redis_process
from tests.waiting import eventually

PASSWORD = "open-sesame"


def refused(store: str) -> str:
    """Return the message with which a store is refused."""
    with pytest.raises(StateFolderError) as raised:
        open_shared(store)
    return str(raised.value)


@pytest.fixture
def guarded() -> Iterator[RedisProcess]:
    """Return a server with a password."""
    with redis_process("--requirepass", PASSWORD) as server:
        yield server


@pytest.mark.parametrize("package", ["redis", "hiredis"])
def test_without_its_packages_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    message = refused("redis://127.0.0.1")
    assert f"needs the package {package}" in message
    assert "pip install 'audio-mockserver[redis]'" in message


@pytest.mark.parametrize(
    ("store", "reason"),
    [
        ("redis://127.0.0.1/files", "the database 'files' is not a number"),
        ("redis://127.0.0.1:seven", "Port could not be cast"),
        ("redis:///0", "it has no host"),
        ("unix://?db=1", "it has no path"),
        ("unix:///run/redis.sock?db=-1", "the database '-1' is not a number"),
        ("redis://127.0.0.1?idle=0", "idle at least 1"),
        ("redis://127.0.0.1?timeout=fast", "could not convert string to float"),
        ("redis://127.0.0.1?prefix=", "prefix must not be empty"),
        ("redis://127.0.0.1#5", "it has a fragment"),
        ("redis://127.0.0.1?colour=red", "colour"),
    ],
)
def test_a_url_that_is_not_valid_is_explained(store: str, reason: str) -> None:
    assert reason in refused(store)


def test_a_server_that_is_not_there_is_named() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))  # and does not listen
        port = listener.getsockname()[1]
        message = refused(f"redis://ann:secret@127.0.0.1:{port}/3?prefix=x")
    assert f"redis://127.0.0.1:{port}/3 cannot be used" in message
    assert "refused" in message
    assert "Start Redis or Valkey there" in message
    assert "secret" not in message


def test_a_socket_that_is_not_there_is_named() -> None:
    assert "unix:///nowhere/redis.sock cannot be used" in refused("unix:///nowhere/redis.sock")


@pytest.mark.parametrize("user", ["", ":wrong-password@", "nobody:wrong-password@"])
def test_a_wrong_or_missing_password_is_reported_without_it(guarded: RedisProcess, user: str) -> None:
    message = refused(guarded.url().replace("unix://", f"unix://{user}"))
    assert "Put the user and password into the URL" in message
    assert "wrong-password" not in message


def test_the_right_password_opens(guarded: RedisProcess) -> None:
    state = open_shared(guarded.url().replace("unix://", f"unix://:{PASSWORD}@"))
    assert state.leases.acquire("batches", 60)
    state.close()


def test_a_database_that_the_server_does_not_have_is_reported(redis_server: RedisProcess) -> None:
    message = refused(f"{redis_server.url()}&db=99")
    assert "Use a database that the server has" in message


def test_databases_are_kept_apart(redis_server: RedisProcess) -> None:
    url = redis_server.url()
    mine, yours = open_shared(url), open_shared(f"{url}&db=3")
    assert mine.leases.acquire("batches", 60)
    assert not yours.leases.is_held("batches")
    for state in (mine, yours):
        state.close()


def test_a_node_of_a_cluster_is_refused() -> None:
    with redis_process("--cluster-enabled", "yes", "--port", "0") as server:
        assert "is a node of a cluster" in refused(server.url())


def test_a_replica_is_refused(redis_server: RedisProcess) -> None:
    with redis_process("--replicaof", "127.0.0.1", "1") as server:
        assert "is a replica" in refused(server.url())


def test_an_old_server_is_refused() -> None:
    about = b"# Server\r\nredis_version:5.0.14\r\nredis_mode:standalone\r\nrole:master\r\n"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        Thread(target=answer_info, args=[listener, about], daemon=True).start()
        message = refused(f"redis://127.0.0.1:{listener.getsockname()[1]}")
    assert "is Redis 5.0.14. Use Redis 6.2 or newer" in message


def answer_info(listener: socket.socket, about: bytes) -> None:
    """Answer INFO with ``about`` and all other commands with OK, as an old server would."""
    client, _ = listener.accept()
    with client:
        while received := client.recv(4096):
            for command in re.findall(rb"\*\d+\r\n\$\d+\r\n(\w+)", received):
                client.sendall(b"$%d\r\n%s\r\n" % (len(about), about) if command == b"INFO" else b"+OK\r\n")


def test_a_server_that_evicts_keys_is_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    evicts = ("--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru")
    with redis_process(*evicts) as server, caplog.at_level(logging.WARNING):
        open_shared(server.url()).close()
    assert "maxmemory-policy allkeys-lru" in caplog.text
    assert "Set it to noeviction" in caplog.text


def test_a_full_server_refuses_changes_and_says_so() -> None:
    with redis_process("--maxmemory", "3mb") as server:
        state = open_shared(server.url())
        assert state.changes is not None
        changes = state.changes

        def fill() -> bool:
            try:
                changes.append(b"x" * (1 << 18))
            except StateFailed as error:
                return error.no_room
            return False

        assert eventually(fill)
        state.close()
