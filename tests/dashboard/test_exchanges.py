"""The page of live exchanges."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, Route, expect
from websockets.sync.client import connect

from mockserver.testing.mock_server import MockServer
from tests.dashboard.checks import check_axe, check_width
from tests.dashboard.chromium import Complaints

KEY = "sk-mock-tier-5-ann"
MARKUP = "<img src=x onerror=alert(1)>"

Embed = Callable[..., httpx.Response]


def headers(key: str = KEY) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


@pytest.fixture
def embed(server: MockServer) -> Embed:
    """Return a function that sends a request, of which the entry is complete at once."""

    def send(
        model: str = "text-embedding-3-small", key: str = KEY, path: str = "/v1/embeddings"
    ) -> httpx.Response:
        body = {"model": model, "input": "Hello."}
        return httpx.post(server.url + path, json=body, headers=headers(key), timeout=60)

    return send


@pytest.fixture
def opened(page: Page) -> Callable[..., Page]:
    """Return a function that opens the page, and waits until it is live."""

    def open_(query: str = "") -> Page:
        page.goto(f"/_mock/dashboard/exchanges{query}")
        expect(page.get_by_text("live", exact=True)).to_be_visible()
        return page

    return open_


def rows(page: Page) -> Locator:
    return page.locator(".virtual-body").get_by_role("row")


def control(server: MockServer, method: str, path: str, body: Any = None, key: str = KEY) -> Any:
    response = httpx.request(
        method, f"{server.url}/_mock/{path}", json=body, headers=headers(key) if key else {}, timeout=60
    )
    assert response.is_success, response.text
    return response.json()


@contextmanager
def stream_that_waits(server: MockServer) -> Iterator[None]:
    """Begin a stream that stops after two events."""
    control(server, "POST", "faults", {"fault": "sse_delay", "after": 2, "seconds": 60, "times": 1})
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    url = f"{server.url}/v1/chat/completions"
    with httpx.stream("POST", url, json=body, headers=headers(), timeout=60) as response:
        next(response.iter_lines())
        yield


def test_an_exchange_appears_as_soon_as_it_happens(page: Page, embed: Embed) -> None:
    page.goto("/", wait_until="load")
    expect(page.get_by_text("No exchanges yet.")).to_be_visible()
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    embed()
    expect(rows(page)).to_have_count(1)
    for text in ("sk-mock-******-ann", "embeddings", "text-embedding-3-small", "200", "embedder"):
        expect(rows(page).get_by_text(text, exact=True)).to_be_visible()
    embed(model="text-9")
    expect(rows(page).first).to_contain_text("model_not_found")


def test_what_went_wrong_stands_out(opened: Callable[..., Page], embed: Embed, server: MockServer) -> None:
    embed(model="text-9")
    control(server, "POST", "faults", {"error": "server_error", "times": 1})
    embed()
    embed()
    page = opened()
    for place, (kind, text) in enumerate(
        [("is-ok", "200"), ("is-failed", "server_error"), ("is-refused", "404")]
    ):
        expect(rows(page).nth(place)).to_have_class(re.compile(kind))
        expect(rows(page).nth(place)).to_contain_text(text)
    totals = page.get_by_role("group", name="Totals of the listed exchanges")
    expect(totals).to_contain_text(re.compile(r"3 listed\s*1 refused\s*1 failed\s*0 in flight"))
    totals.get_by_role("button", name="refused").click()
    expect(rows(page)).to_have_count(1)
    assert page.url.endswith("?status=4xx")
    totals.get_by_role("button", name="refused").click()
    expect(rows(page)).to_have_count(3)
    page.goto('/_mock/dashboard/exchanges?when={"status":[200,404]}')
    expect(rows(page)).to_have_count(2)
    totals.get_by_role("button", name="failed").click()
    expect(rows(page)).to_have_count(1)
    assert page.url.endswith("?status=5xx")


def test_a_session_that_was_refused_stands_out(opened: Callable[..., Page], server: MockServer) -> None:
    control(server, "POST", "faults", {"error": "server_error", "times": 1})
    url = f"{server.base_url.replace('http', 'ws')}/realtime?model=gpt-realtime"
    with connect(url, additional_headers=headers()) as session:
        assert json.loads(session.recv())["type"] == "error"
    page = opened()
    expect(rows(page).first).to_have_class(re.compile("is-brokenOff"))
    expect(page.get_by_role("group", name="Totals")).to_contain_text("1 broken off")


def test_accounts_of_short_keys_differ(opened: Callable[..., Page], embed: Embed) -> None:
    for key in ("sk-mock-me", "sk-mock-you", "sk-mock-me"):
        embed(key=key)
    page = opened()
    expect(rows(page)).to_have_count(3)
    mine, yours, mine_too = rows(page).locator(".account").all_inner_texts()
    assert re.fullmatch(r"proj_…\w{6}", mine)
    assert mine == mine_too != yours


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (800, "light"), (1400, "light")])
def test_the_page_is_accessible_in_every_width(
    opened: Callable[..., Page], embed: Embed, server: MockServer, width: int, scheme: Any
) -> None:
    embed()
    embed(model="text-9")
    control(server, "POST", "faults", {"error": "server_error", "times": 1})
    embed()
    with stream_that_waits(server):
        page = opened('?when={"status":[200,404,500]}')
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 800})
        page.get_by_role("button", name="Add a condition").click()
        page.get_by_label("Condition", exact=True).select_option("file")
        expect(rows(page)).to_have_count(4)
        check_axe(page)
        check_width(page)


def test_a_stream_is_shown_while_it_is_sent(opened: Callable[..., Page], server: MockServer) -> None:
    page = opened()
    with stream_that_waits(server):
        expect(rows(page)).to_contain_text("in flight")
    expect(rows(page)).to_contain_text("client left")
    expect(page.get_by_text("1 broken off")).to_be_visible()
    expect(rows(page)).to_have_count(1)


def test_a_filter_is_in_the_url(opened: Callable[..., Page], embed: Embed) -> None:
    embed()
    embed(model="text-embedding-3-large")
    page = opened()
    expect(rows(page)).to_have_count(2)
    page.get_by_label("Model").fill("*-large")
    expect(rows(page)).to_have_count(1)
    assert page.url.endswith("?model=*-large")
    embed()
    embed(model="text-embedding-3-large")
    expect(rows(page)).to_have_count(2)
    page.go_back()
    expect(rows(page)).to_have_count(4)
    expect(page.get_by_label("Model")).to_have_value("")


def test_a_condition_is_added_and_removed(opened: Callable[..., Page], embed: Embed) -> None:
    embed()
    embed(model="text-9")
    page = opened()
    page.get_by_role("button", name="Add a condition").click()
    page.get_by_label("Condition", exact=True).select_option("error")
    page.get_by_label("Value: a text, or JSON").fill('["model_*", "x"]')
    page.get_by_role("button", name="Add", exact=True).click()
    expect(rows(page)).to_have_count(1)
    page.reload()
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Remove the condition error").click()
    expect(rows(page)).to_have_count(2)
    assert "?" not in page.url


def test_a_wrong_condition_is_explained(page: Page, complaints: Complaints) -> None:
    complaints.allow("400")
    page.goto('/_mock/dashboard/exchanges?when={"colour":"red"}')
    expect(page.get_by_role("alert")).to_contain_text("Unknown parameter: 'when.colour'.")
    page.get_by_role("button", name="Show all").click()
    expect(page.get_by_text("No exchanges yet.")).to_be_visible()


def test_while_it_is_paused_the_list_stays_as_it_is(opened: Callable[..., Page], embed: Embed) -> None:
    embed()
    page = opened()
    page.get_by_role("button", name="Pause").click()
    embed()
    embed()
    expect(page.get_by_role("button", name="Resume (2 new)")).to_be_visible()
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Resume").click()
    expect(rows(page)).to_have_count(3)


def test_the_list_is_used_by_keyboard(opened: Callable[..., Page], embed: Embed) -> None:
    ids = [embed().headers["x-request-id"] for _ in range(3)]
    page = opened()
    page.keyboard.press("/")
    expect(page.get_by_label("Endpoint")).to_be_focused()
    rows(page).first.get_by_role("link").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    expect(rows(page).nth(1).get_by_role("link")).to_be_focused()
    embed()
    expect(rows(page).nth(2).get_by_role("link")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/_mock/dashboard/exchanges/{ids[1]}")


def test_thousands_of_exchanges_are_listed(
    opened: Callable[..., Page], embed: Embed, server: MockServer
) -> None:
    embed()
    snapshot = control(server, "GET", "snapshot", key="")
    (entry,) = snapshot["state"]["journal"]["entries"]
    snapshot["state"]["journal"]["entries"] = [entry | {"id": f"req_{number:032}"} for number in range(3_000)]
    control(server, "PUT", "snapshot", snapshot, key="")
    page = opened()
    rows(page).first.get_by_role("link").focus()
    oldest = page.locator(f'a[href$="req_{0:032}"]')
    while not oldest.count():
        page.keyboard.press("End")
    page.keyboard.press("End")
    expect(oldest).to_be_focused()
    expect(page.get_by_role("table")).to_have_attribute("aria-rowcount", "3001")
    assert rows(page).count() < 100
    embed()
    expect(page.get_by_role("table")).to_have_attribute("aria-rowcount", "3002")
    expect(oldest).to_be_focused()


def test_many_exchanges_at_once_are_all_listed(opened: Callable[..., Page], server: MockServer) -> None:
    page = opened()
    lines = [{"model": "text-embedding-3-small", "input": "Hello."}] * 120
    with httpx.Client(timeout=60) as client:
        for body in lines:
            client.post(f"{server.url}/v1/embeddings", json=body, headers=headers())
    expect(page.get_by_role("table")).to_have_attribute("aria-rowcount", "121")


def test_deleted_exchanges_disappear(opened: Callable[..., Page], embed: Embed, server: MockServer) -> None:
    embed()
    embed(key="sk-mock-tier-5-bob")
    page = opened()
    expect(rows(page)).to_have_count(2)
    control(server, "DELETE", "journal")
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Delete all…").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No exchanges yet.")).to_be_visible()


def test_an_account_has_its_own_exchanges(opened: Callable[..., Page], embed: Embed) -> None:
    embed()
    embed(key="sk-mock-tier-5-bob")
    page = opened()
    expect(rows(page)).to_have_count(2)
    page.get_by_label("Account").fill("sk-mock-tier-5-bob")
    page.get_by_label("Account").press("Enter")
    expect(rows(page)).to_have_count(1)
    embed(key="sk-mock-tier-5-bob")
    embed()
    expect(rows(page)).to_have_count(2)


def test_what_clients_send_stays_text(opened: Callable[..., Page], embed: Embed) -> None:
    embed(model=MARKUP)
    embed(path="/v1/%3Cimg%20src=x%20onerror=alert(1)%3E")
    page = opened("?" + str(httpx.QueryParams({"when": json.dumps({"headers": {"accept": MARKUP}})})))
    expect(page.get_by_role("button", name="Remove the condition headers")).to_contain_text(MARKUP)
    page.get_by_role("button", name="Show all").click()
    expect(rows(page)).to_have_count(2)
    expect(rows(page).get_by_text(MARKUP, exact=True)).to_be_visible()
    assert page.locator("img[src='x']").count() == 0


def test_the_focus_stays_near_when_something_closes(opened: Callable[..., Page], embed: Embed) -> None:
    embed()
    page = opened()
    page.get_by_role("button", name="Add a condition").press("Enter")
    expect(page.get_by_label("Condition")).to_be_focused()
    page.get_by_role("button", name="Cancel").press("Enter")
    expect(page.get_by_role("button", name="Add a condition")).to_be_focused()
    page.get_by_role("button", name="Delete all…").press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Delete all…")).to_be_focused()


def test_two_filters_in_a_moment_are_both_kept(opened: Callable[..., Page], embed: Embed) -> None:
    embed()
    page = opened()
    page.get_by_label("Endpoint").fill("embeddings")
    page.get_by_label("Model").fill("text-*")
    expect(page).to_have_url(re.compile(r"endpoint=embeddings&model=text-"))
    expect(page.get_by_label("Endpoint")).to_have_value("embeddings")


def test_while_it_is_paused_many_exchanges_at_once_do_not_move_it(page: Page, embed: Embed) -> None:
    embed()
    page.route(
        "**/_mock/journal/events?**",
        lambda route: route.fulfill(content_type="text/event-stream", body="event: skipped\ndata: {}\n\n"),
    )
    page.goto("/_mock/dashboard/exchanges")
    page.get_by_role("button", name="Pause").click()
    embed()
    with page.expect_response("**/_mock/journal/events?**"):
        pass
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Resume").click()
    expect(rows(page)).to_have_count(2)


def test_while_it_is_paused_the_latest_are_held_back(page: Page) -> None:
    page.goto("/_mock/dashboard/exchanges")
    held = page.evaluate("""async () => {
        const { Store } = await import("/_mock/dashboard/assets/js/exchanges/store.js");
        const store = new Store(() => {});
        store.pause(true);
        for (let number = 0; number < 20_005; number += 1) store.put({ id: number, status: 200 });
        return [store.held.size, store.held.has(4), store.held.has(5), store.isOutdated];
    }""")
    assert held == [20_000, False, True, True]


def test_conditions_that_take_too_long_end_the_events(page: Page, embed: Embed) -> None:
    embed()
    asked: list[str] = []

    def fail(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(
            content_type="text/event-stream", body='event: failed\ndata: {"error": "Too long."}\n\n'
        )

    page.route("**/_mock/journal/events?**", fail)
    page.goto("/_mock/dashboard/exchanges")
    expect(page.get_by_text("not live: the conditions take too long")).to_be_visible()
    page.clock.install()
    page.clock.run_for(20_000)
    assert len(asked) == 1


def test_without_a_server_the_list_stays_and_goes_on(
    opened: Callable[..., Page], embed: Embed, complaints: Complaints
) -> None:
    complaints.allow("ERR_FAILED")
    embed()
    page = opened()
    page.route("**/_mock/journal?**", lambda route: route.abort())
    page.get_by_label("Model").fill("text-*")
    expect(page.get_by_role("alert")).to_have_text("The server does not answer. Is it still running?")
    page.unroute("**/_mock/journal?**")
    page.get_by_label("Model").fill("text-e*")
    expect(rows(page)).to_have_count(1)


def test_data_of_another_account_do_not_stay_after_a_failure(
    page: Page, complaints: Complaints, embed: Embed
) -> None:
    complaints.allow("503")
    embed(key="sk-mock-tier-5-bob")
    page.goto("/_mock/dashboard/limits")
    expect(page.get_by_role("main")).to_contain_text("sk-mock-******-bob")
    page.route("**/_mock/limits", lambda route: route.fulfill(status=503, json={"error": "Later."}))
    page.get_by_label("Account", exact=True).fill(KEY)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("Later.")
    expect(page.get_by_role("main")).not_to_contain_text("******-bob")


def test_a_key_that_no_header_can_have_is_explained(page: Page) -> None:
    page.goto("/_mock/dashboard/exchanges")
    page.get_by_label("Account", exact=True).fill("ключ")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("characters that a header cannot have")
