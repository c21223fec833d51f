"""The limits in force: five layers, the higher ones before the lower."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from mockserver.accounts.accounts import Account, Accounts
from mockserver.catalog.records import ModelCard
from mockserver.catalog.tables import Catalog
from mockserver.errors import ApiError
from mockserver.limits.policy import Policy
from mockserver.settings.model import AccountRow, LimitRow, Settings, SettingsError

CATALOG = Catalog()


def account_of(settings: Settings, key: str = "sk-mock-tier-1-me") -> Account:
    return Accounts(settings).authenticate(key)


def model_card(name: str) -> ModelCard:
    card = CATALOG.model(name)
    assert card is not None
    return card


def test_limits_change_in_the_order_settings_account_control_request() -> None:
    own = LimitRow("gpt-4o", None, (("requests_per_minute", 30),))
    settings = Settings(limit_rows=(LimitRow("gpt-4o", "tier-1", (("requests_per_minute", 20),)), own))
    policy, account, model = Policy(CATALOG, settings), account_of(settings), model_card("gpt-4o")

    def requests(overrides: str = "") -> int:
        return policy.limits(account, model, overrides)["requests_per_minute"].amount

    assert requests() == 30
    policy.override(None, "gpt-4o", {"requests_per_minute": 40})
    assert requests() == 40
    policy.override(account.id, "gpt-4o", {"requests_per_minute": 50})
    assert requests() == 50
    assert requests("requests_per_minute=60") == 60
    policy.forget(account.id)
    assert requests() == 40
    policy.forget(None)
    assert requests() == 30


def test_the_limits_of_an_accounts_row_go_before_those_of_the_settings() -> None:
    row = AccountRow("sk-me", limits=(LimitRow("gpt-4o", None, (("requests_per_minute", 7),)),))
    general = LimitRow("gpt-4o", None, (("requests_per_minute", 30),))
    settings = Settings(limit_rows=(general,), accounts=(row,))
    policy = Policy(CATALOG, settings)
    found = [
        policy.limits(account_of(settings, key), model_card("gpt-4o"))["requests_per_minute"].amount
        for key in ("sk-me", "sk-mock-tier-1-other")
    ]
    assert found == [7, 30]


def test_a_tier_for_all_concerns_the_accounts_that_were_not_moved_on_their_own() -> None:
    settings = Settings()
    policy = Policy(CATALOG, settings)
    one, other = account_of(settings, "sk-mock-free-one"), account_of(settings, "sk-mock-free-other")
    policy.set_tier(one.id, "tier-2")
    policy.set_tier(None, "tier-4")
    assert (policy.tier_of(one), policy.tier_of(other)) == ("tier-2", "tier-4")


def test_a_limit_that_was_taken_away_is_no_amount() -> None:
    settings = Settings()
    policy, account, model = Policy(CATALOG, settings), account_of(settings), model_card("gpt-4o")
    assert "requests_per_minute" in policy.amounts(account, model)
    policy.override(None, "gpt-4o", {"requests_per_minute": None})
    assert "requests_per_minute" not in policy.amounts(account, model)


def test_a_model_that_the_tier_lacks_is_refused_until_an_override_gives_it_a_limit() -> None:
    settings = Settings()
    policy, account = Policy(CATALOG, settings), account_of(settings, "sk-mock-free-open")
    model = model_card("gpt-4o-mini-transcribe")
    with pytest.raises(ApiError):
        policy.limits(account, model)
    assert policy.limits(account, model, "requests_per_minute=7")["requests_per_minute"].amount == 7


def test_models_of_a_group_share_limits_but_for_those_of_images() -> None:
    settings, sighted = Settings(), model_card("gpt-4o")
    assert sighted.chat is not None
    blind = replace(sighted, id="gpt-4o-blind", chat=replace(sighted.chat, images=False))
    policy, account = Policy(CATALOG, settings), account_of(settings)
    without, both = (policy.limits(account, model) for model in (blind, sighted))
    assert both.keys() - without.keys() == {"images_per_minute"}


def test_a_snapshot_of_one_accounts_changes_can_become_anothers() -> None:
    settings = Settings()
    policy = Policy(CATALOG, settings)
    policy.set_tier("ann", "tier-2")
    policy.override("ann", "gpt-4o", {"requests_per_minute": 5})
    policy.restore(policy.snapshot("ann"), "bob")
    assert policy.snapshot("bob") == policy.snapshot("ann")
    policy.forget("ann")
    assert policy.snapshot("ann") == {"tiers": [], "limits": []}
    assert policy.snapshot("bob")["tiers"] == [{"account": None, "tier": "tier-2"}]


def test_an_unknown_limit_group_stops_the_start() -> None:
    settings = Settings(limit_rows=(LimitRow("gpt-4.0", None, (("requests_per_minute", 3),)),))
    message = "limits.gpt-4.0: unknown limit group. Did you mean 'gpt-4.1'?"
    with pytest.raises(SettingsError, match=re.escape(message)):
        Policy(CATALOG, settings)
