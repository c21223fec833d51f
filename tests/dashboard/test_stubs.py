"""The page of stubs: what they do, switches, the editor, and scenarios."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from mockserver import AudioApi
from mockserver.testing.mock_server import MockServer
from tests.dashboard.checks import check_axe, check_width
from tests.dashboard.chromium import Complaints

PAGE = "/_mock/dashboard/stubs"
SLOW = 30_000  # ms; the first refusal of a server loads what explains it
FILE = """\
- id: sunny
  when: {endpoint: chat, user_text: weather}
  reply: {say: It is sunny.}
"""
HOSTILE = "<img src=x onerror=alert(1)>{{ 7 * 7 }}"


@pytest.fixture
def server(make_server: Callable[..., MockServer], tmp_path: Path) -> MockServer:
    """Return a server with a folder of stubs."""
    (tmp_path / "weather.yaml").write_text(FILE, "utf-8")
    return make_server(whisper_model="none", stubs=(str(tmp_path),))


@pytest.fixture
def api(server: MockServer) -> AudioApi:
    return server.account("sk-mock-tier-5-caller")


@pytest.fixture
def add(server: MockServer) -> Callable[..., None]:
    """Return a function that adds a stub for all accounts, or that of a key."""

    def post(key: str = "", **document: Any) -> None:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        httpx.post(f"{server.url}/_mock/stubs", json=document, headers=headers, timeout=30).raise_for_status()

    return post


def say(api: AudioApi, text: str) -> str | None:
    messages: Any = [{"role": "user", "content": text}]
    return (
        api.client.chat.completions.create(model="gpt-4o-mini", messages=messages).choices[0].message.content
    )


def row(page: Page, id_: str) -> Locator:
    """Return the stub with an id in the list."""
    return page.locator("li.definition", has=page.get_by_role("heading", name=id_))


def editor(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Definition of the stub in YAML")


def test_hits_are_counted_while_one_looks(page: Page, api: AudioApi) -> None:
    page.goto(PAGE)
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    expect(row(page, "sunny")).to_contain_text("0 hits")
    say(api, "The weather?")
    expect(row(page, "sunny")).to_contain_text("1 hit")


def test_a_stub_that_a_script_adds_is_shown(page: Page, add: Callable[..., None]) -> None:
    page.goto(PAGE)
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    add(id="rainy", when={"endpoint": "chat"}, reply={"say": "It rains."})
    expect(row(page, "rainy")).to_be_visible()


def test_a_stub_of_a_file_is_switched_by_keyboard_and_cannot_be_edited(
    page: Page, api: AudioApi, tmp_path: Path
) -> None:
    page.goto(PAGE)
    stub = row(page, "sunny")
    expect(stub).to_contain_text(f"file {tmp_path / 'weather.yaml'}:1")
    switch = stub.get_by_role("switch", name="sunny is on")
    switch.focus()
    page.keyboard.press("Space")
    expect(stub).to_contain_text("off")
    assert say(api, "The weather?") == "You wrote: The weather?"
    page.keyboard.press("Space")
    expect(stub.get_by_text("off", exact=True)).to_have_count(0)
    assert say(api, "The weather?") == "It is sunny."
    expect(stub.get_by_role("button", name="Delete")).to_have_count(0)
    stub.get_by_role("button", name="Show sunny").click()
    expect(editor(page)).not_to_be_editable()
    expect(editor(page)).to_have_value(
        "id: sunny\nwhen:\n  endpoint: chat\n  user_text: weather\nreply:\n  say: It is sunny.\n"
    )
    expect(page.get_by_role("dialog")).to_contain_text("Edit that file")
    check_axe(page)


def test_a_stub_is_written_by_keyboard_and_its_error_is_shown_at_its_line(
    page: Page, api: AudioApi, complaints: Complaints
) -> None:
    complaints.allow("400")
    page.goto(PAGE)
    page.get_by_role("button", name="New stub").press("Enter")
    editor(page).press("Control+A")
    page.keyboard.type("when:\nuser_txt: rain")  # Enter indents
    page.keyboard.press("Enter")
    page.keyboard.press("Home")
    page.keyboard.insert_text("reply: {say: It will rain.}\n")
    page.keyboard.press("Control+Enter")
    wrong = page.get_by_role("alert")
    text = "Line 2, column 3: Unknown parameter: 'when.user_txt'. Did you mean 'user_text'?"
    expect(wrong).to_have_text(text, timeout=SLOW)
    expect(editor(page)).to_have_attribute("aria-invalid", "true")
    at = editor(page).evaluate("(area) => area.value.slice(area.selectionStart, area.selectionStart + 8)")
    assert at == "user_txt"
    check_axe(page)
    line = page.locator(".yaml-editor .numbers .bad").bounding_box()
    message = wrong.bounding_box()
    assert line is not None
    assert message is not None
    assert abs(message["y"] - (line["y"] + line["height"])) < 2
    for _ in "user_t":
        page.keyboard.press("ArrowRight")
    page.keyboard.type("e")
    expect(wrong).to_have_count(0)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("The stub stub-1 was added.")).to_be_visible()
    assert say(api, "Will there be rain?") == "It will rain."


def test_a_stub_is_edited_duplicated_deleted_and_restored(
    page: Page, api: AudioApi, add: Callable[..., None]
) -> None:
    add(id="greeting", when={"user_text": "hello"}, reply={"say": "Hi."})
    page.goto(PAGE)
    page.get_by_role("button", name="Edit greeting").click()
    editor(page).fill(editor(page).input_value().replace("Hi.", "Good morning."))
    page.get_by_role("button", name="Save").click()
    expect(row(page, "greeting")).to_contain_text("Good morning.")
    assert say(api, "Hello.") == "Good morning."
    page.get_by_role("button", name="Duplicate greeting").click()
    expect(editor(page)).to_have_value("when:\n  user_text: hello\nreply:\n  say: Good morning.\n")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(row(page, "stub-1")).to_be_visible()
    page.get_by_role("button", name="Delete stub-1").click()
    expect(row(page, "stub-1")).to_have_count(0)
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    page.get_by_role("button", name="Undo").click()
    expect(row(page, "stub-1")).to_contain_text("Good morning.")


def test_a_stub_that_a_script_changes_or_deletes_is_not_lost_in_the_editor(
    page: Page, server: MockServer, api: AudioApi, add: Callable[..., None], complaints: Complaints
) -> None:
    complaints.allow("404")
    add(id="greeting", when={"user_text": "hello"}, reply={"say": "Hi."})
    page.goto(PAGE)
    page.get_by_role("button", name="Edit greeting").click()
    mine = editor(page).input_value().replace("Hi.", "Good morning.")
    editor(page).fill(mine)
    add(id="greeting", when={"user_text": "hello"}, reply={"say": "Good evening."})
    expect(row(page, "greeting")).to_contain_text("Good evening.")
    expect(editor(page)).to_be_focused()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("It was changed elsewhere")
    assert say(api, "Hello.") == "Good evening."
    httpx.delete(f"{server.url}/_mock/stubs/greeting").raise_for_status()
    expect(row(page, "greeting")).to_have_count(0)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("It was deleted elsewhere")
    expect(editor(page)).to_have_value(mine)
    page.get_by_role("button", name="Save").click()
    expect(row(page, "greeting")).to_contain_text("Good morning.")
    expect(page.locator("main")).to_be_focused()
    assert say(api, "Hello.") == "Good morning."


def test_stubs_of_two_accounts_can_have_the_same_id(
    page: Page, server: MockServer, add: Callable[..., None]
) -> None:
    keys = ("sk-mock-tier-5-account-one", "sk-mock-tier-5-account-two")
    for key in keys:
        add(key, id="same", when={"user_text": "who"}, reply={"say": key[-3:]}, times=3)
    page.goto(PAGE)
    one = row(page, "same").filter(has_text="“one”")
    expect(one).to_contain_text("account sk-mock-")
    expect(one).to_contain_text("3 of 3 left")
    one.get_by_role("switch").uncheck()
    expect(one).to_contain_text("off")
    assert [say(server.account(key), "Who?") for key in keys] == ["You wrote: Who?", "two"]
    page.get_by_label("Account").fill(keys[1])
    page.get_by_label("Account").blur()
    expect(one).to_have_count(0)
    expect(row(page, "same")).to_contain_text("2 of 3 left")


def test_what_a_near_miss_lacked_is_shown(page: Page, api: AudioApi) -> None:
    page.goto(PAGE)
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    say(api, f"The climate? {HOSTILE}")
    request = page.locator("details", has_text="The climate?")
    request.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(request).to_contain_text("user_text wanted /weather/, got")
    expect(request.get_by_role("link", name="sunny")).to_have_attribute("href", f"{PAGE}#sunny")
    request.get_by_role("link", name="sunny").click()
    expect(page.locator("li.named")).to_contain_text("sunny")
    check_axe(page)


def test_the_state_of_a_scenario_is_set(
    page: Page, server: MockServer, api: AudioApi, add: Callable[..., None]
) -> None:
    for state, after, text in (("started", "ordered", "What?"), ("ordered", "started", "Coming up.")):
        scenario = {"name": "order", "state": state, "next": after}
        add(when={"user_text": "order"}, scenario=scenario, reply={"say": text})
    assert say(api, "An order.") == "What?"
    page.goto(PAGE)
    state_of = page.get_by_label("State of account")
    expect(state_of).to_have_value("ordered")
    with page.expect_response("**/_mock/scenarios/**"):
        state_of.select_option("started")
    expect(state_of).to_have_value("started")
    assert say(api, "An order.") == "What?"
    expect(state_of).to_have_value("ordered")
    url = f"{server.url}/_mock/scenarios/order"  # as a script does
    headers = {"authorization": f"Bearer {api.api_key}"}
    httpx.put(url, json={"state": "started"}, headers=headers, timeout=30).raise_for_status()
    expect(state_of).to_have_value("started")


def test_a_search_is_in_the_url_and_text_stays_text(page: Page, add: Callable[..., None]) -> None:
    add(id="hostile", name=HOSTILE, when={"fields": {HOSTILE: HOSTILE}}, reply={"say": HOSTILE})
    page.goto(f"{PAGE}?search=hostile")
    expect(page.locator("li.definition")).to_have_count(1)
    expect(row(page, "hostile").get_by_text(HOSTILE)).to_have_count(4)
    expect(page.locator("main img")).to_have_count(0)
    page.get_by_role("searchbox", name="Search").fill("weather sunny")
    expect(page.locator("li.definition h3")).to_have_text(["sunny "])
    expect(page).to_have_url(re.compile(r"\?search=weather\+sunny$"))
    page.get_by_role("searchbox", name="Search").fill("no such stub")
    expect(page.get_by_text("None matches.")).to_be_visible()


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (800, "dark"), (1400, "light")])
def test_the_page_fits_and_is_accessible(
    page: Page, api: AudioApi, add: Callable[..., None], width: int, scheme: Any
) -> None:
    add(id="x" * 200, name="long " * 30, scenario={"name": "long"}, reply={"say": "w" * 300}, enabled=False)
    say(api, "Hello." * 50)
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    page.goto(PAGE)
    expect(row(page, "sunny")).to_be_visible()
    expect(page.get_by_role("heading", name="Requests that no stub answered")).to_be_visible()
    check_axe(page)
    check_width(page)
    page.get_by_role("button", name="New stub").click()
    check_axe(page)
