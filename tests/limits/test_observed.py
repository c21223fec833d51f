"""Limits that recorded answers show in contradiction to a product page, selected in every way of configuration."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import openai
import pytest

from mockserver.catalog.tables import Catalog
from mockserver.settings.loading import load_settings
from mockserver.settings.model import AccountRow, LimitRow, Settings, SettingsError
from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer

PAGE, OBSERVED = ("5000", "450000"), ("400", "200000")  # gpt-audio-mini on tier-2
QUIET: dict[str, Any] = {"port": 0, "whisper_model": "none", "log_level": "warning", "tier": "tier-2"}


def limits(api: AudioApi, model: str = "gpt-audio-mini", **headers: str) -> tuple[str, str]:
    """Return the limits of a model that an answer states."""
    spoken = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}
    create: Any = api.client.chat.completions.with_raw_response.create
    answer = create(
        model=model,
        messages=[{"role": "user", "content": "Hi"}],
        extra_headers=headers,
        **(spoken if "audio" in model else {}),
    )
    stated = answer.headers
    return stated["x-ratelimit-limit-requests"], stated["x-ratelimit-limit-tokens"]


def test_the_product_page_holds_by_default_and_a_request_can_choose() -> None:
    with MockServer(Settings(**QUIET)) as server:
        api = server.account()
        assert limits(api) == PAGE
        assert limits(api, **{"x-mock-limits": "observed"}) == OBSERVED
        assert limits(api, **{"x-mock-limits": "observed, requests_per_minute=7"}) == ("7", "200000")
        api.configure(limits="observed")
        assert limits(api) == OBSERVED
        assert limits(server.account()) == PAGE


@pytest.mark.parametrize(
    "choice",
    [
        'limits = "observed"',
        "[limits]\nobserved = true",
        "[limits.gpt-audio-mini]\nobserved = true",
        "[limits.gpt-audio-mini.tier-2]\nobserved = true",
        '[[accounts]]\nkey = "sk-observed"\n[accounts.limits.gpt-audio-mini]\nobserved = true',
    ],
)
def test_a_file_can_choose(tmp_path: Path, choice: str) -> None:
    file = tmp_path / "mockserver.toml"
    file.write_text(choice, "utf-8")
    with MockServer(load_settings(file, **QUIET)) as server:
        assert limits(server.account("sk-observed")) == OBSERVED


def test_a_row_chooses_for_its_group_tier_and_account_alone() -> None:
    rows = (
        LimitRow("gpt-audio-mini", "tier-3", (), observed=True),
        LimitRow("whisper-1", None, (), observed=True),
    )
    accounts = (AccountRow("sk-one", limits=(LimitRow("gpt-audio-mini", None, (), observed=True),)),)
    with MockServer(Settings(**QUIET, limit_rows=rows, accounts=accounts)) as server:
        assert limits(server.account("sk-one")) == OBSERVED
        assert limits(server.account("sk-two")) == PAGE


def test_the_environment_can_choose() -> None:
    settings = load_settings(environ={**os.environ, "MOCKSERVER_LIMITS": "observed"}, **QUIET)
    with MockServer(settings) as server:
        assert limits(server.account()) == OBSERVED


@pytest.mark.parametrize("chosen", ["", "observed"])
def test_what_was_observed_stands_in_for_what_is_assumed(chosen: str) -> None:
    with MockServer(Settings(**QUIET, limits=chosen)) as server:
        api = server.account(tier="tier-1")
        assert limits(api, "gpt-4.1-mini") == ("500", "200000")  # and no daily limit
        assert limits(api, "gpt-5-nano") == ("500", "200000")
        assert limits(server.account(tier="tier-5"), "gpt-5.1") == ("10000", "50000000")
        assert limits(server.account(tier="tier-5"), "gpt-4o-audio-preview") == ("5000", "800000")
        with openai.OpenAI(base_url=api.base_url, api_key=api.api_key) as client:
            speech = client.audio.speech.with_raw_response.create(
                model="gpt-4o-mini-tts", voice="alloy", input="Hi"
            )
        assert speech.headers["x-ratelimit-limit-requests"] == "10000"
        assert speech.headers["x-ratelimit-reset-requests"] == "8.64s"  # as recorded: a daily limit


def test_a_value_that_is_neither_true_nor_false_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "mockserver.toml"
    file.write_text("[limits.whisper-1]\nobserved = 3", "utf-8")
    with pytest.raises(SettingsError, match=r"limits\.whisper-1\.observed: 3 is not true or false\."):
        load_settings(file)


def test_every_observed_row_has_its_month_and_source_and_holds_unless_a_page_is_against_it() -> None:
    catalog = Catalog()
    groups = {model.limit_group for model in catalog.models}
    rows = [
        row for group in groups for tier in catalog.tiers if (row := catalog.observed_limits(group, tier))
    ]
    assert len(rows) >= 12
    for row in rows:
        assert row.source == "observed"
        assert len(row.seen) == len("2026-08")
        assert row.reference
        stated = catalog.tier_limits(row.group, row.tier)
        assert stated is not None
        assert stated == row or (stated.source == "documented" and stated.kinds() != row.kinds())
