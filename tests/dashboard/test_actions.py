"""What can be made of an exchange: a stub that answers, a fault that hits, a fixture, code; and near misses."""

from __future__ import annotations

import json

import httpx
import openai
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from mockserver.resources import data_folder
from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer
from tests.dashboard.checks import check_axe, check_width
from tests.dashboard.chromium import Complaints

_HELLO = data_folder("fixtures") / "hello.wav"
MADE = "From now on, requests like this one are answered by the stub"
_SCRIPT = "<img src=x onerror=alert(1)>'\"`$(id)"


@pytest.fixture
def api(server: MockServer) -> AudioApi:
    return server.account()


def ask(api: AudioApi, text: str, **options: str) -> str:
    completion = api.client.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": text}], extra_headers=options
    )
    return completion.choices[0].message.content or ""


def transcribe(api: AudioApi) -> str:
    return api.client.audio.transcriptions.create(model="whisper-1", file=_HELLO, prompt=_SCRIPT).text


def open_latest(page: Page, server: MockServer) -> None:
    page.goto(f"/_mock/dashboard/exchanges/{server.journal[-1]['id']}")


def open_action(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()
    expect(page.get_by_role("dialog")).to_be_visible()


def test_an_exchange_becomes_a_stub_that_answers(page: Page, server: MockServer, api: AudioApi) -> None:
    ask(api, "Good morning.")
    open_latest(page, server)

    open_action(page, "Answer this from now on")
    expect(page.get_by_label("Text of the reply")).to_have_value("You wrote: Good morning.")
    page.get_by_label("Text of the reply").fill("It is evening.")
    page.get_by_role("button", name="Answer like this").click()
    expect(page.get_by_text(MADE)).to_be_visible()

    assert ask(api, "Good morning.") == "It is evening."
    assert ask(api, "Good night.") == "You wrote: Good night."
    stub = server.journal[-2]["stub"]
    expect(page.get_by_role("link", name=stub, exact=True)).to_have_attribute(
        "href", f"/_mock/dashboard/stubs#{stub}"
    )


def test_large_integers_are_kept(page: Page, server: MockServer, api: AudioApi) -> None:
    with httpx.Client(
        base_url=server.url, headers={"authorization": f"Bearer {api.client.api_key}"}
    ) as client:
        reply = {"json": {"order": 9007199254740993}}
        client.post(
            "/_mock/stubs", json={"when": {"endpoint": "/v1/orders"}, "reply": reply}
        ).raise_for_status()
        client.post("/v1/orders", json={"after": 9007199254740995}).raise_for_status()
        open_latest(page, server)
        expect(page.locator("#request")).to_contain_text("9007199254740995")

        open_action(page, "Answer this from now on")
        page.get_by_role("button", name="Answer like this").click()
        expect(page.get_by_text(MADE)).to_be_visible()

        (mine,) = [
            each for each in httpx.get(f"{server.url}/_mock/stubs").json()["stubs"] if "account" not in each
        ]
        assert mine["reply"] == reply


def test_a_stub_is_undone(page: Page, server: MockServer, api: AudioApi) -> None:
    ask(api, "Good morning.")
    open_latest(page, server)
    open_action(page, "Answer this from now on")
    page.get_by_label("Text of the reply").fill("It is evening.")
    page.get_by_label("How many requests").fill("5")
    page.get_by_role("button", name="Answer like this").click()

    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("was removed")).to_be_visible()

    assert ask(api, "Good morning.") == "You wrote: Good morning."


def test_an_unchanged_transcript_keeps_its_segments(page: Page, server: MockServer, api: AudioApi) -> None:
    transcribe(api)
    open_latest(page, server)
    open_action(page, "Answer this from now on")
    expect(page.get_by_label("Text of the reply")).to_have_value("Hello world, this is a test.")
    page.get_by_role("button", name="Answer like this").click()
    expect(page.get_by_text(MADE)).to_be_visible()

    assert transcribe(api) == "Hello world, this is a test."
    assert server.journal[-1]["stub"] is not None


def test_a_stub_that_is_refused_is_explained_and_can_be_corrected(
    page: Page, server: MockServer, api: AudioApi, complaints: Complaints
) -> None:
    complaints.allow("400")
    ask(api, "Good morning.")
    open_latest(page, server)
    open_action(page, "Answer this from now on")
    pattern = page.get_by_label("Which requests")

    for wrong, reason in (
        ("{", "Which requests: is not JSON"),
        ('{"endpoint": "chatt"}', "Did you mean 'chat'"),
    ):
        pattern.fill(wrong)
        page.get_by_role("button", name="Answer like this").click()
        expect(page.get_by_role("alert")).to_contain_text(reason)
    pattern.fill('{"endpoint": "chat"}')
    page.get_by_role("button", name="Answer like this").click()

    expect(page.get_by_text(MADE)).to_be_visible()


def test_the_next_request_like_an_exchange_fails_once(page: Page, server: MockServer, api: AudioApi) -> None:
    ask(api, "Good morning.")
    open_latest(page, server)

    open_action(page, "Fail the next one like this")
    page.get_by_label("What the client gets").select_option("503: overloaded")
    assert json.loads(page.get_by_label("The fault, as JSON").input_value())["error"] == "overloaded"
    page.get_by_role("button", name="Fail the next one", exact=True).click()
    expect(page.get_by_text("The next request like this one fails")).to_be_visible()

    assert ask(api, "Another one.") == "You wrote: Another one."
    with pytest.raises(openai.APIStatusError) as failed:
        ask(api, "Good morning.")
    assert failed.value.status_code == 503
    assert ask(api, "Good morning.") == "You wrote: Good morning."


def test_a_fault_is_undone(page: Page, server: MockServer, api: AudioApi) -> None:
    ask(api, "Good morning.")
    open_latest(page, server)
    open_action(page, "Fail the next one like this")
    page.get_by_role("button", name="Fail the next one", exact=True).click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("was removed")).to_be_visible()

    assert ask(api, "Good morning.") == "You wrote: Good morning."


def test_with_a_key_a_stub_is_for_its_account_only(page: Page, server: MockServer, api: AudioApi) -> None:
    ask(api, "Good morning.")
    other = server.account()
    page.goto("/_mock/dashboard/clock")
    page.get_by_label("Account").fill(api.api_key)
    page.get_by_label("Account").press("Enter")
    open_latest(page, server)
    open_action(page, "Answer this from now on")
    expect(page.get_by_text("It applies to the account of the API key")).to_be_visible()
    page.get_by_label("Text of the reply").fill("It is evening.")
    page.get_by_role("button", name="Answer like this").click()
    expect(page.get_by_text(MADE)).to_be_visible()

    assert ask(api, "Good morning.") == "It is evening."
    assert ask(other, "Good morning.") == "You wrote: Good morning."


def test_a_fixture_is_downloaded(page: Page, server: MockServer, api: AudioApi) -> None:
    transcribe(api)
    open_latest(page, server)

    open_action(page, "Save as fixture")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download hello.json").click()

    assert download.value.suggested_filename == "hello.json"
    fixture = json.loads(download.value.path().read_text("utf-8"))
    assert fixture["text"] == "Hello world, this is a test."
    assert fixture["sha256"] == server.journal[-1]["audio"][0]["sha256"]


def test_code_is_shown_and_copied(
    page: Page, server: MockServer, api: AudioApi, context: BrowserContext
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    transcribe(api)
    open_latest(page, server)

    open_action(page, "Copy as")
    for tab, beginning in (
        ("curl", "curl -sS"),
        ("Python", "client = openai"),
        ("Test", "def test_transcriptions"),
    ):
        page.get_by_role("tab", name=tab).click()
        page.get_by_role("dialog").get_by_role("button", name="Copy").click()
        expect(page.get_by_role("dialog").get_by_role("button", name="Copied")).to_be_visible()
        copied = page.evaluate("navigator.clipboard.readText()")
        assert beginning in copied
        assert "onerror=alert(1)" in copied


def test_code_is_copied_where_a_page_has_no_clipboard(
    page: Page, server: MockServer, api: AudioApi, context: BrowserContext
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.add_init_script("navigator.clipboard.writeText = undefined")  # as without TLS on another machine
    transcribe(api)
    open_latest(page, server)

    open_action(page, "Copy as")
    page.get_by_role("dialog").get_by_role("button", name="Copy").click()
    expect(page.get_by_role("dialog").get_by_role("button", name="Copied")).to_be_focused()
    assert "curl -sS" in page.evaluate("navigator.clipboard.readText()")


def test_what_cannot_be_made_says_why(page: Page, server: MockServer, api: AudioApi) -> None:
    ask(api, "x" * 5000)
    open_latest(page, server)

    open_action(page, "Copy as")
    expect(page.get_by_role("dialog")).to_contain_text("messages[0].content: is too large for the journal")
    page.keyboard.press("Escape")
    open_action(page, "Save as fixture")
    expect(page.get_by_role("dialog")).to_contain_text("This exchange has none.")


def test_near_misses_say_what_differs(page: Page, server: MockServer, api: AudioApi) -> None:
    api.on_chat(user_text="morning", name=_SCRIPT).say("Hello.")
    api.on_speech().say("Hello.")
    ask(api, "Good night.")
    open_latest(page, server)

    misses = page.get_by_role("region", name="Near misses")
    misses.get_by_text("Near misses").click()
    expect(misses).to_contain_text("user_text wanted /morning/, got 'Good night.'")
    expect(misses).to_contain_text(_SCRIPT)
    expect(misses.get_by_role("link")).to_have_count(1)


def test_a_strict_refusal_shows_what_it_named(page: Page, server: MockServer, api: AudioApi) -> None:
    api.on_chat(user_text="morning").say("Hello.")
    with pytest.raises(openai.NotFoundError):
        ask(api, "Good night.", **{"x-mock-strict-stubs": "true"})
    open_latest(page, server)

    misses = page.get_by_role("region", name="Near misses")
    expect(misses).to_contain_text("No stub matches this chat request.")
    expect(misses.get_by_text("1 difference")).to_be_visible()


def test_no_stubs_no_near_misses(page: Page, server: MockServer, api: AudioApi) -> None:
    ask(api, "Good night.")
    open_latest(page, server)

    expect(page.get_by_role("button", name="Answer this from now on")).to_be_visible()
    expect(page.get_by_role("region", name="Near misses")).to_have_count(0)


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_dialogs_are_accessible_in_any_width(
    page: Page, server: MockServer, api: AudioApi, colours: str
) -> None:
    page.emulate_media(color_scheme=colours)  # type: ignore[arg-type, unused-ignore]
    transcribe(api)
    open_latest(page, server)

    for name in ("Answer this from now on", "Fail the next one like this", "Save as fixture", "Copy as"):
        open_action(page, name)
        check_axe(page)
        for width in (360, 1400):
            page.set_viewport_size({"width": width, "height": 800})
            check_width(page)
            dialog = page.get_by_role("dialog")
            assert dialog.evaluate("(it) => it.scrollWidth <= it.clientWidth")
        page.keyboard.press("Escape")
        expect(page.get_by_role("button", name=name)).to_be_focused()


def test_a_stub_is_made_by_keyboard(page: Page, server: MockServer, api: AudioApi) -> None:
    ask(api, "Good morning.")
    open_latest(page, server)

    page.get_by_role("button", name="Answer this from now on").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Text of the reply")).to_be_focused()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("It is evening.")
    while not page.get_by_role("button", name="Answer like this").evaluate(
        "(it) => it === document.activeElement"
    ):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text(MADE)).to_be_visible()

    assert ask(api, "Good morning.") == "It is evening."
