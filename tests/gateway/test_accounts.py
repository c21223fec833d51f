"""API keys and the accounts they stand for."""

from __future__ import annotations

import base64
import json

import pytest

from mockserver.gateway.accounts import Account, Accounts, redact
from mockserver.gateway.errors import ApiError
from mockserver.settings import AccountRow, LimitRow, Settings


def refusal(authorization: str | None, settings: Settings | None = None) -> ApiError:
    with pytest.raises(ApiError) as refused:
        Accounts(settings or Settings()).authenticate(authorization)
    return refused.value


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("invalid-key", "invalid-key"),
        ("sk-fake-key", "sk-fake-key"),
        ("twelve-chars", "twelve-chars"),
        ("test-con" + "xxxx" + "-key", "test-con****-key"),
        ("bad-key-" + "x" * 10 + "test", "bad-key-**********test"),
        ("sk-proj-" + "x" * 38 + "0000", "sk-proj-**************************************0000"),
        ("not-a-re" + "x" * 26 + "ized", "not-a-re**************************ized"),
    ],
)
def test_keys_are_shown_as_the_api_shows_them(key: str, shown: str) -> None:
    assert redact(key) == shown


def test_any_key_is_an_account_of_its_own() -> None:
    accounts = Accounts(Settings())
    mine, yours = accounts.authenticate("Bearer sk-mine"), accounts.authenticate("Bearer sk-yours")
    assert mine == accounts.authenticate("bearer  sk-mine ")
    assert mine.id != yours.id
    assert mine.organization.startswith("org-")
    assert mine.project.startswith("proj_")


def test_accounts_never_hold_a_key_in_clear() -> None:
    account = Accounts(Settings()).authenticate("Bearer sk-a-very-secret-key")
    assert "secret" not in repr(account)


@pytest.mark.parametrize(
    ("key", "tier"),
    [
        ("sk-anything", "tier-5"),
        ("sk-mock-me", "tier-5"),
        ("sk-mock-free", "free"),
        ("sk-mock-free-x", "free"),
        ("sk-mock-tier-3-ci", "tier-3"),
        ("sk-mock-tier-2", "tier-2"),
        ("sk-mock-tier-22", "tier-5"),
        ("sk-mock-freedom", "tier-5"),
    ],
)
def test_a_key_can_pick_its_tier(key: str, tier: str) -> None:
    assert Accounts(Settings()).authenticate(f"Bearer {key}").tier == tier


def test_the_settings_say_the_tier_of_the_others() -> None:
    assert Accounts(Settings(tier="tier-4")).authenticate("Bearer sk-anything").tier == "tier-4"


def test_declared_accounts_are_what_was_declared() -> None:
    row = AccountRow("sk-mock-free-ours", organization="org-ours", project="proj_ours", tier="tier-2")
    account = Accounts(Settings(accounts=(row,))).authenticate("Bearer sk-mock-free-ours")
    assert (account.organization, account.project, account.tier) == ("org-ours", "proj_ours", "tier-2")
    assert account.id == "org-ours/proj_ours"


def test_an_account_may_use_all_models_unless_some_are_listed() -> None:
    settings = Settings(accounts=(AccountRow("sk-some", models=("whisper-1", "gpt-4o-transcribe")),))
    some, all_of_them = (Accounts(settings).authenticate(f"Bearer {key}") for key in ("sk-some", "sk-all"))
    assert some.may_use("whisper-1", None)
    assert some.may_use("gpt-4o-transcribe-2025-03-20", "gpt-4o-transcribe")
    assert not some.may_use("tts-1", None)
    assert all_of_them.may_use("tts-1", None)


def test_keys_that_are_there_to_fail_fail() -> None:
    invalid = refusal("Bearer sk-mock-invalid-0123456789")
    assert (invalid.name, invalid.values) == ("invalid_api_key", {"key": "sk-mock-**************6789"})
    assert refusal("Bearer sk-mock-noquota").name == "insufficient_quota"


def test_only_declared_keys_are_taken_on_request() -> None:
    settings = Settings(accept_any_key=False, accounts=(AccountRow("sk-ours"),))
    assert Accounts(settings).authenticate("Bearer sk-ours").organization
    assert refusal("Bearer sk-yours", settings).name == "invalid_api_key"


@pytest.mark.parametrize("key", ["two words", "schl\u00fcssel", "tab\tkey"])
def test_what_cannot_be_a_key_is_none(key: str) -> None:
    assert refusal(f"Bearer {key}").name == "invalid_api_key"


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer  ", "Token sk-mine", "sk-mine", "Basic !!!", "Basic"]
)
def test_no_key_is_missed(authorization: str | None) -> None:
    assert refusal(authorization).name == "missing_api_key"


def test_no_key_is_needed_on_request() -> None:
    accounts = Accounts(Settings(require_key=False))
    assert accounts.authenticate(None) == accounts.authenticate("")
    assert accounts.authenticate(None).organization


@pytest.mark.parametrize("user", ["", "anybody"])
def test_the_key_may_be_the_password_of_basic_authentication(user: str) -> None:
    credentials = base64.b64encode(f"{user}:sk-mine".encode()).decode()
    accounts = Accounts(Settings())
    assert accounts.authenticate(f"Basic {credentials}") == accounts.authenticate("Bearer sk-mine")


def test_limits_of_its_own_may_be_for_one_tier() -> None:
    rows = (
        LimitRow("whisper-1", None, (("requests_per_minute", 9),)),
        LimitRow("whisper-1", "free", (("requests_per_minute", 2),)),
    )
    account = Accounts(Settings(accounts=(AccountRow("sk-me", limits=rows),))).authenticate("Bearer sk-me")
    assert account.limits_of("whisper-1", "tier-1") == {"requests_per_minute": 9}
    assert account.limits_of("whisper-1", "free") == {"requests_per_minute": 2}
    assert account.limits_of("gpt-4o", "free") == {}


def test_an_account_can_be_told_as_a_value_and_back() -> None:
    limits = (LimitRow("gpt-4o", None, (("requests_per_minute", 5), ("tokens_per_minute", None))),)
    row = AccountRow("sk-secret-key-of-mine", tier="tier-3", models=("gpt-4o",), limits=limits)
    account = Accounts(Settings(accounts=(row,))).authenticate("Bearer sk-secret-key-of-mine")
    value = json.dumps(account.as_value())
    assert "sk-secret-key-of-mine" not in value
    assert Account.from_value(json.loads(value)) == account
