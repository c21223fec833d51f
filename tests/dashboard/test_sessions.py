"""Realtime sessions in a real browser: the list, and one session as two tracks on a time line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from mockserver.caller.call import Call
from mockserver.dashboard.pages import PREFIX
from mockserver.testing.mock_server import MockServer
from tests.dashboard.checks import check_axe, check_width
from tests.waiting import eventually

KEY = "sk-mock-tier-5-dashboard-sessions"
STORY, ANOTHER = "Please tell me a story.", "No, another one."
NASTY = "<img src=x onerror=alert(1)>"


@pytest.fixture
def server(make_server: Callable[..., MockServer]) -> MockServer:
    """Return a server that keeps audio."""
    return make_server(whisper_model="none", keep_audio=1 << 24)


def call(server: MockServer) -> Call:
    """Begin a call, which makes a session."""
    account = server.account(KEY)
    account.on_realtime().say("Once upon a time there was a king who had three daughters.")
    return account.caller(session={"instructions": f"Be brief. {NASTY}"})


def talk(server: MockServer) -> None:
    """Hold a call with two replies, of which the caller interrupts the first."""
    with call(server) as caller:
        caller.say(STORY)
        caller.interrupt(ANOTHER, after_ms=1_000)
        caller.hear()
    assert eventually(lambda: not server.journal[-1]["in_flight"])


def show_session(page: Page, server: MockServer) -> None:
    page.goto(f"{server.url}{PREFIX}/exchanges/{server.latest_exchange}")
    expect(page.locator(".session-line")).to_be_visible()


def test_the_list_shows_what_was_said(page: Page, server: MockServer) -> None:
    talk(server)
    page.goto(f"{server.url}{PREFIX}/sessions")

    session = page.locator(".sessions > li")
    expect(session).to_have_count(1)
    expect(session.locator(".caller")).to_have_text([f"Caller: {STORY}", f"Caller: {ANOTHER}"])
    expect(session.locator(".assistant").first).to_contain_text("Once upon a time")
    expect(session.get_by_text("1 interrupted")).to_be_visible()
    session.get_by_role("link").click()
    expect(page.get_by_role("heading", name="Realtime session")).to_be_visible()


def test_a_session_appears_while_it_is_open(page: Page, server: MockServer) -> None:
    page.goto(f"{server.url}{PREFIX}/sessions")
    expect(page.get_by_text("No Realtime session yet.")).to_be_visible()
    expect(page.locator(".live.on")).to_be_visible()

    with call(server) as caller:
        expect(page.locator(".sessions").get_by_text("open", exact=True)).to_be_visible()
        caller.say(STORY)
        caller.hear()
        expect(page.locator(".sessions").get_by_text(STORY)).to_be_visible()
    expect(page.locator(".sessions").get_by_text("101")).to_be_visible()


def test_both_sides_are_on_one_time_line(page: Page, server: MockServer) -> None:
    talk(server)
    show_session(page, server)

    expect(page.locator(".lane.caller .block")).to_have_count(2)
    expect(page.locator(".lane.assistant .block")).to_have_count(2)
    expect(page.locator(".block canvas")).to_have_count(4)
    expect(page.locator(".lane.assistant .cut")).to_have_count(1)
    boxes = [page.locator(".block").nth(number).bounding_box() for number in range(4)]
    caller, assistant = boxes[0], boxes[2]
    assert caller is not None
    assert assistant is not None
    assert caller["x"] + caller["width"] < assistant["x"], "the assistant answers after the caller"
    events = server.journal[-1]["realtime"]["events"]
    expect(page.locator("svg.session-marks line")).to_have_count(len(events))
    expect(page.locator("svg.session-marks line.cut")).to_have_count(1)


def test_a_block_opens_its_turn_with_players(page: Page, server: MockServer) -> None:
    talk(server)
    show_session(page, server)

    page.get_by_role("button", name="Assistant, 0:0").first.click()
    turn = page.locator(".turns > li").first
    expect(turn.locator("button.turn")).to_have_attribute("aria-expanded", "true")
    expect(turn.get_by_text("interrupted")).to_be_visible()
    expect(turn.get_by_text(f"Be brief. {NASTY}")).to_be_visible()
    assert page.locator("img[src=x]").count() == 0
    players = turn.locator(".player")
    expect(players).to_have_count(2)
    durations = "[...document.querySelectorAll('.player audio')].map((each) => each.duration)"
    assert eventually(lambda: [each > 1 for each in page.evaluate(durations)] == [True, True])


def test_both_sides_play_together(page: Page, server: MockServer) -> None:
    talk(server)
    show_session(page, server)
    position = page.get_by_role("slider", name="Position in the session")

    page.get_by_role("button", name="Play both sides").click()
    assert eventually(lambda: float(position.input_value()) > 0.2)
    page.get_by_role("button", name="Pause").first.click()
    position.focus()
    page.keyboard.press("End")
    assert float(position.input_value()) > 5


def test_events_are_found_by_type(page: Page, server: MockServer) -> None:
    talk(server)
    show_session(page, server)

    page.get_by_label("Type contains").fill("truncate")
    rows = page.locator(".session-events tbody tr")
    expect(rows).to_have_count(2)
    rows.first.get_by_role("button").click()
    expect(rows.first).to_contain_text('"audio_end_ms": ')


def test_without_kept_audio_the_page_says_how_to_keep_it(
    page: Page, make_server: Callable[..., MockServer]
) -> None:
    server = make_server(whisper_model="none")
    talk(server)
    show_session(page, server)

    expect(page.get_by_text("What the caller said was not kept.")).to_be_visible()
    expect(page.locator(".lane.caller .block")).to_have_count(2)
    expect(page.locator(".lane.assistant .block canvas")).to_have_count(2)


def test_what_a_client_commits_itself_is_on_the_track_of_the_caller(page: Page, server: MockServer) -> None:
    without_turns = {"audio": {"input": {"turn_detection": None}}}
    with server.account(KEY).caller(session=without_turns) as caller:
        caller.say(STORY)
        caller.hear()
    show_session(page, server)

    expect(page.locator(".lane.caller .block canvas")).to_have_count(1)
    page.locator(".lane.caller .block").click()
    expect(page.locator(".turns .player")).to_have_count(2)


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_a_session_is_accessible_and_fits(page: Page, server: MockServer, colours: Any) -> None:
    talk(server)
    page.emulate_media(color_scheme=colours)
    show_session(page, server)
    page.locator(".turns button.turn").first.click()
    expect(page.locator(".player canvas")).to_have_count(2)

    check_axe(page)
    for width in (360, 800, 1400):
        page.set_viewport_size({"width": width, "height": 800})
        check_width(page)
