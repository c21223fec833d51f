"""Client secrets: who may use one, for how long, and what is kept of it."""

from __future__ import annotations

import json

import pytest

from mockserver.accounts.accounts import Account
from mockserver.clock import Clock
from mockserver.ids import Ids
from mockserver.providers.openai.realtime_work.ephemeral import KIND, ClientSecrets, is_client_secret
from mockserver.resources import data_folder
from mockserver.state.memory.documents import MemoryDocuments
from mockserver.state.value_rules import BadValue, ValueRules
from mockserver.validation.schemas import Schemas

NOW = 1_796_000_000
ANN = Account("org-a/proj_a", "sk-mock-***", "org-a", "proj_a", "tier-1", names=frozenset({"org-a"}))
SESSION = {"type": "realtime", "model": "gpt-realtime"}


@pytest.fixture
def store() -> MemoryDocuments:
    return MemoryDocuments()


@pytest.fixture
def clock() -> Clock:
    return Clock(frozen_at=NOW + 0.5)


@pytest.fixture
def secrets(store: MemoryDocuments, clock: Clock) -> ClientSecrets:
    return ClientSecrets(store, clock, Ids())


def test_a_key_begins_with_the_time_and_opens_the_session(secrets: ClientSecrets) -> None:
    key, expires_at = secrets.mint(ANN, SESSION, 600)
    assert is_client_secret(key)
    assert int(key[3:11], 16) == NOW == expires_at - 600
    for _ in range(2):  # it can be used several times
        found = secrets.find(key)
        assert found is not None
        assert (found.account, found.session, found.expires_at) == (ANN, SESSION, expires_at)


def test_a_key_is_valid_until_it_expires(
    secrets: ClientSecrets, clock: Clock, store: MemoryDocuments
) -> None:
    key, _ = secrets.mint(ANN, SESSION, 10)
    clock.advance(9.4)
    assert secrets.find(key) is not None
    clock.advance(0.1)
    assert secrets.find(key) is None
    secrets.mint(ANN, SESSION, 10)
    assert len(store.values(KIND, ANN.id)) == 1


@pytest.mark.parametrize("key", ["", "ek_", "ek_" + "0" * 32, "sk-mock-a", "ek_\ud800"])
def test_other_keys_open_nothing(secrets: ClientSecrets, key: str) -> None:
    assert secrets.find(key) is None


def test_a_reset_removes_the_keys_of_the_account(secrets: ClientSecrets, store: MemoryDocuments) -> None:
    key, _ = secrets.mint(ANN, SESSION, 600)
    store.reset("another")
    assert secrets.find(key) is not None
    store.reset(ANN.id)
    assert secrets.find(key) is None


def test_the_store_has_no_key_and_a_restored_one_knows_it(
    secrets: ClientSecrets, store: MemoryDocuments, clock: Clock
) -> None:
    key, _ = secrets.mint(ANN, SESSION, 600)
    snapshot = store.snapshot(None)
    assert key not in json.dumps(snapshot)
    another = MemoryDocuments()
    another.restore(json.loads(json.dumps(snapshot)), None)
    found = ClientSecrets(another, clock, Ids()).find(key)
    assert found is not None
    assert found.account == ANN
    store.reset(None)
    store.restore(snapshot, None)
    assert secrets.find(key) is not None


def test_values_are_checked_when_they_are_read(secrets: ClientSecrets, store: MemoryDocuments) -> None:
    rules = ValueRules(Schemas(data_folder("schemas")))
    secrets.mint(ANN, SESSION, 600)
    [(account, key, value)] = store.all(KIND)
    rules.check(KIND, account, key, value)
    for broken in (
        {**value, "id": "0"},
        {**value, "expires_at": "soon"},
        {**value, "account": {}},
        {**value, "session": {"type": "realtime"}},
    ):
        with pytest.raises(BadValue):
            rules.check(KIND, account, key, broken)
