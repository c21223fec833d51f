"""Two servers over one store: in this process, so that tests can use the Python API of both."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from mockserver import AudioApi, MockServer, Settings
from tests.redis_process import redis_process

_keys = (f"sk-mock-tier-5-shared-{number}" for number in itertools.count())


class Pair(NamedTuple):
    """Two servers over one store; or one account on both of them."""

    one: MockServer
    other: MockServer

    def account(self, key: str | None = None) -> tuple[AudioApi, AudioApi]:
        """Return an account on both servers: that of an API key, or a new one."""
        key = key or next(_keys)
        return self.one.account(key), self.other.account(key)


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return an empty store of each kind."""
    if request.param == "redis":
        with redis_process() as redis:
            yield redis.url()
    else:
        yield f"sqlite:{tmp_path_factory.mktemp('store') / 'store.db'}"


@pytest.fixture(scope="module")
def servers(store: str) -> Iterator[Pair]:
    """Yield two servers over one store."""
    settings = settings_of(store)
    with MockServer(settings) as one, MockServer(settings) as other:
        yield Pair(one, other)


@pytest.fixture
def pair(servers: Pair) -> Iterator[Pair]:
    """Yield two servers over one store, and reset them after the test."""
    yield servers
    servers.one.reset()


def settings_of(store: str, stubs: Path | None = None, seed: str = "") -> Settings:
    """Return the settings of a server over a store."""
    folders = () if stubs is None else (str(stubs),)
    return Settings(
        port=0,
        whisper_model="none",
        log_level="warning",
        store=store,
        stubs=folders,
        seed=seed,
        control_token="",
    )
