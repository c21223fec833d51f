"""The page `work`: batches, jobs and responses in the background, and their progress."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from mockserver.resources import data_folder
from mockserver.testing.mock_server import MockServer
from tests.dashboard.checks import check_axe, check_width
from tests.dashboard.chromium import Complaints

WORK = "/_mock/dashboard/work"
KEY = "sk-mock-tier-5-work"
NOON = 1_800_000_000.0


@pytest.fixture
def server(make_server: Callable[..., MockServer]) -> MockServer:
    """Return a server whose clock stands still; work takes a minute in each of its states."""
    return make_server(
        whisper_model="none",
        frozen_time=NOON,
        batch_seconds=60.0,
        background_seconds=60.0,
        stt_queued_seconds=60.0,
    )


@dataclass(frozen=True)
class Caller:
    """An account that begins work, and the clock."""

    client: httpx.Client

    def respond(self) -> str:
        body = {"model": "gpt-4o-mini", "input": "Hello.", "background": True}
        return str(self.client.post("/v1/responses", json=body).json()["id"])

    def transcribe(self) -> None:
        form = {"model": "openai/gpt-4o-mini-transcribe"}
        audio = ("hello.wav", (data_folder("fixtures") / "hello.wav").read_bytes())
        self.client.post("/v1/stt/create", data=form, files={"audio": audio}).raise_for_status()

    def batch(self, *temperatures: float) -> str:
        """Begin a batch of chats; those of a temperature above 2 are refused."""
        rows = [
            {
                "custom_id": str(number),
                "method": "POST",
                "url": "/v1/chat/completions",
                "body": chat(temperature),
            }
            for number, temperature in enumerate(temperatures)
        ]
        lines = "\n".join(json.dumps(row) for row in rows)
        file = self.client.post("/v1/files", data={"purpose": "batch"}, files={"file": ("rows.jsonl", lines)})
        asked = {
            "input_file_id": file.json()["id"],
            "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
        }
        return str(self.client.post("/v1/batches", json=asked).json()["id"])

    def advance(self, seconds: float) -> None:
        self.client.put("/_mock/clock", json={"advance": seconds}).raise_for_status()


def chat(temperature: float) -> dict[str, Any]:
    message = {"role": "user", "content": "Hello."}
    return {"model": "gpt-4o-mini", "messages": [message], "temperature": temperature}


@pytest.fixture
def caller(server: MockServer) -> Iterator[Caller]:
    with httpx.Client(base_url=server.url, headers={"authorization": f"Bearer {KEY}"}) as client:
        yield Caller(client)


def card(page: Page, text: str) -> Locator:
    """Return what the page shows of the work with a text."""
    return page.get_by_role("listitem").filter(has_text=text).filter(has=page.locator("dl"))


def look_again(page: Page) -> None:
    """Let the page read again, as when its tab is opened again."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_without_work_it_says_how_to_make_some(page: Page) -> None:
    page.goto(WORK)
    expect(page.get_by_text("No batch, job or response in the background yet.")).to_be_visible()
    expect(page.get_by_text("x-mock-background-seconds: 20")).to_be_visible()
    check_axe(page)


def test_the_lines_of_a_batch_are_a_bar(page: Page, caller: Caller) -> None:
    batch = caller.batch(1, 1, 3, 1)
    caller.advance(60)
    page.goto(WORK)
    shown = card(page, batch)
    expect(shown.get_by_text("in progress")).to_be_visible()
    expect(shown.get_by_role("progressbar")).to_have_attribute("aria-valuetext", "0 of 4 lines")
    caller.advance(60)
    look_again(page)
    expect(shown.get_by_role("progressbar")).to_have_attribute("aria-valuetext", "4 of 4 lines")
    expect(shown.get_by_text("1 failed")).to_be_visible()
    check_axe(page)
    shown.get_by_role("link", name="Its lines").click()
    expect(page.get_by_role("heading", name="Exchanges")).to_be_visible()
    when = parse_qs(urlsplit(page.url).query)["when"][0]
    assert len(caller.client.get("/_mock/journal", params={"when": when}).json()["entries"]) == 4


def test_the_clock_moves_a_response_without_a_click(page: Page, caller: Caller) -> None:
    response = caller.respond()
    page.goto(WORK)
    expect(card(page, response).get_by_text("queued")).to_be_visible()
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    caller.client.put("/_mock/clock", json={"freeze": False, "scale": 60})
    expect(card(page, response).get_by_text("completed")).to_be_visible()


def test_new_work_appears_by_itself(page: Page, caller: Caller) -> None:
    page.goto(WORK)
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    response = caller.respond()
    expect(card(page, response)).to_be_visible()


def test_a_kind_can_be_chosen(page: Page, caller: Caller) -> None:
    response = caller.respond()
    caller.transcribe()
    page.goto(WORK)
    expect(page.get_by_text("2 of 2 in progress")).to_be_visible()
    page.get_by_label("Kind").select_option("Speech-to-text job")
    expect(card(page, "openai/gpt-4o-mini-transcribe")).to_be_visible()
    expect(card(page, response)).to_be_hidden()
    page.get_by_label("Kind").select_option("Batch")
    expect(page.get_by_text("There is no work of this kind.")).to_be_visible()


def test_the_key_of_the_account_cancels_a_response(
    page: Page, caller: Caller, complaints: Complaints
) -> None:
    response = caller.respond()
    page.goto(WORK)
    expect(card(page, response)).to_be_visible()
    expect(page.get_by_role("button", name="Cancel")).to_be_hidden()
    page.get_by_label("Account").fill(KEY)
    page.keyboard.press("Enter")
    complaints.allow("ERR_FAILED")
    page.route("**/cancel", lambda route: route.abort(), times=1)
    card(page, response).get_by_role("button", name="Cancel").click()
    expect(card(page, response).get_by_role("alert")).to_contain_text("The server does not answer.")
    card(page, response).get_by_role("button", name="Cancel").click()
    expect(card(page, response).get_by_text("cancelled")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel")).to_be_hidden()


@pytest.mark.parametrize(("width", "colours"), [(360, "dark"), (800, "light")])
def test_it_fits_and_is_accessible(page: Page, caller: Caller, width: int, colours: Any) -> None:
    caller.batch(1)
    caller.respond()
    caller.transcribe()
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=colours)
    page.goto(WORK)
    expect(page.get_by_role("progressbar")).to_have_count(3)
    check_width(page)
    check_axe(page)
