"""The page of limits: gauges that drain and refill, tiers, and costs."""

from __future__ import annotations

import re
from typing import Any

import openai
import pytest
from playwright.sync_api import Locator, Page, expect

from mockserver.dashboard.pages import PREFIX
from mockserver.testing.mock_server import MockServer
from tests.dashboard.checks import check_axe, check_width

LIMITS = f"{PREFIX}/limits"
MODEL = "gpt-4o-mini"
XSS = "<img src=x onerror=document.title='owned'>"


def client_of(server: MockServer, key: str) -> openai.OpenAI:
    return server.client.with_options(api_key=key)


def chat(client: openai.OpenAI) -> None:
    client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "Hello."}])


def gauge(page: Page, kind: str, key_end: str) -> Locator:
    """Return the gauge of a bucket of the model; ``key_end`` is the readable end of the account's key."""
    return page.get_by_role("meter", name=re.compile(rf"{kind}, {MODEL} of .*{key_end}$"))


@pytest.fixture
def free(server: MockServer) -> openai.OpenAI:
    """Return a client of an account that may send three requests a minute, and has sent one."""
    client = client_of(server, "sk-mock-free-one")
    chat(client)
    return client


def test_gauges_drain_live_and_refill_by_the_clock(
    page: Page, server: MockServer, free: openai.OpenAI
) -> None:
    server.clock.freeze()
    page.goto(LIMITS)
    requests = gauge(page, "Requests per minute", "one")
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    chat(free)
    expect(requests).to_have_attribute("aria-valuenow", "1")
    chat(free)
    expect(requests).to_have_attribute("aria-valuenow", "0")
    expect(page.get_by_text("empty", exact=True)).to_be_visible()

    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    server.clock.freeze(False)  # as a script does
    server.clock.set_scale(60)
    expect(requests).to_have_attribute("aria-valuenow", "3")
    assert len([url for url in asked if url.endswith("/_mock/limits")]) <= 3


def test_a_bucket_is_drained_and_filled(page: Page, server: MockServer, free: openai.OpenAI) -> None:
    page.goto(LIMITS)
    name = f"requests per day, {MODEL}"
    page.get_by_role("button", name=f"Drain {name}").click()
    expect(gauge(page, "Requests per day", "one")).to_have_attribute("aria-valuenow", "0")
    expect(page.get_by_text("refuses the next request, then refills")).to_be_visible()
    with pytest.raises(openai.RateLimitError):
        chat(free)
    page.get_by_role("button", name=f"Fill {name}").click()
    expect(gauge(page, "Requests per day", "one")).to_have_attribute("aria-valuenow", "200")
    chat(free)


def test_the_tier_of_one_account_is_changed_without_its_key(
    page: Page, server: MockServer, free: openai.OpenAI
) -> None:
    chat(client_of(server, "sk-mock-free-two"))
    page.goto(LIMITS)
    account = page.get_by_role("region", name=re.compile("Account .*one$"))
    account.get_by_label("Tier").select_option("tier-1")
    expect(gauge(page, "Requests per minute", "one")).to_have_attribute("aria-valuemax", "500")
    expect(gauge(page, "Requests per minute", "two")).to_have_attribute("aria-valuemax", "3")
    account.get_by_role("button", name="Reset").click()
    expect(account).to_have_count(0)  # it has no bucket in use
    chat(free)
    expect(account.get_by_label("Tier")).to_have_value("free")


def test_all_accounts_are_moved_and_reset(page: Page, server: MockServer, free: openai.OpenAI) -> None:
    page.goto(LIMITS)
    page.get_by_label("Tier of all accounts").select_option("tier-5")
    expect(gauge(page, "Requests per minute", "one")).to_have_attribute("aria-valuemax", "30000")
    page.get_by_role("button", name="Reset all accounts").click()
    expect(page.get_by_text("No account has used a rate limit yet.")).to_be_visible()


def test_the_buckets_of_a_model_are_shown_before_they_are_used(
    page: Page, server: MockServer, free: openai.OpenAI, complaints: Any
) -> None:
    complaints.allow("400")
    page.goto(LIMITS)
    field = page.get_by_label("Buckets of a model, used or not")
    field.fill("tts-1")
    field.press("Enter")
    expect(page.get_by_role("heading", name="tts-1")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/limits\?model=tts-1$"))
    page.reload()
    expect(field).to_have_value("tts-1")
    expect(page.get_by_role("heading", name="tts-1")).to_be_visible()
    field.fill(XSS)
    field.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text(XSS)
    expect(page).to_have_title("Limits · audio-mockserver")


def test_accounts_with_short_keys_have_names_of_their_own(page: Page, server: MockServer) -> None:
    server.clock.freeze()
    for key in ("sk-a", "sk-b"):
        chat(client_of(server, key))
    page.goto(LIMITS)
    accounts = page.get_by_role("region", name=re.compile(r"Account proj_…\w+"))
    expect(accounts).to_have_count(2)
    assert len(set(accounts.evaluate_all("(all) => all.map((each) => each.ariaLabel)"))) == 2


def test_costs_are_a_chart_and_a_table(page: Page, server: MockServer) -> None:
    for key, words in (("sk-mock-one", 1), ("sk-mock-two", 50)):
        client_of(server, key).embeddings.create(model="text-embedding-3-large", input="word " * words)
    page.goto(LIMITS)
    table = page.get_by_role("region", name="Costs by account and model")
    expect(table.get_by_role("row")).to_have_count(3)
    expect(table).to_contain_text("text-embedding-3-large")
    bars = page.locator("figure.costs svg")
    expect(bars).to_have_count(2)
    widths = bars.locator("rect").evaluate_all("(all) => all.map((each) => each.width.baseVal.value)")
    assert widths[0] > 10 * widths[1] > 0
    page.get_by_role("button", name="Set to zero").click()
    expect(page.get_by_text("No request was answered yet.")).to_be_visible()


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_drained_and_empty_buckets_are_accessible_in_every_width(
    page: Page, server: MockServer, free: openai.OpenAI, colours: Any
) -> None:
    server.clock.freeze()
    page.emulate_media(color_scheme=colours)
    page.goto(LIMITS)
    page.get_by_role("button", name=f"Drain tokens per minute, {MODEL}").click()
    expect(page.get_by_text("drained", exact=True)).to_be_visible()
    for width in (360, 1400):
        page.set_viewport_size({"width": width, "height": 800})
        check_width(page)
    check_axe(page)
