"""The guide to webhooks: its examples pass, and its tables are complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mockserver.catalog.webhook_events import webhook_table
from mockserver.providers.openai.routes import WEBHOOKS
from mockserver.settings.loading import load_settings
from mockserver.testing.webhooks import WebhooksApi
from mockserver.webhooks.delivery import Attempt, Delivery
from mockserver.webhooks.faults import KINDS
from tests.docs.guides import DOCS, assert_tests_pass, blocks, table

PAGE = DOCS / "webhooks.md"
TEXT = PAGE.read_text("utf-8")


@pytest.mark.slow
def test_the_example_passes(tmp_path: Path) -> None:
    (program,) = blocks(TEXT, "python", "<!-- a test -->\n")
    (tmp_path / "test_example.py").write_text(program, "utf-8")
    assert_tests_pass(tmp_path)


def test_the_configuration_can_be_loaded(tmp_path: Path) -> None:
    (example,) = blocks(TEXT, "toml")
    (tmp_path / "mockserver.toml").write_text(example, "utf-8")
    (row,) = load_settings(tmp_path / "mockserver.toml").webhooks
    assert row.events == ("batch.*", "response.completed")


def test_every_type_of_event_is_listed() -> None:
    listed = [name for types, _ in table(PAGE, "type") for name in re.findall(r"`([\w.]+)`", types)]
    assert sorted(listed) == sorted(webhook_table().events)


def test_every_fault_is_listed() -> None:
    assert [fault.strip("`") for fault, _, _ in table(PAGE, "fault")] == list(KINDS)


def test_every_call_is_listed() -> None:
    listed = [request.strip("`") for request, _ in table(PAGE, "request")]
    calls = [f"{each.method} /v1{each.path.replace('<', '{').replace('>', '}')}" for each in WEBHOOKS]
    assert sorted(listed) == sorted(calls)


def test_every_method_is_described() -> None:
    described = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`\n]+)`", TEXT))))
    assert {name for name in dir(WebhooksApi) if not name.startswith("_")} - {"send"} <= described


def test_the_retries_are_those_of_the_table() -> None:
    event = {"id": "e", "object": "event", "created_at": 0, "type": "batch.completed", "data": {}}
    delivery = Delivery(id="wh", endpoint="we", event=event, created_at=0.0, due=0.0)
    times = []
    while delivery.due is not None:
        times.append(delivery.due)
        failed = Attempt(at=delivery.due, url="", timestamp=0)
        delivery = delivery.attempted(failed, webhook_table().delivery)
    assert f"{len(times)} times in all, the last time after {times[-1] // 3600:g} hours" in TEXT.replace(
        "\n", " "
    )
