"""The page of faults: their kinds, counts and what remains, switches and the editor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import openai
import pytest
from playwright.sync_api import Locator, Page, expect

from mockserver import AudioApi
from mockserver.testing.mock_server import MockServer
from tests.dashboard.checks import check_axe, check_width
from tests.dashboard.chromium import Complaints

PAGE = "/_mock/dashboard/faults"
SLOW = 30_000  # ms; the first refusal of a server loads what explains it
KEY = "sk-mock-tier-5-caller"
HOSTILE = "<svg onload=alert(1)>"


@pytest.fixture
def api(server: MockServer) -> AudioApi:
    return server.account(KEY)


def status(api: AudioApi) -> int:
    """Return the status of a request of the account."""
    try:
        return api.client.models.with_raw_response.list().status_code
    except openai.APIStatusError as error:
        return error.status_code


def row(page: Page, id_: str) -> Locator:
    """Return the fault with an id in the list."""
    return page.locator("li.definition", has=page.get_by_role("heading", name=id_))


def editor(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Definition of the fault in YAML")


def test_what_remains_is_counted_while_one_looks(page: Page, api: AudioApi) -> None:
    fault = api.fail_next("overloaded", times=2)
    page.goto(PAGE)
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    expect(row(page, fault.id)).to_contain_text("error overloaded")
    expect(row(page, fault.id)).to_contain_text("2 of 2 left")
    assert status(api) == 503
    expect(row(page, fault.id)).to_contain_text("1 hit")
    expect(row(page, fault.id)).to_contain_text("1 of 2 left")
    assert status(api) == 503
    expect(row(page, fault.id)).to_contain_text("used up")
    expect(row(page, fault.id)).to_contain_text("of 2 seen")


def test_a_fault_that_a_script_adds_is_shown(page: Page, api: AudioApi) -> None:
    page.goto(PAGE)
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    expect(row(page, api.fail_next("overloaded").id)).to_be_visible()


def test_a_fault_of_all_accounts_is_for_each(page: Page, server: MockServer, api: AudioApi) -> None:
    httpx.post(f"{server.url}/_mock/faults", json={"id": "all", "error": 503, "times": 3})
    page.goto(PAGE)
    expect(row(page, "all")).to_contain_text("3 for each account")
    page.get_by_label("Account").fill(KEY)
    page.get_by_label("Account").blur()
    expect(row(page, "all")).to_contain_text("3 of 3 left")


def test_a_fault_is_switched(page: Page, api: AudioApi) -> None:
    fault = api.fail_next("overloaded", times=None)
    page.goto(PAGE)
    switch = row(page, fault.id).get_by_role("switch")
    switch.uncheck()
    expect(row(page, fault.id)).to_contain_text("off")
    assert status(api) == 200
    switch.check()
    expect(row(page, fault.id).get_by_text("off", exact=True)).to_have_count(0)
    assert status(api) == 503


def test_a_fault_is_made_of_a_kind(page: Page, api: AudioApi, complaints: Complaints) -> None:
    complaints.allow("400")
    page.goto(PAGE)
    page.get_by_role("button", name="New fault").click()
    page.get_by_label("Begin with").select_option("upgrade_refused")
    expect(editor(page)).to_have_value("fault: upgrade_refused\ntimes: 1\n")
    page.get_by_label("Begin with").select_option("an error of the API")
    editor(page).fill("error: overloaded\ntimes: 1\nuntil: 1\nfrom: 2\n")
    page.get_by_role("button", name="Add", exact=True).click()
    text = "Line 3, column 1: until: must be after 'from'."
    expect(page.get_by_role("alert")).to_have_text(text, timeout=SLOW)
    check_axe(page)
    editor(page).fill("id: mine\nerror: overloaded\ntimes: 1\n")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(row(page, "mine")).to_be_visible()
    assert [status(api), status(api)] == [503, 200]


def test_a_fault_is_edited_deleted_and_restored_where_it_was(page: Page, api: AudioApi) -> None:
    fault = api.break_next("latency", times=5, seconds=0)
    page.goto(PAGE)
    page.get_by_role("button", name=f"Edit {fault.id}").click()
    editor(page).fill(f"id: {fault.id}\nerror: 503\n")
    page.get_by_role("button", name="Save").click()
    expect(row(page, fault.id)).to_contain_text("error 503")
    page.get_by_role("button", name=f"Delete {fault.id}").click()
    expect(page.get_by_text("There are no faults.")).to_be_visible()
    assert status(api) == 200
    page.get_by_role("button", name="Undo").click()
    expect(row(page, fault.id)).to_contain_text("account sk-mock-")
    assert status(api) == 503


def test_the_control_token_is_sent(
    make_server: Callable[..., MockServer], page: Page, complaints: Complaints
) -> None:
    complaints.allow("401")
    complaints.allow("off the origin")
    server = make_server(whisper_model="none", control_token="open sesame")
    httpx.post(
        f"{server.url}/_mock/faults",
        json={"id": "it", "error": 503},
        headers={"x-mock-control-token": "open sesame"},
    )
    page.goto(server.url + PAGE)
    page.get_by_label("control_token").fill("open sesame")
    page.keyboard.press("Enter")
    row(page, "it").get_by_role("switch").uncheck()
    expect(row(page, "it")).to_contain_text("off")


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (800, "light"), (1400, "dark")])
def test_the_page_fits_is_accessible_and_shows_text_as_text(
    page: Page, server: MockServer, width: int, scheme: Any
) -> None:
    fault = {
        "id": "x" * 200,
        "name": HOSTILE,
        "error": "overloaded",
        "message": HOSTILE * 10,
        "enabled": False,
    }
    when = {"file": HOSTILE, "headers": {"x-" + "y" * 100: HOSTILE}}
    httpx.post(f"{server.url}/_mock/faults", json=fault | {"when": when}).raise_for_status()
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    page.goto(PAGE)
    expect(page.locator("li.definition")).to_contain_text(HOSTILE)
    expect(page.locator("main svg")).to_have_count(0)
    check_axe(page)
    check_width(page)
    page.get_by_role("button", name="Edit").click()
    check_axe(page)
