"""The page of one exchange: what was asked and answered, streams, refusals, and the way to other exchanges."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from typing import Any

import openai
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer
from tests.dashboard.checks import check_axe, check_width
from tests.dashboard.chromium import Complaints

HOSTILE = '<img src=x onerror="alert(1)"><script>alert(2)</script>'


@pytest.fixture
def api(server: MockServer) -> AudioApi:
    return server.account(tier="tier-5")


@pytest.fixture
def show(page: Page, server: MockServer) -> Callable[..., None]:
    """Return a function that opens the page of the latest exchange, at a part of it."""

    def open_page(part: str = "") -> None:
        page.goto(f"/_mock/dashboard/exchanges/{server.latest_exchange}{part}")
        expect(page.get_by_role("region", name="Request")).to_be_visible()

    return open_page


def ask(api: AudioApi, text: str, **more: Any) -> Any:
    """Ask in a chat. Return the answer."""
    return api.client.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": text}], **more
    )


def part(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name)


def pieces(page: Page) -> Locator:
    return part(page, "Stream").locator(".pieces > li")


def test_the_request_and_the_answer_are_shown(page: Page, api: AudioApi, show: Callable[..., None]) -> None:
    answer = ask(api, "Hello there.", temperature=0.5)
    show()

    expect(part(page, "POST /v1/chat/completions")).to_contain_text("200")
    expect(part(page, "Request")).to_contain_text('"temperature": 0.5')
    expect(part(page, "Answer")).to_contain_text(answer.id)
    expect(part(page, "Answer").get_by_role("figure")).to_contain_text("You wrote: Hello there.")
    part(page, "Answer").get_by_role("tab", name="Headers").click()
    headers = part(page, "Answer").get_by_role("table", name="Answer: Headers")
    expect(headers.get_by_role("row", name="x-request-id req_")).to_contain_text(answer._request_id)
    expect(part(page, "Usage and cost")).to_contain_text(str(answer.usage.total_tokens))
    expect(part(page, "Limits")).to_contain_text("29,999 of 30,000 left")
    expect(part(page, "Timing")).to_contain_text("Complete after")


def test_a_document_is_searched(page: Page, api: AudioApi, show: Callable[..., None]) -> None:
    ask(api, "Hello there.")
    show()
    answer = part(page, "Answer")

    answer.get_by_role("searchbox").fill("FINISH")
    expect(answer.get_by_role("status").filter(has_text="1 found")).to_be_visible()
    expect(answer.locator("mark")).to_have_text("finish")
    expect(answer).not_to_contain_text("system_fingerprint")
    answer.get_by_role("searchbox").fill("")
    expect(answer).to_contain_text("system_fingerprint")


def test_a_document_is_folded_by_keyboard(page: Page, api: AudioApi, show: Callable[..., None]) -> None:
    ask(api, "Hello there.")
    show()
    usage = part(page, "Answer").get_by_role("button", name=re.compile('"usage": '))

    usage.press("Enter")
    expect(usage).to_have_attribute("aria-expanded", "false")
    expect(part(page, "Answer")).not_to_contain_text("reasoning_tokens")
    part(page, "Answer").get_by_role("button", name="Unfold all").press("Enter")
    expect(part(page, "Answer")).to_contain_text("reasoning_tokens")


def test_a_long_text_is_shown_in_part_and_as_a_whole(
    page: Page, api: AudioApi, show: Callable[..., None]
) -> None:
    ask(api, "a" * 1000 + " the end")
    show()
    said = part(page, "Request").get_by_role("figure")

    expect(said).not_to_contain_text("the end")
    said.get_by_role("button", name="Show all 1,008 characters").click()
    expect(said).to_contain_text("the end")


def test_a_long_list_is_shown_in_parts(page: Page, api: AudioApi, show: Callable[..., None]) -> None:
    api.client.embeddings.create(model="text-embedding-3-small", input=[f"text {n}" for n in range(150)])
    show()
    request = part(page, "Request")

    request.get_by_role("button", name=re.compile('"input": ')).click()
    expect(request).not_to_contain_text('"text 149"')
    request.get_by_role("button", name="Show more of 150 values").click()
    expect(request).to_contain_text('"text 149"')


def test_a_body_is_copied(
    page: Page, context: BrowserContext, api: AudioApi, show: Callable[..., None]
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(api, "Hello there.", user="me")
    show()

    part(page, "Request").get_by_role("tabpanel").get_by_role("button", name="Copy").click()
    expect(part(page, "Request").get_by_role("button", name="Copied")).to_be_visible()
    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert copied["messages"] == [{"role": "user", "content": "Hello there."}]


def test_the_pieces_of_a_stream_are_shown(page: Page, api: AudioApi, show: Callable[..., None]) -> None:
    chunks = list(ask(api, "Hello there.", stream=True))
    show("#pieces")
    stream = part(page, "Stream")

    expect(stream).to_be_focused()
    expect(stream.get_by_role("paragraph").first).to_contain_text(f"{len(chunks) + 1} pieces")
    expect(pieces(page)).to_have_count(len(chunks) + 1)
    expect(stream.get_by_role("img", name=f"{len(chunks) + 1} pieces from")).to_be_visible()
    row = pieces(page).filter(has_text='" Hello"')
    row.locator("summary").press("Enter")
    expect(row).to_contain_text('"object": "chat.completion.chunk"')
    expect(part(page, "Answer")).to_contain_text("You wrote: Hello there.")
    check_axe(page)


def test_a_piece_is_chosen_on_the_time_line(page: Page, api: AudioApi, show: Callable[..., None]) -> None:
    list(ask(api, "Hello there.", stream=True))
    show()
    stream = part(page, "Stream")

    stream.locator(".piece").nth(1).dispatch_event("click")
    expect(pieces(page).nth(1).locator("pre")).to_contain_text('"content":"You"')


def test_a_stream_is_followed_while_it_is_in_flight(
    page: Page, api: AudioApi, server: MockServer, show: Callable[..., None]
) -> None:
    gone = threading.Event()
    api.on_chat(user_text="slowly").say("one two three four five six", tokens_per_second=2)

    def listen() -> None:
        for _ in ask(api, "slowly", stream=True):
            gone.set()

    listener = threading.Thread(target=listen)
    listener.start()
    assert gone.wait(10)
    show()

    expect(page.get_by_text("in flight", exact=True)).to_be_visible()
    expect(pieces(page).filter(has_text='" two"')).to_be_visible()
    expect(page.get_by_text("in flight", exact=True)).not_to_be_visible()
    expect(pieces(page).filter(has_text="[DONE]")).to_be_visible()
    expect(part(page, "POST /v1/chat/completions")).to_contain_text("200")
    listener.join()


def test_a_refusal_says_why(page: Page, api: AudioApi, show: Callable[..., None]) -> None:
    fault = api.fail_next("rate_limit_requests")
    with pytest.raises(openai.RateLimitError):
        api.client.with_options(max_retries=0).models.list()
    with pytest.raises(openai.NotFoundError):
        api.client.chat.completions.create(model="gpt-none", messages=[{"role": "user", "content": "Hi"}])
    show()

    expect(page.get_by_role("alert")).to_contain_text("Refused with model_not_found: The model")
    page.get_by_role("link", name="Previous").click()
    expect(page.get_by_role("alert")).to_contain_text("Refused with rate_limit_requests")
    expect(page.get_by_text("was applied: error")).to_be_visible()
    link = page.get_by_role("link", name=fault.id)
    expect(link).to_have_attribute("href", f"/_mock/dashboard/faults#{fault.id}")


def test_of_binary_data_the_size_is_shown(page: Page, api: AudioApi, show: Callable[..., None]) -> None:
    api.on_speech().reply_bytes(b"\x00\x01\x02", content_type="audio/mpeg")
    api.client.audio.speech.create(model="tts-1", voice="alloy", input="Good morning.")
    show()

    expect(part(page, "Answer")).to_contain_text("3 B")
    expect(part(page, "Answer")).to_contain_text(
        "ae4b3280e56e2faf83f414a6e3dabe9d5fbe18976544c05fed121accb85b53fc"
    )


def test_a_file_that_is_not_audio_has_no_player(page: Page, api: AudioApi, show: Callable[..., None]) -> None:
    api.client.files.create(file=("requests.jsonl", b"{}"), purpose="batch")
    show()

    expect(part(page, "POST /v1/files")).to_contain_text("requests.jsonl")
    expect(page.locator(".player")).to_have_count(0)
    expect(part(page, "Audio")).to_have_count(0)


def test_other_exchanges_are_reached(page: Page, api: AudioApi, show: Callable[..., None]) -> None:
    for number in (1, 2, 3):
        ask(api, f"Number {number}")
    show()
    request = part(page, "Request")

    expect(page.get_by_role("link", name="Next")).to_have_count(0)
    page.get_by_role("link", name="Previous").click()
    expect(request).to_contain_text("Number 2")
    page.get_by_role("link", name="Previous").click()
    expect(request).to_contain_text("Number 1")
    page.get_by_role("link", name="Next").click()
    expect(request).to_contain_text("Number 2")
    page.get_by_role("link", name="All exchanges").click()
    expect(page).to_have_url(re.compile("/_mock/dashboard/exchanges$"))


def test_texts_of_users_stay_texts(page: Page, api: AudioApi, show: Callable[..., None]) -> None:
    client = api.client.with_options(
        default_headers={"x-note": HOSTILE, "user-agent": HOSTILE}, default_query={HOSTILE: HOSTILE}
    )
    client.chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "system", "content": HOSTILE}, {"role": "user", "content": HOSTILE}],
        metadata={HOSTILE: HOSTILE},
    )
    show()

    for name in ("Headers", "Query"):
        part(page, "Request").get_by_role("tab", name=name).click()
        expect(part(page, "Request").get_by_role("tabpanel")).to_contain_text(HOSTILE)
    expect(part(page, "Request").get_by_role("figure")).to_have_count(2)
    assert page.locator("main img, main script").count() == 0
    check_width(page)


def test_an_exchange_that_is_not_in_the_journal_is_reported(page: Page, complaints: Complaints) -> None:
    complaints.allow("404")
    complaints.allow("400")
    page.goto("/_mock/dashboard/exchanges/req_unknown")

    expect(page.get_by_role("alert")).to_contain_text("Unknown journal entry 'req_unknown'")
    expect(page.get_by_role("link", name="All exchanges")).to_be_visible()
