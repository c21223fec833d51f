"""The page `models`: the catalog, and the shutdown dates on a time line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from mockserver.testing.mock_server import MockServer
from tests.dashboard.checks import check_axe, check_width

MODELS = "/_mock/dashboard/models"
JANUARY_1ST = 1_798_761_600.0  # 2027


@pytest.fixture
def server(make_server: Callable[..., MockServer]) -> MockServer:
    """Return a server whose clock stands still on the first day of 2027."""
    return make_server(whisper_model="none", frozen_time=JANUARY_1ST)


def row(page: Page, model: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("button", name=model, exact=True))


def test_a_row_has_the_facts_of_a_model(page: Page) -> None:
    page.goto(MODELS)
    shown = row(page, "gpt-4o-mini-transcribe")
    expect(shown).to_contain_text("audio/transcriptions")
    expect(shown).to_contain_text("$1.25 text in, $5.00 text out, $3.00 audio in")
    expect(shown).to_contain_text("26 Feb 2027")
    expect(shown).to_contain_text("in 56 days")
    expect(shown).to_contain_text("use gpt-transcribe, gpt-live-transcribe")


def test_a_search_finds_every_word(page: Page) -> None:
    page.goto(MODELS)
    page.get_by_label("Search").fill("tts hd")
    expect(page.get_by_text("1 of ")).to_be_visible()
    expect(row(page, "tts-1-hd")).to_be_visible()
    expect(row(page, "tts-1")).to_be_hidden()
    page.get_by_label("Search").fill("no such model")
    expect(page.get_by_text("No model matches.")).to_be_visible()


def test_filters_are_in_the_url(page: Page) -> None:
    page.goto(MODELS)
    page.get_by_label("Endpoint").select_option("v1/audio/speech")
    page.get_by_label("Kind").select_option("Models")
    expect(row(page, "tts-1")).to_be_visible()
    expect(row(page, "whisper-1")).to_be_hidden()
    page.reload()
    expect(row(page, "tts-1")).to_be_visible()
    expect(row(page, "whisper-1")).to_be_hidden()
    expect(page.get_by_label("Endpoint")).to_have_value("v1/audio/speech")


def test_a_mark_of_the_time_line_shows_its_models(page: Page) -> None:
    page.goto(MODELS)
    expect(page.get_by_text("Next: 06 Jan 2027, in 5 days, 4 models")).to_be_visible()
    page.get_by_role("button", name="2027-01-06, in 5 days: 4 models").press("Enter")
    expect(row(page, "tts-1")).to_be_visible()
    expect(page.get_by_text("4 of ")).to_be_visible()
    page.get_by_role("button", name="Shuts down on 2027-01-06 (remove)").click()
    expect(row(page, "whisper-1")).to_be_visible()


def test_the_time_line_follows_the_clock(page: Page, server: MockServer) -> None:
    page.goto(MODELS)
    expect(page.locator(".now")).to_have_text("01 Jan 2027")
    httpx.put(f"{server.url}/_mock/clock", json={"advance": 10 * 86_400})
    expect(page.get_by_role("button", name="2027-01-06, shut down: 4 models")).to_be_visible()
    expect(row(page, "tts-1").get_by_text("shut down")).to_be_visible()
    expect(page.locator(".now")).to_have_text("11 Jan 2027")


def test_a_model_opens_with_everything_that_is_known(page: Page) -> None:
    page.goto(f"{MODELS}?search=whisper-large")
    page.get_by_role("button", name="#g1_whisper-large", exact=True).click()
    dialog = page.get_by_role("dialog", name="#g1_whisper-large")
    expect(dialog).to_contain_text("deepgram")
    check_axe(page)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="#g1_whisper-large", exact=True)).to_be_focused()


def test_names_of_custom_models_stay_text(page: Page, server: MockServer) -> None:
    name = "<img src=x onerror=alert(1)>"
    model = {"id": name, "like": "tts-1", "name": "<script>alert(2)</script>", "summary": "'\"><b>bold</b>"}
    httpx.post(f"{server.url}/_mock/models", json=model).raise_for_status()
    page.goto(f"{MODELS}?kind=custom")
    expect(row(page, name)).to_contain_text("custom, like tts-1")
    page.get_by_role("button", name=name, exact=True).click()
    expect(page.get_by_role("dialog", name=name)).to_contain_text("'\"><b>bold</b>")


@pytest.mark.parametrize(("width", "colours"), [(360, "dark"), (800, "light")])
def test_it_fits_and_is_accessible(page: Page, width: int, colours: Any) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=colours)
    page.goto(f"{MODELS}?search=audio")
    expect(row(page, "gpt-audio")).to_be_visible()
    check_width(page)
    check_axe(page)
