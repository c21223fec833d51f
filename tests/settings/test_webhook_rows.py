"""Endpoints of webhooks in ``mockserver.toml`` and in ``Settings(...)``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mockserver.settings.loading import load_settings
from mockserver.settings.model import Settings, SettingsError, WebhookRow

URL = "http://127.0.0.1:8000/"
ROW = f'[[webhooks]]\nurl = "{URL}"\nsecret = "whsec_AAAA"\n'


def loaded(tmp_path: Path, text: str) -> tuple[WebhookRow, ...]:
    file = tmp_path / "mockserver.toml"
    file.write_text(text, "utf-8")
    return load_settings(file).webhooks


def test_rows_of_a_file(tmp_path: Path) -> None:
    rows = loaded(tmp_path, ROW + ROW + 'events = ["batch.*"]\nname = "two"\n')
    assert rows == (WebhookRow(URL, "whsec_AAAA"), WebhookRow(URL, "whsec_AAAA", ("batch.*",), "two"))
    assert rows[0].events == ("*",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "webhooks = 7",
            r"webhooks: is not a list of tables\. Write each endpoint under its own \[\[webhooks\]\]",
        ),
        ("[webhooks]\nurl = 'x'", r"webhooks: is not a list of tables"),
        ("[[webhooks]]\nsecret = 'x'", r"webhooks\[0\]: `url` is missing"),
        (f"[[webhooks]]\nurl = '{URL}'", r"webhooks\[0\]: `secret` is missing"),
        (ROW + "event = []", r"webhooks\[0\]: unknown key 'event'\. Did you mean 'events'\?"),
        (ROW + "events = []", r"webhooks\[0\]\.events: \(\) is not a list of types of events"),
        (ROW + "events = 'batch.failed'", r"webhooks\[0\]\.events: 'batch.failed' is not a list"),
        (ROW + "events = [7]", r"webhooks\[0\]\.events: \(7,\) is not a list"),
        (
            ROW + "events = ['batch.fail']",
            r"unknown type of events 'batch.fail'\. Did you mean 'batch.failed'",
        ),
        (ROW + "name = 7", r"webhooks\[0\]\.name: 7 is not a string"),
        ("[[webhooks]]\nurl = ''\nsecret = 'x'", r"webhooks\[0\]\.url: '' is not a string"),
        ("[[webhooks]]\nurl = 'x'\nsecret = 7", r"webhooks\[0\]\.secret: 7 is not a string"),
        ("[[webhook]]\nurl = 'x'", r"unknown setting 'webhook'\. Did you mean 'webhooks'"),
    ],
)
def test_a_row_that_makes_no_sense(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        loaded(tmp_path, text)


@pytest.mark.parametrize("rows", [7, "x", ["x"], [{"url": URL, "secret": "x"}]])
def test_rows_are_webhook_rows(rows: Any) -> None:
    with pytest.raises(SettingsError, match=r"argument webhooks: .* is not a list of WebhookRows"):
        Settings(webhooks=rows)


def test_the_hosts_are_checked() -> None:
    assert Settings(webhook_hosts="a.example, *.b.example:81").webhook_hosts == "a.example, *.b.example:81"
    with pytest.raises(SettingsError, match="is not HOST"):
        Settings(webhook_hosts="http://a.example/")


def test_a_printed_row_hides_its_secret() -> None:
    assert "whsec_AAAA" not in repr(Settings(webhooks=(WebhookRow(URL, "whsec_AAAA"),)))
