"""Rate limits and response headers, set by file and by setting, and the refusals of invalid ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openai
import pytest

from mockserver.settings.loading import load_settings
from mockserver.settings.model import Settings, SettingsError
from mockserver.testing.mock_server import MockServer

QUIET: dict[str, Any] = {"port": 0, "whisper_model": "none", "log_level": "warning"}


def limits_of(server: MockServer, model: str = "gpt-4o", key: str = "sk-mock-tier-1-me") -> dict[str, str]:
    """Return the limits that a chat states."""
    with openai.OpenAI(base_url=server.base_url, api_key=key, max_retries=0) as client:
        chats = client.chat.completions.with_raw_response
        response = chats.create(model=model, messages=[{"role": "user", "content": "x"}])
    return {name: value for name, value in response.headers.items() if name.startswith("x-ratelimit-limit-")}


CONFIGURATION = """
port = 0
whisper_model = "none"
log_level = "warning"
tier = "tier-1"

[limits.gpt-4o]
requests_per_minute = 7
tokens_per_minute = "none"

[limits.gpt-4o.tier-3]
requests_per_minute = 9

[limits.gpt-4o-mini]
tokens_per_minute = 70

[[accounts]]
key = "sk-own"

[accounts.limits.gpt-4o]
requests_per_minute = 5
"""


def test_a_settings_file_changes_limits_by_group_tier_and_account(tmp_path: Path) -> None:
    file = tmp_path / "mockserver.toml"
    file.write_text(CONFIGURATION, "utf-8")
    with MockServer(load_settings(file)) as server:
        assert limits_of(server) == {"x-ratelimit-limit-requests": "7"}
        assert limits_of(server, "gpt-4o-2024-08-06") == {"x-ratelimit-limit-requests": "7"}
        assert limits_of(server, key="sk-mock-tier-3-me") == {"x-ratelimit-limit-requests": "9"}
        assert limits_of(server, key="sk-own") == {"x-ratelimit-limit-requests": "5"}
        assert limits_of(server, "gpt-4o-mini") == {
            "x-ratelimit-limit-requests": "10000",
            "x-ratelimit-limit-tokens": "70",
        }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[limits.gpt-4o]\nrequests = 3",
            "limits.gpt-4o: 'requests' is not one of requests_per_minute, requests_per_hour, ",
        ),
        (
            "[limits.gpt-4o]\nrequests_per_minute = 0",
            "limits.gpt-4o: requests_per_minute=0 is not a whole number above 0 or none.",
        ),
        (
            "[limits.gpt-4o]\nrequests_per_minute = true",
            "limits.gpt-4o: requests_per_minute=True is not a whole number above 0 or none.",
        ),
        (
            "[limits.gpt-4o.tier-9]\nrequests_per_minute = 3",
            "limits.gpt-4o: 'tier-9' is not one of free, tier-1, ",
        ),
        ("[limits]\ngpt-4o = 3", "limits.gpt-4o: is not a table of limits, such as requests_per_minute = 3."),
        (
            '[[accounts]]\nkey = "sk-own"\n[accounts.limits.gpt-4o]\nrpm = 3',
            "accounts[0].limits.gpt-4o: 'rpm' is not one of requests_per_minute, ",
        ),
    ],
)
def test_a_settings_file_that_makes_no_sense_is_refused_with_its_place(
    tmp_path: Path, text: str, message: str
) -> None:
    file = tmp_path / "mockserver.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(SettingsError) as refusal:
        load_settings(file)
    assert str(refusal.value).startswith(f"{file}: {message}")


def test_a_setting_changes_the_limits_of_every_model() -> None:
    settings = Settings(**QUIET, limits="requests_per_minute=11,requests_per_day=none,tokens_per_minute=12")
    with MockServer(settings) as server:
        for model in ("gpt-4o", "gpt-5"):
            assert limits_of(server, model) == {
                "x-ratelimit-limit-requests": "11",
                "x-ratelimit-limit-tokens": "12",
            }


def test_without_rate_limits_there_are_no_headers_and_every_tier_may_use_every_model() -> None:
    with MockServer(Settings(**QUIET, rate_limits=False)) as server:
        assert limits_of(server, key="sk-mock-free-me") == {}


def test_a_model_that_a_tier_may_not_use_can_be_unknown_to_it() -> None:
    with (
        MockServer(Settings(**QUIET, unsupported_model="404")) as server,
        pytest.raises(openai.NotFoundError) as refusal,
    ):
        limits_of(server, key="sk-mock-free-me")
    assert refusal.value.code == "model_not_found"
    assert "The model `gpt-4o` does not exist or you do not have access to it." in refusal.value.message


STANDING = {"x-request-id", "openai-organization", "openai-processing-ms", "openai-project", "openai-version"}
NETWORK = {
    "access-control-expose-headers",
    "access-control-allow-origin",
    "x-openai-proxy-wasm",
    "cf-cache-status",
    "strict-transport-security",
    "x-content-type-options",
    "server",
    "cf-ray",
}


@pytest.mark.parametrize(("which", "absent"), [("full", set()), ("minimal", NETWORK - {"server"})])
def test_the_headers_of_the_network_can_be_left_out(which: str, absent: set[str]) -> None:
    with (
        MockServer(Settings(**QUIET, response_headers=which)) as server,
        openai.OpenAI(base_url=server.base_url, api_key="sk-mock-tier-1-me") as client,
    ):
        headers = client.files.with_raw_response.list().headers
    assert set(headers) >= STANDING
    assert (STANDING | NETWORK) - set(headers) == absent


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[limits]\nobserved = 'yes'\n", "limits.observed: 'yes' is not true or false."),
        ("[limits.gpt-4oo]\n", "limits.gpt-4oo: unknown limit group. Did you mean 'gpt-4o'?"),
        (
            "[[accounts]]\nkey = 'a'\n[accounts.limits.gpt-4oo]\n",
            "accounts[0].limits.gpt-4oo: unknown limit group. Did you mean 'gpt-4o'?",
        ),
        (
            "[[accounts]]\nkey = 'a'\n[[accounts]]\nkey = 'a'\n",
            "accounts[1].key: accounts[0] has the same key. Keep one.",
        ),
        (
            "[[accounts]]\nkey = 'a'\nproject = 'proj\u00e9'\n",
            "accounts[0].project: 'proj\u00e9' cannot be sent in a header. Write up to 200 characters of ASCII.",
        ),
    ],
)
def test_an_invalid_value_is_reported_with_its_file(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "mockserver.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(SettingsError) as refusal:
        load_settings(file)
    assert str(refusal.value) == f"{file}: {message}"
