"""Settings of accounts, changed while the server runs."""

from __future__ import annotations

import pytest

from mockserver.accounts.settings import AccountSettings
from mockserver.settings.model import Settings, SettingsError


@pytest.fixture
def account_settings() -> AccountSettings:
    return AccountSettings(Settings(strictness="schema"))


def test_without_changes_the_settings_of_the_server_hold(account_settings: AccountSettings) -> None:
    assert account_settings.for_account("ann").strictness == "schema"
    assert account_settings.for_account(None).strictness == "schema"


def test_a_change_for_an_account_concerns_no_other(account_settings: AccountSettings) -> None:
    account_settings.change("ann", {"strictness": "off"})
    assert account_settings.for_account("ann").strictness == "off"
    assert account_settings.for_account("bob").strictness == "schema"


def test_a_change_for_all_concerns_those_without_one_of_their_own(account_settings: AccountSettings) -> None:
    account_settings.change("ann", {"strictness": "off"})
    account_settings.change(None, {"strictness": "real", "speech_language": "de"})
    assert account_settings.for_account("bob").strictness == "real"
    assert account_settings.for_account("ann").strictness == "off"
    assert account_settings.for_account("ann").speech_language == "de"


def test_a_header_of_a_request_goes_before_a_change(account_settings: AccountSettings) -> None:
    account_settings.change("ann", {"strictness": "off"})
    settings = account_settings.for_account("ann").for_request({"x-mock-strictness": "real"})
    assert settings.strictness == "real"


def test_changes_add_up_and_none_takes_one_back(account_settings: AccountSettings) -> None:
    account_settings.change("ann", {"strictness": "off"})
    account_settings.change("ann", {"unknown_audio": "error"})
    assert account_settings.changes("ann") == {"strictness": "off", "unknown_audio": "error"}
    account_settings.change("ann", {"strictness": None})
    assert account_settings.changes("ann") == {"unknown_audio": "error"}
    assert account_settings.for_account("ann").strictness == "schema"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strictness": "lax"}, "strictness: 'lax' is not one of real, schema, off."),
        (
            {"limits": "requests_per_minute=0"},
            "limits: requests_per_minute='0' is not a whole number above 0 or none.",
        ),
        ({"choiceless_chunks": 2}, "choiceless_chunks: 2 is not true or false."),
        ({"port": 80}, "port: cannot be changed while the server runs. Settings that can: strictness, "),
        ({"colour": None}, "colour: cannot be changed while the server runs."),
    ],
)
def test_a_change_that_makes_no_sense_is_refused_whole(
    account_settings: AccountSettings, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        account_settings.change("ann", {"speech_language": "de"} | changes)
    assert str(refusal.value).startswith(message)
    assert account_settings.changes("ann") == {}


def test_a_reset_takes_back_the_changes_of_one_account_or_all(account_settings: AccountSettings) -> None:
    account_settings.change("ann", {"strictness": "off"})
    account_settings.change("bob", {"strictness": "off"})
    account_settings.change(None, {"strictness": "real"})
    account_settings.reset("ann")
    assert account_settings.for_account("ann").strictness == "real"
    assert account_settings.for_account("bob").strictness == "off"
    account_settings.reset(None)
    assert {account_settings.for_account(name).strictness for name in ("ann", "bob", None)} == {"schema"}


def test_a_snapshot_of_everything_brings_back_every_change(account_settings: AccountSettings) -> None:
    account_settings.change("ann", {"strictness": "off"})
    account_settings.change(None, {"strictness": "real"})
    state = account_settings.snapshot(None)
    account_settings.change("bob", {"strictness": "off"})
    account_settings.reset("ann")
    account_settings.restore(state, None)
    found = [account_settings.for_account(name).strictness for name in ("ann", "bob", None)]
    assert found == ["off", "real", "real"]


def test_a_snapshot_of_one_account_can_become_anothers(account_settings: AccountSettings) -> None:
    account_settings.change("ann", {"strictness": "off"})
    account_settings.change("bob", {"unknown_audio": "error"})
    account_settings.restore(account_settings.snapshot("ann"), "bob")
    assert account_settings.changes("bob") == {"strictness": "off"}


def test_a_snapshot_that_makes_no_sense_changes_nothing(account_settings: AccountSettings) -> None:
    account_settings.change("ann", {"strictness": "off"})
    with pytest.raises(SettingsError):
        account_settings.restore({"changes": {}, "accounts": {"ann": {"strictness": "lax"}}}, None)
    assert account_settings.for_account("ann").strictness == "off"
