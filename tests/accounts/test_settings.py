"""Settings that are changed while the server runs."""

from __future__ import annotations

import pytest

from mockserver.accounts.settings import AccountSettings
from mockserver.settings.model import Settings, SettingsError


@pytest.fixture
def tuning() -> AccountSettings:
    return AccountSettings(Settings(strictness="schema"))


def test_without_changes_the_settings_of_the_server_hold(tuning: AccountSettings) -> None:
    assert tuning.for_account("ann").strictness == "schema"
    assert tuning.for_account(None).strictness == "schema"


def test_a_change_for_an_account_concerns_no_other(tuning: AccountSettings) -> None:
    tuning.change("ann", {"strictness": "off"})
    assert tuning.for_account("ann").strictness == "off"
    assert tuning.for_account("bob").strictness == "schema"


def test_a_change_for_all_concerns_those_without_one_of_their_own(tuning: AccountSettings) -> None:
    tuning.change("ann", {"strictness": "off"})
    tuning.change(None, {"strictness": "real", "speech_language": "de"})
    assert tuning.for_account("bob").strictness == "real"
    assert tuning.for_account("ann").strictness == "off"
    assert tuning.for_account("ann").speech_language == "de"


def test_a_header_of_a_request_goes_before_a_change(tuning: AccountSettings) -> None:
    tuning.change("ann", {"strictness": "off"})
    settings = tuning.for_account("ann").for_request({"x-mock-strictness": "real"})
    assert settings.strictness == "real"


def test_changes_add_up_and_none_takes_one_back(tuning: AccountSettings) -> None:
    tuning.change("ann", {"strictness": "off"})
    tuning.change("ann", {"unknown_audio": "error"})
    assert tuning.changes("ann") == {"strictness": "off", "unknown_audio": "error"}
    tuning.change("ann", {"strictness": None})
    assert tuning.changes("ann") == {"unknown_audio": "error"}
    assert tuning.for_account("ann").strictness == "schema"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strictness": "lax"}, "strictness: 'lax' is not one of real, schema, off."),
        ({"limits": "requests_per_minute=0"}, "limits: requests_per_minute='0' is neither"),
        ({"choiceless_chunks": 2}, "choiceless_chunks: 2 is not true or false."),
        ({"port": 80}, "port: cannot be changed while the server runs. What can: strictness, "),
        ({"colour": None}, "colour: cannot be changed while the server runs."),
    ],
)
def test_a_change_that_makes_no_sense_is_refused_whole(
    tuning: AccountSettings, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        tuning.change("ann", {"speech_language": "de"} | changes)
    assert str(refusal.value).startswith(message)
    assert tuning.changes("ann") == {}


def test_a_reset_takes_back_the_changes_of_one_account_or_all(tuning: AccountSettings) -> None:
    tuning.change("ann", {"strictness": "off"})
    tuning.change("bob", {"strictness": "off"})
    tuning.change(None, {"strictness": "real"})
    tuning.reset("ann")
    assert tuning.for_account("ann").strictness == "real"
    assert tuning.for_account("bob").strictness == "off"
    tuning.reset(None)
    assert {tuning.for_account(name).strictness for name in ("ann", "bob", None)} == {"schema"}


def test_a_snapshot_of_everything_brings_back_every_change(tuning: AccountSettings) -> None:
    tuning.change("ann", {"strictness": "off"})
    tuning.change(None, {"strictness": "real"})
    state = tuning.snapshot(None)
    tuning.change("bob", {"strictness": "off"})
    tuning.reset("ann")
    tuning.restore(state, None)
    found = [tuning.for_account(name).strictness for name in ("ann", "bob", None)]
    assert found == ["off", "real", "real"]


def test_a_snapshot_of_one_account_can_become_anothers(tuning: AccountSettings) -> None:
    tuning.change("ann", {"strictness": "off"})
    tuning.change("bob", {"unknown_audio": "error"})
    tuning.restore(tuning.snapshot("ann"), "bob")
    assert tuning.changes("bob") == {"strictness": "off"}


def test_a_snapshot_that_makes_no_sense_changes_nothing(tuning: AccountSettings) -> None:
    tuning.change("ann", {"strictness": "off"})
    with pytest.raises(SettingsError):
        tuning.restore({"changes": {}, "accounts": {"ann": {"strictness": "lax"}}}, None)
    assert tuning.for_account("ann").strictness == "off"
