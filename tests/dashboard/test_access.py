"""Who may open the pages: the control token is asked for, and stays in the tab."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from mockserver.testing.mock_server import MockServer
from tests.dashboard.checks import check_axe
from tests.dashboard.chromium import Complaints

TOKEN = "open sesame"
LABEL = "The server's setting control_token, which stays in this tab"


def test_the_page_asks_for_the_token_and_works_with_it(
    page: Page, make_server: Callable[..., MockServer], complaints: Complaints
) -> None:
    complaints.allow("status of 401")
    guarded = make_server(whisper_model="none", control_token=TOKEN)
    guarded.on_chat(name="greeting").reply("Hello.")

    page.goto(f"{guarded.url}/_mock/dashboard/stubs")
    dialog = page.get_by_role("dialog", name="This server has a control token")
    check_axe(page)
    page.get_by_label(LABEL).fill("wrong")
    page.get_by_label(LABEL).press("Enter")
    expect(dialog.get_by_role("alert")).to_have_text("The token is wrong.")
    expect(page.get_by_role("main")).not_to_contain_text("greeting")
    page.get_by_label(LABEL).fill(TOKEN)
    page.get_by_label(LABEL).press("Enter")

    expect(dialog).to_have_count(0)
    expect(page.get_by_role("main")).to_contain_text("greeting")
    page.goto(f"{guarded.url}/_mock/dashboard/clock")
    expect(dialog).to_have_count(0)
    assert page.evaluate("localStorage.length + document.cookie.length") == 0
    assert TOKEN not in page.url


def test_another_tab_is_asked_again(
    page: Page, make_server: Callable[..., MockServer], complaints: Complaints
) -> None:
    complaints.allow("status of 401")
    guarded = make_server(whisper_model="none", control_token=TOKEN)
    page.goto(f"{guarded.url}/_mock/dashboard/clock")
    page.get_by_label(LABEL).fill(TOKEN)
    page.get_by_label(LABEL).press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)

    other = page.context.new_page()
    other.goto(f"{guarded.url}/_mock/dashboard/clock")

    expect(other.get_by_role("dialog")).to_be_visible()


def test_a_name_that_leads_here_since_shows_a_refusal(
    page: Page, server: MockServer, complaints: Complaints
) -> None:
    complaints.allow("status of 403|Opener-Policy|MIME type")  # the styles are refused, too
    port = server.url.rpartition(":")[2]

    page.goto(f"http://rebound.example:{port}/_mock/dashboard/limits")

    expect(page.get_by_role("main")).to_contain_text("rebound.example")
    expect(page.locator("#page")).to_have_count(0)
