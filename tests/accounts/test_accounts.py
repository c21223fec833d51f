"""API keys and the accounts they stand for."""

from __future__ import annotations

import base64
import json

import pytest

from mockserver.accounts.accounts import Account, Accounts, redact
from mockserver.errors import ApiError
from mockserver.settings.model import AccountRow, LimitRow, Settings


def bearing(authorization: str | None, **others: str) -> dict[str, str]:
    """Return the headers of a request."""
    headers = {name.replace("_", "-"): value for name, value in others.items()}
    return headers if authorization is None else headers | {"Authorization": authorization}


def refusal(authorization: str | None, settings: Settings | None = None, **others: str) -> ApiError:
    with pytest.raises(ApiError) as refused:
        Accounts(settings or Settings()).of_request(bearing(authorization, **others))
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
    mine, yours = (
        accounts.of_request(bearing("Bearer sk-mine")),
        accounts.of_request(bearing("Bearer sk-yours")),
    )
    assert mine == accounts.of_request(bearing("bearer  sk-mine "))
    assert mine.id != yours.id
    assert mine.organization.startswith("org-")
    assert mine.project.startswith("proj_")


def test_accounts_never_hold_a_key_in_clear() -> None:
    account = Accounts(Settings()).of_request(bearing("Bearer sk-a-very-secret-key"))
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
    assert Accounts(Settings()).of_request(bearing(f"Bearer {key}")).tier == tier


def test_the_settings_say_the_tier_of_the_others() -> None:
    assert Accounts(Settings(tier="tier-4")).of_request(bearing("Bearer sk-anything")).tier == "tier-4"


def test_declared_accounts_are_what_was_declared() -> None:
    row = AccountRow("sk-mock-free-ours", organization="org-ours", project="proj_ours", tier="tier-2")
    account = Accounts(Settings(accounts=(row,))).of_request(bearing("Bearer sk-mock-free-ours"))
    assert (account.organization, account.project, account.tier) == ("org-ours", "proj_ours", "tier-2")
    assert account.id == "org-ours/proj_ours"


def test_an_account_may_use_all_models_unless_some_are_listed() -> None:
    settings = Settings(accounts=(AccountRow("sk-some", models=("whisper-1", "gpt-4o-transcribe")),))
    some, all_of_them = (
        Accounts(settings).of_request(bearing(f"Bearer {key}")) for key in ("sk-some", "sk-all")
    )
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
    assert Accounts(settings).of_request(bearing("Bearer sk-ours")).organization
    assert refusal("Bearer sk-yours", settings).name == "invalid_api_key"


@pytest.mark.parametrize(
    "key",
    [
        "My API Key",
        "two  spaces",
        "schl\u00fcssel",
        "\u043a\u043b\u044e\u0447",
        "a,b;c=d/e+f==",
        '"quoted"',
        "no\u00a0break",
        "zero\u200bwidth",
        "x",
    ],
)
def test_any_text_is_a_key(key: str) -> None:
    accounts = Accounts(Settings())
    account = accounts.of_request(bearing(f"Bearer {key}"))
    assert account == accounts.authenticate(key)
    assert account == accounts.of_request(bearing(None, api_key=key))


def test_a_key_in_utf8_is_the_same_as_wsgi_reads_it() -> None:
    accounts = Accounts(Settings())
    read = "Bearer \u043a\u043b\u044e\u0447".encode().decode("latin-1")
    assert accounts.of_request(bearing(read)) == accounts.authenticate("\u043a\u043b\u044e\u0447")


@pytest.mark.parametrize("key", ["tab\tkey", "nul\0key", "bell\x07", "line\x85key", "half\ud800"])
def test_control_characters_are_of_no_key(key: str) -> None:
    assert refusal(f"Bearer {key}").name == "invalid_api_key"
    assert refusal(None, x_api_key=key).name == "invalid_api_key"


@pytest.mark.parametrize("header", ["api_key", "x_api_key"])
def test_other_headers_carry_a_key_where_authorization_has_none(header: str) -> None:
    accounts = Accounts(Settings())
    mine = accounts.authenticate("sk-mine")
    for authorization in (None, "", "Bearer", "Token sk-other"):
        assert accounts.of_request(bearing(authorization, **{header: "sk-mine"})) == mine
    assert accounts.of_request(bearing("Bearer sk-mine", **{header: "sk-other"})) == mine
    assert refusal(None, None, **{header: "sk-mock-invalid-1"}).name == "invalid_api_key"


def test_a_websocket_of_a_browser_carries_its_key_in_a_subprotocol() -> None:
    accounts = Accounts(Settings())
    protocols = {
        "Sec_WebSocket_Protocol": "realtime, openai-insecure-api-key.sk-mine, openai-beta.realtime-v1"
    }
    assert accounts.of_request(bearing(None, **protocols)) == accounts.authenticate("sk-mine")
    assert refusal(None, None, Sec_WebSocket_Protocol="realtime").name == "missing_api_key"


def test_api_key_comes_before_x_api_key() -> None:
    accounts = Accounts(Settings())
    assert accounts.of_request(bearing(None, api_key="sk-one", x_api_key="sk-two")) == accounts.authenticate(
        "sk-one"
    )


OURS = AccountRow("sk-ours", organization="org-ours", project="proj_ours")
HALF = AccountRow("sk-half", organization="org-ours")


@pytest.mark.parametrize(
    ("key", "named", "error"),
    [
        ("sk-ours", {"OpenAI_Organization": "org-other"}, "mismatched_organization"),
        ("sk-ours", {"OpenAI_Organization": "org-ours2"}, "mismatched_organization"),
        ("sk-ours", {"OpenAI_Project": "proj_other"}, "mismatched_project"),
        ("sk-ours", {"OpenAI_Organization": "org-ours", "OpenAI_Project": "x"}, "mismatched_project"),
        ("sk-ours", {"OpenAI_Organization": "org-x", "OpenAI_Project": "x"}, "mismatched_organization"),
        ("sk-half", {"OpenAI_Organization": "org-other"}, "mismatched_organization"),
        ("sk-ours", {"OpenAI_Organization": "null"}, "invalid_organization"),
        ("sk-any", {"OpenAI_Organization": "null"}, "invalid_organization"),
        ("sk-any", {"OpenAI_Organization": "undefined"}, "invalid_organization"),
        ("sk-any", {"OpenAI_Organization": "None"}, "invalid_organization"),
        ("sk-any", {"OpenAI_Project": "null"}, "mismatched_project"),
        ("sk-any", {"OpenAI_Organization": "o" * 201}, "mismatched_organization"),
        ("sk-any", {"OpenAI_Organization": "org-\u00e4"}, "mismatched_organization"),
    ],
)
def test_another_organization_or_project_is_refused(key: str, named: dict[str, str], error: str) -> None:
    settings = Settings(accounts=(OURS, HALF))
    assert refusal(f"Bearer {key}", settings, **named).name == error


def test_the_declared_names_may_be_sent() -> None:
    accounts = Accounts(Settings(accounts=(OURS, HALF)))
    for project in ("proj_ours", "", " "):
        headers = bearing("Bearer sk-ours", OpenAI_Organization="org-ours", OpenAI_Project=project)
        assert accounts.of_request(headers) == accounts.authenticate("sk-ours")
    half = accounts.of_request(bearing("Bearer sk-half", OpenAI_Project="proj_any"))
    assert (half.organization, half.project) == ("org-ours", "proj_any")


def test_a_key_that_is_not_declared_takes_the_names_of_the_headers_and_stays_one_account() -> None:
    accounts = Accounts(Settings())
    headers = bearing("Bearer sk-any", OpenAI_Organization="org-acme", OpenAI_Project="proj_web")
    account, plain = accounts.of_request(headers), accounts.authenticate("sk-any")
    assert (account.organization, account.project) == ("org-acme", "proj_web")
    assert account.id == plain.id
    assert account.names == plain.names | {"org-acme", "proj_web"}


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer  ", "Token sk-mine", "sk-mine", "Basic !!!", "Basic"]
)
def test_no_key_is_missed(authorization: str | None) -> None:
    assert refusal(authorization).name == "missing_api_key"


def test_no_key_is_needed_on_request() -> None:
    accounts = Accounts(Settings(require_key=False))
    assert accounts.of_request(bearing(None)) == accounts.of_request(bearing(""))
    assert accounts.of_request(bearing(None)).organization


@pytest.mark.parametrize("user", ["", "anybody"])
def test_the_key_may_be_the_password_of_basic_authentication(user: str) -> None:
    credentials = base64.b64encode(f"{user}:sk-mine".encode()).decode()
    accounts = Accounts(Settings())
    assert accounts.of_request(bearing(f"Basic {credentials}")) == accounts.of_request(
        bearing("Bearer sk-mine")
    )


def test_limits_of_its_own_may_be_for_one_tier() -> None:
    rows = (
        LimitRow("whisper-1", None, (("requests_per_minute", 9),)),
        LimitRow("whisper-1", "free", (("requests_per_minute", 2),)),
    )
    account = Accounts(Settings(accounts=(AccountRow("sk-me", limits=rows),))).of_request(
        bearing("Bearer sk-me")
    )
    assert account.limits_of("whisper-1", "tier-1") == {"requests_per_minute": 9}
    assert account.limits_of("whisper-1", "free") == {"requests_per_minute": 2}
    assert account.limits_of("gpt-4o", "free") == {}


def test_an_account_can_be_converted_to_a_value_and_back() -> None:
    limits = (LimitRow("gpt-4o", None, (("requests_per_minute", 5), ("tokens_per_minute", None))),)
    row = AccountRow("sk-secret-key-of-mine", tier="tier-3", models=("gpt-4o",), limits=limits)
    account = Accounts(Settings(accounts=(row,))).of_request(bearing("Bearer sk-secret-key-of-mine"))
    value = json.dumps(account.as_value())
    assert "sk-secret-key-of-mine" not in value
    assert Account.from_value(json.loads(value)) == account


@pytest.mark.parametrize(
    ("protocols", "name"),
    [
        (
            "realtime, openai-insecure-api-key.sk-ours, openai-organization.org-theirs",
            "mismatched_organization",
        ),
        ("realtime, openai-insecure-api-key.sk-ours, openai-project.proj_theirs", "mismatched_project"),
        ("realtime, openai-insecure-api-key.sk-ours, openai-organization.null", "invalid_organization"),
    ],
)
def test_names_in_the_subprotocols_of_a_websocket_are_compared(protocols: str, name: str) -> None:
    account = AccountRow("sk-ours", organization="org-ours", project="proj_ours")
    settings = Settings(accounts=(account,))
    assert refusal(None, settings, **{"Sec-WebSocket-Protocol": protocols}).name == name
    ours = "openai-insecure-api-key.sk-ours, openai-organization.org-ours, openai-project.proj_ours"
    accounts = Accounts(settings)
    assert accounts.of_request(bearing(None, **{"Sec-WebSocket-Protocol": ours})).organization == "org-ours"
